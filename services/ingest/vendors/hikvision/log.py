"""Reading a terminal's log by the best way that its firmware takes, from where the last reading ended.

The best way is by number: what is asked for begins with the last event that we have, so that one question says what is
new and whether that event is still the one that it was. Where it is not, the log was cleared or its counter began
again, and it is read from its start. Times are the second best: clocks are set back. A log that can only be had as a
whole is had as a whole, when it has grown. Whatever is read twice is recognised by its scans.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from services.ingest.application.drivers import Garbled, ProtocolBroken
from services.ingest.vendors.hikvision.events import AccessEvent
from services.ingest.vendors.hikvision.isapi import Isapi, Refused
from services.ingest.vendors.hikvision.search import (
    BY_SERIAL,
    BY_TIME,
    Page,
    Way,
    by_serial,
    by_time,
    latest_of,
    question,
)
from services.ingest.vendors.hikvision.troubles import SHOWN

OVERLAP: Final = timedelta(minutes=10)
MOST_PAGES: Final = 100_000
FEW_STEPS_BACK: Final = 10
"""More than that, and than there were steps forth, leads nowhere."""
WHOLE_AGAIN_AFTER: Final = 60.0
"""Seconds between readings of a whole log at least, where nothing says whether it has grown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a log was read. Kept for the next contact with the same machine."""

    device: str
    """Its own serial number, or its hardware address: a mark is worth nothing on another machine."""
    way: Way
    serial: int = 0
    anchor: AccessEvent | None = None
    """The event with that number, by which the counter is known to be the same."""
    latest: datetime | None = None
    """The latest wall time in it."""
    total: int | None = None
    """Events that it holds, as far as we know."""
    epoch: int = 0
    """How often its counter has begun again, as far as we saw."""

    @property
    def without_person(self) -> "Mark":
        """With as much of its event as tells it from others."""
        if self.anchor is None:
            return self
        return replace(self, anchor=replace(self.anchor, badge="", card="", status="", rest={}))


class NotHonoured(Exception):
    """The machine takes a question and answers another one."""


class EventLog:
    """The log of one terminal in one contact. Raises what `Isapi` raises."""

    def __init__(
        self,
        isapi: Isapi,
        *,
        device: str,
        wall: datetime,
        offset_at: Callable[[datetime | None], str],
        mark: Mark | None,
        page: int,
    ) -> None:
        """`offset_at` a wall time is how far ahead of UTC the machine is then, as in `+05:30`; None is now.

        `mark` is where an earlier contact ended.
        """
        self._isapi = isapi
        self._offset_at = offset_at
        self._page_size = page
        self._device = device
        self._first = True
        self._read_at = float("-inf")
        self.wall = wall
        """What its clock shows: a later time in its log is of a clock that was wrong."""
        self.mark = mark if mark is not None and mark.device == device else None
        """How far it was read; moves when a reading has ended."""
        self.restarted: str | None = None
        """Set by a reading that found the log cleared or its counter begun again: the sentence about it."""

    async def find_way(self, ways: Iterable[Way] = Way) -> tuple[Way, int | None]:
        """How it can be asked, and how many events it holds, where it says so.

        Raises:
            ProtocolBroken: in none of these ways.
        """
        refused: Refused | None = None
        for way in ways:
            try:
                page = await self._ask(self._from_start(way), position=0, most=1)
            except Refused as error:
                refused = error
                continue
            if way in BY_SERIAL and any(event.serial is None for event in page.events):
                continue
            return way, page.total
        raise _does_not_tell(refused)

    async def unread(self) -> AsyncIterator[Sequence[AccessEvent]]:
        """What there is since the mark, or all of it, in parts; when it ends, the mark has moved."""
        self.restarted = None
        try:
            mark = self.mark
            if mark is None:
                way, total = await self.find_way()
                mark = Mark(device=self._device, way=way, total=total)
            if mark.way in BY_SERIAL:
                try:
                    async for events in self._by_serial(mark):
                        yield events
                    return
                except NotHonoured:
                    way, total = await self.find_way([way for way in Way if way not in BY_SERIAL])
                    mark = Mark(device=self._device, way=way, epoch=mark.epoch)
            async for events in self._by_time(mark):
                yield events
        except Refused as refused:
            # What it took before it takes no more, as after an update: the next contact finds another way.
            self.mark = None
            raise _does_not_tell(refused) from refused
        self._first = False

    async def again(self, since: datetime) -> AsyncIterator[Sequence[AccessEvent]]:
        """What is of this wall time on, once more, in parts; the mark stays.

        Where the machine cannot be asked so, or will be read whole anyway, it gives nothing, and all of it is unread.
        One that takes the question and leaves out what it is known to have was not understood, and is read whole, too.
        """
        if self.mark is None or self.mark.way not in BY_SERIAL:
            return
        reached = latest_of([self.mark.anchor] if self.mark.anchor is not None else [], None)
        for way in BY_TIME:
            found = reached is None or reached < since
            try:
                async for page in self._pages(self._by_times(way, since)):
                    found = found or bool(page.events)
                    yield page.events
            except Refused:
                continue
            if found:
                return
        self.mark = None

    async def _by_serial(self, mark: Mark) -> AsyncIterator[Sequence[AccessEvent]]:
        if mark.anchor is not None:
            kept, new, seen = False, mark, set[int | None]()
            async for page in self._pages(by_serial(mark.serial, way=mark.way)):
                self._check(page, first=mark.serial)
                events = [event for event in page.events if not _same(event, mark.anchor)]
                kept = kept or len(events) < len(page.events)
                seen.update(event.serial for event in events)
                new = _moved(new, events)
                yield events
            if kept:
                self.mark = replace(new, total=None if mark.total is None else mark.total + len(seen))
                return
        # It was never read, or the event where we were is not the one that it was: all of it, from the start.
        new, total = Mark(device=self._device, way=mark.way, epoch=mark.epoch), None
        async for page in self._pages(by_serial(1, way=mark.way)):
            self._check(page, first=1)
            new, total = _moved(new, page.events), page.total if total is None else total
            yield page.events
        if mark.anchor is not None:
            self.restarted = _what_happened(mark, new)
            new = replace(new, epoch=mark.epoch + 1)
        self.mark = replace(new, total=total)

    async def _by_time(self, mark: Mark) -> AsyncIterator[Sequence[AccessEvent]]:
        since = None if self._first or mark.latest is None else min(mark.latest, self.wall) - OVERLAP
        if mark.way is Way.WHOLE:
            if not self._first and not await self._has_grown(mark):
                return
            since = None
        total, new = mark.total, mark
        async for page in self._pages(self._by_times(mark.way, since)):
            new = replace(new, latest=latest_of(page.events, new.latest))
            total = page.total if since is None else total
            yield page.events
        if mark.total is not None and total is not None and total < mark.total and since is None:
            self.restarted = f"it holds {total:,} events and held {mark.total:,}: its log was cleared"
            new = replace(new, epoch=mark.epoch + 1)
        self._read_at = asyncio.get_running_loop().time()
        self.mark = replace(new, total=total)

    async def _has_grown(self, mark: Mark) -> bool:
        page = await self._ask({}, position=0, most=1)
        if page.total is not None:
            return page.total != mark.total
        return asyncio.get_running_loop().time() - self._read_at > WHOLE_AGAIN_AFTER

    async def _pages(self, condition: Mapping[str, Any]) -> AsyncIterator[Page]:
        """All that a question asks for. Where the log changes meanwhile, rows come twice.

        Each page begins with the last row of the page before. Where it does not, a log that is full has forgotten its
        oldest meanwhile, and every row has moved: then we go back until we are where we were.
        """
        search, position, last, before = str(uuid4()), 0, None, None
        forth, back = 0, 0
        while forth + back < MOST_PAGES and back <= FEW_STEPS_BACK + forth:
            page = await self._ask(condition, position=position, most=self._page_size, search=search)
            if page.events and page.events == before:
                raise Garbled(f"it gives the same {len(page.events)} events of its log again and again")
            if last is not None and position > 0 and last not in page.events:
                position, before = max(0, position - self._page_size + 1), None
                back += 1
                continue
            # What is the last row itself was given already.
            yield replace(page, events=page.events[1:]) if last is not None and page.events[:1] == [last] else page
            if not page.more:
                return
            forth += 1
            before = page.events
            # Some leave rows out of a page and count them: then nobody knows which place a row has.
            overlaps = page.size == len(page.events) > 1
            last = page.events[-1] if overlaps else None
            position += page.size - overlaps
        raise Garbled("its log does not end, or changes faster than it can be read")

    async def _ask(self, condition: Mapping[str, Any], *, position: int, most: int, search: str | None = None) -> Page:
        asked = question(condition, search=search or str(uuid4()), position=position, most=most)
        return await self._isapi.page(asked, position=position)

    def _from_start(self, way: Way) -> Mapping[str, Any]:
        return by_serial(1, way=way) if way in BY_SERIAL else self._by_times(way, None)

    def _by_times(self, way: Way, since: datetime | None) -> Mapping[str, Any]:
        if way is Way.WHOLE:
            return {}
        return by_time(since, offset=self._offset_at(since) if way is Way.TIME else "")

    @staticmethod
    def _check(page: Page, *, first: int) -> None:
        """Some ignore what they do not know and give everything."""
        if any(event.serial is None or event.serial < first for event in page.events):
            raise NotHonoured


def _does_not_tell(refused: Refused | None) -> ProtocolBroken:
    why, body = (str(refused.refusal), refused.body) if refused is not None else ("it leaves out their numbers", b"")
    return ProtocolBroken(f"it does not give out its log: {why}. Is it an access terminal?", evidence=body[:SHOWN])


def _same(event: AccessEvent, other: AccessEvent) -> bool:
    return (event.serial, event.time, event.minor) == (other.serial, other.time, other.minor)


def _moved(mark: Mark, events: Sequence[AccessEvent]) -> Mark:
    """The mark after these; they are in order of time, and the highest number counts."""
    highest = max(events, key=lambda event: event.serial or 0, default=None)
    if highest is None or (highest.serial or 0) <= mark.serial:
        return mark
    return replace(mark, serial=highest.serial or 0, anchor=highest)


def _what_happened(before: Mark, after: Mark) -> str:
    if after.serial < before.serial:
        said = (
            f"its newest event is number {after.serial:,} and was {before.serial:,}" if after.serial else "it is empty"
        )
        return f"{said}: its log was cleared, and its counter began again"
    return f"its event number {before.serial:,} is not the one that it was: its log was cleared"
