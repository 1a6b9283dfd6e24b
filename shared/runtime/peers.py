"""How a service reaches another: an httpx client in which `http://attendance/…` is a service, wherever it runs.

`httpx.ASGITransport` is not like a network: it skips timeouts, lets the callee overwrite the caller's context
variables, raises the callee's exceptions in the caller, and holds the whole answer in memory before the first
byte. `LocalTransport` behaves as the wire does in each of these (docs/decisions/0005).
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

from shared.observability.logs import get_logger

log = get_logger(__name__)

CONNECTIONS = httpx.Limits(max_connections=200, max_keepalive_connections=50)


def connect_peers(local: Mapping[str, ASGIApp], remote: Mapping[str, str]) -> httpx.AsyncClient:
    """A client whose host names are services: those in this process, and those at a base URL.

    Timeouts are 10 s unless a call says otherwise; redirects are not followed.
    """
    mounts: dict[str, httpx.AsyncBaseTransport | None] = {
        f"all://{name}": LocalTransport(app) for name, app in local.items()
    }
    for name, url in remote.items():
        if name not in local:
            mounts[f"all://{name}"] = RemoteTransport(url)
    return httpx.AsyncClient(mounts=mounts, timeout=10.0, trust_env=False)


class RemoteTransport(httpx.AsyncBaseTransport):
    """Sends what is meant for a service to the base URL where it listens, over pooled connections."""

    def __init__(self, base_url: str) -> None:
        self._base = httpx.URL(base_url)
        self._wire = httpx.AsyncHTTPTransport(limits=CONNECTIONS, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        base = self._base
        request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
        request.headers["host"] = base.netloc.decode("ascii")
        return await self._wire.handle_async_request(request)

    async def aclose(self) -> None:
        await self._wire.aclose()


class LocalTransport(httpx.AsyncBaseTransport):
    """Calls an ASGI application of this process as if it were at the other end of a wire."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._at_work: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeout = request.extensions.get("timeout", {}).get("read")
        call = _Call(request, timeout)
        # In a context of its own: nothing of the caller's is known at the other end of a wire, nor the reverse.
        task = asyncio.create_task(call.run(self._app), context=contextvars.Context())
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        try:
            async with asyncio.timeout(timeout):
                status, headers = await call.started
        except TimeoutError as error:
            await call.aclose()
            raise httpx.ReadTimeout("the service did not answer in time", request=request) from error
        except BaseException:
            await call.aclose()
            raise
        return httpx.Response(status, headers=headers, stream=call, request=request)

    async def aclose(self) -> None:
        tasks = list(self._at_work)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Call(httpx.AsyncByteStream):
    """One call: the application runs in a task of its own, the answer's body is its stream."""

    def __init__(self, request: httpx.Request, timeout: float | None) -> None:
        self.started: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = asyncio.Future()
        self._request = request
        self._timeout = timeout
        self._chunks: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(maxsize=16)
        self._left = asyncio.Event()
        self._sending: AsyncIterator[bytes] | None = None
        self._ended = False
        self._complete = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    chunk = await self._chunks.get()
            except TimeoutError as error:
                raise httpx.ReadTimeout("the service stopped answering", request=self._request) from error
            if chunk is None:
                return
            if isinstance(chunk, BaseException):
                raise httpx.RemoteProtocolError("the service broke off its answer", request=self._request) from chunk
            yield chunk

    async def aclose(self) -> None:
        """Leave, without waiting.

        The application learns that nobody listens any more and ends when it likes: a caller that has waited long
        enough does not wait for that too, and work that was begun is not torn in two.
        """
        self._left.set()
        while not self._chunks.empty():
            self._chunks.get_nowait()  # which lets go of an application that waits to send

    async def run(self, app: ASGIApp) -> None:
        error: BaseException | None = None
        try:
            await app(_scope_of(self._request), self._receive, self._send)
        except Exception as failure:  # noqa: BLE001 - a server answers 500 and lives on
            error = failure
        except asyncio.CancelledError:
            if not self.started.done():
                self.started.set_exception(httpx.RemoteProtocolError("the service stopped", request=self._request))
            elif not self._complete and not self._chunks.full():
                self._chunks.put_nowait(ConnectionResetError("the service stopped"))
            raise
        if not self.started.done():
            # The application's own handler has logged it where there is one.
            log.error("peer.failed", path=self._request.url.path, exc_info=error)
            self.started.set_result((500, [(b"content-length", b"0")]))
            error = None
        if not self._complete:
            await self._put(error)

    async def _put(self, chunk: bytes | BaseException | None) -> None:
        if not self._left.is_set():
            await self._chunks.put(chunk)

    async def _receive(self) -> Message:
        if self._sending is None:
            stream = self._request.stream
            assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - an async client's requests have one
            self._sending = aiter(stream)
        try:
            return {"type": "http.request", "body": await anext(self._sending), "more_body": True}
        except StopAsyncIteration:
            if not self._left.is_set() and not self._ended:
                self._ended = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._left.wait()
            return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self.started.done():
                self.started.set_result((message["status"], list(message.get("headers", []))))
        elif message["type"] == "http.response.body" and not self._complete:
            if message.get("body") and self._request.method != "HEAD":
                await self._put(message["body"])
            if not message.get("more_body", False):
                # The answer is whole. What the application does after it, or raises, is no part of it.
                self._complete = True
                await self._put(None)


def _scope_of(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }
