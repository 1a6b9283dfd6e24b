"""Who is in now, by site and department; and the list by which people are called out in an emergency."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, NoReturn, Protocol
from zoneinfo import ZoneInfo

from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.domain.presence import Presence, Seen, Whereabouts, presence
from services.attendance.domain.scans import SCAN_TYPES
from services.attendance.domain.terms import terms_of
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed, Unavailable
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPresence:
    """Of whom it is asked."""

    site: str | None = None
    """A site's id or name: whoever was last seen there, and who belong there and were not seen elsewhere."""
    department: str | None = None
    search: str | None = None
    where: Whereabouts | None = None
    """Narrows the people that are listed, not the counts."""


class PresenceFacts(NamedTuple):
    """A person of today, and the last business date on which a scan of theirs counts: this one or the one before."""

    person_id: int
    code: str
    name: str
    phone: str | None
    department: str | None
    designation: str | None
    home: int
    """The site that the person belongs to."""
    today: date
    """The present business date there."""
    date: date | None
    first_in: datetime | None
    marks: str | None
    at: datetime | None
    """Of the last scan that counts."""
    type: str | None
    manual: bool | None
    """A correction says so, and no machine."""
    machine: str | None
    machine_name: str | None
    place: int | None
    """The site of that scan."""


class PresentPerson(NamedTuple):
    """A person, and where they are."""

    facts: PresenceFacts
    site_id: int
    """Where the person was last seen; the own site of who was not."""
    presence: Presence
    since: datetime | None
    """In the zone of that site."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """How many are where."""

    present: int = 0
    out: int = 0
    unknown: int = 0

    def add(self, where: Whereabouts) -> None:
        if where is Whereabouts.IN:
            self.present += 1
        elif where is Whereabouts.OUT:
            self.out += 1
        else:
            self.unknown += 1


@dataclass(slots=True, kw_only=True)
class SiteCounts:
    """The counts of a site and of each of its departments; None is who belong to none."""

    site_id: int
    name: str
    counts: Counts = field(default_factory=Counts)
    departments: dict[str | None, Counts] = field(default_factory=dict)


class MachineFreshness(NamedTuple):
    """How far a machine's scans are known."""

    code: str
    name: str
    site_id: int
    status: str
    is_connected: bool
    reports_by_itself: bool
    reported_until: datetime | None


class UnknownVisitor(NamedTuple):
    """A badge that nobody holds and that was seen today."""

    badge: str
    last_at: datetime
    machine: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoIsIn:
    """The answer, of one instant."""

    at: datetime
    site_id: int | None
    """The one that was asked for."""
    zone: str
    counts: Counts
    sites: Sequence[SiteCounts]
    people: Sequence[PresentPerson]
    machines: Sequence[MachineFreshness]
    strangers: Sequence[UnknownVisitor]
    trouble: str | None
    """Why scans may be late, where we know of a reason."""

    @property
    def place(self) -> str:
        """The site's name, or all of them."""
        return ", ".join(site.name for site in self.sites) or "no site"


class PresenceReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        """The leave of these people on the dates from `first` to `last`."""

    async def sites(self) -> Mapping[int, str]:
        """Their names by id."""

    async def unit(self, text: str) -> int | None:
        """The id of the unit with this id or name."""

    async def people(
        self,
        today: Mapping[int, date],
        since: datetime,
        now: datetime,
        *,
        site_id: int | None,
        unit_id: int | None,
        search: str | None,
        scope: Scope,
    ) -> Sequence[PresenceFacts]:
        """Everybody active, by department and name; `today` is each site's business date.

        `since` is no later than the first instant of the business date before.
        """

    async def machines(self, site_id: int | None) -> Sequence[MachineFreshness]:
        """Those that are not removed, by code."""

    async def strangers(self, since: datetime, site_id: int | None, scope: Scope) -> Sequence[UnknownVisitor]:
        """Badges that nobody holds and that were seen since, by when they were last."""


class PresenceReads(Protocol):
    """Opens transactions that read."""

    def reading(self) -> AbstractAsyncContextManager[PresenceReading]:
        """One consistent look."""


class WhoIsInNow:
    """Answers who is in. It needs the database alone: the bus may be away."""

    def __init__(self, reads: PresenceReads, clock: Clock, trouble: Callable[[], str | None]) -> None:
        """`trouble` says why scans may be late, without asking anybody."""
        self._reads = reads
        self._clock = clock
        self._trouble = trouble
        self._answered: dict[str, datetime] = {}

    async def now(self, wanted: WantedPresence, scope: Scope) -> WhoIsIn:
        """Who is in, out, or perhaps in.

        Raises:
            Malformed: there is no such site or department.
            Unavailable: the database is away; it says when it last answered the same here.
        """
        now = self._clock.now()
        asked = (wanted.site or "").lower()
        try:
            found = await self._found(now, wanted, scope)
        except Unavailable as error:
            self._give_up(now, asked, error)
        self._answered[asked] = now
        return found

    async def _found(self, now: datetime, wanted: WantedPresence, scope: Scope) -> WhoIsIn:
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(now)
            names = await reading.sites()
            site_id = None if wanted.site is None else _site(wanted.site, names)
            unit_id = None if wanted.department is None else await reading.unit(wanted.department)
            if wanted.department is not None and unit_id is None:
                raise _unknown("department", wanted.department)
            today = {site: rules.today(site) for site in rules.site_ids}
            starts = {site: rules.frame(site, day - timedelta(days=1)).starts_at for site, day in today.items()}
            facts = await reading.people(
                today, min(starts.values()), now, site_id=site_id, unit_id=unit_id, search=wanted.search, scope=scope
            )
            seen = [(each.date, each.person_id) for each in facts if each.date is not None]
            if seen:
                rules.leave = await reading.leave(min(seen)[0], max(seen)[0], [each.person_id for each in facts])
            machines = await reading.machines(site_id)
            this_day = min(rules.frame(site, day).starts_at for site, day in today.items())
            strangers = await reading.strangers(this_day, site_id, scope)
        people = [_person(each, rules, now) for each in facts]
        counts, by_site = _counted(people, names)
        return WhoIsIn(
            at=now,
            site_id=site_id,
            zone=rules.zone(site_id or rules.main_site),
            counts=counts,
            sites=by_site if site_id is None or by_site else [SiteCounts(site_id=site_id, name=names[site_id])],
            people=[each for each in people if wanted.where in (None, each.presence.where)],
            machines=machines,
            strangers=strangers,
            trouble=self._trouble(),
        )

    def _give_up(self, now: datetime, site: str, error: Unavailable) -> NoReturn:
        before = self._answered.get(site)
        if before is None:
            known = "it has not been read here since this process began"
        else:
            known = (
                f"it was last read here at {before:%H:%M:%S} UTC, {aged(now - before)} ago: a list printed then holds"
            )
        raise Unavailable(
            f"who is in cannot be said now, as {error.message}; {known}", retry_after=error.retry_after
        ) from error


def aged(age: timedelta) -> str:
    """A length of time in words, roughly: "12 minutes"."""
    seconds = max(0, int(age.total_seconds()))
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return f"{seconds // length} {name}{'s' if seconds >= 2 * length else ''}"
    return f"{seconds} seconds"


def _person(facts: PresenceFacts, rules: Rulebook, now: datetime) -> PresentPerson:
    today = rules.today_of(facts.person_id, facts.today)
    frame = rules.frame_for(facts.person_id, facts.home, facts.date or today)
    settings = frame.settings
    seen = None
    if facts.date is not None and facts.at is not None and facts.marks:
        terms = terms_of(frame, *rules.time_off(facts.home, facts.date, facts.person_id))
        seen = Seen(
            today=facts.date >= today,
            resolver=settings.resolver,
            marks=[SCAN_TYPES[mark.partition(" ")[2]] for mark in facts.marks.split(",")],
            first_in=facts.first_in,
            at=facts.at,
            type=SCAN_TYPES[facts.type or "UNKNOWN"],
            safe_exit=datetime.fromtimestamp(terms.safe_exit * 60, UTC),
            manual=bool(facts.manual),
        )
    found = presence(seen, now, timedelta(minutes=settings.long_span_minutes))
    site_id = facts.place or facts.home
    since = found.since and found.since.astimezone(ZoneInfo(rules.zone(site_id)))
    return PresentPerson(facts, site_id, found, since)


def _counted(people: Sequence[PresentPerson], names: Mapping[int, str]) -> tuple[Counts, list[SiteCounts]]:
    total = Counts()
    sites: dict[int, SiteCounts] = {}
    for each in people:
        site = sites.setdefault(each.site_id, SiteCounts(site_id=each.site_id, name=names.get(each.site_id, "")))
        department = site.departments.setdefault(each.facts.department, Counts())
        for counts in (total, site.counts, department):
            counts.add(each.presence.where)
    return total, [sites[site_id] for site_id in sorted(sites)]


def _site(text: str, names: Mapping[int, str]) -> int:
    for site_id, name in names.items():
        if name.lower() == text.lower():
            return site_id
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) in names:
        return int(text)
    raise _unknown("site", text)


def _unknown(name: str, value: str) -> Malformed:
    detail = f"there is no {name} {value[:80]!r}"
    return Malformed(f"{name}: {detail}", fields={name: detail})
