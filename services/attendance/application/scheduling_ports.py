"""What is asked and answered about shifts, schedules, the roster and settings, and the ports that keep them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, Protocol

from services.attendance.application.holders import Assignment, Holder, Span, Timeline
from services.attendance.application.listing import Page
from services.attendance.application.looking import Drafted
from services.attendance.application.plans import Planning
from services.attendance.application.rulebook import Rulebook
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window
from shared.web.scope import Scope

Values = Mapping[str, Any]
Kind = Literal["shift", "schedule"]


class Owner(NamedTuple):
    """Of whom something is said."""

    kind: Literal["site", "unit", "group", "person"]
    id: int
    name: str
    """A person's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A shift or a schedule, with its values over time."""

    id: int
    name: str
    """A shift's code."""
    versions: Timeline[Values]

    @property
    def version(self) -> str:
        """Another for whatever changes of it."""
        return blake2b(repr((self.name, self.versions)).encode(), digest_size=9).hexdigest()


class Assigned(NamedTuple):
    """Whose days go by a schedule, and when."""

    id: int
    schedule_id: int
    schedule: str
    owner: Owner
    span: Span


class RosterDay(NamedTuple):
    """A single date of a person."""

    person_id: int
    code: str
    name: str
    date: date
    shift_id: int | None
    """None is off."""
    shift: str | None


class SchedulingReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def named(self, kind: Kind, id_: int | None = None) -> Sequence[Named]:
        """All shifts or schedules, or one, by code or name."""

    async def owner(self, kind: str, text: str, scope: Scope) -> Owner | None:
        """Who is meant by an id, a code or a name, among those that the caller may see."""

    async def assigned(self, schedule_id: int | None, on: date, scope: Scope, asked: Window) -> Page[Assigned]:
        """A page of who goes by which schedule; `on` is when a person has to be the caller's to see."""

    async def roster(
        self, since: date, until: date, person_id: int | None, unit_id: int | None, scope: Scope, *, asked: Window
    ) -> Page[RosterDay]:
        """A page of the single dates; `until` is inclusive."""

    async def place(self, owner: Owner, on: date) -> tuple[Planning, Holder, Assignment]:
        """What stands for an owner's days on a date: of a site and of a unit somebody who is nobody else's."""

    async def settings_of(self, owner: Owner) -> Timeline[Values]:
        """What was said of the owner alone."""


class SchedulingWriting(SchedulingReading, Protocol):
    """One transaction that changes rules; nobody else does meanwhile, and no day is computed."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def make(self, kind: Kind, name: str) -> int:
        """A new shift or schedule, without values yet.

        Raises:
            Conflict: there is one of this name.
        """

    async def rename(self, kind: Kind, id_: int, name: str) -> None:
        """Raises as `make` does."""

    async def put_versions(self, kind: Kind, id_: int, versions: Timeline[Values]) -> None:
        """These instead of all that there were."""

    async def remove(self, kind: Kind, id_: int) -> None:
        """Forget one that nothing refers to."""

    async def put_settings(self, owner: Owner, settings: Timeline[Values]) -> None:
        """These instead of all that there were."""

    async def schedules_of(self, owner: Owner) -> Timeline[int]:
        """The owner's own schedules."""

    async def put_schedules(self, owner: Owner, schedules: Timeline[int]) -> None:
        """These instead of all that there were."""

    async def people(self, texts: Sequence[int | str]) -> Mapping[int | str, int]:
        """Ids of people by what they were called: their id, or their code. Who is not known is missing."""

    async def put_roster(self, people: Sequence[int], dates: Sequence[date], shift_id: int | None) -> None:
        """Each of these people on each of these dates; None is off."""

    async def clear_roster(self, people: Sequence[int], dates: Sequence[date]) -> None:
        """Their schedules hold again."""

    async def layered(self) -> tuple[Planning, Sequence[tuple[Owner, Holder]]]:
        """All units and people of whom settings were said; of a unit, somebody at each site who is nobody else's."""

    async def in_two_groups(self, group_id: int) -> Sequence[tuple[str, str]]:
        """Whom the schedules of this group and of another would both have on a date: codes, with the other's name."""

    async def people_of(self, owner: Owner, span: Span) -> set[int]:
        """Who belongs to an owner at any time of the span."""

    async def people_by(self, kind: Kind, id_: int, span: Span) -> set[int]:
        """Whose days go by a shift or a schedule at any time of the span."""

    async def recompute(self, people: set[int], span: Span, reason: str) -> None:
        """See to it that the days of these people are computed again: those of the span, and their neighbours."""


class SchedulingTrial(SchedulingWriting, Protocol):
    """One transaction that changes rules, and of which nothing is kept. Workers go on meanwhile."""

    async def drafted(self) -> Drafted:
        """All rules as they would now be, and whose days were asked to be computed again."""


class SchedulingStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[SchedulingReading]:
        """One consistent look."""

    def changing(self) -> AbstractAsyncContextManager[SchedulingWriting]:
        """Committed on leaving."""

    def trying(self) -> AbstractAsyncContextManager[SchedulingTrial]:
        """Undone on leaving."""
