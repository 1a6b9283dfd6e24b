"""As much of HTTP/1.1 as a terminal speaks: requests read from a line, replies written."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LONGEST_HEAD: Final = 16_384
LONGEST_BODY: Final = 1 << 20
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}
XML: Final = "application/xml"
JSON: Final = "application/json"


class NoRequest(ValueError):
    """What came is no request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, read."""

    method: str
    target: str
    """The path with its query."""
    headers: Mapping[str, str]
    """Their names in small letters."""
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    kind: str = XML
    headers: Mapping[str, str] = field(default_factory=dict)
    endless: bool = False
    """Its body follows, for ever."""

    def head(self) -> bytes:
        """Everything before the body."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Odd')}", f"Content-Type: {self.kind}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append("Connection: close" if self.endless else f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode()


async def request_from(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None where the other side has gone.

    Raises:
        NoRequest: it is none.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        body = await reader.readexactly(min(length, LONGEST_BODY))
    except (asyncio.IncompleteReadError, OSError):
        return None
    except asyncio.LimitOverrunError as error:
        raise NoRequest("its head does not end") from error
    except ValueError as error:
        raise NoRequest(str(error)) from error
    return Request(method=method, target=target, headers=headers, body=body)
