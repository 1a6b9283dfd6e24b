"""One contact with a terminal: its log, then its events, with what is new in the log at every look and at every doubt.

Events only make scans quick. The stream is opened before the log is read, so that what happens meanwhile is in the one
or in the other. After that the log is asked for what is new every `look_every`, and soon when numbers are left out, a
part cannot be read, or the stream breaks. Scans that are in the log and were not told show a stream that is deaf: it is
opened anew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact, Phase
from services.ingest.domain.reading import Batch, Mode, Reading
from services.ingest.vendors.hikvision.batches import batch_of
from services.ingest.vendors.hikvision.events import AccessEvent
from services.ingest.vendors.hikvision.isapi import Isapi, Refused
from services.ingest.vendors.hikvision.log import EventLog
from services.ingest.vendors.hikvision.measuring import mind_clock
from services.ingest.vendors.hikvision.settings import HikvisionSettings
from services.ingest.vendors.hikvision.stream import AlertStream
from services.ingest.vendors.marks import written
from shared.kernel.clock import Clock

MOST: Final = 500
"""Events in a batch."""
LOOK_AGAIN_AFTER: Final = 2.0
"""Seconds between looks at the log at least, however much the stream leaves out."""
ON_ITS_WAY: Final = 0.5
"""Seconds that an event may take that the log has already."""
SHORT_LIVED: Final = 5.0
"""Seconds. A stream that ends sooner is opened anew at the next look and not at once."""
DEAF: Final = 3
"""Times in a row that a stream which leaves scans out is opened anew."""
FULL: Final = 0.8

_Key = tuple[str, datetime, str]


class HikvisionSession:
    """Yields the log, then live scans, for as long as the machine answers."""

    def __init__(
        self,
        isapi: Isapi,
        log: EventLog,
        *,
        zone: ZoneInfo,
        settings: HikvisionSettings,
        contact: Contact,
        clock: Clock,
        since: datetime | None = None,
    ) -> None:
        """`since` is the wall time from which on the log is wanted once more, beside what is new in it."""
        self._since = since
        self._isapi = isapi
        self._log = log
        self._zone = zone
        self._settings = settings
        self._contact = contact
        self._clock = clock
        self._stream: AlertStream | None = None
        self._whole = False
        """The stream was there all the time since the last look."""
        self._told: set[_Key] = set()
        """Scans that the stream has told since the last look began."""
        self._read: set[_Key] = set()
        """Scans that the last look took from the log."""
        self._counter: int | None = None
        """The number of the event that the stream told last."""
        self._behind = False
        """Something may be in the log that the stream did not tell."""
        self._deaf = 0

    async def batches(self) -> AsyncIterator[Batch]:
        loop = asyncio.get_running_loop()
        await self._mind_stream()
        looked, began = loop.time(), self._clock.now()
        async for batch in self._look(Mode.REPLAY):
            yield batch
        yield self._complete(Mode.REPLAY, began)
        self._contact.phase(Phase.LIVE)
        while True:
            for batch in self._events():
                yield batch
            pause = self._settings.look_every
            due = looked + (min(LOOK_AGAIN_AFTER, pause) if self._in_doubt() else pause)
            if loop.time() < due:
                await self._wait(due - loop.time())
                continue
            looked, began = loop.time(), self._clock.now()
            wall = await mind_clock(self._isapi, self._zone, self._settings, self._contact, self._clock)
            self._log.wall = wall.local
            await self._mind_stream()
            # Without a stream, what is new in the log has just happened.
            async for batch in self._look(Mode.LIVE if self._stream is None else Mode.REPLAY):
                yield batch
            yield self._complete(Mode.LIVE, began)

    async def acknowledge(self, batch: Batch) -> None:
        """The machine wants no answer; how far its log was read is noted when a reading of it ends."""

    def _complete(self, mode: Mode, began: datetime) -> Batch:
        """All of the log up to its mark was handed over."""
        mark = self._log.mark
        kept = written(mark.without_person if mark is not None else None)
        return Batch(readings=(), mode=mode, received_at=began, complete_until=began, read_mark=kept)

    async def close(self) -> None:
        """Let go of the stream."""
        stream, self._stream, self._whole = self._stream, None, False
        if stream is not None:
            await stream.close()

    # The stream

    async def _mind_stream(self) -> None:
        """Have one, if it can be had; a fresh one where the old one ended or has fallen silent."""
        if not self._settings.live:
            return
        if self._stream is not None and (self._stream.ended or self._is_silent(self._stream)):
            self._stream.check()
            await self.close()
        if self._stream is not None:
            return
        stream = AlertStream(self._isapi, self._contact.warn)
        try:
            await stream.open()
        except Refused as refused:
            await stream.close()
            sentence = f"it does not tell of scans as they happen ({refused.refusal}): its log is read instead"
            self._contact.warn("no events", sentence)
        except BaseException:
            await stream.close()
            raise
        else:
            self._stream, self._counter = stream, None
            self._contact.settled("no events")

    def _is_silent(self, stream: AlertStream) -> bool:
        """Where it never sent a heartbeat, silence says nothing: then the look at its log does."""
        return stream.beats and asyncio.get_running_loop().time() - stream.heard_at > self._settings.silent_after

    def _in_doubt(self) -> bool:
        stream = self._stream
        if stream is None:
            return self._behind
        ended = stream.ended and asyncio.get_running_loop().time() - stream.opened_at > SHORT_LIVED
        return self._behind or ended or stream.untaken > 0 or self._is_silent(stream)

    async def _wait(self, seconds: float) -> None:
        if self._stream is None or self._stream.ended:
            await asyncio.sleep(seconds)
        elif await self._stream.wait(seconds):
            self._contact.alive()

    def _events(self) -> Iterator[Batch]:
        """What was told and not taken yet, in the order in which it was told."""
        if self._stream is None:
            return
        gathered: list[AccessEvent] = []
        mode = Mode.LIVE
        while (event := self._stream.take()) is not None:
            of_event = Mode.REPLAY if event.stored else Mode.LIVE
            if of_event is not mode or len(gathered) >= MOST:
                yield from self._told_now(gathered, mode)
                gathered = []
            mode = of_event
            gathered.append(event)
            self._follow(event)
        yield from self._told_now(gathered, mode)

    def _told_now(self, events: Sequence[AccessEvent], mode: Mode) -> Iterator[Batch]:
        batch = replace(self._batch(events, mode), of_log=False)
        self._told.update(map(_key, batch.readings))
        # A stream may tell late of what the log has told already: that was taken then.
        news = [reading for reading in batch.readings if _key(reading) not in self._read]
        if news or batch.unreadable:
            yield replace(batch, readings=news)

    def _follow(self, event: AccessEvent) -> None:
        """Notice numbers that were left out, and a counter that goes back."""
        if event.serial is None or event.stored:
            return
        if self._counter is not None and event.serial != self._counter + 1:
            self._behind = True
        self._counter = event.serial

    # The log

    async def _look(self, mode: Mode) -> AsyncIterator[Batch]:
        """What is new in the log; after it, whether the stream had told of it."""
        told_before, self._told = self._told, set()
        was_whole, self._behind = self._whole, False
        if self._stream is not None:
            self._stream.untaken = 0
        untold = self._read = set()
        async for events in self._unread():
            self._contact.alive()
            batch = self._batch(events, mode)
            untold.update(map(_key, batch.readings))
            if batch.readings or batch.unreadable:
                yield batch
            for told in self._events():
                yield told
        self._note()
        self._whole = self._stream is not None and not self._stream.ended
        if not was_whole or self._stream is None or not untold:
            return
        if untold - told_before - self._told:
            await asyncio.sleep(ON_ITS_WAY)
            for told in self._events():
                yield told
        await self._judge(heard=not untold - told_before - self._told)

    async def _unread(self) -> AsyncIterator[Sequence[AccessEvent]]:
        """What is wanted once more, the first time, and what is new."""
        since, self._since = self._since, None
        if since is not None:
            async for events in self._log.again(since):
                yield events
        async for events in self._log.unread():
            yield events

    async def _judge(self, *, heard: bool) -> None:
        """A stream that leaves out scans is opened anew, and after some times left as it is: it may be set up so."""
        self._deaf = 0 if heard else self._deaf + 1
        if heard:
            self._contact.settled("deaf stream")
        elif self._deaf < DEAF:
            self._behind = True
            await self.close()
        else:
            self._contact.warn(
                "deaf stream", "it does not tell of all scans as they happen: some are taken from its log"
            )

    def _note(self) -> None:
        """The log was read, and all of it was taken over."""
        if self._log.restarted is not None:
            self._contact.warn("log cleared", self._log.restarted)
        total = self._log.mark.total if self._log.mark is not None else None
        if total is None:
            return
        capacity = self._settings.record_capacity
        held = min(total, capacity) if capacity else total
        self._contact.counts(records=held, capacity=capacity or None, received=held)
        if capacity and held >= FULL * capacity:
            part = round(100 * held / capacity)
            sentence = f"its log is {part} % full: it will stop recording, or forget its oldest scans"
            self._contact.warn("log full", sentence)
        else:
            self._contact.settled("log full")

    def _batch(self, events: Sequence[AccessEvent], mode: Mode) -> Batch:
        return batch_of(events, mode, settings=self._settings, contact=self._contact, received_at=self._clock.now())


def _key(reading: Reading) -> _Key:
    return reading.badge, reading.local_time, reading.state
