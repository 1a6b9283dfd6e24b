"""A schedule: which shift is worked on which date."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.attendance.domain.settings import DaySettings, refusal
from shared.kernel.errors import Invalid

LONGEST_CYCLE: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A cycle of dates that repeats from its anchor on, before it as well; or one shift on all but weekend days."""

    cycle: tuple[int | None, ...]
    """Ids of shifts; None is off. Not empty."""
    anchor: date | None = None
    """A date that has the first shift of the cycle. None: the one shift of the cycle, and weekend days are off."""

    def shift_on(self, day: date, settings: DaySettings) -> int | None:
        """The id of the shift of a date; None where it is off. `settings` are those of the date."""
        if self.anchor is not None:
            return self.cycle[(day - self.anchor).days % len(self.cycle)]
        return None if day.isoweekday() % 7 in settings.weekend_days else self.cycle[0]

    @property
    def shift_ids(self) -> frozenset[int]:
        return frozenset(one for one in self.cycle if one is not None)


def schedule_from(values: Mapping[str, object]) -> Schedule:
    """A schedule from its values: `{"shift": 3}`, or `{"cycle": [3, 3, 4, null], "anchor": "2026-01-05"}`.

    Raises:
        Invalid: a value is missing, cannot be read, or is one too many; `fields` says which and why.
    """
    wrong = {name: "a schedule has no such value" for name in values if name not in ("shift", "cycle", "anchor")}
    given = {name: value for name, value in values.items() if value is not None}
    cycle: tuple[int | None, ...] = ()
    anchor: date | None = None
    if "cycle" not in given:
        if "anchor" in given:
            wrong["anchor"] = "is for a cycle; one shift has none"
        if "shift" not in given:
            wrong["shift"] = "is missing: say one shift, or a cycle of several with its anchor"
        else:
            cycle = _read(lambda: (_shift_id(given["shift"]),), "shift", wrong)
    else:
        if "shift" in given:
            wrong["shift"] = "stands against cycle; say one or the other"
        cycle = _read(lambda: _cycle(given["cycle"]), "cycle", wrong)
        if "anchor" not in given:
            wrong["anchor"] = "is missing: say a date that has the first shift of the cycle"
        else:
            anchor = _anchor(given["anchor"], wrong)
    if wrong:
        raise refusal(wrong)
    return Schedule(cycle=cycle, anchor=anchor)


def schedule_values(schedule: Schedule) -> dict[str, object]:
    """The values of a schedule as JSON can carry them."""
    if schedule.anchor is None:
        return {"shift": schedule.cycle[0]}
    return {"cycle": list(schedule.cycle), "anchor": schedule.anchor.isoformat()}


def _read(read: Callable[[], tuple[int | None, ...]], name: str, wrong: dict[str, str]) -> tuple[int | None, ...]:
    try:
        return read()
    except Invalid as error:
        wrong[name] = error.message
        return ()


def _cycle(value: object) -> tuple[int | None, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= LONGEST_CYCLE:
        raise Invalid(f"must be a list of 1 to {LONGEST_CYCLE} shifts, with null for a date off")
    cycle = tuple(None if one is None else _shift_id(one) for one in value)
    if not any(one is not None for one in cycle):
        raise Invalid("must have a shift on one date at least")
    return cycle


def _shift_id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31:
        raise Invalid(f"there is no shift {str(value)[:20]!r}: give the code or the id of one")
    return value


def _anchor(value: object, wrong: dict[str, str]) -> date | None:
    try:
        found = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or not date(1970, 1, 2) <= found <= date(2199, 12, 31):
        wrong["anchor"] = f"{str(value)[:40]!r} is not a date such as 2026-01-05"
    return found
