"""What a terminal answers in one session. Pure: a packet in, packets out. Source: PROTOCOLS §1.3–1.8, 1.12."""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from services.ingest.vendors.zkteco.clock import NoSuchTime, packed, unpacked
from services.ingest.vendors.zkteco.simulator.device import Device
from services.ingest.vendors.zkteco.simulator.faults import Faults
from services.ingest.vendors.zkteco.wire import EVENT_ATTLOG, Code, Packet, scrambled_key

SMALL: Final = 1024
"""A set of up to so many bytes comes as one packet."""
_READ_SET: Final = struct.Struct("<bhii")
_CHUNK: Final = struct.Struct("<ii")
_USERS_OF_TEMPLATES: Final = 5
"""Which half of command 9's answer is the user table."""
REFRESH_OPTION: Final = 1014
_ENDING: Final = bytes.fromhex("12345678")  # four bytes that nobody has explained; as captured

Answers = Iterator[Packet]


class Dialogue:
    """One session. `session` is what CONNECT will assign."""

    def __init__(self, device: Device, *, session: int, sub_packet: int, faults: Faults) -> None:
        self.device = device
        self.faults = faults
        self.events = 0
        """Which kinds of events the client wants, as bits."""
        self.acknowledged = 0
        """Events that the client has confirmed."""
        self.session = session
        self._sub_packet = sub_packet
        self._known = False
        self._set = memoryview(b"")
        self._refused_chunks = 0

    @property
    def wants_scans(self) -> bool:
        return self._known and bool(self.events & EVENT_ATTLOG)

    def answers(self, request: Packet) -> Answers:
        """What goes back for a packet, in order; nothing where a terminal says nothing."""
        if request.code == Code.OK:
            self.acknowledged += 1
        elif request.code == Code.CONNECT:
            yield self._connected(request)
        elif request.code == Code.AUTH:
            yield self._authenticated(request)
        elif not self._known:
            yield self._answer(request, Code.UNAUTHENTICATED)
        elif (self.faults.no_operations and _asks_for(Code.OPLOG_RRQ, request)) or (
            self.faults.no_users and _asks_for(Code.USERTEMP_RRQ, request)
        ):
            yield self._answer(request, Code.ERROR)
        elif not self.device.buffered and request.code in (Code.READ_SET, Code.READ_CHUNK):
            yield self._answer(request, Code.UNKNOWN_COMMAND)
        elif (known := self._COMMANDS.get(request.code)) is not None:
            yield from known(self, request)
        else:
            yield self._answer(request, Code.UNKNOWN_COMMAND)

    def event(self, data: bytes, kind: int = EVENT_ATTLOG) -> Packet:
        """An event's packet: its kind stands where else the session does."""
        return Packet(Code.EVENT, kind, 0, data)

    def _answer(self, request: Packet, code: int = Code.OK, data: bytes = b"") -> Packet:
        return Packet(code, self.session, request.reply, data)

    def _connected(self, request: Packet) -> Packet:
        self._known = not self.device.comm_key
        return self._answer(request, Code.OK if self._known else Code.UNAUTHENTICATED)

    def _authenticated(self, request: Packet) -> Packet:
        # The ticks are the client's choice and stand in what it sends.
        ticks = request.data[2] if len(request.data) == 4 else 0
        self._known = request.data == scrambled_key(self.device.comm_key, self.session, ticks)
        return self._answer(request, Code.OK if self._known else Code.UNAUTHENTICATED)

    def _ok(self, request: Packet) -> Answers:
        yield self._answer(request)

    def _exit(self, request: Packet) -> Answers:
        self._known, self.events = False, 0
        yield self._answer(request)

    def _enable(self, request: Packet) -> Answers:
        self.device.disabled = request.code == Code.DISABLE
        yield self._answer(request)

    def _option(self, request: Packet) -> Answers:
        name = request.data.rstrip(b"\0").decode("ascii", "replace")
        value = self.device.options.get(name)
        if value is None:
            yield self._answer(request, Code.ERROR)
        else:
            yield self._answer(request, data=f"{name}={value}\0".encode())

    def _set_option(self, request: Packet) -> Answers:
        name, _, value = request.data.rstrip(b"\0").decode("ascii", "replace").partition("=")
        self.device.options[name] = value
        yield self._answer(request)

    def _time(self, request: Packet) -> Answers:
        yield self._answer(request, data=packed(self.device.wall()).to_bytes(4, "little"))

    def _set_time(self, request: Packet) -> Answers:
        try:
            self.device.set_clock(unpacked(int.from_bytes(request.data[:4], "little")))
        except NoSuchTime:
            yield self._answer(request, Code.ERROR)
        else:
            yield self._answer(request)

    def _sizes(self, request: Packet) -> Answers:
        yield self._answer(request, data=self.device.sizes(count_off=self.faults.count_off))

    def _version(self, request: Packet) -> Answers:
        yield self._answer(request, data=self.device.version.encode() + b"\0")

    def _pin_width(self, request: Packet) -> Answers:
        yield self._answer(request, data=bytes([int(self.device.options["~PIN2Width"])]))

    def _state(self, request: Packet) -> Answers:
        yield Packet(Code.OK, self.device.state, request.reply)

    def _register(self, request: Packet) -> Answers:
        self.events = int.from_bytes(request.data[:4], "little")
        yield self._answer(request)

    def _clear_log(self, request: Packet) -> Answers:
        self.device.clear_log()
        yield self._answer(request)

    # Data sets

    def _read_set(self, request: Packet) -> Answers:
        if len(request.data) != _READ_SET.size:
            yield self._answer(request, Code.COMMAND_ERROR)
            return
        _, command, part, _ = _READ_SET.unpack(request.data)
        self._set = memoryview(self._contents(command, part))
        size = len(self._set)
        if size <= SMALL:
            yield self._answer(request, Code.DATA, bytes(self._set))
        else:
            yield self._answer(request, data=struct.pack("<xII", size, size) + _ENDING)

    def _contents(self, command: int, part: int) -> bytes:
        if command == Code.ATTLOG_RRQ:
            return self.device.log_set()
        if command == Code.USERTEMP_RRQ and part == _USERS_OF_TEMPLATES:
            return self.device.user_set()
        if command == Code.OPLOG_RRQ:
            return self.device.operation_set()
        return bytes(4)  # it has no templates

    def _read_chunk(self, request: Packet) -> Answers:
        start, length = _CHUNK.unpack(request.data) if len(request.data) == _CHUNK.size else (0, 0)
        if not 0 <= start < start + length <= len(self._set):
            yield self._answer(request, Code.ERROR)
            return
        if self._refused_chunks < self.faults.chunk_error:
            self._refused_chunks += 1
            yield self._answer(request, Code.ERROR)
            return
        chunk = self._set[start : start + length]
        yield self._answer(request, Code.PREPARE_DATA, struct.pack("<II", length, self._sub_packet))
        if self.faults.short_chunk:
            chunk = chunk[: -self.faults.short_chunk]
        yield from self._data(request, chunk)
        yield self._answer(request)

    def _free(self, request: Packet) -> Answers:
        self._set = memoryview(b"")
        yield self._answer(request)

    def _read_directly(self, request: Packet) -> Answers:
        """As before there were chunks: all of it, unasked."""
        part = request.data[0] if request.data else 0
        contents = self._contents(request.code, part)
        yield self._answer(request, Code.PREPARE_DATA, len(contents).to_bytes(4, "little"))
        yield from self._data(request, memoryview(contents))
        yield self._answer(request)

    def _data(self, request: Packet, contents: memoryview) -> Answers:
        for start in range(0, len(contents), self._sub_packet):
            yield self._answer(request, Code.DATA, bytes(contents[start : start + self._sub_packet]))

    _COMMANDS: Final[Mapping[int, Callable[["Dialogue", Packet], Answers]]] = {
        Code.EXIT: _exit,
        Code.ENABLE: _enable,
        Code.DISABLE: _enable,
        Code.STARTVERIFY: _ok,
        Code.CANCELCAPTURE: _ok,
        Code.REFRESH_DATA: _ok,
        REFRESH_OPTION: _ok,
        Code.OPTIONS_RRQ: _option,
        Code.OPTIONS_WRQ: _set_option,
        Code.GET_TIME: _time,
        Code.SET_TIME: _set_time,
        Code.FREE_SIZES: _sizes,
        Code.VERSION: _version,
        Code.PIN_WIDTH: _pin_width,
        Code.STATE_RRQ: _state,
        Code.EVENT: _register,
        Code.CLEAR_ATTLOG: _clear_log,
        Code.READ_SET: _read_set,
        Code.READ_CHUNK: _read_chunk,
        Code.FREE_DATA: _free,
        Code.ATTLOG_RRQ: _read_directly,
        Code.USERTEMP_RRQ: _read_directly,
        Code.OPLOG_RRQ: _read_directly,
    }


def _asks_for(command: Code, request: Packet) -> bool:
    """Whether it wants this set, prepared or directly."""
    prepared = request.code == Code.READ_SET and request.data[1:3] == command.to_bytes(2, "little")
    return prepared or request.code == command
