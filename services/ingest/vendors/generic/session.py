"""One contact with a machine: what it sends becomes batches, and is answered once they are safe."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import (
    Contact,
    Garbled,
    MachineTrouble,
    OtherMachine,
    Phase,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.vendors.generic.frames import Piece
from services.ingest.vendors.generic.framing import Pauses
from services.ingest.vendors.generic.interpreting import Heard, Interpreter, Kind
from services.ingest.vendors.generic.lines import Came, Line, Peer
from services.ingest.vendors.generic.memory import Memory
from services.ingest.vendors.generic.numbering import Numbering
from services.ingest.vendors.generic.sequence import Turn
from services.ingest.vendors.generic.settings import GenericSettings
from services.ingest.vendors.generic.templates import filled
from services.ingest.vendors.generic.timers import Due, Timers
from services.ingest.vendors.marks import written
from shared.kernel.clock import Clock

MOST: Final = 250
"""Frames that are taken in before others have their turn."""
JUST_NOW: Final = timedelta(minutes=2)
"""A scan of the last minutes is live; an older one was kept by the machine."""
AHEAD: Final = timedelta(seconds=60)
"""A scan that lies so far ahead tells of a wrong clock; one that lies behind may only have waited."""
NONSENSE: Final = 3
"""Frames that cannot be read, of a machine of which nothing ever was: its profile is wrong. Nothing is acknowledged."""
STRAYS: Final = 100
"""Damaged pieces of one contact that are kept; who sends more is a noisy line, or no machine."""


@dataclass(slots=True)
class _Gathered:
    """What goes into one batch."""

    readings: list[Reading] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    frames: int = 0
    complete_until: datetime | None = None


class GenericSession:
    """Yields what comes, for as long as there is contact."""

    def __init__(
        self,
        line: Line,
        machine: Machine,
        settings: GenericSettings,
        *,
        memory: Memory,
        contact: Contact,
        clock: Clock,
        dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        """`memory` is what is known of the machine from earlier contacts; `dropped` counts datagrams that were lost."""
        self._line, self._machine, self._settings = line, machine, settings
        self._memory, self._contact, self._clock, self._dropped = memory, contact, clock, dropped
        self._zone = ZoneInfo(machine.zone)
        self._interpreter = Interpreter(settings, self._zone)
        self._numbering = Numbering(settings.sequence, memory.position, contact)
        self._timers = Timers(settings, asyncio.get_running_loop().time())
        self._replies: list[tuple[Peer, bytes]] = []
        self._halves: set[Peer] = set()
        self._trouble: MachineTrouble | None = None
        self._understood = memory.understood or machine.last_scan_at is not None
        self._nonsense = 0
        self._strays = 0
        self._offset = timedelta(0)
        self._too_far_ahead = False
        self._lost_then = dropped()
        self._polled_at = clock.now()
        self._asks_now = False

    async def batches(self) -> AsyncIterator[Batch]:
        self._contact.phase(Phase.LIVE)
        if self._line.alone:
            await self._greet(*self._line.peers())
        pause = self._settings.framing.milliseconds / 1000 if isinstance(self._settings.framing, Pauses) else None
        loop = asyncio.get_running_loop()
        while True:
            for due in self._timers.due(loop.time()):
                await self._do(due)
            came = await self._line.receive(pause if self._halves else self._timers.next_in(loop.time()))
            if came is None:
                for batch in self._after_nothing(loop.time()):
                    yield batch
                continue
            self._timers.heard(loop.time())
            self._contact.alive()
            if came.some is None:
                await self._greet(came.peer)
            elif not came.some:
                came.peer.close()
            else:
                for batch in self._batches(self._pieces(came)):
                    yield batch
                if pause is not None and came.peer.framer.pending:
                    self._halves.add(came.peer)
            for request in self._urgent():
                await came.peer.send(request)

    async def acknowledge(self, batch: Batch) -> None:
        replies, self._replies = self._replies, []
        self._memory.position = self._numbering.position
        if batch.readings:
            self._memory.understood = True
        together: dict[Peer, bytes] = {}
        for peer, reply in replies:
            together[peer] = together.get(peer, b"") + reply
        for peer, reply in together.items():
            await peer.send(reply)

    # What is to be said although nothing was asked

    async def _do(self, due: Due) -> None:
        settings = self._settings
        if due is Due.HEARTBEAT and settings.heartbeat is not None:
            await self._tell(settings.heartbeat.send)
        elif due is Due.POLL and settings.poll is not None:
            self._polled_at = self._clock.now()
            await self._tell(settings.poll.request)
        elif due is Due.ASK_AGAIN:
            self._numbering.look()
            for request in self._numbering.requests():
                for peer in self._line.peers():
                    await peer.send(request)

    async def _tell(self, template: str) -> None:
        said = filled(template, {"sequence": self._numbering.latest(), "password": self._settings.password or ""})
        for peer in self._line.peers():
            await peer.send(said)

    async def _greet(self, *peers: Peer) -> None:
        if self._settings.login is not None:
            said = filled(self._settings.login.send, {"password": self._settings.password or ""})
            for peer in peers:
                await peer.send(said)

    def _urgent(self) -> Iterator[bytes]:
        """A gap has just shown."""
        if self._asks_now:
            self._asks_now = False
            yield from self._numbering.requests()

    # What comes

    def _after_nothing(self, now: float) -> Iterator[Batch]:
        halves, self._halves = self._halves, set()
        for peer in halves:
            yield from self._batches((peer, piece) for piece in peer.framer.idle())
        if not halves and self._timers.silent_for(now) >= 0:
            silence = self._settings.connection.silence if self._settings.connection else 0
            raise Unreachable(f"the machine has said nothing for {silence:g} s")

    def _pieces(self, first: Came) -> Iterator[tuple[Peer, Piece]]:
        """Those of what came, and of what can be had with it: what is made safe together costs little more than one."""
        came: Came | None = first
        taken = 0
        while came is not None and came.some:
            for piece in came.peer.framer.feed(came.some):
                yield came.peer, piece
            taken += 1
            came = self._line.at_hand() if taken < MOST else None

    def _batches(self, pieces: Iterable[tuple[Peer, Piece]]) -> Iterator[Batch]:
        """Raises the trouble that something of it means, after what came before that."""
        self._note_lost()
        gathered = _Gathered()
        for peer, piece in pieces:
            self._take(peer, self._interpreter.hear(piece, self._clock.now()), gathered)
            if self._trouble is not None:
                break
            if gathered.frames >= MOST:
                yield self._batch(gathered)
                gathered = _Gathered()
        if gathered.frames or gathered.unreadable:
            yield self._batch(gathered)
        if self._trouble is not None:
            raise self._trouble

    def _take(self, peer: Peer, heard: Heard, into: _Gathered) -> None:
        if heard.kind is Kind.REFUSAL:
            self._trouble = WrongCredentials("it refuses our password")
            return
        if heard.serial and self._machine.serial and heard.serial not in (self._machine.serial, *self._machine.aliases):
            self._trouble = OtherMachine(
                f"another machine is there: serial number {heard.serial}, where {self._machine.serial} is registered"
            )
            return
        if heard.kind is Kind.UNREADABLE and not self._bears(heard):
            into.unreadable += heard.unreadable
            return
        into.frames += 1
        into.readings += heard.readings
        self._understood = self._understood or bool(heard.readings)
        into.unreadable += self._kept(heard)
        if self._numbering.take(heard.sequence) is Turn.GAP:
            self._asks_now = True
        if heard.nothing_waits and not self._numbering.position.lacking:
            into.complete_until = self._polled_at if heard.kind is Kind.END else self._clock.now()
        if heard.clock_offset is not None:
            self._offset = heard.clock_offset
            self._contact.clock(heard.clock_offset)
        if heard.reply or self._line.always_answers:
            self._replies.append((peer, heard.reply))
        if heard.lost:
            self._lose(peer, heard)

    def _bears(self, heard: Heard) -> bool:
        """Whether something that cannot be read is one of few; else the profile is wrong, which a person must mend."""
        if self._understood:
            return True
        self._nonsense += 1
        if self._nonsense < NONSENSE:
            return heard.lost
        self._trouble = ProtocolBroken(
            f"nothing that it sends can be read with this profile: {heard.unreadable[0].reason}. What it sent is kept"
            " here, and was not acknowledged"
        )
        return False

    def _kept(self, heard: Heard) -> tuple[Unreadable, ...]:
        if not heard.unreadable:
            return ()
        if heard.kind is Kind.UNREADABLE:
            self._strays += 1
        reason = heard.unreadable[0].reason
        self._contact.warn("unreadable", f"something that it sent could not be read: {reason}")
        return heard.unreadable if self._strays <= STRAYS else ()

    def _lose(self, peer: Peer, heard: Heard) -> None:
        if self._line.alone:
            self._trouble = Garbled(f"the machine sent {heard.unreadable[0].reason}")
        else:
            peer.close()

    def _batch(self, gathered: _Gathered) -> Batch:
        now = self._clock.now()
        wall = now.astimezone(self._zone).replace(tzinfo=None)
        leads = [reading.local_time - wall for reading in gathered.readings]
        if leads:
            self._note_clock(max(leads))
        live = all(abs(lead - self._offset) <= JUST_NOW for lead in leads)
        return Batch(
            readings=gathered.readings,
            unreadable=gathered.unreadable,
            mode=Mode.LIVE if live else Mode.REPLAY,
            received_at=now,
            complete_until=gathered.complete_until,
            read_mark=written(self._numbering.position) if self._settings.sequence is not None else None,
        )

    def _note_clock(self, lead: timedelta) -> None:
        """What was scanned ahead of now was scanned by a wrong clock; once it is not so any more, that is told, too."""
        if any(answer.tells_time for answer in self._settings.answers):
            return
        if lead > AHEAD or (self._too_far_ahead and abs(lead) <= JUST_NOW):
            self._too_far_ahead = lead > AHEAD
            self._contact.clock(lead)
            self._offset = lead if self._too_far_ahead else timedelta(0)

    def _note_lost(self) -> None:
        lost = self._dropped()
        if lost > self._lost_then:
            self._contact.warn(
                "datagrams", f"{lost:,} of its datagrams came faster than they could be kept, and were not answered"
            )
            self._lost_then = lost
