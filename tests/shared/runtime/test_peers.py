"""A service in this process behaves like one at the other end of a wire: one table of cases, both ways."""

import asyncio
import contextvars
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.runtime.peers import connect_peers
from shared.runtime.serving import served

WHOSE = contextvars.ContextVar("whose", default="nobody's")


class Callee:
    """An application that shows what reaches it, and what becomes of what it does."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.seen: list[str] = []
        self.ended = asyncio.Event()
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        self.app = Starlette(
            routes=[
                Route("/echo/{rest:path}", self.echo, methods=methods),
                Route("/status/{code:int}", self.status),
                Route("/digest", self.digest, methods=["POST"]),
                Route("/stream", self.stream),
                Route("/endless", self.endless),
                Route("/fails", self.fails),
                Route("/fails-late", self.fails_late),
                Route("/cancels-itself", self.cancels_itself),
                Route("/never", self.never),
                Route("/stalls", self.stalls),
                Route("/works-on", self.works_on, methods=["POST"]),
                Route("/context", self.context),
                Route("/unread", self.unread, methods=["POST"]),
                Route("/waits-for-leaving", self.waits_for_leaving, methods=["POST"]),
            ]
        )

    async def echo(self, request: Request) -> Response:
        body = await request.body()
        headers = [(name, value) for name, value in request.headers.items() if name.startswith(("x-", "content-type"))]
        shown = {"method": request.method, "path": request.url.path, "query": request.url.query,
                 "raw": request.scope["raw_path"].decode(), "headers": headers, "body": body.decode()}  # fmt: skip
        response = JSONResponse(shown)
        response.headers.append("set-cookie", "a=1")
        response.headers.append("set-cookie", "b=2")
        return response

    async def status(self, request: Request) -> Response:
        return Response(status_code=request.path_params["code"], headers={"location": "/elsewhere"})

    async def digest(self, request: Request) -> Response:
        digest, length, pieces = hashlib.sha256(), 0, 0
        async for chunk in request.stream():
            digest.update(chunk)
            length += len(chunk)
            pieces += 1
            self.seen.append("chunk")
        return JSONResponse({"digest": digest.hexdigest(), "length": length, "more than one": pieces > 2})

    async def stream(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[str]:
            yield "first"
            await self.go_on.wait()
            yield "last"

        return StreamingResponse(parts())

    async def endless(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 10_000
                    await asyncio.sleep(0)
            finally:
                self.ended.set()

        return StreamingResponse(parts())

    async def fails(self, _: Request) -> Response:
        raise ZeroDivisionError

    async def fails_late(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise ZeroDivisionError

        return StreamingResponse(parts(), headers={"content-length": "8"})

    async def cancels_itself(self, _: Request) -> Response:
        raise asyncio.CancelledError

    async def never(self, _: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def stalls(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.Event().wait()

        return StreamingResponse(parts())

    async def works_on(self, _: Request) -> Response:
        self.seen.append("begun")
        await self.go_on.wait()
        self.ended.set()
        return PlainTextResponse("done")

    async def context(self, _: Request) -> Response:
        found = WHOSE.get()
        WHOSE.set("the callee's")
        return PlainTextResponse(found)

    async def unread(self, _: Request) -> Response:
        return PlainTextResponse("not interested", 413)

    async def waits_for_leaving(self, request: Request) -> Response:
        try:
            async for _ in request.stream():
                pass
            while not await request.is_disconnected():  # noqa: ASYNC110 - Starlette offers nothing to wait for
                await asyncio.sleep(0.005)
        except ClientDisconnect:
            pass
        self.ended.set()
        return Response()


@pytest.fixture
def callee() -> Callee:
    return Callee()


@pytest.fixture(params=["in this process", "over a socket"])
async def peers(request: pytest.FixtureRequest, callee: Callee) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        local: dict[str, Any] = {}
        remote: dict[str, str] = {}
        if request.param == "in this process":
            local["callee"] = callee.app
        else:
            port = await stack.enter_async_context(served(callee.app, host="127.0.0.1", port=0))
            remote["callee"] = f"http://127.0.0.1:{port}"
        client = await stack.enter_async_context(connect_peers(local, remote))
        client.base_url = "http://callee"
        yield client


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what it waits for happens in the callee
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_method_address_headers_and_body_arrive_as_they_were_sent(peers, method):
    response = await peers.request(
        method,
        "/echo/a%20b/c%2Fd/é?x=%20y&x=2&z=é",
        headers=[("X-One", "1"), ("x-many", "1"), ("X-Many", "2"), ("Content-Type", "text/plain")],
        content="zoë" if method in ("POST", "PUT", "PATCH") else None,
    )
    shown = response.json()
    assert shown == {
        "method": method,
        "path": shown["path"],
        "query": "x=%20y&x=2&z=%C3%A9",
        "raw": "/echo/a%20b/c%2Fd/%C3%A9",
        "headers": [["x-one", "1"], ["x-many", "1"], ["x-many", "2"], ["content-type", "text/plain"]],
        "body": "zoë" if method in ("POST", "PUT", "PATCH") else "",
    }
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_head_has_the_headers_and_no_body(peers):
    get, head = await peers.get("/echo/x"), await peers.head("/echo/x")
    assert head.content == b""
    assert head.headers["content-type"] == "application/json"
    assert abs(int(head.headers["content-length"]) - int(get.headers["content-length"])) < 10


@pytest.mark.parametrize("code", [200, 201, 204, 301, 304, 307, 400, 404, 409, 503])
async def test_a_status_is_passed_on_and_a_redirect_is_not_followed(peers, code):
    response = await peers.get(f"/status/{code}")
    assert (response.status_code, response.headers["location"]) == (code, "/elsewhere")


async def test_an_address_that_does_not_exist_is_404_and_a_method_405(peers):
    assert (await peers.get("/nowhere")).status_code == 404
    assert (await peers.put("/stream")).status_code == 405


async def test_a_large_body_is_streamed_there(peers, callee):
    sent = [bytes([number]) * 100_000 for number in range(20)]

    async def parts() -> AsyncIterator[bytes]:
        for part in sent:
            yield part
        # It is read while it is being sent.
        await until(lambda: callee.seen)

    response = await peers.post("/digest", content=parts())
    assert response.json() == {
        "digest": hashlib.sha256(b"".join(sent)).hexdigest(),
        "length": 2_000_000,
        "more than one": True,
    }


async def test_the_first_byte_of_an_answer_comes_before_the_last_is_made(peers, callee):
    async with peers.stream("GET", "/stream") as response:
        parts = response.aiter_bytes()
        assert await anext(parts) == b"first"
        callee.go_on.set()
        assert b"".join([part async for part in parts]) == b"last"


async def test_an_exception_is_a_500_and_not_the_callers(peers):
    assert (await peers.get("/fails")).status_code == 500
    assert (await peers.get("/echo/still-there")).status_code == 200


async def test_an_answer_that_breaks_off_is_an_error_and_never_taken_for_the_whole(peers):
    with pytest.raises(httpx.RemoteProtocolError):
        await peers.get("/fails-late")


async def test_a_callee_that_is_cancelled_by_something_of_its_own_is_an_error_soon(peers):
    """A broken connection can cancel what nobody cancelled (RELIABILITY, finding 4)."""
    async with asyncio.timeout(5):
        try:
            status = (await peers.get("/cancels-itself")).status_code
        except httpx.RemoteProtocolError:
            status = 500
    assert status == 500


async def test_a_callee_that_does_not_answer_is_a_read_timeout_in_time(peers):
    began = asyncio.get_running_loop().time()
    with pytest.raises(httpx.ReadTimeout):
        await peers.get("/never", timeout=0.1)
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_callee_that_stops_in_the_middle_is_a_read_timeout(peers):
    async with peers.stream("GET", "/stalls", timeout=0.1) as response:
        parts = response.aiter_bytes()
        assert await anext(parts) == b"first"
        with pytest.raises(httpx.ReadTimeout):
            await anext(parts)


async def test_what_was_begun_is_finished_though_the_caller_waited_no_longer(peers, callee):
    with pytest.raises(httpx.ReadTimeout):
        await peers.post("/works-on", timeout=0.1)
    callee.go_on.set()
    async with asyncio.timeout(5):
        await callee.ended.wait()


async def test_context_variables_leak_neither_way(peers):
    WHOSE.set("the caller's")
    assert (await peers.get("/context")).text == "nobody's"
    assert WHOSE.get() == "the caller's"
    assert (await peers.get("/context")).text == "nobody's"


async def test_a_caller_that_leaves_an_answer_early_ends_it(peers, callee):
    async with peers.stream("GET", "/endless") as response:
        assert len(await anext(response.aiter_bytes())) > 0
        assert not callee.ended.is_set()
    async with asyncio.timeout(5):
        await callee.ended.wait()


async def test_a_caller_that_is_cancelled_leaves_too(peers, callee):
    call = asyncio.create_task(peers.post("/waits-for-leaving", content=b"x"))
    await asyncio.sleep(0.05)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(5):
        await callee.ended.wait()


async def test_a_callee_may_answer_without_reading_what_is_sent(peers):
    response = await peers.post("/unread", content=b"x" * 50_000)
    assert (response.status_code, response.text) == (413, "not interested")


async def test_a_hundred_calls_at_once_do_not_wait_for_each_other(peers, callee):
    waiting = [asyncio.create_task(peers.post("/works-on")) for _ in range(100)]
    await until(lambda: len(callee.seen) == 100)
    callee.go_on.set()
    assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}


async def test_a_peer_whose_address_nobody_knows_is_a_connection_error():
    async with connect_peers({}, {"away": "http://127.0.0.1:1"}) as peers:
        with pytest.raises(httpx.ConnectError):
            await peers.get("http://away/")


async def test_a_service_in_this_process_is_preferred_to_its_address(callee):
    async with connect_peers({"callee": callee.app}, {"callee": "http://127.0.0.1:1"}) as peers:
        assert (await peers.get("http://callee/echo/x")).status_code == 200


async def test_closing_the_client_ends_what_still_runs(callee):
    async with connect_peers({"callee": callee.app}, {}) as peers:
        with pytest.raises(httpx.ReadTimeout):
            await peers.get("http://callee/never", timeout=0.05)
        assert _at_work()
    assert not _at_work()


def _at_work() -> list[str]:
    return [
        name for task in asyncio.all_tasks() if (name := getattr(task.get_coro(), "__qualname__", "")) == "_Call.run"
    ]
