"""What a machine says on one connection, and what it makes of what it is told. No I/O.

Answers come in the order of what was sent; so the oldest that waits for one is who is meant.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final

from services.ingest.vendors.generic.framing import Enclosed, Fixed, LengthPrefixed
from services.ingest.vendors.generic.simulator.device import Device, Entry
from services.ingest.vendors.generic.simulator.encoding import framed
from services.ingest.vendors.generic.simulator.faults import Faults
from services.ingest.vendors.generic.templates import filled

LONGEST: Final = 100
"""Bytes of an answer; what is longer and not understood is none."""
ANSWERED: Final = ("lines", "delimited", "datagrams")
"""Framings in which bytes that are no record are a frame all the same, which is answered."""
_BLANK: Final = {"sequence": "", "badge": "", "time": "", "count": "0"}


class Talk:
    """One connection's talk. `window` is how many records it sends before it is told that one is safe."""

    def __init__(self, device: Device, faults: Faults, *, window: int = 1) -> None:
        self._device, self._faults = device, faults
        self._window = max(window, faults.burst)
        self._next = 0
        """The place up to which records have been sent here."""
        self._outstanding: deque[Entry | None] = deque()
        self._asked: deque[Entry] = deque()
        self._said = 0
        self._heard = b""
        settings = device.settings
        self._ignored = [
            _shape(template)
            for template in (
                settings.heartbeat.send if settings.heartbeat else None,
                settings.login.send if settings.login else None,
                settings.poll.request if settings.poll else None,
                *(answer.reply for answer in settings.answers),
                settings.acknowledge.ok if settings.acknowledge else None,  # of what was sent twice
                settings.acknowledge.nak if settings.acknowledge else None,
            )
            if template is not None
        ]
        request = settings.sequence.request if settings.sequence else None
        self._request = _shape(request) if request is not None else None
        self.naks = 0
        """How often something was wanted again."""
        self.requests = 0
        """How often missing records were asked for."""

    @property
    def unanswered(self) -> int:
        """How many it waits to be told of."""
        return len(self._outstanding)

    def sends(self, *, flush: bool = False) -> list[bytes]:
        """What it says now; `flush` also where a burst is not yet full."""
        ready: list[bytes] = []
        while self._asked and self._may():
            ready += self._say(self._asked.popleft())
        entries = self._device.entries
        fresh = len(entries) - self._next
        if self._faults.burst and not flush and fresh < self._faults.burst:
            return ready
        while self._next < len(entries) and self._may():
            entry = entries[self._next]
            self._next += 1
            if entry.place in self._device.safe:
                continue
            if self._faults.gap and entry.place % self._faults.gap == self._faults.gap - 1:
                continue
            ready += self._say(entry)
        return [b"".join(ready)] if self._faults.burst and ready else ready

    def repeats(self, *, lossy: bool = False) -> list[bytes]:
        """It has had no answer for too long: the oldest once more, and where anything may be lost, all of them."""
        waiting = [entry for entry in self._outstanding if entry is not None]
        if lossy:
            self._outstanding.clear()
        return [piece for entry in (waiting if lossy else waiting[:1]) for piece in self._say(entry)]

    def hears(self, some: bytes) -> None:
        """What it is told."""
        self._heard += some
        while self._heard and self._understood():
            pass

    def _may(self) -> bool:
        silence = self._faults.silence
        if silence is not None and self._said >= silence:
            return False
        return self._device.settings.acknowledge is None or len(self._outstanding) < self._window

    def _say(self, entry: Entry) -> list[bytes]:
        self._said += 1
        pieces = list(self._before())
        frame = self._device.frame(entry)
        if self._device.settings.acknowledge is None:
            self._device.safe.add(entry.place)
        for _ in range(2 if self._faults.duplicate else 1):
            damaged = self._damaged(frame)
            pieces.append(damaged)
            if damaged == frame or self._nak() is not None:
                self._outstanding.append(entry)
        return pieces

    def _damaged(self, frame: bytes) -> bytes:
        checksum = getattr(self._device.settings.framing, "checksum", None)
        every = self._faults.wrong_bcc
        if checksum is None or not every or self._said % every:
            return frame
        return frame[:-1] + bytes([frame[-1] ^ 0x01])

    def _before(self) -> Iterator[bytes]:
        framing, faults = self._device.settings.framing, self._faults
        if faults.garbage and not self._said % faults.garbage and not isinstance(framing, Fixed | LengthPrefixed):
            yield framed(framing, b"*** noise ***") if framing.kind in ANSWERED else b"*** noise ***"
            if framing.kind in ANSWERED:
                self._outstanding.append(None)
        if faults.oversize and not self._said % faults.oversize:
            yield from self._oversize()

    def _oversize(self) -> Iterator[bytes]:
        framing = self._device.settings.framing
        much = b"X" * (framing.longest + 100)
        match framing:
            case LengthPrefixed():
                start = bytes.fromhex(framing.start or "").ljust(framing.offset, b"\0")
                yield start + b"\xff" * framing.size + much
            case Enclosed():
                yield bytes.fromhex(framing.start) + much
            case Fixed():
                return
            case _:
                yield b'{"x":"' + much + b'"}' if framing.kind == "json" else framed(framing, much)

    def _understood(self) -> bool:
        """Take one thing off the front of what was heard; false where more must come first."""
        if self._answered() or self._is_asked():
            return True
        if any((self._ok(entry) or b"").startswith(self._heard) for entry in self._outstanding):
            return False
        for shape in self._ignored:
            if (found := shape.match(self._heard)) is not None:
                self._heard = self._heard[found.end() :]
                return True
        if len(self._heard) > LONGEST:
            self._heard = self._heard[1:]
            return True
        return False

    def _is_asked(self) -> bool:
        if self._request is None or (found := self._request.match(self._heard)) is None:
            return False
        self._heard = self._heard[found.end() :]
        self.requests += 1
        base = self._device.settings.sequence.base if self._device.settings.sequence else 10
        first, last = (int(number, base) for number in (found["from"], found["to"]))
        self._asked += self._device.numbered(first, last)
        return True

    def _answered(self) -> bool:
        for place, entry in enumerate(self._outstanding):
            answer = self._ok(entry)
            if answer and self._heard.startswith(answer):
                self._heard = self._heard[len(answer) :]
                del self._outstanding[place]
                if entry is not None:
                    self._device.safe.add(entry.place)
                return True
        nak = self._nak()
        if nak and self._outstanding and self._heard.startswith(nak):
            self._heard = self._heard[len(nak) :]
            self.naks += 1
            entry = self._outstanding.popleft()
            if entry is not None:
                self._asked.append(entry)
            return True
        return False

    def _ok(self, entry: Entry | None) -> bytes:
        acknowledge = self._device.settings.acknowledge
        if acknowledge is None:
            return b""
        if entry is None:
            return filled(acknowledge.ok, _BLANK)
        values = {"sequence": self._device.number_text(entry), "badge": entry.badge, "time": "", "count": "1"}
        return filled(acknowledge.ok, values)

    def _nak(self) -> bytes | None:
        acknowledge = self._device.settings.acknowledge
        if acknowledge is None or acknowledge.nak is None:
            return None
        return filled(acknowledge.nak, _BLANK)


def _shape(template: str) -> re.Pattern[bytes]:
    """A pattern of what is sent by a template of ours."""
    shape = re.escape(template.encode("latin-1"))
    return re.compile(re.sub(rb"\\\{([a-z_]+)\\\}", rb"(?P<\1>[0-9A-Za-z.:-]*)", shape), re.DOTALL)
