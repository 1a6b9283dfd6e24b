"""One request and its answer over a connection of its own, as small firmware does it: blanks in the query and all."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_REPLY = 1 << 20


class NoAnswer(ConnectionError):
    """Nobody answered, or not in HTTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered."""

    status: int
    text: str
    date: datetime | None = None
    """When, as the server says."""

    @property
    def ok(self) -> bool:
        """Whether what was sent may be forgotten."""
        return self.status == 200 and self.text.startswith("OK")


async def ask(
    host: str,
    port: int,
    target: str,
    body: bytes | None = None,
    *,
    hang_up: bool = False,
    source: str | None = None,
    within: float = 15.0,
) -> Reply:
    """POST a body, or GET without one. `hang_up`: send, and read no answer.

    Raises:
        NoAnswer: there was none within the time, or it was cut off.
    """
    try:
        async with asyncio.timeout(within):
            local = (source, 0) if source is not None else None
            reader, writer = await asyncio.open_connection(host, port, local_addr=local)
            try:
                writer.write(_request(host, port, target, body))
                await writer.drain()
                if hang_up:
                    await reader.read(1)  # it was taken, for an answer begins to come: and that is lost
                    raise NoAnswer("it hung up")
                data = bytearray()
                while len(data) <= LONGEST_REPLY and (some := await reader.read(65_536)):
                    data += some  # an answer comes in as many pieces as the network likes
                return _reply(bytes(data))
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, IndexError) as error:
        raise NoAnswer(str(error) or type(error).__name__) from error


def _request(host: str, port: int, target: str, body: bytes | None) -> bytes:
    lines = [
        f"{'GET' if body is None else 'POST'} {target} HTTP/1.1",
        f"Host: {host}:{port}",
        "User-Agent: iClock Proxy/1.09",
        "Connection: close",
        "Accept: */*",
    ]
    if body is not None:
        lines += ["Content-Type: application/push;charset=UTF-8", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def _reply(data: bytes) -> Reply:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise NoAnswer("the answer was cut off")
    first, *headers = head.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (header.partition(":") for header in headers)]
    lengths = [value for name, value in fields if name == "content-length"]
    dates = [parsedate_to_datetime(value) for name, value in fields if name == "date"]
    if len(lengths) != 1 or int(lengths[0]) != len(body):
        raise NoAnswer("an answer without its length, which this firmware cannot read")
    text = body.decode("utf-8", errors="replace")
    return Reply(int(first.split(" ")[1]), text, dates[0] if dates else None)
