"""Groups of people across units, and who is in them from when to when. Each change is one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol

from services.attendance.application.directory import Span
from services.attendance.application.listing import Page
from services.attendance.application.people_ports import Once
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.scheduling import clash
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, NotFound, Stale
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window
from shared.web.scope import Scope


class GroupRecord(NamedTuple):
    """A group."""

    id: int
    name: str
    description: str
    people: int
    """Who are in it today, as far as the caller may see them."""


class Member(NamedTuple):
    """Somebody in a group, for a time."""

    id: int
    person_id: int
    code: str
    name: str
    department: str | None
    since: date | None
    until: date | None
    """Exclusive."""


class GroupReading(Protocol):
    """One transaction that reads. A caller sees the groups of people whom they see; who sees everybody sees all."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def groups(self, today: date, scope: Scope, asked: Window) -> Page[GroupRecord]:
        """A page of groups."""

    async def group(self, group_id: int, today: date, scope: Scope) -> GroupRecord | None:
        """One of them."""

    async def members(self, group_id: int, today: date, on: date | None, scope: Scope, asked: Window) -> Page[Member]:
        """A page of members: of a date, or of all times."""


class GroupWriting(GroupReading, Protocol):
    """One transaction that changes."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def save(self, group_id: int | None, name: str, description: str) -> int:
        """Make (None) or change a group. Raises `Conflict` where another has the name."""

    async def remove(self, group_id: int) -> None:
        """Take it away, with its members."""

    async def person(self, wanted: int | str) -> int | None:
        """The id of the person of this id; a text may be their code as well. None where there is none."""

    async def add(self, group_id: int, person_id: int, span: Span) -> int:
        """Put somebody in. Raises `Conflict` where they are in for some of that time."""

    async def member(self, group_id: int, member_id: int, today: date) -> Member | None:
        """One member, with their department of today."""

    async def end(self, member_id: int, until: date | None) -> None:
        """Take somebody out from a date on; None is as if never in."""

    async def has_schedules(self, group_id: int) -> bool:
        """Whether its people go by schedules of its own, or did. That stays so until the transaction ends."""

    async def in_two_groups(self, group_id: int) -> Sequence[tuple[str, str]]:
        """As `SchedulingWriting` has it."""

    async def recompute(self, person_id: int, span: Span, reason: str) -> None:
        """See to it that somebody's days are computed again: those of the span, and their neighbours."""


class GroupStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[GroupReading]:
        """One consistent look."""

    def changing(self) -> AbstractAsyncContextManager[GroupWriting]:
        """Committed on leaving."""


class Groups:
    """Groups, and what may be done with them."""

    def __init__(self, store: GroupStore, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        """`settled` waits a little for the days that a change calls for."""
        self._store = store
        self._clock = clock
        self._settled = settled

    async def listed(self, scope: Scope, asked: Window) -> Page[GroupRecord]:
        """The groups that the caller may see."""
        async with self._store.reading() as reading:
            return await reading.groups(await self._today(reading), scope, asked)

    async def one(self, group_id: int, scope: Scope) -> GroupRecord:
        """One of them. Raises `NotFound`."""
        async with self._store.reading() as reading:
            return await self._there(reading, group_id, scope)

    async def make(self, name: str, description: str, once: Once[GroupRecord]) -> Answer:
        """Make a group. Raises `Conflict` where another has the name."""
        async with self._store.changing() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            group_id = await writing.save(None, name, description)
            answer = once.shown(await self._there(writing, group_id, Scope.everything()))
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
            return answer

    async def change(
        self, group_id: int, name: str | None, description: str | None, unless_stale: Callable[[GroupRecord], bool]
    ) -> GroupRecord:
        """Change a group; None stays as it is.

        Raises:
            NotFound: there is none of this id.
            Stale: somebody changed it since.
            Conflict: another has the name.
        """
        async with self._store.changing() as writing:
            group = await self._there(writing, group_id, Scope.everything())
            if unless_stale(group):
                raise Stale(f"group {group_id} was changed by somebody else; read it again")
            kept = group.description if description is None else description
            await writing.save(group_id, name or group.name, kept)
            return await self._there(writing, group_id, Scope.everything())

    async def remove(self, group_id: int) -> None:
        """Take a group away.

        Raises:
            NotFound: there is no such group.
            Conflict: its people go by a schedule of its own, or went by it.
        """
        async with self._store.changing() as writing:
            group = await self._there(writing, group_id, Scope.everything())
            if await writing.has_schedules(group_id):
                raise Conflict(
                    f"the people of {group.name} go by a schedule of the group, or went by it: end that first"
                )
            await writing.remove(group_id)

    async def members(self, group_id: int, on: date | None, scope: Scope, asked: Window) -> Page[Member]:
        """Who is in a group on a date, or was ever. Raises `NotFound`."""
        async with self._store.reading() as reading:
            await self._there(reading, group_id, scope)
            return await reading.members(group_id, await self._today(reading), on, scope, asked)

    async def add(self, group_id: int, employee: int | str, span: Span, once: Once[Member]) -> Answer:
        """Put somebody into a group for a time: by their id, or in a text by their id or code.

        Raises:
            NotFound: there is no such group.
            Invalid: there is no such person.
            Conflict: they are in it for some of that time, or would go by the schedules of two groups at once.
        """
        async with self._store.changing() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            group = await self._there(writing, group_id, Scope.everything())
            person_id = await writing.person(employee)
            if person_id is None:
                detail = f"there is no employee {employee!r}"
                raise Invalid(f"employee: {detail}", fields={"employee": detail})
            planned = await writing.has_schedules(group_id)
            member_id = await writing.add(group_id, person_id, span)
            member = await writing.member(group_id, member_id, await self._today(writing))
            assert member is not None  # noqa: S101 - it was written in this transaction
            if planned:
                if both := await writing.in_two_groups(group_id):
                    raise clash(both)
                await writing.recompute(person_id, span, f"{member.code} came into the group {group.name}")
            answer = once.shown(member)
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        if planned:
            await self._settled()
        return answer

    async def end(self, group_id: int, member_id: int, until: date | None) -> None:
        """Take somebody out of a group from a date on; None is as if never in.

        Raises:
            NotFound: there is no such member.
            Invalid: the date lies before they came in, or after they went.
        """
        async with self._store.changing() as writing:
            group = await self._there(writing, group_id, Scope.everything())
            member = await writing.member(group_id, member_id, await self._today(writing))
            if member is None:
                raise NotFound(f"there is no member {member_id} of group {group_id}")
            if until is not None and member.since is not None and until <= member.since:
                detail = f"{until} is not after {member.since}, from when they are in the group"
                raise Invalid(f"until: {detail}", fields={"until": detail})
            if until is not None and member.until is not None and until > member.until:
                detail = f"{until} is after {member.until}, from when they are in the group no more"
                raise Invalid(f"until: {detail}", fields={"until": detail})
            planned = await writing.has_schedules(group_id)
            await writing.end(member_id, until)
            if planned:
                left = Span(until or member.since, member.until)
                await writing.recompute(member.person_id, left, f"{member.code} left the group {group.name}")
        if planned:
            await self._settled()

    async def _there(self, reading: GroupReading, group_id: int, scope: Scope) -> GroupRecord:
        found = await reading.group(group_id, await self._today(reading), scope)
        if found is None:
            raise NotFound(f"there is no group {group_id}")
        return found

    async def _today(self, reading: GroupReading) -> date:
        return (await reading.rulebook(self._clock.now())).today()
