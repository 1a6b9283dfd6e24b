"""What callers send about corrections, and the drafts that it becomes."""

import re
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.attendance.api.day_shapes import DayShape
from services.attendance.api.people_bodies import Filled, Id, visible
from services.attendance.application.correction_drafts import Draft, EditDraft
from services.attendance.domain.corrections import Kind
from services.attendance.domain.scans import SCAN_TYPES

_CLOCK = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def _clock(value: object) -> object:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("give an instant with its zone, or a time such as 17:30")  # noqa: TRY004 - as pydantic wants it
    if _CLOCK.fullmatch(value):
        return time.fromisoformat(value)
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("is neither an instant with its zone nor a time such as 17:30") from error
    if found.tzinfo is None or not 1970 < found.year < 2200:
        raise ValueError("is no instant: say its zone, such as 2024-01-15T17:30:00+06:00, or give a time such as 17:30")
    return found


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is no number of hours")  # noqa: TRY004 - as pydantic wants it
    return value


def _scan_type(value: str) -> str:
    if value not in SCAN_TYPES:
        raise ValueError(f"is none of {', '.join(SCAN_TYPES)}")
    return value


def _plain(text: str) -> str:
    return visible(text.replace("\r\n", "\n").replace("\n", " "))


Clock = Annotated[datetime | time | None, BeforeValidator(_clock)]
"""An instant with its zone, or the site's wall clock on that day."""
Hours = Annotated[float, Field(ge=0, le=24), BeforeValidator(_number)]
Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(visible)]
Note = Annotated[str, Field(max_length=500), AfterValidator(_plain)]
PlausibleDay = Annotated[date, Field(ge=date(1970, 1, 2), le=date(2199, 12, 31))]
ScanTypeName = Annotated[str, AfterValidator(_scan_type)]


class CorrectionBody(BaseModel):
    """What is to be corrected.

    `scan` is one that is missing at `at`, or the `scan` with this id is of another `type`; `set_aside` is a `scan` that
    is not to count; `duty` goes from `at` to `until`; `figure` has the others.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: Kind
    at: Clock = Field(default=None, description="an instant with its zone, or a time of that day such as 17:30")
    until: Clock = None
    type: ScanTypeName | None = None
    scan: UUID | None = None
    overtime_hours: Hours | None = None
    extra_overtime_hours: Hours | None = None
    status: Filled | None = None
    notes: Note | None = None


class AskBody(CorrectionBody):
    """A correction that is asked for; of the caller's own day unless `employee` names somebody."""

    employee: Id | Filled | None = None
    date: PlausibleDay
    reason: Reason


class DayBody(BaseModel):
    """What a day should say; what is left out or null stays as it is. The other fields of a record are not read.

    Why is said by `reason` or, as older pages do, by `notes`.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    first_check_in: Clock = Field(default=None, description="an instant with its zone, or a time such as 08:00")
    last_check_out: Clock = None
    overtime_hours: Hours | None = None
    extra_overtime_hours: Hours | None = None
    status: Filled | None = None
    notes: Note | None = None
    reason: Reason | None = None
    corrections: Annotated[list[CorrectionBody], Field(max_length=20)] = []

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_only_read(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        only_read = DayShape.__annotations__.keys() - cls.model_fields.keys()
        return {name: value for name, value in body.items() if name not in only_read}


class NewDayBody(DayBody):
    """The same for a day that is named by its person and date."""

    employee: Id | Filled
    date: PlausibleDay


class DecisionBody(BaseModel):
    """Why it is decided so."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Reason | None = None


def draft_of(body: CorrectionBody) -> Draft:
    """The draft of a correction."""
    return Draft(
        kind=body.kind,
        at=body.at,
        until=body.until,
        type=None if body.type is None else SCAN_TYPES[body.type],
        scan=body.scan,
        overtime=_minutes(body.overtime_hours),
        extra_overtime=_minutes(body.extra_overtime_hours),
        status=body.status,
        note=body.notes,
    )


def edit_of(body: DayBody) -> EditDraft:
    """The draft of an edit."""
    return EditDraft(
        first=body.first_check_in,
        last=body.last_check_out,
        overtime=_minutes(body.overtime_hours),
        extra_overtime=_minutes(body.extra_overtime_hours),
        status=body.status,
        note=body.notes,
    )


def _minutes(hours: float | None) -> int | None:
    return None if hours is None else round(hours * 60)
