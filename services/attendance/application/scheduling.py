"""Shifts, schedules, who goes by them, and the roster: reading and changing them. Each change is one transaction.

Whatever changes, the days of exactly those people are asked for again whom it touches: of its dates and of the dates
beside them, as a shift moves the windows of its neighbours, and scans from one date to another.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from services.attendance.application.holders import Span
from services.attendance.application.listing import Page
from services.attendance.application.people_ports import Once
from services.attendance.application.scheduling_ports import (
    Assigned,
    Kind,
    Named,
    Owner,
    RosterDay,
    SchedulingReading,
    SchedulingStore,
    SchedulingWriting,
    Values,
)
from services.attendance.application.timeline import changed
from services.attendance.domain.schedule import schedule_from, schedule_values
from services.attendance.domain.shift_values import shift_from, shift_values
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, Malformed, NotFound, Stale, sentence
from shared.web.idempotency import Answer
from shared.web.lists import Window
from shared.web.scope import Scope

T = TypeVar("T")

MOST_CELLS = 100_000
"""Of a roster, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Some people on some dates."""

    people: Sequence[int | str]
    dates: Sequence[date]
    shift: int | str | None = None
    """An id or a code; None is off."""
    clear: bool = False
    """Nothing is said of them any more: their schedules hold."""


class Scheduling:
    """Shifts, schedules and the roster."""

    def __init__(self, store: SchedulingStore, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        """`settled` waits a little for the days that a change calls for."""
        self._store = store
        self._clock = clock
        self._settled = settled

    async def today(self) -> date:
        """The business date of this moment at the main site."""
        async with self._store.reading() as reading:
            return await self._today(reading)

    async def listed(self, kind: Kind) -> Sequence[Named]:
        """All shifts, or all schedules."""
        async with self._store.reading() as reading:
            return await reading.named(kind)

    async def one(self, kind: Kind, id_: int) -> Named:
        """A shift or a schedule.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._store.reading() as reading:
            return await _one(reading, kind, id_)

    async def create(self, kind: Kind, name: str, values: Values, span: Span, once: Once[Named]) -> Answer:
        """Make a shift or a schedule that has these values in the span.

        Raises:
            Invalid: a value is against a rule; `fields` names it.
            Conflict: there is one of this name.
        """
        async with self._store.changing() as writing:
            if once.key is not None and (earlier := await writing.earlier_answer(once.key)) is not None:
                return earlier
            id_ = await make(writing, kind, name, values, span)
            answer = once.shown(await _one(writing, kind, id_))
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        return answer

    async def change(
        self, kind: Kind, id_: int, name: str, values: Values, span: Span | None, *, if_version: str | None = None
    ) -> Named:
        """Give a shift or a schedule these values in the span: None is from today on. Other dates keep theirs.

        Raises:
            NotFound: there is none of this id.
            Stale: it is no longer at `if_version`.
            Invalid: a value is against a rule; `fields` names it.
            Conflict: another has this name.
        """
        async with self._store.changing() as writing:
            known = await _one(writing, kind, id_)
            if if_version is not None and if_version != known.version:
                raise Stale(f"somebody changed the {kind} {known.name} since you read it; read it again")
            await change_versions(writing, kind, known, name, values, span, self._clock.now())
            found = await _one(writing, kind, id_)
        await self._settled()
        return found

    async def remove(self, kind: Kind, id_: int) -> None:
        """Forget a shift or a schedule that nobody goes by, or ever went by.

        Raises:
            NotFound: there is none of this id.
            Conflict: somebody does; a schedule, or the roster.
        """
        async with self._store.changing() as writing:
            known = await _one(writing, kind, id_)
            if kind == "shift":
                using = [
                    one.name
                    for one in await writing.named("schedule")
                    if any(id_ in schedule_from(values).shift_ids for _, values in one.versions)
                ]
                if using:
                    raise Conflict(f"the shift {known.name} belongs to the schedules {sentence(using[:5])}")
            if await writing.people_by(kind, id_, Span()):
                raise Conflict(f"the days of some people go by the {kind} {known.name}, or went by it")
            await writing.remove(kind, id_)

    async def assigned(self, schedule_id: int | None, scope: Scope, asked: Window) -> Page[Assigned]:
        """Who goes by which schedule."""
        async with self._store.reading() as reading:
            return await reading.assigned(schedule_id, await self._today(reading), scope, asked)

    async def assign(self, schedule_id: int | None, owner: tuple[str, str], span: Span) -> Owner:
        """Let somebody go by a schedule in the span, instead of whatever was theirs alone; None is by none of theirs.

        Raises:
            NotFound: there is no such schedule.
            Invalid: there is no such person, group, unit or site.
            Conflict: somebody would go by the schedules of two groups at once.
        """
        async with self._store.changing() as writing:
            found = await assign(writing, schedule_id, owner, span)
        await self._settled()
        return found

    async def roster(
        self, since: date, until: date, employee: str | None, department: str | None, scope: Scope, *, asked: Window
    ) -> Page[RosterDay]:
        """The single dates that were said of people.

        Raises:
            Malformed: there is no such person or department.
        """
        async with self._store.reading() as reading:
            person = None if employee is None else (await found_owner(reading, "employee", employee, scope)).id
            everything = Scope.everything()
            unit = None if department is None else (await found_owner(reading, "department", department, everything)).id
            return await reading.roster(since, until, person, unit, scope, asked=asked)

    async def put_roster(self, entries: Sequence[Entry]) -> int:
        """Say, or no longer say, what single dates of people are; returns how many these are.

        Raises:
            Invalid: somebody, or a shift, is not known, or it is too much; nothing is done.
        """
        cells = sum(len(entry.people) * len(entry.dates) for entry in entries)
        if cells > MOST_CELLS:
            raise Invalid(f"{cells:,} dates of people are too many at once; send at most {MOST_CELLS:,}")
        async with self._store.changing() as writing:
            shifts = {key: one for one in await writing.named("shift") for key in (one.id, one.name)}
            everybody = await writing.people([one for entry in entries for one in entry.people])
            wrong: dict[str, str] = {}
            for number, entry in enumerate(entries):
                if entry.shift is not None and entry.shift not in shifts:
                    wrong[f"entries/{number}/shift"] = f"there is no shift {entry.shift!r}"
                if missing := [str(one) for one in entry.people if one not in everybody]:
                    wrong[f"entries/{number}/employees"] = f"there is no employee {sentence(missing[:5])}"
            if wrong:
                raise Invalid("; ".join(f"{name}: {why}" for name, why in wrong.items()), fields=wrong)
            touched: dict[Span, set[int]] = {}
            for entry in entries:
                people = sorted({everybody[one] for one in entry.people})
                dates = sorted(set(entry.dates))
                if not (people and dates):
                    continue
                if entry.clear:
                    await writing.clear_roster(people, dates)
                else:
                    await writing.put_roster(people, dates, None if entry.shift is None else shifts[entry.shift].id)
                touched.setdefault(Span(dates[0], _after(dates[-1])), set()).update(people)
            for span, whose in touched.items():
                await writing.recompute(whose, span, "the roster was changed")
        await self._settled()
        return cells

    async def _today(self, reading: SchedulingReading) -> date:
        return (await reading.rulebook(self._clock.now())).today()


async def make(writing: SchedulingWriting, kind: Kind, name: str, values: Values, span: Span) -> int:
    """Make a shift or a schedule within a transaction; returns its id. See `Scheduling.create`."""
    read = await _values(writing, kind, name, values)
    id_ = await writing.make(kind, name)
    await writing.put_versions(kind, id_, [(span, read)])
    # It may be the one that scans spoke for all the while.
    touched = await writing.people_by(kind, id_, span)
    await writing.recompute(touched, span, f"the {kind} {name} was added")
    return id_


async def change_versions(  # noqa: PLR0917 -- of what, what, when
    writing: SchedulingWriting,
    kind: Kind,
    known: Named,
    name: str,
    values: Values,
    span: Span | None,
    now: datetime,
) -> None:
    """Change a shift or a schedule within a transaction. See `Scheduling.change`."""
    span = span or Span((await writing.rulebook(now)).today())
    read = await _values(writing, kind, name, values)
    if name != known.name:
        await writing.rename(kind, known.id, name)
    await writing.put_versions(kind, known.id, changed(known.versions, span, lambda _: read))
    touched = await writing.people_by(kind, known.id, span)
    await writing.recompute(touched, span, f"the {kind} {name} was changed")


async def assign(writing: SchedulingWriting, schedule_id: int | None, owner: tuple[str, str], span: Span) -> Owner:
    """Let somebody go by a schedule within a transaction. See `Scheduling.assign`."""
    name = "no schedule" if schedule_id is None else (await _one(writing, "schedule", schedule_id)).name
    found = await found_owner(writing, *owner, Scope.everything())
    before = await writing.schedules_of(found)
    await writing.put_schedules(found, changed(before, span, lambda _: schedule_id))
    if found.kind == "group" and (both := await writing.in_two_groups(found.id)):
        raise clash(both)
    touched = await writing.people_of(found, span)
    await writing.recompute(touched, span, f"{found.kind} {found.name} goes by {name}")
    return found


async def found_schedule(reading: SchedulingReading, wanted: str | int) -> Named:
    """Which schedule is meant by an id or a name.

    Raises:
        Invalid: there is none.
    """
    for one in await reading.named("schedule"):
        if wanted in (one.id, one.name):
            return one
    detail = f"there is no schedule {wanted!r}"
    raise Invalid(f"schedule: {detail}", fields={"schedule": detail})


async def found_owner(reading: SchedulingReading, kind: str, text: str, scope: Scope) -> Owner:
    """Who is meant: `kind` is employee, department, unit, group or site.

    Raises:
        Malformed: there is none, or the caller may not know.
    """
    found = await reading.owner(kind, text, scope)
    if found is None:
        detail = f"there is no {kind} {text[:80]!r}"
        raise Malformed(f"{kind}: {detail}", fields={kind: detail})
    return found


def clash(both: Sequence[tuple[str, str]]) -> Conflict:
    """For people who would go by the schedules of two groups at once: codes, with the other group's name."""
    people = sentence([f"{code} (in {group})" for code, group in both[:5]])
    return Conflict(f"some people would go by the schedules of two groups at once: {people}; end one of them first")


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


async def _one(reading: SchedulingReading, kind: Kind, id_: int) -> Named:
    found = await reading.named(kind, id_)
    if not found:
        raise NotFound(f"there is no {kind} {id_}")
    return found[0]


async def _values(reading: SchedulingReading, kind: Kind, name: str, values: Values) -> dict[str, Any]:
    """The values as they are kept.

    Raises:
        Invalid: one is against a rule; `fields` names it.
    """
    if not name:
        raise Invalid(f"{_NAME[kind]}: is missing", fields={_NAME[kind]: "is missing"})
    if kind == "shift":
        return shift_values(shift_from(values))
    shifts = await reading.named("shift")
    schedule = schedule_from(_with_ids(values, {one.name: one.id for one in shifts}))
    if unknown := sorted(schedule.shift_ids - {one.id for one in shifts}):
        field = "shift" if schedule.anchor is None else "cycle"
        detail = f"there is no shift {sentence([str(one) for one in unknown])}"
        raise Invalid(f"{field}: {detail}", fields={field: detail})
    return schedule_values(schedule)


_NAME: Mapping[Kind, str] = {"shift": "code", "schedule": "name"}


def _with_ids(values: Values, ids: Mapping[str, int]) -> dict[str, Any]:
    """Codes of shifts as their ids; what is none stays, to be refused by name."""

    def id_of(one: object) -> object:
        return ids.get(one, one) if isinstance(one, str) else one

    found = dict(values)
    if "shift" in found:
        found["shift"] = id_of(found["shift"])
    if isinstance(found.get("cycle"), list):
        found["cycle"] = [id_of(one) for one in found["cycle"]]
    return found
