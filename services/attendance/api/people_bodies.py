"""What callers send about people, and the drafts that it becomes."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.attendance.application.directory import Span
from services.attendance.application.people_file import read_email, read_gender
from services.attendance.application.person import BadgeSpan, Draft, with_level
from shared.kernel.errors import Invalid


def visible(text: str) -> str:
    """The text, if all of it can be seen; a `ValueError` otherwise, as pydantic wants it."""
    if not text.isprintable():
        raise ValueError("holds a character that cannot be seen")
    return text


def _unless_invalid(read: Any) -> Any:
    def validate(text: str) -> str | None:
        try:
            found: str | None = read(text)
        except Invalid as error:
            raise ValueError(error.message) from error
        return found

    return validate


Line = Annotated[str, Field(max_length=200), AfterValidator(visible)]
Filled = Annotated[Line, Field(min_length=1)]
Email = Annotated[Line, AfterValidator(_unless_invalid(read_email))]
Gender = Annotated[Line, AfterValidator(_unless_invalid(read_gender))]
Id = Annotated[int, Field(ge=1, le=2_147_483_647)]
PlausibleDate = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]


class BadgeBody(BaseModel):
    """A badge, and when it is the person's. A missing bound means always; `until` is exclusive.

    With a machine, by code or id, the number is the person's there alone, whoever has it elsewhere.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    badge: Filled
    since: PlausibleDate | None = None
    until: PlausibleDate | None = None
    machine: Id | Filled | None = None


class EmployeeChange(BaseModel):
    """What may be said of an employee. What is not mentioned stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employee_id: Filled | None = None
    name: Filled | None = None
    email: Email | None = None
    phone: Line | None = None
    gender: Gender | None = None
    joined_on: PlausibleDate | None = None
    left_on: PlausibleDate | None = None
    department: Id | Filled | None = None
    designation: Line | None = None
    level_of_work: Filled | None = None
    site: Id | Filled | None = None
    badges: list[BadgeBody | Filled] | None = None


class EmployeeBody(EmployeeChange):
    """An employee as a whole. What is not mentioned is empty; but badges stay, as months of scans hang on them."""

    employee_id: Filled
    name: Filled


class LinkBody(BaseModel):
    """Whose badge it is, and when; without dates, always. With a machine only there."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employee: Id | Filled = Field(description="a person's id, or their code")
    since: PlausibleDate | None = None
    until: PlausibleDate | None = None
    machine: Id | Filled | None = None


def whole(body: EmployeeBody) -> set[str]:
    """The fields that a whole employee speaks of, whether or not they were sent."""
    return set(EmployeeBody.model_fields) - ({"badges"} - body.model_fields_set)


def draft_of(body: EmployeeChange, mentioned: set[str]) -> Draft:
    """What the body says of the fields that are mentioned."""
    given: dict[str, Any] = {name: getattr(body, name) for name in mentioned - {"employee_id", "badges"}}
    for name in ("name", "level_of_work", "site"):
        # These have no value of "none": who changes everything and leaves them out leaves them as they are.
        if given.get(name, "") is None:
            del given[name]
    if level := given.get("level_of_work"):
        given["level_of_work"] = with_level(level)
    for name in ("email", "phone", "gender", "designation"):
        if given.get(name) == "":
            given[name] = None
    if body.employee_id is not None:
        given["code"] = body.employee_id
    if "badges" in mentioned:
        given["badges"] = [_badge(badge) for badge in body.badges or ()]
    return Draft(**given)


def _badge(badge: BadgeBody | str) -> BadgeSpan:
    if isinstance(badge, str):
        return BadgeSpan(badge=badge)
    return BadgeSpan(badge=badge.badge, span=span_of(badge.since, badge.until), machine=badge.machine)


def span_of(since: date | None, until: date | None) -> Span:
    """From `since` on and before `until`.

    Raises:
        Invalid: that is no time at all.
    """
    if since and until and until <= since:
        raise Invalid(f"until: {until} is not after since, {since}", fields={"until": "is not after since"})
    return Span(since, until)
