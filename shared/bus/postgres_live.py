"""Live messages as notifications carry them."""

import msgspec

from shared.bus.port import Message


class _Live(msgspec.Struct, array_like=True, frozen=True):
    id: str
    type: str
    content_type: str
    headers: dict[str, str]
    text: str | None
    data: bytes | None
    """Instead of `text` where the body is not UTF-8."""


_decoder = msgspec.json.Decoder(_Live)


def packed(message: Message) -> bytes:
    """A message as UTF-8 that any notification and any table takes."""
    try:
        text, data = message.body.decode(), None
    except UnicodeDecodeError:
        text, data = None, message.body
    live = _Live(message.id, message.type, message.content_type, dict(message.headers), text, data)
    return msgspec.json.encode(live)


def unpacked(payload: bytes | str) -> Message:
    """The message again."""
    live = _decoder.decode(payload)
    body = live.data if live.text is None else live.text.encode()
    return Message(id=live.id, type=live.type, content_type=live.content_type, headers=live.headers, body=body or b"")
