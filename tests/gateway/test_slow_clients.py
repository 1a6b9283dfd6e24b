"""A client that is too slow is skipped ahead, holds a bounded amount of memory, and holds up nobody."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from services.gateway.domain.audience import EVERYONE
from services.gateway.live import client as client_module
from services.gateway.live.client import Client
from services.gateway.live.hub import Hub
from shared.kernel.errors import TooMany
from shared.web.scope import Scope
from tests.gateway.fakes import NOON, Gateway, day, until
from tests.gateway.live_clients import listening


class Server:
    """The sending side of a connection whose socket can be full."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.room = asyncio.Event()
        self.room.set()
        self.gone = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.room.wait()
        if self.gone:
            raise OSError("gone")
        self.sent.append(message.get("text", message["type"]))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.send, Scope.everything(), None, resync=lambda: "resync")


async def test_a_frame_is_written_at_once_without_a_task(client: Client, server: Server) -> None:
    tasks = len(asyncio.all_tasks())
    assert client.push("one")
    assert client.push("two")
    assert server.sent == ["one", "two"]
    assert len(asyncio.all_tasks()) == tasks


async def test_what_a_slow_client_misses_is_replaced_by_one_resync(client: Client, server: Server) -> None:
    server.room.clear()
    assert client.push("one")
    assert not any(client.push(f"missed {number}") for number in range(1000))
    assert client.behind_since is not None
    server.room.set()
    await until(lambda: client.behind_since is None)
    assert server.sent == ["one", "resync"]
    assert client.push("later")
    assert server.sent[-1] == "later"


async def test_a_slow_client_that_missed_nothing_is_told_nothing(client: Client, server: Server) -> None:
    server.room.clear()
    assert client.push("one")
    server.room.set()
    await until(lambda: client.behind_since is None)
    assert server.sent == ["one"]


async def test_who_has_gone_is_noticed(client: Client, server: Server) -> None:
    server.gone = True
    assert not client.push("one")
    assert client.gone
    server.room.clear()
    await client.leave()


async def test_leaving_while_behind_ends_what_is_under_way(client: Client, server: Server) -> None:
    server.room.clear()
    client.push("one")
    await client.leave()
    assert server.sent == []
    assert client.behind_since is None


async def test_who_takes_no_farewell_is_cut_off(
    client: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "FAREWELL_WITHIN", 0.05)
    server.room.clear()
    client.serving = asyncio.create_task(asyncio.Event().wait())
    client.end(4401, "over")
    await until(client.serving.cancelled)
    assert client.dropped


async def test_there_are_only_so_many(server: Server) -> None:
    hub = Hub(most=2)
    for _ in range(2):
        hub.join(Client(server.send, Scope(reach="none"), None, resync=str))
    with pytest.raises(TooMany):
        hub.join(Client(server.send, Scope(reach="none"), None, resync=str))
    await hub.send("x", hub.listeners(EVERYONE))
    assert server.sent == ["x", "x"]


async def test_over_real_sockets_a_client_that_does_not_read_misses_and_the_other_gets_all(gateway: Gateway) -> None:
    token = (await gateway.sign_in())["access"]
    hub = _hub(gateway)
    async with listening(gateway, token) as quick:
        # This one's library stops reading when nobody takes what it has read.
        async with listening(gateway, token, max_queue=1) as slow:
            await until(lambda: len(hub) == 2)
            event, told = day(1, department="x" * 200_000), 0
            while not any(client.skipped for client in hub):
                await gateway.bus.tell(event, time=NOON)
                told += 1
                assert (await quick.next("attendance_updated"))["employee_id"] == "EMP001"
                assert told < 3000, "nothing was ever skipped"
            assert all(client.skipped == 0 for client in hub if client.behind_since is None)
            assert (await slow.next("resync", within=10))["data"]["message"]
            await until(lambda: all(client.behind_since is None for client in hub))
            await gateway.bus.tell(day(2), time=NOON)
            assert (await slow.next("attendance_updated"))["employee_id"] in ("EMP001", "EMP002")


def _hub(gateway: Gateway) -> Hub:
    sockets: Callable[..., Awaitable[None]] = dict(gateway.service.endpoints)["live"]
    return sockets._hub  # type: ignore[attr-defined,no-any-return]
