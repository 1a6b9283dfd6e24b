"""Applications on sockets."""

import asyncio
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shared.runtime.serving import PortTaken, served


def app(go_on: asyncio.Event | None = None, begun: asyncio.Event | None = None) -> Starlette:
    async def hello(_):
        if begun:
            begun.set()
        if go_on:
            await go_on.wait()
        return PlainTextResponse("hello")

    return Starlette(routes=[Route("/", hello)])


async def test_port_0_takes_a_free_one_and_it_is_free_again_afterwards():
    async with served(app(), host="127.0.0.1", port=0) as port:
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hello"
    async with served(app(), host="127.0.0.1", port=port) as again:
        assert again == port


async def test_a_port_that_is_taken_is_an_error_that_names_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 cannot be had .*; choose another"):
            async with served(app(), host="127.0.0.1", port=port):
                pass


async def test_two_servers_share_a_process():
    async with served(app(), host="127.0.0.1", port=0) as one, served(app(), host="127.0.0.1", port=0) as two:
        async with httpx.AsyncClient() as client:
            for port in (one, two):
                assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200


async def test_it_speaks_ipv6():
    async with served(app(), host="::1", port=0) as port, httpx.AsyncClient() as client:
        assert (await client.get(f"http://[::1]:{port}/")).text == "hello"


async def test_a_request_under_way_is_finished_before_it_ends():
    go_on, begun = asyncio.Event(), asyncio.Event()
    async with httpx.AsyncClient() as client:
        async with served(app(go_on, begun), host="127.0.0.1", port=0) as port:
            call = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/"))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.1, go_on.set)
        assert (await call).text == "hello"


async def test_it_says_nothing_of_what_serves():
    async with served(app(), host="127.0.0.1", port=0) as port, httpx.AsyncClient() as client:
        assert "server" not in (await client.get(f"http://127.0.0.1:{port}/")).headers
