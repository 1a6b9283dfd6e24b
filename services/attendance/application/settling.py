"""Settings: what holds for a site, a unit or a person, and changing it from a date on."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.attendance.application.holders import Assignment, Holder, Span, Timeline, on_date, since_when
from services.attendance.application.plans import Planning
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.scheduling import found_owner
from services.attendance.application.scheduling_ports import (
    Owner,
    SchedulingReading,
    SchedulingStore,
    SchedulingWriting,
    Values,
)
from services.attendance.application.timeline import changed
from services.attendance.domain.settings import (
    DEFAULTS,
    DaySettings,
    read_settings,
    refusal,
    settings_from,
    settings_values,
)
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, Stale, sentence
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The settings of somebody on a date."""

    owner: Owner
    site: int
    zone: str
    settings: DaySettings
    own: Values
    """What was said of the owner alone, over what lies above."""
    since: date | None
    until: date | None
    """Exclusive; None is always, of both."""


class Settling:
    """Reads and changes settings."""

    def __init__(self, store: SchedulingStore, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        """`settled` waits a little for the days that a change calls for."""
        self._store = store
        self._clock = clock
        self._settled = settled

    async def today(self) -> date:
        """The business date of this moment at the main site."""
        async with self._store.reading() as reading:
            return (await reading.rulebook(self._clock.now())).today()

    async def of(self, kind: str, text: str | None, on: date | None, scope: Scope) -> InForce:
        """What holds on a date (today): `kind` is site, department, unit or employee; None is the main site.

        Raises:
            Malformed: there is none, or the caller may not know.
        """
        async with self._store.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            owner = await found_owner(reading, kind, text or str(rules.main_site), scope)
            return await _in_force(reading, owner, on or rules.today(), rules.zone)

    async def change(
        self,
        kind: str,
        text: str | None,
        values: Values,
        span: Span | None,
        unless_stale: Callable[[InForce], bool] = lambda _: False,
    ) -> InForce:
        """Change the settings that are named, in the span: None is from today on. Those not named stay.

        A value of null goes back to what lies above; a value that is the same as above is not kept.

        Raises:
            Malformed: there is no such site, unit or person.
            Stale: neither of today nor of the first date of the change they are as the caller read them.
            Invalid: a value is against a rule, or there is no such shift; `fields` names it.
            Conflict: it does not go together with what was said of a unit or a person below.
        """
        check(values)  # before anybody is held up
        async with self._store.changing() as writing:
            now = self._clock.now()
            rules = await writing.rulebook(now)
            owner = await found_owner(writing, kind, text or str(rules.main_site), Scope.everything())
            dates = {rules.today(), rules.today() if span is None or span.since is None else span.since}
            if all([unless_stale(await _in_force(writing, owner, on, rules.zone)) for on in dates]):
                raise Stale(f"the settings of {owner.kind} {owner.name} were changed by somebody else; read them again")
            owner, span, rules = await change_settings(writing, kind, text, values, span, now)
            found = await _in_force(writing, owner, span.since or rules.today(), rules.zone)
        await self._settled()
        return found


async def _known_shifts(reading: SchedulingReading, ids: Sequence[int]) -> None:
    if ids and (unknown := set(ids) - {one.id for one in await reading.named("shift")}):
        raise refusal({"infer_shifts_from": f"there is no shift {sentence([str(one) for one in sorted(unknown)])}"})


def check(values: Values) -> None:
    """Refuse what no settings can be.

    Raises:
        Invalid: a value is against a rule; `fields` names it.
    """
    wrong: dict[str, str] = {}
    read_settings({name: value for name, value in values.items() if value is not None}, wrong)
    wrong |= {name: "there is no such setting" for name in values if name not in _KNOWN}
    if wrong:
        raise refusal(wrong)


async def change_settings(  # noqa: PLR0917 -- whose, what, when
    writing: SchedulingWriting, kind: str, text: str | None, values: Values, span: Span | None, now: datetime
) -> tuple[Owner, Span, Rulebook]:
    """The change within its transaction; returns whose settings these are, and since when. See `Settling.change`."""
    check(values)
    rules = await writing.rulebook(now)
    owner = await found_owner(writing, kind, text or str(rules.main_site), Scope.everything())
    span = span or Span(rules.today())
    await _known_shifts(writing, values.get("infer_shifts_from") or ())
    before = await writing.settings_of(owner)
    drafted = changed(before, span, lambda own: _with(own or {}, values))
    misfits = _misfits(*await writing.layered())
    checked = [
        (piece, own if (piece, own) in before else await _over(writing, owner, piece, own)) for piece, own in drafted
    ]
    await writing.put_settings(owner, [(piece, own) for piece, own in checked if own])
    if broken := _misfits(*await writing.layered()) - misfits:
        raise Conflict(
            f"this does not go together with the settings of {sentence(sorted(broken)[:5])}: change those first"
        )
    touched = await writing.people_of(owner, span)
    await writing.recompute(touched, span, f"settings of {owner.kind} {owner.name} were changed")
    return owner, span, rules


def _with(own: Values, values: Values) -> dict[str, Any]:
    return {name: value for name, value in {**own, **values}.items() if value is not None}


def _misfits(planning: Planning, below: Sequence[tuple[Owner, Holder]]) -> set[str]:
    """Whose own settings do not go together with what lies above them, on a date on which they begin to meet."""
    found = set()
    for owner, holder in below:
        for place in holder.assignments:
            for on in planning.edges(holder, place):
                layer = planning.own_layer(holder, place, on)
                if layer is None:
                    continue
                try:
                    settings_from(layer.values, _above_of(planning, owner, holder, place, on))
                except Invalid:
                    found.add(owner.name)
    return found


async def _over(reading: SchedulingReading, owner: Owner, span: Span, own: Values) -> dict[str, Any]:
    """What is kept of the owner's values: only what differs from that above when they begin to hold.

    Raises:
        Invalid: they do not go together with what lies above.
    """
    above = await _above(reading, owner, span.since or span.until or date(2000, 1, 1))
    settings = settings_from(own, above)
    same = settings_values(above)
    return {name: value for name, value in settings_values(settings).items() if name in own and value != same[name]}


async def _above(reading: SchedulingReading, owner: Owner, on: date) -> DaySettings:
    """What would hold without anything said of the owner."""
    if owner.kind == "site":
        return DEFAULTS
    planning, holder, place = await reading.place(owner, on)
    return _above_of(planning, owner, holder, place, on)


def _above_of(planning: Planning, owner: Owner, holder: Holder, place: Assignment, on: date) -> DaySettings:
    if owner.kind == "person":
        return planning.settings(replace(holder, owned=None), on, place)
    return planning.settings(holder, on, replace(place, unit_path=place.unit_path[1:]))


async def _in_force(reading: SchedulingReading, owner: Owner, on: date, zone: Callable[[int], str]) -> InForce:
    planning, holder, place = await reading.place(owner, on)
    timeline = await reading.settings_of(owner)
    return InForce(
        owner=owner,
        site=place.site_id,
        zone=zone(place.site_id),
        settings=planning.settings(holder, on, place),
        own=on_date(timeline, on) or {},
        since=planning.settings_since(holder, on, place) if owner.kind != "site" else since_when(timeline, on),
        until=min(_ends(timeline, on), default=None),
    )


def _ends(timeline: Timeline[Values], on: date) -> Iterator[date]:
    """Where what holds on a date is over."""
    for span, _ in timeline:
        for edge in span:
            if edge is not None and edge > on:
                yield edge


_KNOWN = frozenset(settings_values(DEFAULTS))
