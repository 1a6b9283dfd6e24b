"""The part of MQTT 3.1.1 that a subscriber speaks. Pure. Source: the OASIS standard, sections 2 and 3."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_TEXT: Final = 65_535
HELD: Final = 2 * 65_536 + 16
"""Bytes that are held of a packet: more than any topic with any frame that is read. The rest of it is let go."""
LARGEST_LENGTH: Final = 4
"""Bytes of the length of a packet."""

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
TOLD: Final = frozenset({CONNACK, PUBLISH, SUBACK, PINGRESP})
"""What a broker says to somebody who only subscribes."""
PING: Final = bytes([PINGREQ << 4, 0])
GOODBYE: Final = bytes([DISCONNECT << 4, 0])
REFUSED: Final = 0x80
"""What a subscription is answered that is not granted."""


class NotMqtt(ValueError):
    """What came cannot be understood, nor where the next packet begins."""


@dataclass(frozen=True, slots=True)
class Connack:
    """The answer to our CONNECT."""

    code: int
    """0 lets us in."""
    session_present: bool
    """The broker has kept what came while we were away."""


@dataclass(frozen=True, slots=True)
class Suback:
    """The answer to our SUBSCRIBE."""

    code: int
    """0 to 2 is the quality that is granted."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody has published."""

    topic: str
    payload: bytes
    """Of one that is far too long its beginning."""
    qos: int
    retained: bool
    """It is what was published last, perhaps long ago, and comes because we have just subscribed."""
    number: int
    """What it is acknowledged by; 0 where it is not."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The broker is there."""


Packet = Connack | Suback | Message | Pong


def connect(client: str, *, keep_alive: int, clean: bool, username: str | None, password: str | None) -> bytes:
    """CONNECT. `clean` False has the broker keep, while we are away, what comes for us; `keep_alive` is in seconds.

    A password without a username cannot be sent, and is not.
    """
    flags = 0x02 if clean else 0
    payload = _text(client)
    if username is not None:
        flags |= 0x80
        payload += _text(username)
        if password is not None:
            flags |= 0x40
            payload += _text(password)
    return _packet(CONNECT << 4, _text("MQTT") + bytes([4, flags]) + keep_alive.to_bytes(2, "big") + payload)


def subscribe(number: int, topic: str) -> bytes:
    """SUBSCRIBE with quality 1: each message until it is acknowledged."""
    return _packet(SUBSCRIBE << 4 | 0x02, number.to_bytes(2, "big") + _text(topic) + b"\x01")


def acknowledged(number: int) -> bytes:
    """PUBACK."""
    return _packet(PUBACK << 4, number.to_bytes(2, "big"))


def fits(topic: str, wanted: str) -> bool:
    """Whether a topic is one of those that a filter means."""
    levels, asked = topic.split("/"), wanted.split("/")
    if topic.startswith("$") and asked[0] in ("#", "+"):
        return False
    for number, level in enumerate(asked):
        if level == "#":
            return True
        if number >= len(levels) or level not in ("+", levels[number]):
            return False
    return len(levels) == len(asked)


class Packets:
    """Bytes in, packets out, however they are split."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._to_skip = 0

    def feed(self, some: bytes) -> Iterator[Packet]:
        """The packets that these bytes complete.

        Raises:
            NotMqtt: this is no broker.
        """
        if self._to_skip:
            skipped = min(self._to_skip, len(some))
            self._to_skip -= skipped
            some = some[skipped:]
        self._held += some
        while (found := self._head()) is not None:
            start, length = found
            kept = min(length, HELD)
            if len(self._held) < start + kept:
                return
            head, body = self._held[0], bytes(self._held[start : start + kept])
            gone = min(len(self._held), start + length)
            self._to_skip = start + length - gone
            del self._held[:gone]
            yield _read(head, body)

    def _head(self) -> tuple[int, int] | None:
        """Where the body of the first packet begins, and its length; None where that has not come yet."""
        if self._held and self._held[0] >> 4 not in TOLD:
            raise NotMqtt(f"a packet of the kind {self._held[0] >> 4}")
        length = 0
        for place in range(1, LARGEST_LENGTH + 1):
            if place >= len(self._held):
                return None
            length |= (self._held[place] & 0x7F) << 7 * (place - 1)
            if not self._held[place] & 0x80:
                return place + 1, length
        raise NotMqtt("the length of a packet does not end")


def _read(head: int, body: bytes) -> Packet:
    kind = head >> 4
    if kind == PUBLISH:
        return _message(head, body)
    if kind == CONNACK and len(body) == 2:
        return Connack(code=body[1], session_present=bool(body[0] & 1))
    if kind == SUBACK and len(body) == 3:
        return Suback(body[2])
    if kind == PINGRESP and not body:
        return Pong()
    raise NotMqtt(f"a packet of the kind {kind} with {len(body)} bytes")


def _message(head: int, body: bytes) -> Message:
    qos = head >> 1 & 0x03
    end = 2 + int.from_bytes(body[:2], "big")
    start = end + 2 if qos else end
    if qos > 1 or len(body) < start or len(body) < 2:
        raise NotMqtt("a message with an end that it cannot have")
    try:
        topic = body[2:end].decode()
    except UnicodeDecodeError as error:
        raise NotMqtt("a message whose topic is no text") from error
    number = int.from_bytes(body[end:start], "big")
    return Message(topic=topic, payload=body[start:], qos=qos, retained=bool(head & 1), number=number)


def _packet(head: int, body: bytes) -> bytes:
    length, some = len(body), bytearray()
    while True:
        length, digit = length >> 7, length & 0x7F
        some.append(digit | 0x80 if length else digit)
        if not length:
            return bytes([head]) + bytes(some) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
