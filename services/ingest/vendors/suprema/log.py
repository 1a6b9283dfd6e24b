"""Reading one machine's events from a server by the best key that it honours, from where the last reading ended.

The best key is the event's number. Servers know "greater than", so that every question begins one below the last event
that we have, which must come again: where it does not, its counter began again or its events were deleted, and all is
read from the start. Numbers are no key for ever: where the server keeps a table a month they begin again with
each, and the newest event has a lower number than the last one; from then on only what arrived later counts. A server
that gives what was not asked for is asked by time of arrival instead. What is read twice is recognised by its scans.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.ingest.application.drivers import Garbled, ProtocolBroken
from services.ingest.vendors.suprema.biostar import Biostar, Refused
from services.ingest.vendors.suprema.events import Event, event_of
from services.ingest.vendors.suprema.search import (
    Key,
    Way,
    arrival,
    arrived_from,
    from_key,
    key_of,
    of_device,
    question,
)
from services.ingest.vendors.suprema.troubles import SHOWN

OVERLAP: Final = timedelta(minutes=10)
EARLIEST: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - as servers write it
MOST_PAGES: Final = 100_000
LARGEST_PAGE: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a machine's events were read. Kept for the next contact."""

    source: tuple[str, str]
    """Server and machine: a mark is worth nothing elsewhere."""
    way: Way = Way.NUMBER
    number: int = 0
    anchor: Event | None = None
    """The event with that number, by which the counter is known to be the same."""
    latest: datetime | None = None
    """When the latest one arrived, as the server writes it."""
    since: datetime | None = None
    """What arrived up to then is of an earlier epoch, and may have higher numbers."""
    newest: Event | None = None
    """The event that had arrived last when the last reading began: all that had arrived by then was read."""
    epoch: int = 0
    """How often its counter has begun again, as far as we saw."""

    @property
    def is_start(self) -> bool:
        """Nothing was read to its end yet."""
        return not self.number and self.latest is None


class NotHonoured(Exception):
    """The server takes a question and answers another one."""


class EventLog:
    """The events of one machine in one contact. Raises what `Biostar` raises."""

    def __init__(self, biostar: Biostar, *, device: str, page: int, mark: Mark | None) -> None:
        """`mark` is where an earlier contact ended."""
        self._biostar = biostar
        self._device = device
        self._most = page
        self._start = Mark(source=(biostar.address.where, device))
        self.mark = mark if mark is not None and mark.source == self._start.source else self._start
        """How far they were read; moves when a reading has ended."""
        self.restarted: str | None = None
        """Set by a reading that found the counter begun again, or events deleted: the sentence about it."""

    async def newest(self) -> Event | None:
        """The event that arrived last; None where there is none.

        Raises:
            ProtocolBroken: it does not tell.
        """
        try:
            try:
                return await self._newest(Way.ARRIVAL)
            except Refused:
                return await self._newest(Way.NUMBER)
        except Refused as refused:
            raise _does_not_tell(refused) from refused

    async def unread(self) -> AsyncIterator[Sequence[Event]]:
        """What there is since the mark, in parts; when it ends, the mark has moved."""
        self.restarted = None
        mark = self.mark
        if mark.way is Way.NUMBER:
            try:
                async for events in self._by_number(mark):
                    yield events
                return
            except (Refused, NotHonoured):
                mark = replace(self._start, way=Way.ARRIVAL, epoch=mark.epoch)
        try:
            async for events in self._by_arrival(mark):
                yield events
        except Refused as refused:
            self.mark = self._start
            raise _does_not_tell(refused) from refused
        except NotHonoured as error:
            self.mark = self._start
            raise ProtocolBroken(
                "the BioStar server gives events that were not asked for, whether it is asked by their number or by"
                " their time of arrival: nobody could tell when all were read"
            ) from error

    async def again(self, since: datetime) -> AsyncIterator[Sequence[Event]]:
        """What the machine recorded from then on, a time as events have it, once more, in parts; the mark stays.

        Where the server cannot be asked so, or all will be read anyway, it gives less, and all is unread.
        """
        if self.mark.is_start:
            return
        try:
            async for events in self._pages(Way.RECORDING, since):
                yield events
        except (Refused, NotHonoured):
            self.mark = self._start

    async def _by_number(self, mark: Mark) -> AsyncIterator[Sequence[Event]]:
        # Asked before the rest: what arrives meanwhile with a low number is newer than this, and seen the next time.
        newest = await self._newest_if_told()
        new, kept = mark, mark.anchor is None
        async for events in self._pages(Way.NUMBER, max(mark.number, 1), since=mark.since):
            fresh = [event for event in events if mark.anchor is None or event.identity != mark.anchor.identity]
            kept = kept or len(fresh) < len(events)
            new = _moved(new, fresh)
            yield fresh
        if not kept and mark.anchor is not None:
            new = Mark(source=mark.source, epoch=mark.epoch + 1)
            async for events in self._pages(Way.NUMBER, 1):
                new = _moved(new, events)
                yield events
            self.restarted = _what_happened(mark, new)
        elif _began_again(newest, mark, new):
            again = replace(new, since=arrival(mark.newest) if mark.newest else None, number=0, anchor=None)
            async for events in self._pages(Way.NUMBER, 1, since=again.since):
                again = _moved(again, events)
                yield events
            if 0 < again.number < new.number:
                self.restarted = _began_anew(again.number, new.number)
                new = replace(again, epoch=again.epoch + 1)
        self.mark = replace(new, newest=newest)

    async def _newest_if_told(self) -> Event | None:
        """The event that arrived last; None also where the server cannot be asked for it."""
        try:
            return await self._newest(Way.ARRIVAL)
        except Refused:
            return None

    async def _by_arrival(self, mark: Mark) -> AsyncIterator[Sequence[Event]]:
        new = mark
        since = EARLIEST if mark.latest is None else mark.latest - OVERLAP
        async for events in self._pages(Way.ARRIVAL, since):
            new = replace(new, latest=_latest(events, new.latest))
            yield events
        self.mark = new

    async def _pages(self, way: Way, key: Key, *, since: datetime | None = None) -> AsyncIterator[Sequence[Event]]:
        """All that have this key or a later one. It ends where nothing new comes, never by how much came."""
        most, seen = self._most, frozenset[object]()
        for _ in range(MOST_PAGES):
            conditions = [of_device(self._device), from_key(key, way)]
            if since is not None:
                conditions.append(arrived_from(since))
            events = await self._asked(conditions, order=way, most=most)
            for event in events:
                one = key_of(event, way)
                if one is None or one < key:  # type: ignore[operator]  # keys of one way are of one kind
                    raise NotHonoured
            fresh = [event for event in events if event.identity not in seen]
            if not fresh:
                return
            yield [event for event in fresh if event.device in ("", self._device)]
            counting = [one for event in events if _counts(event, since) and (one := key_of(event, way)) is not None]
            last: Key = max(counting, default=key)
            if last == key and len(events) >= most:  # more than a page have this one key, or are of an earlier epoch
                most *= 4
                if most > LARGEST_PAGE:
                    raise Garbled(f"more than {LARGEST_PAGE:,} of its events have one and the same {way.value}")
            key, seen = last, frozenset(event.identity for event in events)
        raise Garbled("its events do not end")

    async def _newest(self, order: Way) -> Event | None:
        asked = question([of_device(self._device)], order=order, newest_first=True, most=1)
        rows = await self._biostar.search(asked)
        return event_of(rows[0]) if rows else None

    async def _asked(self, conditions: Iterable[Mapping[str, Any]], *, order: Way, most: int) -> Sequence[Event]:
        asked = question(list(conditions), order=order, newest_first=False, most=most)
        return [event_of(row) for row in await self._biostar.search(asked)]


def _does_not_tell(refused: Refused) -> ProtocolBroken:
    return ProtocolBroken(
        f"the BioStar server does not let its events be searched: {refused.said}", evidence=refused.body[:SHOWN]
    )


def _moved(mark: Mark, events: Sequence[Event]) -> Mark:
    """The mark after these; what is of an earlier epoch does not move it."""
    for event in events:
        if _counts(event, mark.since) and event.number is not None and event.number > mark.number:
            mark = replace(mark, number=event.number, anchor=event)
    return replace(mark, latest=_latest(events, mark.latest))


def _counts(event: Event, since: datetime | None) -> bool:
    """Whether it is of the present epoch."""
    arrived = arrival(event)
    return since is None or (arrived is not None and arrived > since)


def _began_again(newest: Event | None, before: Mark, after: Mark) -> bool:
    """Whether something came since the last reading, and has a lower number than what came before."""
    if newest is None or newest.number is None or before.newest is None or after.anchor is None:
        return False
    # Of those that arrived in one second any may be called the newest; a later event will tell.
    arrived, reached = arrival(newest), arrival(after.anchor)
    later = arrived is not None and (reached is None or arrived > reached)
    return later and newest.identity != before.newest.identity and newest.number < after.number


def _latest(events: Sequence[Event], before: datetime | None) -> datetime | None:
    return max([*filter(None, map(arrival, events)), *filter(None, [before])], default=None)


def _what_happened(before: Mark, after: Mark) -> str:
    if not after.number:
        return "its server has no events of it any more: they were deleted"
    if after.number < before.number:
        return _began_anew(after.number, before.number)
    return f"its event number {before.number:,} is not the one that it was: events were deleted on its server"


def _began_anew(now: int, before: int) -> str:
    return f"its newest event on the server is number {now:,} and was {before:,}: numbers began again"
