"""Events as CloudEvents 1.0 in JSON, alone or in batches."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from shared.contracts.event import Event
from shared.kernel.errors import Malformed

E = TypeVar("E", bound=Event)

MOST_IN_A_BATCH = 500

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"


class UnknownVersion(Malformed):
    """An event of a type, or of a version of it, that this reader does not know."""


class _Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime
    datacontenttype: str = ""
    data: Any


class Envelope(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """An event with what CloudEvents says about it. `(source, id)` is unique."""

    id: str
    type: str
    source: str = ""
    time: datetime
    data: E


class _Head(msgspec.Struct):
    """Enough of an envelope to say what it is, and its bytes if it must be set aside alone."""

    type: str = ""
    id: str = ""


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

_encoder = msgspec.json.Encoder()


def encode(event: Event, *, id: str, time: datetime) -> bytes:  # noqa: A002 - CloudEvents' own word
    """One event as structured CloudEvents JSON."""
    return _encoder.encode(_enveloped(event, id, time))


def encode_batch(events: Iterable[tuple[str, Event]], *, time: datetime) -> bytes:
    """Events of one type, each with its id, as a CloudEvents JSON batch."""
    return _encoder.encode([_enveloped(event, id_, time) for id_, event in events])


def join_batches(bodies: Sequence[bytes]) -> bytes:
    """Bodies that `encode_batch` made, of events of one type, as one; in their order."""
    return b"[" + b",".join(body[1:-1] for body in bodies if body != b"[]") + b"]"


def _enveloped(event: Event, id_: str, time: datetime) -> _Envelope:
    return _Envelope(
        specversion="1.0",
        id=id_,
        source=event.source(),
        type=event.wire_type,
        subject=event.subject(),
        time=time,
        datacontenttype="application/json",
        data=event,
    )


def decode(body: bytes, content_type: str, of: type[E]) -> Sequence[Envelope[E]]:
    """The events in a message, one or many, all valid.

    This is the quick way. Where it raises, `decode_each` tells the good from the bad.

    Raises:
        Malformed: any event in it cannot be read as `of`.
        UnknownVersion: any is of another type.
    """
    envelopes: Sequence[Envelope[E]]
    wanted = of.wire_type
    try:
        if content_type == BATCH_CONTENT_TYPE:
            envelopes = _batch_decoder(of).decode(body)
        else:
            envelopes = [_single_decoder(of).decode(body)]
    except _UNREADABLE as error:
        if content_type != BATCH_CONTENT_TYPE and _head_of(body).type not in ("", wanted):
            raise _unknown(_head_of(body).type, wanted) from error
        raise Malformed(f"not a {wanted} event: {error}") from error
    for envelope in envelopes:
        if envelope.type != wanted:
            raise _unknown(envelope.type, wanted)
    if b"\\u0000" in body and _NUL.search(body):
        raise Malformed("holds the character U+0000, which no text in a database can")
    return envelopes


def decode_each(body: bytes, content_type: str, of: type[E]) -> tuple[list[Envelope[E]], list[tuple[bytes, str, str]]]:
    """The events that can be read, and for each other one its bytes, its id (or "") and the reason.

    A body that is not even JSON comes back whole, as one bad event.
    """
    if content_type != BATCH_CONTENT_TYPE:
        parts = [msgspec.Raw(body)]
    else:
        try:
            parts = msgspec.json.decode(body, type=list[msgspec.Raw])
        except _UNREADABLE as error:
            return [], [(body, "", f"not a CloudEvents batch: {error}")]
    good: list[Envelope[E]] = []
    bad: list[tuple[bytes, str, str]] = []
    for part in parts:
        try:
            good.extend(decode(bytes(part), CONTENT_TYPE, of))
        except Malformed as error:
            bad.append((bytes(part), _head_of(bytes(part)).id, error.message))
    return good, bad


def _head_of(part: bytes) -> _Head:
    try:
        return msgspec.json.decode(part, type=_Head)
    except _UNREADABLE:
        return _Head()


def _unknown(type_: str, wanted: str) -> UnknownVersion:
    return UnknownVersion(f"an event of type {type_[:100]!r} where {wanted} was expected")


@lru_cache(maxsize=64)
def _batch_decoder(of: type[E]) -> msgspec.json.Decoder[list[Envelope[E]]]:
    return msgspec.json.Decoder(list[Envelope[of]])  # type: ignore[valid-type]  # `of` is a class


@lru_cache(maxsize=64)
def _single_decoder(of: type[E]) -> msgspec.json.Decoder[Envelope[E]]:
    return msgspec.json.Decoder(Envelope[of])  # type: ignore[valid-type]  # the same
