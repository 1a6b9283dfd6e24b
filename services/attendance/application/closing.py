"""The close of days: once a date can no longer change by itself, everybody employed on it has a row, seen or not.

A date of a site is closed in order, when the windows of all of its people are final (RULES §4). Whoever has shifts of
their own has a window of their own, and gets the row when that one is. Closing twice changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from services.attendance.application.directory import PersonDay
from services.attendance.application.ports import Recordings
from services.attendance.application.record_scans import around
from services.attendance.application.rulebook import NOBODY, People, Reporter, Rulebook
from services.attendance.application.unseen import WithoutRow, store_unseen
from shared.contracts.days import DayClosed
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, NotFound, Unavailable
from shared.observability.logs import get_logger
from shared.web.scope import Caller

LOOK_EVERY = 5.0
"""Seconds between looks: time passes, and machines report, without anybody telling."""
FURTHEST_BACK = timedelta(days=731)
"""That closing may be said to begin: a day of everybody is written for each date."""
AT_A_STRETCH = 200
"""People whose windows are looked up before others are let in."""
MOST_REMEMBERED = 1_000
ONE_DAY = timedelta(days=1)

log = get_logger(__name__)


class Progress(NamedTuple):
    """How far the dates of a site are closed."""

    begins: date
    """What lies before is worked out when it is read, as ever."""
    next: date


class Counts(NamedTuple):
    """Who was employed at a site on a date, by the rows that there are."""

    people: int
    unseen: int
    """Those with a row on whom no scan counts."""
    statuses: Mapping[str, int]


class SiteDate(NamedTuple):
    """A date of a site, and what becomes of it."""

    site_id: int
    name: str
    zone: str
    begins: date | None
    closes_next: date | None
    """None until the site has a zone and was looked at."""
    state: str
    """See `STATES`."""
    closed_at: datetime | None
    final_at_latest: datetime | None
    waits_for: Sequence[Reporter]
    counts: Counts
    date: date


Standing = tuple[str, Sequence[Reporter], datetime | None]
"""The state of a date, the machines that it waits for, and when it is final at the latest."""
STATES: Mapping[str, str] = {
    "before": "lies before the first date that is closed: its days are worked out when they are read",
    "open": "is not over yet",
    "waiting": "is over, and waits for machines, or for 24 hours to pass",
    "shifts": "is final but for people whose own shifts are not",
    "closing": "is about to be closed",
    "closed": "is closed: everybody employed on it has a day",
}


class ClosingReading(WithoutRow, Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites, and of people who have days of their own."""

    async def recomputations_wait(self) -> bool:
        """Whether days wait to be computed again."""

    async def names(self) -> Mapping[int, str]:
        """Of sites."""

    async def progress(self) -> Mapping[int, Progress]:
        """By site."""

    async def closed_at(self, day: date) -> Mapping[int, datetime]:
        """The sites that have closed a date, and when."""

    async def counts(self, site_id: int, day: date) -> Counts:
        """Who was employed at the site on the date."""


class ClosingWriting(ClosingReading, Protocol):
    """One transaction that writes; the rules are held still, so that nobody comes or goes."""

    async def begin(self, site_id: int, on: date) -> None:
        """Let closing begin with a date, where it has not begun."""

    async def begin_earlier(self, site_id: int, on: date, by: Caller, at: datetime) -> None:
        """Let it begin with an earlier one; dates are closed from there on once more."""

    async def close(self, site_id: int, day: date, at: datetime) -> bool:
        """Keep that the date is closed; whether it was not before."""

    async def announce(self, closed: DayClosed) -> None:
        """Put the event into the outbox."""

    async def epoch(self) -> int:
        """Of the events of this service."""


class ClosingStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[ClosingReading]:
        """One consistent look."""

    def closing(self) -> AbstractAsyncContextManager[ClosingWriting]:
        """Committed on leaving."""

    def leading(self) -> AbstractAsyncContextManager[bool]:
        """Whether this process is the one that closes dates, for as long as the context is open."""


class Closing:
    """Closes dates, and says how far they are."""

    def __init__(self, store: ClosingStore, recordings: Recordings, clock: Clock) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock
        self._told = asyncio.Event()
        self._people: People = NOBODY
        self._ends: dict[tuple[int, date], set[int]] = {}
        self._passed: dict[tuple[int, date], set[int]] = {}

    async def run(self) -> None:
        """Close dates as they become final, for ever."""
        while True:
            self._told.clear()
            try:
                await self.once()
            except Unavailable as error:
                log.warning("closing.waiting", reason=error.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._told.wait()

    async def once(self) -> int:
        """Close all dates that can be closed now, in order; returns how many."""
        now = self._clock.now()
        async with self._store.reading() as reading:
            rules, progress = await reading.rulebook(now), await reading.progress()
            waits = await reading.recomputations_wait()
        sites = [site for site in rules.site_ids if rules.has_zone(site)]
        due = [site for site in sites if site in progress and await self._final(rules, site, progress[site].next)]
        for site in sites:
            if site not in progress:
                async with self._store.closing() as closing:
                    await closing.begin(site, rules.today(site))
        # Somebody's scans may only just have become theirs: what they are absent on follows from these first.
        if not due or waits:
            return 0
        async with self._store.leading() as leads:
            if not leads:
                return 0
            async with self._store.reading() as reading:
                progress = await reading.progress()  # another may have been leading until now
            return sum([await self._site(rules, site, progress[site].next) for site in due if site in progress])

    async def at(self, day: date | None, site_id: int | None = None) -> list[SiteDate]:
        """What becomes of a date at each site, or at one; where none is named, of the date that is to be closed next.

        Raises:
            NotFound: there is no such site.
        """
        async with self._store.reading() as reading:
            rules, progress = await reading.rulebook(self._clock.now()), await reading.progress()
            names = await reading.names()
            if site_id is not None and site_id not in names:
                raise NotFound(f"there is no site {site_id}")
            found = []
            for site in rules.site_ids if site_id is None else [site_id]:
                on = day or (progress[site].next if site in progress else rules.today(site))
                closed_at = (await reading.closed_at(on)).get(site)
                counts = await reading.counts(site, on)
                begins, following = progress.get(site, (None, None))
                standing: Standing = ("closed" if closed_at else "before", (), None)
                if closed_at is None and not (begins and on < begins):
                    standing = _open(rules, site, on, await self._window_ends(rules, site, on))
                state, waits_for, latest = standing
                found.append(
                    SiteDate(
                        site_id=site,
                        name=names[site],
                        zone=rules.zone(site),
                        date=on,
                        begins=begins,
                        closes_next=following,
                        state=state,
                        closed_at=closed_at,
                        final_at_latest=latest,
                        waits_for=waits_for,
                        counts=counts,
                    )
                )
        return found

    async def begin_earlier(self, site_id: int, on: date, who: Caller) -> SiteDate:
        """Let dates be closed from an earlier one on: absences of a past that was imported become facts.

        Raises:
            NotFound: there is no such site.
            Conflict: the site has no zone yet, closing began earlier, or the date lies too far back.
        """
        now = self._clock.now()
        async with self._store.closing() as closing:
            rules, progress = await closing.rulebook(now), await closing.progress()
            if site_id not in rules.site_ids:
                raise NotFound(f"there is no site {site_id}")
            if not rules.has_zone(site_id):
                raise Conflict(f"site {site_id} has no zone yet, so that it has no days")
            today = rules.today(site_id)
            begins = progress[site_id].begins if site_id in progress else today
            if on > begins:
                raise _refused(f"dates are closed from {begins} on already; that can begin earlier, not later")
            if on < today - FURTHEST_BACK:
                raise _refused(f"closing can begin {FURTHEST_BACK.days} days ago at the earliest")
            await closing.begin(site_id, on)
            if on < begins:
                await closing.begin_earlier(site_id, on, who, now)
        self._told.set()
        (shown,) = await self.at(None, site_id)
        return shown

    async def _site(self, rules: Rulebook, site_id: int, day: date) -> int:
        closed = 0
        while await self._date(rules, site_id, day):
            day += ONE_DAY
            closed += 1
        return closed

    async def _date(self, rules: Rulebook, site_id: int, day: date) -> bool:
        """Close a date as far as it is final; whether it is closed."""
        final = await self._final(rules, site_id, day)
        if not final:
            return False
        whole = final == await self._window_ends(rules, site_id, day)
        await self._recordings.prepare(around({day}))
        tried: set[PersonDay] = set()
        while True:
            async with self._store.reading() as reading:
                keys = [key for key in await reading.without_row(site_id, day, day) if key not in tried]
            ready = [key for key in keys if rules.closure(site_id, day, key.person_id).final]
            await store_unseen(self._recordings, ready, self._clock)
            # In a locked month a day stays as it is, even if there is none.
            tried.update(ready)
            if not whole or len(ready) < len(keys):
                self._passed[site_id, day] = final
                return False
            if await self._closed(rules, site_id, day, tried):
                self._ends.pop((site_id, day), None)
                self._passed.pop((site_id, day), None)
                return True

    async def _closed(self, rules: Rulebook, site_id: int, day: date, tried: set[PersonDay]) -> bool:
        """Write down and tell that a date is closed, unless somebody has come meanwhile whose day is not stored."""
        at = self._clock.now()
        async with self._store.closing() as closing:
            if not tried.issuperset(await closing.without_row(site_id, day, day)):
                return False
            if await closing.close(site_id, day, at):
                counts = await closing.counts(site_id, day)
                closed = DayClosed(
                    site_id=site_id,
                    site=(await closing.names())[site_id],
                    zone=rules.zone(site_id),
                    date=day,
                    closed_at=at,
                    people=counts.people,
                    unseen=counts.unseen,
                    counts=dict(counts.statuses),
                    epoch=await closing.epoch(),
                )
                await closing.announce(closed)
                log.info("day.closed", site=site_id, date=str(day), people=counts.people, unseen=counts.unseen)
        return True

    async def _final(self, rules: Rulebook, site_id: int, day: date) -> set[int]:
        """The ends of those windows that are final; none where there is nothing new to be done."""
        ends = await self._window_ends(rules, site_id, day)
        final = {end for end in ends if rules.closure_of(site_id, end).final}
        return set() if final != ends and final == self._passed.get((site_id, day)) else final

    async def _window_ends(self, rules: Rulebook, site_id: int, day: date) -> set[int]:
        """When windows of the date end there: the site's, and those of people who have their own."""
        if rules.people is not self._people or len(self._ends) > MOST_REMEMBERED:
            self._people = rules.people
            self._ends.clear()
            self._passed.clear()
        ends = self._ends.get((site_id, day))
        if ends is None:
            ends = {rules.frame(site_id, day).end}
            for number, person_id in enumerate(rules.people.holders):
                if number % AT_A_STRETCH == 0:
                    await asyncio.sleep(0)  # thousands of people take a while: others are served in between
                end = rules.own_window_end(person_id, site_id, day)
                if end is not None:
                    ends.add(end)
            if rules.people is self._people:  # and not another's by now
                self._ends[site_id, day] = ends
        return ends


def _open(rules: Rulebook, site_id: int, day: date, ends: set[int]) -> Standing:
    """How a date stands that is to be closed."""
    closures = [rules.closure_of(site_id, end) for end in sorted(ends)]
    latest, of_site = closures[-1].final_at_latest, rules.closure(site_id, day)
    names = {name for one in closures if one.window_over for name in one.waits_for}
    waits_for = [machine for machine in rules.reporters(site_id) if machine.code in names]
    if all(one.final for one in closures):
        return "closing", (), latest
    if of_site.final:
        return "shifts", waits_for, latest
    return ("waiting" if of_site.window_over else "open"), waits_for, latest


def _refused(detail: str) -> Conflict:
    return Conflict(f"begins: {detail}", fields={"begins": detail})
