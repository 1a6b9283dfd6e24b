"""Events as services publish them, for tests of who listens."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from shared.bus.port import BATCH, EVENT, Delivery, Message
from shared.contracts.cloudevents import encode, encode_batch
from shared.contracts.days import DayUpdated
from shared.contracts.event import Event, Version
from shared.contracts.people import BadgeHeld, PersonChanged
from shared.kernel.identifiers import new_id

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


def person(number: int, *, n: int = 1, epoch: int = 1, **facts: Any) -> PersonChanged:
    """Somebody: `person(7, n=2, name="Zoë")`."""
    usual: dict[str, Any] = {
        "person_id": number,
        "code": f"EMP{number:03}",
        "name": f"Person {number}",
        "email": None,
        "department": "Sewing",
        "unit_id": 5,
        "unit_path": [5, 1],
        "designation": None,
        "level_of_work": "Worker",
        "site_id": 1,
        "joined_on": date(2020, 1, 1),
        "left_on": None,
        "badges": [BadgeHeld(badge=str(number))],
        "version": Version(epoch=epoch, n=n),
    }
    return PersonChanged(**{**usual, **facts})


def day(number: int, on: date, *, n: int = 1, epoch: int = 1, **facts: Any) -> DayUpdated:
    """A day of somebody's: `day(7, date(2024, 1, 15), n=2, worked_minutes=510)`."""
    usual: dict[str, Any] = {
        "person_id": number,
        "employee_id": f"EMP{number:03}",
        "employee_name": f"Person {number}",
        "department": "Sewing",
        "designation": None,
        "level_of_work": "Worker",
        "unit_path": [5, 1],
        "site_id": 1,
        "zone": "Asia/Dhaka",
        "date": on,
        "status": "Present-OnTime",
        "first_in": datetime(2024, 1, 15, 2, tzinfo=UTC),
        "last_out": None,
        "check_in": "08:00",
        "check_out": None,
        "worked_minutes": n,
        "overtime_minutes": 0,
        "extra_overtime_minutes": 0,
        "late_minutes": 0,
        "early_departure_minutes": 0,
        "shortfall_minutes": 0,
        "snacks_eligible": False,
        "night_bill_eligible": False,
        "flags": [],
        "total_scans": 1,
        "scans": [],
        "computed_at": NOON,
        "live": False,
        "version": Version(epoch=epoch, n=n),
    }
    return DayUpdated(**{**usual, **facts})


def message(*events: Event) -> Message:
    """One event, or a batch of events of one type."""
    kind = type(events[0])
    if len(events) == 1:
        body, content_type = encode(events[0], id=str(new_id()), time=NOON), EVENT
    else:
        body, content_type = encode_batch(((str(new_id()), event) for event in events), time=NOON), BATCH
    return Message(id=str(new_id()), type=kind.wire_type, body=body, content_type=content_type)


def spoilt(whole: Message, index: int, **members: Any) -> Message:
    """The message with members of one event's envelope changed: `spoilt(m, 2, type="x.y.v9")`."""
    envelopes = json.loads(whole.body)
    envelopes[index] |= members
    return Message(id=whole.id, type=whole.type, body=json.dumps(envelopes).encode(), content_type=whole.content_type)


def deliveries(*messages: Message) -> Sequence[Delivery]:
    """As a bus hands them over."""
    return [Delivery(message=one, attempt=1) for one in messages]
