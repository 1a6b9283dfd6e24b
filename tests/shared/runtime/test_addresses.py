"""Requests with blanks in their address, over a socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from shared.runtime.addresses import mended
from shared.runtime.serving import served


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path, the query and the length of the body that it was sent."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    said = scope["path"].encode() + b"|" + scope["query_string"] + b"|" + str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with served(echo, host="127.0.0.1", port=0, mends_addresses=True) as port:
        yield port


async def answers(port: int, *pieces: bytes, number: int = 1) -> list[bytes]:
    """The bodies of so many answers to what is sent in these pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        for _ in range(number):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            found.append(await reader.readexactly(length))
    finally:
        writer.close()
        await writer.wait_closed()
    return found


BLANKS = b"GET /cdata?SN=1&INFO=Ver 8.0 b\t7 HTTP/1.1\r\n\r\n"
ANSWER = b"/cdata|SN=1&INFO=Ver%208.0%20b%097|0"


async def test_blanks_in_the_address_are_read_without_a_host_and_with_a_strange_connection(port: int) -> None:
    strange = BLANKS.replace(b"\r\n\r\n", b"\r\nConnection: starting\r\n\r\n")
    assert await answers(port, strange) == [ANSWER]


async def test_bytes_beyond_ascii_are_read(port: int) -> None:
    assert await answers(port, b"GET /c?N=\xd5\xc5 HTTP/1.1\r\n\r\n") == [b"/c|N=%D5%C5|0"]


async def test_a_body_is_left_as_it_is_and_the_connection_goes_on(port: int) -> None:
    body = b"GET /a b HTTP/1.1\r\n7 8\n"
    post = b"POST /x?a=b c HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert await answers(port, post, BLANKS, post, number=3) == [b"/x|a=b%20c|23", ANSWER, b"/x|a=b%20c|23"]


async def test_a_request_is_read_alike_in_any_pieces(port: int) -> None:
    for cut in range(1, len(BLANKS), 7):
        assert await answers(port, BLANKS[:cut], BLANKS[cut:]) == [ANSWER]


async def test_requests_that_come_in_one_piece_are_all_answered(port: int) -> None:
    plain = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\na b"
    assert await answers(port, plain + plain[:-1], plain[-1:], number=2) == [b"/x||3", b"/x||3"]


@pytest.mark.parametrize(
    "data", [b"", b"nonsense\r\n", b"GET /a\r\n", b"\x16\x03\x01 \n", b"GET /a HTTP/1.1\r\nX: a b\r\n\r\n"]
)
def test_what_is_no_first_line_or_needs_no_mending_stays(data: bytes) -> None:
    assert mended(data) == data
