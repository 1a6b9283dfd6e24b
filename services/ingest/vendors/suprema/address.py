"""Which BioStar server a machine stands behind, and by which number that knows it."""

from dataclasses import dataclass, field

from services.ingest.application.drivers import NotSetUp
from services.ingest.domain.machine import Machine
from services.ingest.vendors.suprema.settings import SupremaSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One server, and who we are to it. Machines with equal ones share a login and a socket."""

    host: str
    port: int
    https: bool
    username: str
    password: str = field(repr=False)
    certificate: str = field(repr=False)
    verify: bool
    connect_within: float
    answer_within: float
    silent_after: float

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


def address_of(machine: Machine, settings: SupremaSettings) -> Address:
    """The server of a machine.

    Raises:
        NotSetUp: the registry does not say.
    """
    if missing := missing_of(machine, settings):
        raise NotSetUp(f"{missing}; set it, or the status inactive if only its files are imported")
    return Address(
        host=machine.ip_address or "",
        port=machine.port or (443 if settings.https else 80),
        https=settings.https,
        username=settings.username,
        password=settings.password,
        certificate=settings.certificate,
        verify=settings.verify,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
        silent_after=settings.silent_after,
    )


def device_of(machine: Machine, settings: SupremaSettings) -> str:
    """The number by which the server knows the machine."""
    return settings.device_id or machine.serial or ""


def missing_of(machine: Machine, settings: SupremaSettings) -> str:
    """What is missing for contact, in words."""
    if not machine.ip_address:
        return "it has no address, which is that of its BioStar server"
    if not settings.password:
        return "its config has no password"
    if not device_of(machine, settings):
        return "neither its config has a device_id nor the machine a serial number"
    return ""
