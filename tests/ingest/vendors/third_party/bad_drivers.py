"""Drivers that are none, or fail."""

from services.ingest.domain.machine import Machine
from tests.ingest.vendors.third_party.acme.driver import Acme


class Failing(Acme):
    """One that fails whenever it is asked about a machine."""

    kind = "failing"

    def lacks(self, machine: Machine) -> str:
        raise ZeroDivisionError


class Odd(Acme):
    """One whose kind is no text."""

    kind = ["odd"]  # type: ignore[assignment]  # noqa: RUF012 - that is what is odd
