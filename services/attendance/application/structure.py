"""Sites with their zones, and the tree of units with their heads: lists and changes. Each is one transaction."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol, TypeVar

from services.attendance.application.listing import Page
from services.attendance.application.people_ports import Once
from services.attendance.application.rulebook import Rulebook
from services.attendance.domain.units import is_below
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, NotFound, Stale
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window
from shared.web.scope import Scope

T = TypeVar("T")


class SiteRecord(NamedTuple):
    """A site. Its zone is None until it is configured or its first machine tells."""

    id: int
    name: str
    zone: str | None
    people: int
    """Who belong there today."""
    machines: int


class SiteDraft(NamedTuple):
    """What a site should be."""

    name: str
    zone: str | None


class UnitRecord(NamedTuple):
    """A unit: a department, or one of the other kinds."""

    id: int
    kind: str
    name: str
    parent_id: int | None
    head_id: int | None
    head_name: str | None
    people: int
    """Who belong to it today, without those below."""
    children: int


class UnitDraft(NamedTuple):
    """What a unit should be."""

    kind: str
    name: str
    parent_id: int | None
    head_id: int | None


class WantedUnits(NamedTuple):
    """Which units are asked for; `below` is a unit, which belongs to those below it."""

    kind: str | None = None
    parent_id: int | None = None
    below: int | None = None
    search: str | None = None


class StructureReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def sites(self, today: date, scope: Scope, asked: Window) -> Page[SiteRecord]:
        """A page of sites, of whose people those are counted whom the caller may see."""

    async def site(self, site_id: int, today: date, scope: Scope) -> SiteRecord | None:
        """One site."""

    async def units(self, wanted: WantedUnits, today: date, scope: Scope, asked: Window) -> Page[UnitRecord]:
        """A page of the units that the caller may see: their own, those that they head and those below these."""

    async def unit(self, unit_id: int, today: date, scope: Scope) -> UnitRecord | None:
        """One of them."""


class StructureWriting(StructureReading, Protocol):
    """One transaction that changes; nobody else changes people, places or rules meanwhile."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def save_site(self, site_id: int | None, draft: SiteDraft) -> int:
        """Make (None) or change a site; another zone has its days computed again.

        Raises:
            Conflict: another has the name.
        """

    async def site_in_use(self, site_id: int) -> str:
        """What belongs to the site, in words; empty where nothing does."""

    async def remove_site(self, site_id: int) -> None:
        """Take it away."""

    async def parents(self) -> Mapping[int, int | None]:
        """Each unit with the one above it."""

    async def is_person(self, person_id: int) -> bool:
        """Whether there is such a person."""

    async def save_unit(self, unit_id: int | None, draft: UnitDraft, rules: Rulebook) -> int:
        """Make (None) or change a unit, and tell others of the people whose path of units changed.

        Where a move changes what their days go by, these are computed again.

        Raises:
            Conflict: another of the kind has the name.
        """

    async def unit_in_use(self, unit_id: int) -> str:
        """What belongs to the unit, in words; empty where nothing ever did."""

    async def remove_unit(self, unit_id: int) -> None:
        """Take it away."""


class StructureStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[StructureReading]:
        """One consistent look."""

    def changing(self) -> AbstractAsyncContextManager[StructureWriting]:
        """Committed on leaving."""


class Structure:
    """Sites and units, and what may be done with them."""

    def __init__(self, store: StructureStore, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        """`settled` waits a little for the days that a change calls for."""
        self._store = store
        self._clock = clock
        self._settled = settled

    async def sites(self, scope: Scope, asked: Window) -> Page[SiteRecord]:
        """All sites."""
        async with self._store.reading() as reading:
            return await reading.sites(await self._today(reading), scope, asked)

    async def site(self, site_id: int, scope: Scope) -> SiteRecord:
        """One site. Raises `NotFound`."""
        async with self._store.reading() as reading:
            return _there(await reading.site(site_id, await self._today(reading), scope), f"site {site_id}")

    async def make_site(self, draft: SiteDraft, once: Once[SiteRecord]) -> Answer:
        """Make a site. Raises `Conflict` where another has the name."""
        async with self._store.changing() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            made = await writing.site(
                await writing.save_site(None, draft), await self._today(writing), Scope.everything()
            )
            return await _kept(writing, once, _there(made, "site"))

    async def change_site(
        self, site_id: int, change: Callable[[SiteRecord], SiteDraft], unless_stale: Callable[[SiteRecord], bool]
    ) -> SiteRecord:
        """Change a site; another zone has all of its days computed again.

        Raises:
            NotFound: there is none of this id.
            Stale: somebody changed it since.
            Invalid: it would lose its zone.
            Conflict: another has the name.
        """
        async with self._store.changing() as writing:
            today = await self._today(writing)
            present = _there(await writing.site(site_id, today, Scope.everything()), f"site {site_id}")
            _unless(unless_stale(present), f"site {site_id}")
            draft = change(present)
            if draft.zone is None and present.zone is not None:
                raise _invalid("timezone", "a site that has a zone keeps one: days were computed in it")
            await writing.save_site(site_id, draft)
            changed = _there(await writing.site(site_id, today, Scope.everything()), "site")
        await self._settled()
        return changed

    async def remove_site(self, site_id: int) -> None:
        """Take away a site that nothing belongs to.

        Raises:
            NotFound: there is none of this id.
            Conflict: something belongs to it, or it is the main site.
        """
        async with self._store.changing() as writing:
            rules = await writing.rulebook(self._clock.now())
            _there(await writing.site(site_id, rules.today(), Scope.everything()), f"site {site_id}")
            if site_id == rules.main_site:
                raise Conflict("the main site stays: people and machines belong to it where nothing else is said")
            if uses := await writing.site_in_use(site_id):
                raise Conflict(f"site {site_id} cannot go: {uses}")
            await writing.remove_site(site_id)

    async def units(self, wanted: WantedUnits, scope: Scope, asked: Window) -> Page[UnitRecord]:
        """The units that the caller may see."""
        async with self._store.reading() as reading:
            return await reading.units(wanted, await self._today(reading), scope, asked)

    async def unit(self, unit_id: int, scope: Scope) -> UnitRecord:
        """One of them. Raises `NotFound`."""
        async with self._store.reading() as reading:
            return _there(await reading.unit(unit_id, await self._today(reading), scope), f"unit {unit_id}")

    async def make_unit(self, draft: UnitDraft, once: Once[UnitRecord]) -> Answer:
        """Make a unit. Raises `Invalid` and `Conflict`."""
        async with self._store.changing() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            rules = await writing.rulebook(self._clock.now())
            await self._check(writing, None, draft)
            unit_id = await writing.save_unit(None, draft, rules)
            made = await writing.unit(unit_id, rules.today(), Scope.everything())
            return await _kept(writing, once, _there(made, "unit"))

    async def change_unit(
        self, unit_id: int, change: Callable[[UnitRecord], UnitDraft], unless_stale: Callable[[UnitRecord], bool]
    ) -> UnitRecord:
        """Change a unit, or move it and all below it to another parent: whoever heads those above then sees its people.

        Raises:
            NotFound: there is none of this id.
            Stale: somebody changed it since.
            Invalid: the parent or the head is none, or the parent stands below the unit.
            Conflict: another of the kind has the name.
        """
        async with self._store.changing() as writing:
            rules = await writing.rulebook(self._clock.now())
            everything = Scope.everything()
            present = _there(await writing.unit(unit_id, rules.today(), everything), f"unit {unit_id}")
            _unless(unless_stale(present), f"unit {unit_id}")
            draft = change(present)
            if draft.kind != present.kind and (uses := await writing.unit_in_use(unit_id)):
                raise Conflict(f"kind: unit {unit_id} stays what it is: {uses}", fields={"kind": uses})
            await self._check(writing, unit_id, draft)
            await writing.save_unit(unit_id, draft, rules)
            changed = _there(await writing.unit(unit_id, rules.today(), everything), "unit")
        if draft.parent_id != present.parent_id:
            await self._settled()
        return changed

    async def remove_unit(self, unit_id: int) -> None:
        """Take away a unit that nobody ever belonged to and that nothing is below.

        Raises:
            NotFound: there is none of this id.
            Conflict: something belongs to it.
        """
        async with self._store.changing() as writing:
            today = await self._today(writing)
            _there(await writing.unit(unit_id, today, Scope.everything()), f"unit {unit_id}")
            if uses := await writing.unit_in_use(unit_id):
                raise Conflict(f"unit {unit_id} cannot go: {uses}")
            await writing.remove_unit(unit_id)

    async def _check(self, writing: StructureWriting, unit_id: int | None, draft: UnitDraft) -> None:
        parents = await writing.parents()
        if draft.parent_id is not None and draft.parent_id not in parents:
            raise _invalid("parent", f"there is no unit {draft.parent_id}")
        if unit_id is not None and draft.parent_id is not None and is_below(draft.parent_id, unit_id, parents):
            raise _invalid("parent", f"unit {draft.parent_id} is this unit or stands below it")
        if draft.head_id is not None and not await writing.is_person(draft.head_id):
            raise _invalid("head", f"there is no employee {draft.head_id}")

    async def _today(self, reading: StructureReading) -> date:
        return (await reading.rulebook(self._clock.now())).today()


async def _kept(writing: StructureWriting, once: Once[T], made: T) -> Answer:
    answer = once.shown(made)
    if once.key is not None:
        await writing.keep_answer(once.key, answer)
    return answer


def _there(found: T | None, what: str) -> T:
    if found is None:
        raise NotFound(f"there is no {what}")
    return found


def _unless(stale: bool, what: str) -> None:
    if stale:
        raise Stale(f"{what} was changed by somebody else; read it again")


def _invalid(name: str, detail: str) -> Invalid:
    return Invalid(f"{name}: {detail}", fields={name: detail})
