"""Messages as AMQP carries them."""

from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, HeadersType

from shared.bus.port import EVENT, DeadLetter, Delivery, Message

ATTEMPTS = "muster-attempts"
REASON = "muster-reason"
PARKED_ID = "muster-parked-id"
PARKED_AT = "muster-parked-at"
_OURS = ("muster-", "x-")


def outgoing(message: Message, extra: HeadersType | None = None) -> aio_pika.Message:
    """Durable, and naming the event's type itself: after a detour the routing key is a queue's name."""
    headers: HeadersType = {**message.headers, **(extra or {})}
    return aio_pika.Message(
        message.body,
        headers=headers,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.id,
        type=message.type,
    )


def incoming(received: AbstractIncomingMessage) -> Message:
    """The message without what we or RabbitMQ noted on it."""
    headers = received.headers
    return Message(
        id=received.message_id or "",
        type=received.type or received.routing_key or "",
        body=received.body,
        content_type=received.content_type or EVENT,
        headers={
            name: value for name, value in headers.items() if isinstance(value, str) and not name.startswith(_OURS)
        }
        if headers
        else {},
    )


def delivery(received: AbstractIncomingMessage) -> Delivery:
    """The message as a handler is given it."""
    return Delivery(message=incoming(received), attempt=_attempts(received) + 1)


def parking(reason: str, attempts: int) -> HeadersType:
    """Headers of a message that goes to `.dead`; the same event may be there twice, so each has an id of its own."""
    return {
        REASON: reason,
        ATTEMPTS: attempts,
        PARKED_ID: uuid4().hex,
        PARKED_AT: datetime.now(UTC).isoformat(),
    }


def dead_letter(received: AbstractIncomingMessage, queue: str) -> DeadLetter:
    """A parked message; one without our headers was given up by RabbitMQ itself."""
    headers = received.headers
    parked_at = _text(headers.get(PARKED_AT))
    return DeadLetter(
        id=parked_id(received),
        queue=queue,
        message=incoming(received),
        reason=_text(headers.get(REASON)) or f"RabbitMQ gave it up: {_text(headers.get('x-first-death-reason'))}",
        attempts=_attempts(received),
        parked_at=datetime.fromisoformat(parked_at) if parked_at else received.timestamp or _NEVER,
    )


def parked_id(received: AbstractIncomingMessage) -> str:
    """What a parked message is called."""
    return _text(received.headers.get(PARKED_ID)) or received.message_id or ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _attempts(received: AbstractIncomingMessage) -> int:
    attempts = received.headers.get(ATTEMPTS, 0) if received.headers else 0
    return attempts if isinstance(attempts, int) else 0


_NEVER = datetime.fromtimestamp(0, UTC)
