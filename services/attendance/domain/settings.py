"""The settings that a day is computed by, and their names outside."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from enum import StrEnum
from typing import Any, Final

from services.attendance.domain.hours import hours
from shared.kernel.errors import Invalid


class Resolver(StrEnum):
    """How it is decided which scans arrive and which leave (RULES §3)."""

    FIRST_LAST = "first_last"
    ALTERNATE = "alternate"
    BY_KEY = "by_key"
    BY_MACHINE = "by_machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySettings:
    """One consistent set of rules. Times of day are in the site's zone, durations in minutes unless named otherwise.

    Settings are effective-dated by whoever keeps them: a value here is what holds on one date.
    """

    standard_minutes: int = 480
    lunch_start: time = time(13)
    lunch_minutes: int = 60
    safe_entry: time = time(8)
    late_entry: time = time(8, 5)
    safe_exit: time = time(17)
    overtime_start: time = time(17)
    extra_overtime_start: time = time(19)
    snacks_minutes: int = 60
    night_bill_minutes: int = 300
    weekend_days: frozenset[int] = frozenset({5})
    """0 is Sunday, so 5 is Friday."""
    auto_overtime: bool = True
    auto_extra_overtime: bool = True
    auto_leave_balance: bool = True
    day_boundary: time = time(4)
    """The last minute of the working day; it lies on the next date."""
    resolver: Resolver = Resolver.FIRST_LAST
    merge_seconds: int = 60
    long_span_minutes: int = 14 * 60
    rest_day_overtime: bool = False
    """All work on a weekend, holiday or leave day counts as overtime."""
    time_away_counts: bool = False
    """Time between leaving and coming back counts as worked, where the resolver knows of it."""
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # Frames are cached by their settings, several times a day and person: hash once.
        values = tuple(getattr(self, f.name) for f in fields(self) if f.compare)
        object.__setattr__(self, "_hash", hash(values))

    def __hash__(self) -> int:
        return self._hash


DEFAULTS: Final = DaySettings()


def settings_from(values: Mapping[str, object], base: DaySettings = DEFAULTS) -> DaySettings:
    """`base` with the given values, by their names in the API ("safe_entry_time": "08:00").

    Raises:
        Invalid: a name is unknown, a value cannot be read, or two values contradict each other;
            `fields` says which and why.
    """
    wrong: dict[str, str] = {}
    changed: dict[str, Any] = {f.name: getattr(base, f.name) for f in fields(base) if f.init}
    for name, value in values.items():
        if name not in _OUTSIDE:
            wrong[name] = "there is no such setting"
            continue
        inside, read, _ = _OUTSIDE[name]
        try:
            changed[inside] = read(value)
        except Invalid as error:
            wrong[name] = error.message
    if not wrong:
        wrong = _contradictions(changed)
    if wrong:
        raise Invalid("; ".join(f"{name}: {why}" for name, why in wrong.items()), fields=wrong)
    return DaySettings(**changed)


def settings_values(settings: DaySettings) -> dict[str, object]:
    """Every setting by its name in the API, as JSON can carry it."""
    return {name: write(getattr(settings, inside)) for name, (inside, _, write) in _OUTSIDE.items()}


def _contradictions(values: Mapping[str, Any]) -> dict[str, str]:
    boundary: time = values["day_boundary"]

    def before(one: str, other: str) -> bool:
        # Times up to the boundary end the working day, so 01:00 comes after 19:00.
        first, second = values[one], values[other]
        return (first <= boundary, first) < (second <= boundary, second)

    wrong: dict[str, str] = {}
    if before("late_entry", "safe_entry"):
        wrong["late_entry_time"] = "must not be before safe_entry_time"
    if before("extra_overtime_start", "overtime_start"):
        wrong["extra_overtime_start_time"] = "must not be before overtime_start_time"
    if boundary >= time(12):
        wrong["day_boundary"] = "must be before 12:00"
    return wrong


def _read_minutes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Invalid("is not a number of hours")
    try:
        minutes = round(float(value) * 60)
    except (ValueError, OverflowError):
        raise Invalid("is not a number of hours") from None
    if not 0 <= minutes <= 24 * 60:
        raise Invalid("must be from 0 to 24 hours")
    return minutes


def _read_seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 3600:
        raise Invalid("must be a whole number of seconds from 0 to 3600")
    return value


def _read_time(value: object) -> time:
    try:
        read = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        raise Invalid("is not a time of day such as 08:00") from None
    if read.tzinfo or read.second or read.microsecond:
        raise Invalid("must be a whole minute without a zone")
    return read


def _read_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid("must be true or false")
    return value


def _read_days(value: object) -> frozenset[int]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise Invalid("must be a list of weekdays, 0 for Sunday to 6")
    days = list(value)
    if not all(isinstance(day, int) and not isinstance(day, bool) and 0 <= day <= 6 for day in days):
        raise Invalid("must be a list of weekdays, 0 for Sunday to 6")
    return frozenset(days)


def _read_resolver(value: object) -> Resolver:
    try:
        return Resolver(str(value))
    except ValueError:
        raise Invalid(f"must be one of {', '.join(Resolver)}") from None


def _write_time(value: time) -> str:
    return value.strftime("%H:%M")


_Names = tuple[str, Callable[[object], Any], Callable[[Any], object]]

# Name outside: name inside, how it is read, how it is written.
_OUTSIDE: Final[dict[str, _Names]] = {
    "standard_working_hours": ("standard_minutes", _read_minutes, hours),
    "lunch_start": ("lunch_start", _read_time, _write_time),
    "lunch_break_duration": ("lunch_minutes", _read_minutes, hours),
    "safe_entry_time": ("safe_entry", _read_time, _write_time),
    "late_entry_time": ("late_entry", _read_time, _write_time),
    "safe_exit_time": ("safe_exit", _read_time, _write_time),
    "overtime_start_time": ("overtime_start", _read_time, _write_time),
    "extra_overtime_start_time": ("extra_overtime_start", _read_time, _write_time),
    "snacks_eligibility_hours": ("snacks_minutes", _read_minutes, hours),
    "night_bill_eligibility_hours": ("night_bill_minutes", _read_minutes, hours),
    "weekend_days": ("weekend_days", _read_days, sorted),
    "auto_calculate_overtime": ("auto_overtime", _read_bool, bool),
    "auto_calculate_extra_overtime": ("auto_extra_overtime", _read_bool, bool),
    "auto_update_leave_balance": ("auto_leave_balance", _read_bool, bool),
    "day_boundary": ("day_boundary", _read_time, _write_time),
    "resolver": ("resolver", _read_resolver, str),
    "merge_window_seconds": ("merge_seconds", _read_seconds, int),
    "long_span_hours": ("long_span_minutes", _read_minutes, hours),
    "rest_day_overtime": ("rest_day_overtime", _read_bool, bool),
    "time_away_counts": ("time_away_counts", _read_bool, bool),
}
