"""What is asked of a machine: each method one exchange of the protocol. Nothing of it is changed but its clock."""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingest.application.drivers import MachineTrouble, ProtocolBroken, WrongCredentials
from services.ingest.domain.reading import Reading
from services.ingest.vendors.zkteco.clock import NoSuchTime, packed, unpacked
from services.ingest.vendors.zkteco.connection import Connection
from services.ingest.vendors.zkteco.datagrams import Datagrams
from services.ingest.vendors.zkteco.events import UnreadableEvent, is_by_number, scans_of
from services.ingest.vendors.zkteco.exchange import SHOWN, Exchange
from services.ingest.vendors.zkteco.sets import odd, read_set
from services.ingest.vendors.zkteco.sizes import Sizes, sizes_of
from services.ingest.vendors.zkteco.wire import EVENT_ATTLOG, Code, Packet, scrambled_key

LATELY: Final = 100
"""Events among which a doubled one is recognised."""
HELD_SCANS: Final = 20_000
"""Scans of events that wait to be taken over; what comes on top is left to the log."""

_U32: Final = struct.Struct("<I")
_REQUEST: Final = struct.Struct("<bhii")
ATTENDANCE: Final = _REQUEST.pack(1, Code.ATTLOG_RRQ, 0, 0)
OPERATIONS: Final = _REQUEST.pack(1, Code.OPLOG_RRQ, 0, 0)
USERS: Final = _REQUEST.pack(1, Code.USERTEMP_RRQ, 5, 0)
USERS_OF_TEMPLATES: Final = b"\x05"
"""How firmware without prepared sets is asked for the half of command 9's answer that is the user table."""


@dataclass(frozen=True, slots=True)
class LiveScans:
    """An event, read."""

    readings: tuple[Reading, ...]
    """Empty where it could not be read: then the log says what it was."""
    by_number: bool


class Terminal:
    """A machine that we talk to. Every method raises what `Exchange` raises."""

    def __init__(self, warn: Callable[[str, str], None]) -> None:
        """`warn` is told what is odd and does not end the contact: a name of the matter and a sentence."""
        self._warn = warn
        self._line: Exchange | None = None
        self._events: deque[LiveScans] = deque()
        self.told = 0
        """Scans that came as events since the connection was made, taken over or not."""
        self.untaken = 0
        """Events that could not be read or held: their records must be looked for in the log."""
        self._waiting = 0
        self._lately: deque[bytes] = deque(maxlen=LATELY)

    async def connect(
        self, host: str, port: int, *, datagrams: bool = False, connect_within: float, answer_within: float
    ) -> None:
        """Open the line, by UDP if `datagrams`, else TCP. Says nothing yet."""
        self._line = await (Datagrams if datagrams else Connection).open(
            host,
            port,
            connect_within=connect_within,
            answer_within=answer_within,
            on_event=self._event,
            on_unsound=self._unsound,
        )

    async def begin(self, comm_key: int) -> None:
        """Begin a session.

        Raises:
            WrongCredentials: it wants another comm key.
        """
        answer = await self._ask(Code.CONNECT)
        self._connection.session = answer.session
        if answer.code == Code.UNAUTHENTICATED:
            answer = await self._ask(Code.AUTH, scrambled_key(comm_key, answer.session))
            if answer.code == Code.UNAUTHENTICATED:
                self._connection.session = 0
                raise WrongCredentials(
                    "the machine refuses our comm key; the right one is in its menu, under Comm."
                    if comm_key
                    else "the machine wants a comm key and none is set; it is in its menu, under Comm."
                )
        self._expect(answer, "our greeting")

    async def option(self, name: str) -> str | None:
        """A setting of the machine; None where it does not know it."""
        answer = await self._ask(Code.OPTIONS_RRQ, name.encode("ascii") + b"\0")
        if answer.code not in (Code.OK, Code.DATA):
            return None
        text = answer.data.split(b"\0")[0].decode("utf-8", errors="replace")
        return text.partition("=")[2].strip()

    async def version(self) -> str:
        """Its firmware, in its words; empty where it does not say."""
        answer = await self._ask(Code.VERSION)
        return answer.data.split(b"\0")[0].decode("utf-8", errors="replace").strip() if answer.code == Code.OK else ""

    async def wall_time(self) -> datetime:
        """What its clock shows now, to the second; None of its zone is known."""
        answer = self._expect(await self._ask(Code.GET_TIME), "the question for its time")
        if len(answer.data) < 4:
            raise odd(answer, "the question for its time")
        try:
            return unpacked(_U32.unpack_from(answer.data)[0])
        except NoSuchTime as error:
            raise ProtocolBroken(f"its clock cannot be read: {error}", evidence=answer.data[:SHOWN]) from error

    async def set_wall_time(self, wall: datetime) -> bool:
        """Have its clock show this; false where it refuses."""
        answer = await self._ask(Code.SET_TIME, _U32.pack(packed(wall)))
        if answer.code != Code.OK:
            return False
        await self._ask(Code.REFRESH_DATA)
        return True

    async def sizes(self) -> Sizes:
        """How many records and users it holds, and could."""
        answer = self._expect(await self._ask(Code.FREE_SIZES), "the question for its counts")
        try:
            return sizes_of(answer.data)
        except ValueError as error:
            raise ProtocolBroken(str(error), evidence=answer.data[:SHOWN]) from error

    async def watch_events(self) -> bool:
        """Have scans told as they happen; false where it refuses."""
        answer = await self._ask(Code.EVENT, _U32.pack(EVENT_ATTLOG))
        return answer.code == Code.OK

    async def attendance(self) -> bytes:
        """Its log, as records."""
        return await read_set(self._connection, ATTENDANCE, "its log", direct=Code.ATTLOG_RRQ)

    async def users(self) -> bytes:
        """Its users, as rows. Passwords are in it: read what is wanted, and let go of it."""
        try:
            return await read_set(
                self._connection, USERS, "its users", direct=Code.USERTEMP_RRQ, part=USERS_OF_TEMPLATES
            )
        except MachineTrouble as trouble:
            trouble.evidence = b""  # which is kept and shown
            raise

    async def operations(self) -> bytes:
        """What was done at it, as records.

        Raises:
            NotOffered: it does not tell.
        """
        return await read_set(self._connection, OPERATIONS, "its operations", direct=Code.OPLOG_RRQ)

    async def listen(self, seconds: float) -> bool:
        """Wait for events, at most this long; whether anything came."""
        return bool(self._events) or await self._connection.listen(seconds)

    def take_event(self) -> LiveScans | None:
        """The oldest event that was not taken over yet."""
        if not self._events:
            return None
        event = self._events.popleft()
        self._waiting -= max(1, len(event.readings))
        return event

    async def acknowledge_event(self) -> None:
        """Tell it that one event was taken over."""
        await self._connection.acknowledge_event()

    async def close(self) -> None:
        """Say goodbye and let go."""
        if self._line is not None:
            await self._line.close()

    @property
    def _connection(self) -> Exchange:
        assert self._line is not None  # noqa: S101 - `connect` comes first
        return self._line

    async def _ask(self, code: Code, data: bytes = b"") -> Packet:
        return await self._connection.ask(code, data)

    def _event(self, packet: Packet) -> None:
        if packet.session != EVENT_ATTLOG:
            return
        try:
            readings = tuple(scans_of(packet.data))
        except UnreadableEvent as error:
            self._warn("event not read", f"{error}; what it tells is taken from the log")
            readings = ()
        scans = max(1, len(readings))
        if not self._was_told(packet.data):
            self.told += scans
        held = self._waiting + scans <= HELD_SCANS
        if not readings or not held:
            self.untaken += 1
        if held:
            self._waiting += scans
            self._events.append(LiveScans(readings, bool(readings) and is_by_number(packet.data)))

    def _was_told(self, data: bytes) -> bool:
        """Whether this is an event once more: where datagrams are doubled, or said again until they are acknowledged.

        It is acknowledged as the first one was. Over TCP the same again is a scan in the same second.
        """
        if self._connection.in_order:
            return False
        again = data in self._lately
        self._lately.append(data)
        return again

    def _unsound(self, sentence: str) -> None:
        self._warn("checksum", sentence)

    def _expect(self, answer: Packet, question: str) -> Packet:
        if answer.code not in (Code.OK, Code.DATA):
            raise odd(answer, question)
        return answer
