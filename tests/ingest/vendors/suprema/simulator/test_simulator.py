"""The simulated BioStar server as clients find it that are not ours: httpx, and a socket of websockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from services.ingest.vendors.faults import WrongFault
from services.ingest.vendors.suprema.simulator import Faults, Running, Store, simulator
from services.ingest.vendors.suprema.simulator.faults import FAULTS, parsed
from tests.ingest.fakes import FakeClock
from tests.ingest.vendors.suprema.contact import DEVICE, PASSWORD, store

LOGIN = {"User": {"login_id": "admin", "password": PASSWORD}}


@asynccontextmanager
async def client(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as http:
        http.headers["bs-session-id"] = (await http.post("/api/login", json=LOGIN)).headers["bs-session-id"]
        yield http


@asynccontextmanager
async def listening(running: Running, http: httpx.AsyncClient) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://127.0.0.1:{running.port}/wsapi", proxy=None) as socket:
        await socket.send(f"bs-session-id={http.headers['bs-session-id']}")
        assert json.loads(await socket.recv())["Response"]["code"] == "0"
        await http.post("/api/events/start", json={})
        yield socket


async def search(http: httpx.AsyncClient, *conditions: dict[str, Any], limit: int = 100) -> dict[str, Any]:
    orders = [{"column": "id", "descending": False}]
    query = {"Query": {"limit": limit, "conditions": list(conditions), "orders": orders}}
    answer = await http.post("/api/events/search", json=query)
    assert answer.json()["Response"]["code"] == "0"
    return answer.json()


async def test_everything_that_it_says_is_a_text() -> None:
    async with simulator(store(1)) as running, client(running) as http:
        (row,) = (await search(http))["EventCollection"]["rows"]

        def leaves(value: Any) -> list[Any]:
            return [leaf for inner in value.values() for leaf in leaves(inner)] if isinstance(value, dict) else [value]

        assert all(isinstance(leaf, str) for leaf in leaves(row))
        assert row["datetime"] == "2026-01-05T08:00:00.00Z"
        assert row["event_type_id"] == {"code": "4867", "name": "IDENTIFY_SUCCESS_FACE"}


async def test_where_nothing_is_found_the_collection_is_missing() -> None:
    async with simulator(store(0)) as running, client(running) as http:
        assert "EventCollection" not in await search(http)


async def test_numbers_are_compared_as_numbers() -> None:
    async with simulator(store(120)) as running, client(running) as http:
        found = await search(http, {"column": "id", "operator": 5, "values": ["99"]}, limit=5)
        assert [row["id"] for row in found["EventCollection"]["rows"]] == ["100", "101", "102", "103", "104"]


async def test_without_a_session_it_wants_a_login() -> None:
    async with simulator(store(), faults=Faults(expires=1)) as running, client(running) as http:
        await search(http)
        answer = await http.post("/api/events/search", json={"Query": {}})
        assert (answer.status_code, answer.json()["Response"]["code"]) == (401, "10")


async def test_wrong_passwords_lock_the_user() -> None:
    async with simulator(store()) as running, httpx.AsyncClient(trust_env=False) as http:
        url = f"http://127.0.0.1:{running.port}/api/login"
        for _ in range(5):
            assert (await http.post(url, json={"User": {"login_id": "admin"}})).status_code == 401
        assert "locked" in (await http.post(url, json=LOGIN)).json()["Response"]["message"]


async def test_events_that_are_asked_for_before_the_socket_is_bound_are_told_to_nobody() -> None:
    async with simulator(store(0)) as running, client(running) as http:
        async with connect(f"ws://127.0.0.1:{running.port}/wsapi", proxy=None) as socket:
            await http.post("/api/events/start", json={})
            await socket.send(f"bs-session-id={http.headers['bs-session-id']}")
            await socket.recv()
            assert running.listeners == 0
            await http.post("/api/events/start", json={})
            assert running.listeners == 1
            await running.scan("7")
            assert json.loads(await socket.recv())["Event"]["user_id"]["user_id"] == "7"


async def test_a_socket_with_a_session_that_is_none_is_told_so() -> None:
    async with simulator(store(0)) as running:
        async with connect(f"ws://127.0.0.1:{running.port}/wsapi", proxy=None) as socket:
            await socket.send("bs-session-id=nonsense")
            assert json.loads(await socket.recv())["Response"]["code"] == "10"


async def test_bytes_in_fragments_are_one_message() -> None:
    async with simulator(store(0), faults=Faults(binary=True)) as running, client(running) as http:
        async with listening(running, http) as socket:
            await running.scan("7")
            assert isinstance(said := await socket.recv(), bytes)
            assert json.loads(said)["Event"]["device_id"]["id"] == DEVICE


async def test_its_machines_clocks_are_apart_from_its_own() -> None:
    held = Store(clock=FakeClock(), zone="Asia/Kolkata", clock_offset=timedelta(minutes=5), labels_local=True)
    held.scan("7")
    shown = held.shown(held.rows[0])
    assert (shown["datetime"], shown["server_datetime"]) == ("2024-01-15T17:35:00.00Z", "2024-01-15T12:00:00.00Z")
    assert shown["timezone"] == {"half": "1", "hour": "5", "negative": "0"}


def test_every_fault_can_be_named() -> None:
    for name, fault in FAULTS.items():
        assert parsed([f"{name}={fault.example}" if fault.example else name]) != Faults()
    with pytest.raises(WrongFault, match="There is no fault"):
        parsed(["nonsense"])
