"""What is asked of a machine: each method one exchange of the protocol. Nothing here changes anything on it."""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingest.application.drivers import Garbled, MachineTrouble, ProtocolBroken, WrongCredentials
from services.ingest.domain.reading import Reading
from services.ingest.vendors.zkteco.clock import NoSuchTime, unpacked
from services.ingest.vendors.zkteco.connection import SHOWN, Connection
from services.ingest.vendors.zkteco.events import UnreadableEvent, is_by_number, scans_of
from services.ingest.vendors.zkteco.sizes import Sizes, sizes_of
from services.ingest.vendors.zkteco.wire import EVENT_ATTLOG, Code, Packet, scrambled_key

CHUNK: Final = 65_472
"""Bytes asked for at once; what the common clients ask for, so that every machine has been asked for it."""
CHUNK_TRIES: Final = 3
LARGEST_SET: Final = 1 << 26
"""Bytes. A machine of a million records has 40 MB of them."""
HELD_SCANS: Final = 20_000
"""Scans of events that wait to be taken over; what comes on top is left to the log."""

_U32: Final = struct.Struct("<I")
_REQUEST: Final = struct.Struct("<bhii")
_PIECE: Final = struct.Struct("<ii")
ATTENDANCE: Final = _REQUEST.pack(1, Code.ATTLOG_RRQ, 0, 0)
USERS: Final = _REQUEST.pack(1, Code.USERTEMP_RRQ, 5, 0)


@dataclass(frozen=True, slots=True)
class LiveScans:
    """An event, read."""

    readings: tuple[Reading, ...]
    """Empty where it could not be read: then the log says what it was."""
    by_number: bool


class Terminal:
    """A machine that we talk to. Every method raises what `Connection` raises."""

    def __init__(self, warn: Callable[[str, str], None]) -> None:
        """`warn` is told what is odd and does not end the contact: a name of the matter and a sentence."""
        self._warn = warn
        self._line: Connection | None = None
        self._events: deque[LiveScans] = deque()
        self.told = 0
        """Scans that came as events since the connection was made, taken over or not."""
        self.untaken = 0
        """Events that could not be read or held: their records must be looked for in the log."""
        self._waiting = 0

    async def connect(self, host: str, port: int, *, connect_within: float, answer_within: float) -> None:
        """Open the line. Says nothing yet."""
        self._line = await Connection.open(
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

    async def wall_time(self) -> datetime:
        """What its clock shows now, to the second; None of its zone is known."""
        answer = self._expect(await self._ask(Code.GET_TIME), "the question for its time")
        if len(answer.data) < 4:
            raise self._odd(answer, "the question for its time")
        try:
            return unpacked(_U32.unpack_from(answer.data)[0])
        except NoSuchTime as error:
            raise ProtocolBroken(f"its clock cannot be read: {error}", evidence=answer.data[:SHOWN]) from error

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
        return await self._set(ATTENDANCE, Code.ATTLOG_RRQ, "its log")

    async def users(self) -> bytes:
        """Its users, as rows. Names, cards and passwords are in it: read the numbers, and let go of it."""
        try:
            return await self._set(USERS, None, "its users")
        except MachineTrouble as trouble:
            trouble.evidence = b""  # which is kept and shown
            raise

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
    def _connection(self) -> Connection:
        assert self._line is not None  # noqa: S101 - `connect` comes first
        return self._line

    async def _ask(self, code: Code, data: bytes = b"") -> Packet:
        return await self._connection.ask(code, data)

    async def _set(self, request: bytes, direct: Code | None, what: str) -> bytes:
        """A data set by the way that the machine chooses: at once, or prepared and fetched in chunks."""
        answer = await self._ask(Code.READ_SET, request)
        if answer.code in (Code.ERROR, Code.UNKNOWN_COMMAND, Code.COMMAND_ERROR) and direct is not None:
            answer = await self._ask(direct)  # firmware that does not know prepared sets
        if answer.code == Code.DATA:
            data = answer.data
        elif answer.code == Code.PREPARE_DATA:
            data = await self._parts(answer, what)
        elif answer.code == Code.OK and len(answer.data) >= 5:
            data = await self._chunks(_U32.unpack_from(answer.data, 1)[0], what)
        elif answer.code == Code.OK:
            return b""  # nothing to tell
        else:
            raise self._odd(answer, f"the question for {what}")
        return _records_of(data, what)

    async def _chunks(self, size: int, what: str) -> bytes:
        self._check_size(size, what)
        data = bytearray()
        while len(data) < size:
            data += await self._chunk(len(data), min(CHUNK, size - len(data)), what)
        await self._ask(Code.FREE_DATA)
        return bytes(data)

    async def _chunk(self, start: int, length: int, what: str) -> bytes:
        for attempt in range(1, CHUNK_TRIES + 1):
            answer = await self._ask(Code.READ_CHUNK, _PIECE.pack(start, length))
            if answer.code == Code.DATA:
                data = answer.data
            elif answer.code == Code.PREPARE_DATA:
                data = await self._parts(answer, what)
            else:
                data = b""
            if len(data) == length:
                return data
            if attempt == CHUNK_TRIES:
                raise Garbled(
                    f"{what} breaks off: of {length:,} bytes from {start:,} on it gave {len(data):,}, three times",
                    evidence=data[:SHOWN],
                )
        raise AssertionError("the loop returns or raises")

    async def _parts(self, prepared: Packet, what: str) -> bytes:
        """The DATA packets that follow, up to the OK that ends them."""
        if len(prepared.data) < 4:
            raise self._odd(prepared, f"the question for {what}")
        size = _U32.unpack_from(prepared.data)[0]
        self._check_size(size, what)
        data = bytearray()
        while True:
            part = await self._connection.more()
            if part.code == Code.OK:
                return bytes(data)
            if part.code != Code.DATA:
                raise self._odd(part, f"the question for {what}")
            if not part.data:
                raise Garbled(f"{what} has a part of no bytes")  # of which there might be any number
            data += part.data
            if len(data) > size:
                raise Garbled(f"{what} has more than the {size:,} bytes that were announced")

    def _check_size(self, size: int, what: str) -> None:
        if size > LARGEST_SET:
            raise ProtocolBroken(f"{what} claims to have {size:,} bytes")

    def _event(self, packet: Packet) -> None:
        if packet.session != EVENT_ATTLOG:
            return
        try:
            readings = tuple(scans_of(packet.data))
        except UnreadableEvent as error:
            self._warn("event not read", f"{error}; what it tells is taken from the log")
            readings = ()
        scans = max(1, len(readings))
        self.told += scans
        held = self._waiting + scans <= HELD_SCANS
        if not readings or not held:
            self.untaken += 1
        if held:
            self._waiting += scans
            self._events.append(LiveScans(readings, bool(readings) and is_by_number(packet.data)))

    def _unsound(self, packet: Packet) -> None:
        self._warn("checksum", "a packet of it had a wrong checksum; it was taken, and the log is what counts")

    def _expect(self, answer: Packet, question: str) -> Packet:
        if answer.code not in (Code.OK, Code.DATA):
            raise self._odd(answer, question)
        return answer

    @staticmethod
    def _odd(answer: Packet, question: str) -> ProtocolBroken:
        return ProtocolBroken(
            f"the machine answers {question} with code {answer.code}, which is no answer to it",
            evidence=answer.data[:SHOWN],
        )


def _records_of(data: bytes, what: str) -> bytes:
    """A set without the size that stands before its records."""
    if not data:
        return data
    if len(data) < 4:
        raise ProtocolBroken(f"{what} has {len(data)} bytes, which is no data set", evidence=data)
    size = _U32.unpack_from(data)[0]
    if size > len(data) - 4:
        raise Garbled(
            f"{what} is cut short: {size:,} bytes of records were announced, {len(data) - 4:,} came",
            evidence=data[:SHOWN],
        )
    return data[4 : 4 + size]
