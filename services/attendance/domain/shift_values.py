"""Shifts by the names that the API gives to their values, and why values make no shift."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import time
from typing import Any, Final

from services.attendance.domain.hours import hours
from services.attendance.domain.settings import read_settings, refusal, settings_from, settings_values
from services.attendance.domain.shift import (
    DATE,
    EARLIEST_START,
    LATEST_END,
    Break,
    DeductedBreak,
    FixedBreak,
    Part,
    PunchedBreak,
    Shift,
    clock_text,
)
from shared.kernel.errors import Invalid

_Wrong = dict[str, str]

MOST_PARTS: Final = 6
MOST_BREAKS: Final = 12
# What the shift says itself, or what is a matter of more than one date.
_OWN: Final = {
    "standard_working_hours": "say expected_hours of the shift",
    "safe_entry_time": "say grace_in_minutes of the shift",
    "late_entry_time": "say late_after_minutes of the shift",
    "safe_exit_time": "say grace_out_minutes of the shift",
    "overtime_start_time": "say overtime_after_minutes of the shift",
    "extra_overtime_start_time": "say extra_overtime_after_minutes of the shift",
    "weekend_days": "a shift holds on the dates on which it is worked",
    "day_boundary": "say allowed_early_minutes and allowed_late_minutes of the shift",
    "overtime_week_hours": "a week has several shifts",
    "week_starts_on": "a week has several shifts",
}


def shift_from(values: Mapping[str, object]) -> Shift:
    """A shift from its values by their names in the API; see `shift_values` for all of them.

    Times such as "22:00" follow each other: what is not after the one before lies on the next date.

    Raises:
        Invalid: a name is unknown, a value cannot be read, or two contradict each other; `fields` says which and why.
    """
    wrong: _Wrong = {}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _READERS:
            wrong[name] = "a shift has no such value"
            continue
        inside, reader = _READERS[name]
        try:
            read[inside] = reader(value)
        except Invalid as error:
            wrong[name] = error.message
    if "parts" not in values:
        wrong["parts"] = "are missing: say when the shift starts and ends"
    if "parts" in read and values.get("breaks") is not None:
        try:
            read["breaks"] = tuple(_breaks(values["breaks"], read["parts"][0].start))
        except Invalid as error:
            wrong["breaks"] = error.message
    if not wrong:
        wrong.update(_contradictions(Shift(**read)))
    if wrong:
        raise refusal(wrong)
    return Shift(**read)


def shift_values(shift: Shift) -> dict[str, object]:
    """Every value of a shift by its name in the API, as JSON can carry it."""
    changed = {name for name, _ in shift.changes}
    overridden = settings_values(shift.over(settings_from({})))
    names = read_settings(overridden, {})  # in the order of the names outside
    return {
        "name": shift.name,
        "parts": [{"start": clock_text(start), "end": clock_text(end)} for start, end in shift.parts],
        "flexible": shift.flexible,
        "expected_hours": None if shift.minutes is None else hours(shift.minutes),
        "allowed_early_minutes": shift.allowed_early,
        "allowed_late_minutes": shift.allowed_late,
        "grace_in_minutes": shift.grace_in,
        "late_after_minutes": shift.late_after,
        "grace_out_minutes": shift.grace_out,
        "breaks": None if shift.breaks is None else [_break_values(one) for one in shift.breaks],
        "overtime_after_minutes": shift.overtime_after,
        "extra_overtime_after_minutes": shift.extra_overtime_after,
        "settings": {
            outside: value
            for (outside, value), inside in zip(overridden.items(), names, strict=True)
            if inside in changed
        },
    }


def _contradictions(shift: Shift) -> _Wrong:
    wrong: _Wrong = {}
    length = shift.end - shift.start
    if length > DATE:
        return {"parts": "must not last more than 24 hours from the first start to the last end"}
    if shift.start - shift.allowed_early < EARLIEST_START:
        wrong["allowed_early_minutes"] = "must not reach back past 18:00 of the date before"
    if shift.end + shift.allowed_late > LATEST_END:
        wrong["allowed_late_minutes"] = "must not reach past 18:00 of the next date"
    if shift.late_after < shift.grace_in:
        wrong["late_after_minutes"] = "must not be less than grace_in_minutes"
    for name, value in (("late_after_minutes", shift.late_after), ("grace_out_minutes", shift.grace_out)):
        if value > length:
            wrong[name] = "must not be longer than the shift"
    if shift.extra_overtime_after < shift.overtime_after:
        wrong["extra_overtime_after_minutes"] = "must not be less than overtime_after_minutes"
    if shift.minutes is not None and shift.minutes > length:
        wrong["expected_hours"] = "must not be more than the shift has"
    for one in shift.breaks or ():
        if isinstance(one, FixedBreak) and one.end > shift.end:
            wrong["breaks"] = f"the break {clock_text(one.start)}–{clock_text(one.end)} must lie inside the shift"
        if isinstance(one, PunchedBreak) and one.at_most is not None and one.at_most < one.at_least:
            wrong["breaks"] = "at_most_minutes must not be less than at_least_minutes"
    return wrong


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 100 or not value.isprintable():
        raise Invalid("must be a text of up to 100 characters")
    return value.strip()


def _minutes(most: int = DATE) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise Invalid(f"must be a whole number of minutes from 0 to {most}")
        return value

    return read


def _true(value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid("must be true or false")
    return value


def _hours(value: object) -> int:
    wrong: _Wrong = {}
    read = read_settings({"standard_working_hours": value}, wrong)
    if wrong:
        raise Invalid(*wrong.values())
    minutes: int = read["standard_minutes"]
    return minutes


def _hours_or_null(value: object) -> int | None:
    return None if value is None else _hours(value)


def _clock(value: object) -> int:
    try:
        read = value if isinstance(value, time) else time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Invalid(f"{str(value)[:20]!r} is not a time of day such as 22:00") from None
    if read.tzinfo or read.second or read.microsecond:
        raise Invalid("a time of day must be a whole minute without a zone")
    return read.hour * 60 + read.minute


def _next(clock: int, since: int) -> int:
    """The first time at or after `since` that the clock shows so."""
    return since + (clock - since) % DATE


def _parts(value: object) -> tuple[Part, ...]:
    rows = _rows(value, MOST_PARTS)
    if not rows:
        raise Invalid("are missing: say when the shift starts and ends")
    parts: list[Part] = []
    for row in rows:
        _only(row, "start", "end")
        clock = _clock(row.get("start"))
        start = _next(clock, parts[-1].end) if parts else clock
        parts.append(Part(start, _next(_clock(row.get("end")), start + 1)))
    return tuple(parts)


def _breaks(value: object, since: int) -> Iterator[Break]:
    for row in _rows(value, MOST_BREAKS):
        kind = row.get("kind")
        if kind == "fixed":
            _only(row, "kind", "start", "end", "paid")
            start = _next(_clock(row.get("start")), since)
            yield FixedBreak(
                start=start, end=_next(_clock(row.get("end")), start + 1), paid=_true(row.get("paid", False))
            )
        elif kind == "punched":
            _only(row, "kind", "at_least_minutes", "at_most_minutes", "after_hours", "paid")
            most = row.get("at_most_minutes")
            yield PunchedBreak(
                at_least=_minutes()(row.get("at_least_minutes", 0)),
                at_most=None if most is None else _minutes()(most),
                after=_hours(row.get("after_hours", 0)),
                paid=_true(row.get("paid", False)),
            )
        elif kind == "deducted":
            _only(row, "kind", "minutes", "after_hours")
            yield DeductedBreak(minutes=_minutes()(row.get("minutes")), after=_hours(row.get("after_hours")))
        else:
            raise Invalid("the kind of a break must be one of fixed, punched, deducted")


def _break_values(one: Break) -> dict[str, object]:
    match one:
        case FixedBreak():
            return {"kind": "fixed", "start": clock_text(one.start), "end": clock_text(one.end), "paid": one.paid}
        case PunchedBreak():
            return {
                "kind": "punched",
                "at_least_minutes": one.at_least,
                "at_most_minutes": one.at_most,
                "after_hours": hours(one.after),
                "paid": one.paid,
            }
        case DeductedBreak():
            return {"kind": "deducted", "minutes": one.minutes, "after_hours": hours(one.after)}


def _rows(value: object, most: int) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(row, Mapping) for row in value):
        raise Invalid("must be a list of objects")
    if len(value) > most:
        raise Invalid(f"must not be more than {most}")
    return value


def _only(row: Mapping[str, object], *names: str) -> None:
    for name in row:
        if name not in names:
            raise Invalid(f"has no {name[:40]!r}; it may have {', '.join(names)}")


def _changes(value: object) -> tuple[tuple[str, object], ...]:
    if not isinstance(value, Mapping):
        raise Invalid("must be an object of settings")
    for name, why in _OWN.items():
        if name in value:
            raise Invalid(f"{name} is not for a shift to change: {why}")
    settings_from(value)
    return tuple(sorted(read_settings(value, {}).items()))


def _no_breaks_yet(value: object) -> None:
    """They are read once the parts are known."""
    if value is not None:
        _rows(value, MOST_BREAKS)


_READERS: Final[dict[str, tuple[str, Callable[[object], Any]]]] = {
    "name": ("name", _text),
    "parts": ("parts", _parts),
    "flexible": ("flexible", _true),
    "expected_hours": ("minutes", _hours_or_null),
    "allowed_early_minutes": ("allowed_early", _minutes()),
    "allowed_late_minutes": ("allowed_late", _minutes()),
    "grace_in_minutes": ("grace_in", _minutes()),
    "late_after_minutes": ("late_after", _minutes()),
    "grace_out_minutes": ("grace_out", _minutes()),
    "breaks": ("breaks", _no_breaks_yet),
    "overtime_after_minutes": ("overtime_after", _minutes()),
    "extra_overtime_after_minutes": ("extra_overtime_after", _minutes()),
    "settings": ("changes", _changes),
}
