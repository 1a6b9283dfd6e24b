"""One TCP connection, on the loop that services run on and on the one that tests run on."""

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest
import uvloop

from services.ingest.application.drivers import Unreachable
from services.ingest.vendors.zkteco.connection import Connection
from services.ingest.vendors.zkteco.wire import Code, Packet, frame

AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: closing resets the connection."""


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_that_was_reset_has_broken_whatever_is_asked_of_it(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        writer.transport.abort()

    async def talk() -> None:
        async with await asyncio.start_server(resets, "127.0.0.1", 0) as server:
            connection = await Connection.open(
                *server.sockets[0].getsockname(),
                connect_within=5,
                answer_within=5,
                on_event=lambda packet: None,
                on_unsound=lambda packet: None,
            )
            with pytest.raises(Unreachable):
                await connection.listen(5)
            with pytest.raises(Unreachable):
                await connection.ask(Code.GET_TIME)
            with pytest.raises(Unreachable):
                await connection.acknowledge_event()
            connection.session = 1
            await connection.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(talk())


async def test_answers_to_no_question_are_let_go_of() -> None:
    """A machine that sends them without end would fill memory until it is asked again."""

    async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(frame(Packet(Code.OK, 1, 0)) * 3)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(babbles, "127.0.0.1", 0) as server:
        connection = await Connection.open(
            *server.sockets[0].getsockname(),
            connect_within=5,
            answer_within=0.2,
            on_event=lambda packet: None,
            on_unsound=lambda packet: None,
        )
        assert (await connection.ask(Code.CONNECT)).code == Code.OK
        await connection.listen(0.2)
        with pytest.raises(Unreachable, match="does not answer"):
            await connection.more()
        await connection.close()
