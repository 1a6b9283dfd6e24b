"""All events. Each has a sample under `tests/contracts/samples`, which is never edited, only joined by others."""

from shared.contracts.days import DayUpdated
from shared.contracts.event import Event
from shared.contracts.machines import ErrorOccurred, MachineChanged, MachineConnected, MachineDisconnected
from shared.contracts.people import PersonChanged
from shared.contracts.scans import ScanReceived
from shared.contracts.users import UserChanged

EVENTS: tuple[type[Event], ...] = (
    ScanReceived,
    MachineChanged,
    MachineConnected,
    MachineDisconnected,
    ErrorOccurred,
    PersonChanged,
    DayUpdated,
    UserChanged,
)

BY_TYPE: dict[str, type[Event]] = {event.wire_type: event for event in EVENTS}
