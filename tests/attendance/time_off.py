"""Events of leave, as its contract's samples have them: they stand in for the service until it publishes its own."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts.cloudevents import CONTENT_TYPE, decode
from shared.contracts.event import Version
from shared.contracts.leave import ChargedDate, HolidayChanged, LeaveRequestChanged

SAMPLES = Path(__file__).parents[1] / "contracts" / "samples"


def holiday(number: int = 7, first: str = "2024-01-17", last: str | None = None, **changed: Any) -> HolidayChanged:
    """Founders' day of the sample, from one date to another."""
    body = (SAMPLES / "leave.holiday.changed.v1.json").read_bytes()
    (sample,) = decode(body, CONTENT_TYPE, HolidayChanged)
    facts: dict[str, Any] = {
        "holiday_id": number,
        "start_date": date.fromisoformat(first),
        "end_date": date.fromisoformat(last or first),
        "sites": None,
        "version": Version(1, changed.pop("n", 1)),
    }
    return msgspec.structs.replace(sample.data, **(facts | changed))


def leave(person_id: int, *charged: str, number: int = 1, type_: str = "casual", **changed: Any) -> LeaveRequestChanged:
    """The sample's request of a person; it charges dates such as "2024-01-09", or "2024-01-09 morning"."""
    body = (SAMPLES / "leave.request.changed.v1.json").read_bytes()
    (sample,) = decode(body, CONTENT_TYPE, LeaveRequestChanged)
    dates = [
        ChargedDate(date=date.fromisoformat(day), part=part or "full", leave_type=type_)
        for day, _, part in (text.partition(" ") for text in charged)
    ]
    facts: dict[str, Any] = {
        "request_id": request_id(number),
        "person_id": person_id,
        "leave_type": type_,
        "charged": dates,
        "version": Version(1, changed.pop("n", 1)),
    }
    return msgspec.structs.replace(sample.data, **(facts | changed))


def request_id(number: int) -> UUID:
    return UUID(f"018d0b3a-0000-7000-8000-{number:012}")
