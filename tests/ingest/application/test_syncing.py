"""What a machine holds is taken once more, because somebody wants it so."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.application.drivers import Unreachable
from services.ingest.domain.log_reading import LogReading
from services.ingest.domain.reading import Mode
from services.ingest.storage.log_readings import PostgresLogReadings
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from tests.ingest.application.watched import GATE, MACHINES, batch, entered, eventually, shown, told
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until

NINE = datetime(2024, 1, 15, 9, tzinfo=UTC)
PUSHES = {"machine_type": "zkteco", "serial": "S1", "zone": "Asia/Dhaka", "config": {"push": True}}
LISTENS = {
    "machine_type": "generic",
    "ip_address": "127.0.0.1",
    "port": 4001,
    "config": {"connection": {"side": "client"}},
}


async def read_whole(ingest: Ingest, machine: int) -> LogReading:
    """The last whole reading of its log."""
    readings = PostgresLogReadings(ingest.parts.database)
    async with asyncio.timeout(30):
        while not (found := await readings.of([machine])):  # noqa: ASYNC110 - a row is no event
            await asyncio.sleep(0.02)
    return found[machine]


async def sync(hr: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await hr.post(f"{MACHINES}gate/sync/", json=body)


async def test_a_machine_in_contact_is_read_again_and_nothing_becomes_two(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(3, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=NINE))
        await told(ingest, ScanReceived, 3)
        await eventually(hr, lambda machine: machine["state"] == "live")
        await entered(ingest, 3)
        answer = await sync(hr)
        assert (answer.status_code, answer.json()) == (
            202,
            {"machine_id": "gate", "since": None, "will": "its log is read again now", "commands": []},
        )
        await until(lambda: ingest.driver.sessions == 2)
        assert ingest.driver.read_again_of == ["gate"]
        assert (await shown(hr))["sync_asked_at"]
        assert (await sync(hr)).json()["will"] == "its log is read again already"
        ingest.driver.says.put_nowait(batch(4, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=NINE))
        await eventually(hr, lambda machine: machine["sync_asked_at"] is None and machine["state"] == "live")
        assert len(ingest.bus.events(ScanReceived)) == 4
        assert ingest.driver.sessions == 2


async def test_one_that_is_away_is_read_again_when_it_is_back_even_if_we_start_anew_meanwhile(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    ingest.driver.refuses = [Unreachable("nobody answers") for _ in range(100_000)]
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["state"] == "away")
        answer = await sync(hr)
        assert answer.json()["will"] == "its log is read again as soon as there is contact with it"
    ingest.driver.refuses, ingest.driver.read_again_of = [], []
    async with ingest.running():
        await until(lambda: ingest.driver.open)
        assert ingest.driver.read_again_of
        ingest.driver.says.put_nowait(batch(2, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=NINE))
        await eventually(hr, lambda machine: machine["sync_asked_at"] is None)


async def test_a_reading_that_breaks_off_is_begun_again(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await sync(hr)
        await until(lambda: ingest.driver.read_again_of and ingest.driver.open)
        before = len(ingest.driver.read_again_of)
        ingest.driver.says.put_nowait(batch(2, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(Unreachable("the connection broke"))
        await until(lambda: len(ingest.driver.read_again_of) > before)
        assert (await shown(hr))["sync_asked_at"]


async def test_one_that_calls_is_asked_for_its_log_and_how_much_there_is_of_it(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    await hr.post(MACHINES, json={**GATE, **PUSHES})
    answer = (await sync(hr, since="2026-01-05T08:00:00Z")).json()
    assert answer["since"] == "2026-01-05T14:00:00"  # on the machine's clock
    assert answer["will"] == (
        "it is asked for its log since 2026-01-05 14:00:00 when it calls next, and to count what it holds"
    )
    count, read = (await hr.get(f"{MACHINES}gate/commands/")).json()
    assert [read["id"], count["id"]] == answer["commands"]
    assert read["text"].startswith("DATA QUERY ATTLOG StartTime=2026-01-05 14:00:00\tEndTime=")
    assert count["text"].startswith("VERIFY SUM ATTLOG StartTime=2026-01-05 00:00:00\tEndTime=")
    assert count["text"].endswith(" 23:59:59")
    assert (await shown(hr))["sync_asked_at"] is None


async def test_one_that_is_read_cannot_be_asked_from_a_time_on_and_says_so(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    will = (await sync(hr, since="2026-01-05T08:00:00")).json()["will"]
    assert will == (
        "its log is read again as soon as there is contact with it: all of it,"
        " because it cannot be asked from a time on"
    )


async def test_one_that_can_is_read_from_a_time_on_and_that_counts_for_no_whole_reading(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(3, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=NINE))
        await told(ingest, ScanReceived, 3)
        await entered(ingest, 3)
        machine = await eventually(hr, lambda machine: machine["state"] == "live")
        whole = await read_whole(ingest, machine["id"])
        assert (whole.read, whole.new) == (3, 3)
        ingest.driver.narrows = True
        answer = (await sync(hr, since="2026-01-05T08:00:00Z")).json()
        assert answer["will"] == "its log since 2026-01-05 14:00:00 is read again now"
        await until(lambda: ingest.driver.sessions == 2)
        assert (await shown(hr))["sync_since"] == "2026-01-05T14:00:00"
        ingest.driver.says.put_nowait(batch(2, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=NINE))
        await eventually(hr, lambda machine: machine["sync_asked_at"] is None and machine["state"] == "live")
        assert (await shown(hr))["sync_since"] is None
        assert ingest.driver.read_since_of == [("gate", datetime(2026, 1, 5, 14))]
        assert ingest.driver.read_again_of == []
        assert await read_whole(ingest, machine["id"]) == whole
        assert len(ingest.bus.events(ScanReceived)) == 3


async def test_from_when_on_is_known_after_a_restart(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    ingest.driver.narrows = True
    await hr.post(MACHINES, json=GATE)
    answer = await sync(hr, since="2026-01-05T08:00:00")
    assert (
        answer.json()["will"] == "its log since 2026-01-05 08:00:00 is read again as soon as there is contact with it"
    )
    async with ingest.running():
        await until(lambda: ingest.driver.open)
        assert set(ingest.driver.read_since_of) == {("gate", datetime(2026, 1, 5, 8))}
        assert ingest.driver.read_again_of == []


@pytest.mark.parametrize(
    ("first", "then", "stands", "sessions"),
    [
        ("2026-01-05T08:00:00", "2026-01-04T08:00:00", "2026-01-04T08:00:00", 2),
        ("2026-01-05T08:00:00", None, None, 2),
        ("2026-01-05T08:00:00", "2026-01-06T08:00:00", "2026-01-05T08:00:00", 1),
        ("2026-01-05T08:00:00", "2026-01-05T08:00:00", "2026-01-05T08:00:00", 1),
        (None, "2026-01-05T08:00:00", None, 1),
    ],
    ids=["earlier", "all", "later", "the same", "all already"],
)
async def test_of_two_wishes_the_wider_stands_and_the_narrower_begins_nothing_anew(
    hr: httpx.AsyncClient, ingest: Ingest, first: str | None, then: str | None, stands: str | None, sessions: int
) -> None:
    ingest.driver.narrows = True
    await hr.post(MACHINES, json=GATE)
    await sync(hr, since=first)
    async with ingest.running():
        await eventually(hr, lambda machine: machine["is_connected"])
        will = (await sync(hr, since=then)).json()["will"]
        assert will.endswith(" again now" if sessions == 2 else " again already")
        assert (stands or "").replace("T", " ") in will
        await until(lambda: ingest.driver.sessions == sessions)
        await eventually(hr, lambda machine: machine["is_connected"])
        assert ((await shown(hr))["sync_since"], bool((await shown(hr))["sync_asked_at"])) == (stands, True)
        ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=NINE))
        await eventually(hr, lambda machine: machine["sync_asked_at"] is None)
        last = ingest.driver.read_since_of[-1][1].isoformat() if stands else None
        assert (last, bool(ingest.driver.read_again_of)) == (stands, stands is None)
        assert ingest.driver.sessions == sessions


@pytest.mark.parametrize(
    ("values", "status", "why"),
    [
        ({"machine_type": "generic"}, 409, "nobody can be in contact with gate: import a file of it again"),
        ({"status": "maintenance"}, 409, "gate is maintenance: nobody is in contact with it"),
        (LISTENS, 422, "it tells what it has when it will, and cannot be asked for it again"),
    ],
    ids=["imported", "not wanted", "cannot"],
)
async def test_one_that_cannot_be_read_says_why(
    hr: httpx.AsyncClient, values: dict[str, Any], status: int, why: str
) -> None:
    assert (await hr.post(MACHINES, json={**GATE, **values})).status_code == 201
    answer = await sync(hr)
    assert (answer.status_code, answer.json()["error"]) == (status, why)
    assert (await shown(hr))["sync_asked_at"] is None


async def test_one_that_is_paused_is_to_be_resumed_first(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    await hr.post(f"{MACHINES}gate/pause/")
    answer = await sync(hr)
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("gate is paused by anna since ")


@pytest.mark.parametrize(
    ("path", "body"), [("sync", {"since": "0001-01-01T00:00:00"}), ("pause", {"until": "9999-12-31T23:59:59"})]
)
async def test_times_that_no_clock_can_have_are_refused(hr: httpx.AsyncClient, path: str, body: dict[str, str]) -> None:
    await hr.post(MACHINES, json=GATE)
    assert (await hr.post(f"{MACHINES}gate/{path}/", json=body)).status_code == 400


async def test_nothing_was_recorded_in_the_future(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    ahead = SystemClock().now() + timedelta(days=2)
    answer = await sync(hr, since=ahead.isoformat())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["since"]


@pytest.mark.parametrize("what", ["sync", "pause", "resume"])
async def test_it_is_for_hr_to_say(hr: httpx.AsyncClient, ingest: Ingest, what: str) -> None:
    await hr.post(MACHINES, json=GATE)
    async with ingest.client("department_head") as head:
        assert (await head.post(f"{MACHINES}gate/{what}/")).status_code == 403
    assert (await hr.post(f"{MACHINES}nowhere/{what}/")).status_code == 404
