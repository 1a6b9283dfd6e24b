"""All events. Each has a sample under `tests/contracts/samples`, which is never edited, only joined by others."""

import re
from collections.abc import Iterable

from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.corrections import CorrectionChanged
from shared.contracts.days import DayClosed, DayUpdated
from shared.contracts.event import Event
from shared.contracts.expected_days import ExpectedDays
from shared.contracts.leave import HolidayChanged, LeaveRequestChanged
from shared.contracts.machines import ErrorOccurred, MachineChanged, MachineConnected, MachineDisconnected
from shared.contracts.people import PersonChanged
from shared.contracts.recomputing import RecomputeChanged
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
    CorrectionChanged,
    AdjustmentChanged,
    ExpectedDays,
    HolidayChanged,
    LeaveRequestChanged,
    DayClosed,
    RecomputeChanged,
)


_WIRE_TYPE = re.compile(r"[a-z]+(\.[a-z_]+)+\.v[1-9][0-9]*")


def by_type(events: Iterable[type[Event]]) -> dict[str, type[Event]]:
    """The events by their wire type.

    Raises:
        ValueError: two share a type, or one's is not of the form `service.noun.verb.v1`.
    """
    found: dict[str, type[Event]] = {}
    for event in events:
        if not _WIRE_TYPE.fullmatch(event.wire_type):
            raise ValueError(f"{event.__name__}: {event.wire_type!r} is not of the form service.noun.verb.v1")
        if other := found.get(event.wire_type):
            raise ValueError(f"{event.__name__} and {other.__name__} have the same wire type {event.wire_type}")
        found[event.wire_type] = event
    return found


BY_TYPE = by_type(EVENTS)
