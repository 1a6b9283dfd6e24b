"""Passwords that a machine has refused: not tried again by ourselves while that could lock an account.

A terminal locks a user out for half an hour after about five wrong passwords, for people at its own menu too. A watch
tries again after 5, 10 and 20 minutes; together with a test or two that would be enough.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from services.ingest.application.drivers import WrongCredentials
from services.ingest.domain.machine import Machine
from services.ingest.vendors.hikvision.settings import HikvisionSettings
from shared.kernel.clock import Clock

NOT_AGAIN_FOR: Final = timedelta(minutes=30)


class Refusals:
    """One for all machines of a driver."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[int, tuple[str, datetime, str]] = {}

    def check(self, machine: Machine, settings: HikvisionSettings) -> None:
        """Pass where nothing is known against trying.

        Raises:
            WrongCredentials: the same were refused there within the last half hour.
        """
        what, at, said = self._noted.get(machine.id, ("", None, ""))
        if at is not None and what == _what(machine, settings) and self._clock.now() - at < NOT_AGAIN_FOR:
            raise WrongCredentials(said)

    def note(self, machine: Machine, settings: HikvisionSettings, refused: WrongCredentials) -> None:
        """They were refused."""
        self._noted[machine.id] = _what(machine, settings), self._clock.now(), refused.message

    def forget(self, machine: Machine) -> None:
        """It lets us in."""
        self._noted.pop(machine.id, None)


def _what(machine: Machine, settings: HikvisionSettings) -> str:
    """Address, user and password as one text that gives none of them away."""
    text = "\0".join((machine.ip_address or "", str(machine.port), settings.username, settings.password))
    return hashlib.sha256(text.encode()).hexdigest()
