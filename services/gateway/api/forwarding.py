"""The way to the services behind: requests and answers pass through as streams, never held whole."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

import httpx
import structlog
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from services.gateway.domain.routing import OWN, ROUTES, service_of
from shared.kernel.errors import Malformed, MusterError, NotFound, Unavailable
from shared.observability.logs import get_logger
from shared.web.problems import problem, respond

CONNECT_WITHIN = 3.0
ANSWER_WITHIN = 30.0
"""Seconds to the first byte of an answer, and between any two."""
LONG_ANSWER_WITHIN = 30 * 60.0
"""The same where much is sent up or worked through before the answer begins."""
LONG = ("/import/", "/recompute/", "/api/reports/")

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_NOT_PASSED_ON = HOP_BY_HOP | {
    b"host",
    b"cookie",  # it has become an Authorization
    b"expect",  # answered here
    b"x-request-id",
    b"x-forwarded-for",  # we say it ourselves
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-prefix",
}
_NOT_PASSED_BACK = HOP_BY_HOP | {b"date", b"server", b"x-request-id", b"set-cookie"}

T = TypeVar("T")

log = get_logger(__name__)


def forward_routes(forwarding: "Forwarding") -> list[BaseRoute]:
    """A route for each prefix that another service answers."""
    return [
        Route(f"{prefix}{{rest:path}}", endpoint=forwarding, include_in_schema=False)
        for prefix, service in ROUTES
        if service != OWN
    ]


class Forwarding:
    """An ASGI application that hands a request to the service behind its path."""

    def __init__(self, peers: httpx.AsyncClient) -> None:
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(scope, receive)
        try:
            service, request = self._request(scope, body)
            answer = await self._answer(service, request, body)
        except MusterError as error:
            await respond(error)(scope, receive, send)
            return
        except httpx.TimeoutException:
            service = service_of(scope["path"]) or ""
            log.warning("forward.timeout", service=service, path=scope["path"])
            said = f"{service} did not answer in time; whether it did what was asked is not known"
            await problem(504, said, headers={"Retry-After": "5"})(scope, receive, send)
            return
        if answer is None:
            return  # the client has gone
        try:
            await unless_gone(_pass_back(answer, send), body)
        except httpx.TransportError as error:
            # Too late for another status: the server breaks the answer off, which the client can tell.
            log.warning("forward.broken_off", service=service, path=scope["path"], reason=repr(error))
        finally:
            await answer.aclose()

    def _request(self, scope: Scope, body: "_Body") -> tuple[str, httpx.Request]:
        service = service_of(scope["path"])
        if service is None or service == OWN:
            raise NotFound(f"there is nothing at {scope['path']}")
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        try:
            url = httpx.URL(f"http://{service}").copy_with(raw_path=target)
        except (httpx.InvalidURL, UnicodeDecodeError) as error:
            raise Malformed("the address cannot be read") from error
        long = any(part in scope["path"] for part in LONG)
        within = LONG_ANSWER_WITHIN if long else ANSWER_WITHIN
        timeout = httpx.Timeout(within, connect=CONNECT_WITHIN, pool=CONNECT_WITHIN)
        return service, httpx.Request(
            scope["method"],
            url,
            headers=list(_passed_on(scope)),
            content=aiter(body) if body.expected else None,
            extensions={"timeout": timeout.as_dict()},
        )

    async def _answer(self, service: str, request: httpx.Request, body: "_Body") -> httpx.Response | None:
        """The answer as far as its headers, or None where the client left before."""
        try:
            return await unless_gone(self._peers.send(request, stream=True), body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise _away(service) from error
        except httpx.TimeoutException:
            raise
        except httpx.TransportError as error:
            if body.broken_off:
                return None
            log.warning("forward.broken", service=service, reason=repr(error))
            raise _away(service) from error


def _away(service: str) -> Unavailable:
    return Unavailable(f"{service} is away; try again in a moment", retry_after=3, fields={"service": service})


class _Body:
    """The client's body, chunk by chunk, and after it the news that the client has gone."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        headers = {name: value for name, value in scope["headers"] if name in (b"content-length", b"transfer-encoding")}
        self.expected = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        self.broken_off = False
        self._read = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.broken_off = True
                self._read.set()
                raise httpx.ReadError("the client broke off its request")
            more = message.get("more_body", False)
            if not more:
                self._read.set()
            if chunk := message.get("body", b""):
                yield chunk

    async def gone(self) -> None:
        """Return when the client has gone."""
        if self.expected:
            await self._read.wait()
        while not self.broken_off:
            message: Message = await self._receive()
            self.broken_off = message["type"] == "http.disconnect"


async def unless_gone(working: Coroutine[Any, Any, T], body: _Body) -> T | None:
    """What comes of the work, or None once the client has gone: then nobody waits for it any more."""
    work = asyncio.ensure_future(working)
    leaving = asyncio.ensure_future(body.gone())
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        for task in (work, leaving):
            task.cancel()
        await asyncio.gather(work, leaving, return_exceptions=True)


async def _pass_back(answer: httpx.Response, send: Send) -> None:
    dropped = _NOT_PASSED_BACK | _named_by_connection(answer.headers.raw)
    headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in dropped]
    url = answer.request.url
    # A service calls itself by a name that means nothing outside.
    inside = f"{url.scheme}://".encode() + url.netloc
    headers = [(name, value.removeprefix(inside) if name == b"location" else value) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for chunk in answer.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _passed_on(scope: Scope) -> Iterable[tuple[bytes, bytes]]:
    dropped = _NOT_PASSED_ON | _named_by_connection(scope["headers"])
    encodings = False
    for name, value in scope["headers"]:
        if name not in dropped:
            encodings = encodings or name == b"accept-encoding"
            yield name, value
    if not encodings:
        yield b"accept-encoding", b"identity"
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        yield b"x-request-id", str(request_id).encode("latin-1")
    if scope.get("client"):
        yield b"x-forwarded-for", str(scope["client"][0]).encode("latin-1")
    yield b"x-forwarded-proto", str(scope.get("scheme", "http")).encode("latin-1")
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    yield b"x-forwarded-host", host


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """What the Connection header declares to be for this hop alone."""
    return frozenset(
        word.strip().lower() for name, value in headers if name.lower() == b"connection" for word in value.split(b",")
    )
