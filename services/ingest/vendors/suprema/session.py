"""One contact with a machine behind a server: what the server has, then what it tells, and a search at every doubt.

The socket only makes scans quick. It stands before the search begins, so that what happens meanwhile is in the one or
in the other. After that what is new is searched for every `look_every`, and soon when the socket stood anew or told
what cannot be read. Scans that are found and were not told show a socket that is deaf: it is opened anew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact, Phase
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.vendors.marks import written
from services.ingest.vendors.suprema.clock import MachineClock
from services.ingest.vendors.suprema.codes import LINK_DOWN, LINK_UP, LOG_CLEARED, Outcome
from services.ingest.vendors.suprema.events import Event, reading_of
from services.ingest.vendors.suprema.feed import Ear
from services.ingest.vendors.suprema.log import EventLog
from services.ingest.vendors.suprema.recent import Recent
from services.ingest.vendors.suprema.settings import SupremaSettings
from services.ingest.vendors.suprema.times import as_written
from shared.kernel.clock import Clock

MOST: Final = 500
"""Events in a batch."""
LOOK_AGAIN_AFTER: Final = 2.0
"""Seconds between searches at least, however much the socket leaves out."""
ON_ITS_WAY: Final = 0.5
"""Seconds that an event may take that the search has found already."""
DEAF: Final = 3
"""Times in a row that a socket which leaves scans out is opened anew."""


class SupremaSession:
    """Yields what the server has of a machine, then live scans, for as long as the server answers."""

    def __init__(
        self,
        ear: Ear | None,
        log: EventLog,
        *,
        zone: ZoneInfo,
        settings: SupremaSettings,
        contact: Contact,
        clock: Clock,
        since: datetime | None = None,
    ) -> None:
        """`since` is the wall time from which on events are wanted once more, beside those that are new."""
        self._since = since
        self._ear = ear
        self._log = log
        self._zone = zone
        self._settings = settings
        self._contact = contact
        self._clock = clock
        self._times = MachineClock(zone, settings.datetime_is, contact)
        self._told = Recent()
        self._stood: int | None = None
        """How often the socket had begun to stand at the last look, where it stood then."""
        self._heard = False
        """The socket has told a scan since it was judged last."""
        self._deaf = 0
        self._caught_up = False
        self._linked = True
        """The machine is in contact with its server, as far as that says."""

    async def batches(self) -> AsyncIterator[Batch]:
        loop = asyncio.get_running_loop()
        looked, began = loop.time(), self._clock.now()
        async for batch in self._look(Mode.REPLAY):
            yield batch
        yield self._complete(Mode.REPLAY, began)
        self._caught_up = True
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
            # Without a socket, what is new on the server has just happened.
            async for batch in self._look(Mode.REPLAY if self._stands() else Mode.LIVE):
                yield batch
            yield self._complete(Mode.LIVE, began)

    async def acknowledge(self, batch: Batch) -> None:
        """The server wants no answer; how far its events were read is noted when a reading of them ends."""

    def _complete(self, mode: Mode, began: datetime) -> Batch:
        """A machine that its server cannot reach may hold scans that nobody knows of."""
        return Batch(
            readings=(),
            mode=mode,
            received_at=self._clock.now(),
            complete_until=began if self._linked else None,
            read_mark=written(self._log.mark),
        )

    # The socket

    def _stands(self) -> bool:
        return self._ear is not None and self._ear.stands

    def _in_doubt(self) -> bool:
        ear = self._ear
        if ear is None:
            return False
        anew = ear.stands and ear.stood != self._stood
        fell = self._stood is not None and not ear.stands
        return anew or fell or ear.untaken > 0

    async def _wait(self, seconds: float) -> None:
        if self._ear is None:
            await asyncio.sleep(seconds)
        elif await self._ear.wait(seconds) and self._ear.stands:
            self._contact.alive()

    def _events(self) -> Iterator[Batch]:
        """What was told and not taken yet, in the order in which it was told, each scan once."""
        ear = self._ear
        while ear is not None and (event := ear.take()) is not None:
            gathered = [event]
            while len(gathered) < MOST and (event := ear.take()) is not None:
                gathered.append(event)
            now = self._clock.now()
            batch = self._batch(gathered, Mode.LIVE, now)
            self._times.told(list(batch.readings), now)
            self._tell(now)
            self._heard = self._heard or bool(batch.readings)
            if batch.readings or batch.unreadable:
                yield batch

    # The search

    async def _look(self, mode: Mode) -> AsyncIterator[Batch]:
        """What is new on the server; after it, whether the socket had told of it."""
        ear, whole = self._ear, False
        if ear is not None:
            whole = ear.stands and ear.stood == self._stood
            self._stood = ear.stood if ear.stands else None
            ear.untaken = 0
            self._say_whether_it_tells(ear)
        untold = 0
        async for events in self._unread():
            self._contact.alive()
            now = self._clock.now()
            if whole and untold == 0 and any(event.outcome is Outcome.GRANTED for event in events):
                # The search was quicker than the socket, or that is deaf: a moment tells.
                for told in await self._late(events):
                    yield told
            batch = self._batch(events, mode, now)
            untold += len(batch.readings)
            for event in events:
                if event.outcome is Outcome.GRANTED:
                    self._times.found(event)
            if batch.readings or batch.unreadable:
                yield batch
        self._tell(self._clock.now())
        if self._log.restarted is not None:
            self._contact.warn("numbers began again", self._log.restarted)
        if self._log.mark.anchor is None and self._log.mark.latest is None:
            self._contact.warn("no events yet", "its BioStar server has no events of it: is its device_id right?")
        else:
            self._contact.settled("no events yet")
        if ear is not None and whole and ear.stands and ear.stood == self._stood:
            self._judge(ear, deaf=untold > 0)

    async def _unread(self) -> AsyncIterator[Sequence[Event]]:
        """What is wanted once more, the first time, and what is new."""
        since, self._since = self._since, None
        if since is not None:
            async for events in self._log.again(as_written(since, self._zone, self._settings.datetime_is)):
                yield events
        async for events in self._log.unread():
            yield events

    async def _late(self, events: Sequence[Event]) -> Sequence[Batch]:
        """What the socket still tells of these, if it has not told all of them."""
        found = [self._read(event) for event in events]
        if all(one in self._told for one in found if isinstance(one, Reading)):
            return ()
        await asyncio.sleep(ON_ITS_WAY)
        return list(self._events())

    def _judge(self, ear: Ear, *, deaf: bool) -> None:
        """A socket that leaves out scans is opened anew, and after some times left as it is."""
        heard, self._heard = self._heard, False
        if not deaf:
            if heard:
                self._deaf = 0
                self._contact.settled("deaf socket")
            return
        self._deaf += 1
        if self._deaf < DEAF:
            ear.reopen()
        else:
            sentence = "its BioStar server does not tell of all scans as they happen: some are found by searching"
            self._contact.warn("deaf socket", sentence)

    def _say_whether_it_tells(self, ear: Ear) -> None:
        if ear.stands:
            self._contact.settled("no socket")
        elif ear.why_not:
            self._contact.warn("no socket", f"scans are not told as they happen, and searched for: {ear.why_not}")

    # Events

    def _batch(self, events: Sequence[Event], mode: Mode, now: datetime) -> Batch:
        """Those that were not in an earlier batch of this contact."""
        readings, unreadable = [], []
        for event in events:
            self._follow(event)
            one = self._read(event)
            if isinstance(one, Unreadable):
                unreadable.append(one)
            elif one is not None and self._told.add(one):
                readings.append(one)
        return Batch(readings=readings, unreadable=unreadable, mode=mode, received_at=now)

    def _read(self, event: Event) -> Reading | Unreadable | None:
        settings = self._settings
        return reading_of(event, zone=self._zone, meaning=settings.datetime_is, keys=settings.keys)

    def _follow(self, event: Event) -> None:
        """What an event says of the machine itself. What was so in the past is told to nobody."""
        self._times.follow(event, live=self._caught_up)
        if event.family in (LINK_UP, LINK_DOWN):
            self._linked = event.family == LINK_UP
        elif event.family == LOG_CLEARED and self._caught_up:
            self._contact.warn("log cleared", f"its own log was cleared, as its event of {event.time} says")

    def _tell(self, now: datetime) -> None:
        """How it stands with the machine after what was read by now."""
        self._times.tell(now)
        if self._linked:
            self._contact.settled("link")
        else:
            self._contact.warn("link", "its BioStar server has lost it: its scans come once that has it again")
