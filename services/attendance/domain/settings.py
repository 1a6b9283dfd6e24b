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


class Rounding(StrEnum):
    """Which way a moment or a total goes to its grid; a half goes up."""

    NONE = "none"
    NEAREST = "nearest"
    UP = "up"
    DOWN = "down"


class OvertimeBy(StrEnum):
    """What overtime is measured by (RULES §5)."""

    CLOCK = "clock"
    """Time worked after a time of day."""
    DAY = "day"
    """Time worked above an amount a day."""
    WEEK = "week"
    """A day has none by itself; see `week.overtime_by_week`."""
    NONE = "none"


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

    # What follows changes nothing where it is as here. Digests leave it out then, so that no day is computed anew for
    # a setting that did not exist when it was computed: whoever adds one adds it here.
    arrival_rounding: Rounding = Rounding.NONE
    arrival_grid: int = 15
    departure_rounding: Rounding = Rounding.NONE
    departure_grid: int = 15
    total_rounding: Rounding = Rounding.NONE
    total_grid: int = 15
    early_arrival_counts: bool = True
    """Time before the start of work counts as worked."""
    half_day_below: int = 0
    """Who worked less is flagged `half_day`; 0 for nobody."""
    absent_below: int = 0
    """Who worked less counts as absent; 0 for nobody."""
    shortfall_counts: bool = True
    """What is missing of the expected minutes is told; else no more is expected than was worked."""
    shortfall_tolerance: int = 0
    """A shortfall up to here is none; above, all of it is."""
    overtime_by: OvertimeBy = OvertimeBy.CLOCK
    overtime_after: int | None = None
    """By day: what is worked above it is overtime; None for the expected minutes."""
    extra_overtime_after: int | None = None
    """By day: what is worked above it is extra overtime; None for none."""
    overtime_week: int | None = None
    """What is worked above it in a week is overtime; None for no rule of weeks."""
    week_starts_on: int = 1
    """0 is Sunday."""
    overtime_tolerance: int = 0
    """Overtime up to here is none; above, all of it is."""
    overtime_block: int = 1
    """Overtime of a day counts in whole blocks of so many minutes."""
    overtime_cap: int | None = None
    """The most overtime a day, extra overtime included."""
    overtime_needs_approval: bool = False
    weekend_multiplier: float = 1.0
    """What payroll multiplies work on a weekend by; no figure of a day."""
    holiday_multiplier: float = 1.0
    infer_shifts: bool = False
    """Where nobody said a shift, the scans say which it was; it changes no figure by itself."""
    infer_shifts_from: tuple[int, ...] | None = None
    """The ids of the shifts that may be inferred; None for all."""
    corrections_per_month: int = field(default=3, compare=False)
    """How many corrections an employee may ask for of the days of a month; no figure of a day, so it compares equal."""
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # Frames are cached by their settings, several times a day and person: hash once.
        values = tuple(getattr(self, f.name) for f in fields(self) if f.compare)
        object.__setattr__(self, "_hash", hash(values))

    def __hash__(self) -> int:
        return self._hash


DEFAULTS: Final = DaySettings()

# Which shift a date has is said by its frame: what finds it is no fact of the day.
_OF_NO_DAY: Final = frozenset({"infer_shifts", "infer_shifts_from"})
_NAMES: Final = [f.name for f in fields(DEFAULTS) if f.compare and f.name not in _OF_NO_DAY]
_ALWAYS: Final = frozenset(_NAMES[: _NAMES.index("arrival_rounding")])


def settings_from(values: Mapping[str, object], base: DaySettings = DEFAULTS) -> DaySettings:
    """`base` with the given values, by their names in the API ("safe_entry_time": "08:00").

    Raises:
        Invalid: a name is unknown, a value cannot be read, or two values contradict each other;
            `fields` says which and why.
    """
    wrong: dict[str, str] = {}
    changed = {f.name: getattr(base, f.name) for f in fields(base) if f.init} | read_settings(values, wrong)
    if not wrong:
        wrong = _contradictions(changed)
    if wrong:
        raise refusal(wrong)
    return DaySettings(**changed)


def read_settings(values: Mapping[str, object], wrong: dict[str, str]) -> dict[str, Any]:
    """Each value that can be read, by its name in `DaySettings`; what cannot is put into `wrong`, with the reason."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _OUTSIDE:
            wrong[name] = "there is no such setting"
            continue
        inside, read, _ = _OUTSIDE[name]
        try:
            found[inside] = read(value)
        except Invalid as error:
            wrong[name] = error.message
    return found


def refusal(wrong: Mapping[str, str]) -> Invalid:
    """One error for all fields that are wrong."""
    return Invalid("; ".join(f"{name}: {why}" for name, why in wrong.items()), fields=dict(wrong))


def refined(settings: DaySettings) -> bool:
    """Whether anything holds that changed nothing when it was added: the day is then computed the long way."""
    return any(getattr(settings, name) != getattr(DEFAULTS, name) for name in _NAMES if name not in _ALWAYS)


def settled(settings: DaySettings) -> list[tuple[str, object]]:
    """What digests are made of: in an order and form that do not change between processes, as a frozenset's does."""
    values = [(name, getattr(settings, name)) for name in _NAMES]
    return [
        (name, sorted(value) if isinstance(value, frozenset) else str(value))
        for name, value in values
        if name in _ALWAYS or value != getattr(DEFAULTS, name)
    ]


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
    if values["half_day_below"] and values["absent_below"] > values["half_day_below"]:
        wrong["absent_below_hours"] = "must not be above half_day_below_hours"
    after, extra_after = values["overtime_after"], values["extra_overtime_after"]
    if after is not None and extra_after is not None and extra_after < after:
        wrong["extra_overtime_after_hours"] = "must not be below overtime_after_hours"
    if values["overtime_by"] is OvertimeBy.WEEK and values["overtime_week"] is None:
        wrong["overtime_week_hours"] = "is needed where overtime goes by week"
    return wrong


def _up_to(most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Invalid("is not a number of hours")
        try:
            minutes = round(float(value) * 60)
        except (ValueError, OverflowError):
            raise Invalid("is not a number of hours") from None
        if not 0 <= minutes <= most * 60:
            raise Invalid(f"must be from 0 to {most} hours")
        return minutes

    return read


def _or_null(read: Callable[[object], int]) -> Callable[[object], int | None]:
    return lambda value: None if value is None else read(value)


def _whole(unit: str, least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Invalid(f"must be a whole number of {unit} from {least} to {most}")
        return value

    return read


def _read_grid(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _GRIDS:
        raise Invalid(f"must be a number of minutes that divides an hour: {', '.join(map(str, _GRIDS))}")
    return value


def _read_weekday(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 6:
        raise Invalid("must be a weekday, 0 for Sunday to 6")
    return value


def _read_multiplier(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10:
        raise Invalid("must be a number from 0 to 10")
    return float(value)


def _read_time(value: object) -> time:
    try:
        # Python would read a number such as 12 as noon.
        read = value if isinstance(value, time) else time.fromisoformat(value if isinstance(value, str) else "")
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


def _read_shifts(value: object) -> tuple[int, ...] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise Invalid("must be a list of ids of shifts, or null for all")
    ids = list(value)
    if not ids or not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one < 1 << 31 for one in ids):
        raise Invalid("must be a list of ids of shifts, or null for all")
    return tuple(sorted(set(ids)))


def _one_of(kind: type[StrEnum]) -> Callable[[object], StrEnum]:
    def read(value: object) -> StrEnum:
        try:
            return kind(str(value))
        except ValueError:
            raise Invalid(f"must be one of {', '.join(kind)}") from None

    return read


def _write_time(value: time) -> str:
    return value.strftime("%H:%M")


def _write_hours_or_null(minutes: int | None) -> float | None:
    return None if minutes is None else hours(minutes)


_GRIDS: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
_read_minutes: Final = _up_to(24)
_read_bound: Final = _or_null(_read_minutes)
_read_rounding: Final = _one_of(Rounding)

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
    "resolver": ("resolver", _one_of(Resolver), str),
    "merge_window_seconds": ("merge_seconds", _whole("seconds", 0, 3600), int),
    "long_span_hours": ("long_span_minutes", _read_minutes, hours),
    "rest_day_overtime": ("rest_day_overtime", _read_bool, bool),
    "time_away_counts": ("time_away_counts", _read_bool, bool),
    "arrival_rounding": ("arrival_rounding", _read_rounding, str),
    "arrival_rounding_minutes": ("arrival_grid", _read_grid, int),
    "departure_rounding": ("departure_rounding", _read_rounding, str),
    "departure_rounding_minutes": ("departure_grid", _read_grid, int),
    "total_rounding": ("total_rounding", _read_rounding, str),
    "total_rounding_minutes": ("total_grid", _read_grid, int),
    "early_arrival_counts": ("early_arrival_counts", _read_bool, bool),
    "half_day_below_hours": ("half_day_below", _read_minutes, hours),
    "absent_below_hours": ("absent_below", _read_minutes, hours),
    "shortfall_counts": ("shortfall_counts", _read_bool, bool),
    "shortfall_tolerance_minutes": ("shortfall_tolerance", _whole("minutes", 0, 240), int),
    "overtime_by": ("overtime_by", _one_of(OvertimeBy), str),
    "overtime_after_hours": ("overtime_after", _read_bound, _write_hours_or_null),
    "extra_overtime_after_hours": ("extra_overtime_after", _read_bound, _write_hours_or_null),
    "overtime_week_hours": ("overtime_week", _or_null(_up_to(168)), _write_hours_or_null),
    "week_starts_on": ("week_starts_on", _read_weekday, int),
    "overtime_tolerance_minutes": ("overtime_tolerance", _whole("minutes", 0, 240), int),
    "overtime_block_minutes": ("overtime_block", _whole("minutes", 1, 240), int),
    "overtime_cap_hours": ("overtime_cap", _read_bound, _write_hours_or_null),
    "overtime_needs_approval": ("overtime_needs_approval", _read_bool, bool),
    "weekend_multiplier": ("weekend_multiplier", _read_multiplier, float),
    "holiday_multiplier": ("holiday_multiplier", _read_multiplier, float),
    "infer_shifts": ("infer_shifts", _read_bool, bool),
    "infer_shifts_from": ("infer_shifts_from", _read_shifts, lambda ids: None if ids is None else list(ids)),
    "corrections_per_month": ("corrections_per_month", _whole("requests", 0, 100), int),
}
