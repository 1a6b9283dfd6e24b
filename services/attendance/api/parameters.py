"""Query parameters: read, and refused by name."""

import re
from collections.abc import Collection
from datetime import date

from fastapi import Request

from services.attendance.application.person import UNSET, Unset
from shared.kernel.errors import Malformed, sentence
from shared.web.lists import known

EARLIEST, LATEST = date(1970, 1, 2), date(2199, 12, 31)
"""What a date may be. Beyond lie only mistakes, and dates that no clock arithmetic can be done on."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")

STATUSES = (
    "Present-OnTime",
    "Present-Considered",
    "Present-Late",
    "Absent",
    "Leave-Earn",
    "Leave-Casual",
    "Leave-Sick",
    "Leave-Maternity",
    "Leave-WithOutPay",
    "Leave-Annual",
    "Leave-Paternity",
    "Leave-Compensatory",
    "Holiday",
    "Weekend",
)


def bad(name: str, detail: str) -> Malformed:
    """A parameter that cannot be what it says."""
    return Malformed(f"{name}: {detail}", fields={name: detail})


def text_of(request: Request, name: str) -> str | None:
    """The parameter without the spaces around it; None where it is missing or empty."""
    value = (request.query_params.get(name) or "").strip()
    if "\0" in value:
        raise bad(name, "holds a character that no text has")
    return value or None


def date_of(request: Request, name: str) -> date | None:
    """A date such as 2024-01-15."""
    text = text_of(request, name)
    return None if text is None else read_date(text, name)


def required_date(request: Request, name: str) -> date:
    """A date that has to be there."""
    found = date_of(request, name)
    if found is None:
        raise bad(name, "is missing; give a date such as 2024-01-15")
    return found


def read_date(text: str, name: str) -> date:
    """A date such as 2024-01-15, within what is possible."""
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise bad(name, f"{text[:40]!r} is not a date such as 2024-01-15")
    if not EARLIEST <= found <= LATEST:
        raise bad(name, f"{text} is not between {EARLIEST} and {LATEST}")
    return found


SINCE = {"effective_from": "the date from which the change holds: today, unless another, or `always`, is named"}


def since_of(request: Request) -> date | Unset | None:
    """From when a change holds: today where it is unset, always where it is None."""
    text = text_of(request, "effective_from")
    if text is None:
        return UNSET
    return None if text == "always" else read_date(text, "effective_from")


def month_of(request: Request) -> date:
    """The first of the month that `month=01&year=2024` or `month=2024-01` names."""
    month, year = text_of(request, "month"), text_of(request, "year")
    if month is None:
        raise bad("month", "is missing; give month=01&year=2024, or month=2024-01")
    if both := _MONTH.fullmatch(month):
        if year is not None and year != both[1]:
            raise bad("year", f"{year[:20]!r} is not the year of month={month}")
        year, month = both[1], both[2]
    if year is None:
        raise bad("year", "is missing; give month=01&year=2024, or month=2024-01")
    if not (month.isascii() and month.isdigit() and 1 <= int(month[:4]) <= 12):
        raise bad("month", f"{month[:20]!r} is not a month from 01 to 12")
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise bad("year", f"{year[:20]!r} is not a year such as 2024")
    return read_date(f"{year}-{int(month):02}-01", "month")


def choice_of(request: Request, name: str, possible: Collection[str]) -> str | None:
    """One of some words."""
    text = text_of(request, name)
    if text is not None and text not in possible:
        raise bad(name, f"{text[:40]!r} is not possible; possible are {sentence(list(possible))}")
    return text


def status_of(request: Request) -> str | None:
    """A status of a day; leave types that the company added are possible, too."""
    text = text_of(request, "status")
    return text if text and re.fullmatch(r"Leave-\w+", text) else choice_of(request, "status", STATUSES)


def camel_wanted(request: Request) -> bool:
    """Whether `shape=camel` is asked for."""
    return choice_of(request, "shape", ("camel", "snake")) == "camel"


__all__ = [
    "SINCE",
    "STATUSES",
    "bad",
    "camel_wanted",
    "choice_of",
    "date_of",
    "known",
    "month_of",
    "read_date",
    "required_date",
    "since_of",
    "status_of",
    "text_of",
]
