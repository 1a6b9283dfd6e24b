"""The simulated terminal against ingest, over a socket: whatever is wrong with it, each distinct scan is there once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.ingest.domain.scan import scan_id
from services.ingest.vendors.faults import WrongFault
from services.ingest.vendors.zkteco.adms.simulator import Faults, Punch, PushingTerminal, Unit, pushing
from services.ingest.vendors.zkteco.adms.simulator.faults import FAULTS, parsed
from services.ingest.vendors.zkteco.adms.simulator.line import Reply, ask
from services.ingest.vendors.zkteco.adms.simulator.terminal import TEMPLATE
from shared.contracts.scans import ScanReceived
from shared.runtime.serving import served
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until

START = datetime(2026, 1, 5, 8)
PENDING = "/api/ingest/pending-machines/"


def unit(records: int = 200, *, serial: str = "S1") -> Unit:
    made = Unit(serial)
    for number in range(records):
        made.record(Punch(badge=f"{number % 20:03}", at=START + timedelta(seconds=30 * number), state=number % 2))
    return made


async def register(hr: httpx.AsyncClient, **more: Any) -> int:
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "serial": "S1", "zone": "UTC", **more}
    answer = await hr.post(MACHINES, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@dataclass
class Site:
    """Ingest, running, with a port that terminals call."""

    ingest: Ingest
    port: int

    def terminal(self, of: Unit, faults: Faults | None = None, **more: Any) -> PushingTerminal:
        given = {"delay": 0.1, "error_delay": 0.1, "obeys": False, **more}
        return PushingTerminal(of, host="127.0.0.1", port=self.port, faults=faults or Faults(), **given)

    def ids(self) -> set[Any]:
        return {scan.scan_id for scan in self.ingest.bus.events(ScanReceived)}


@pytest.fixture
async def site(ingest: Ingest) -> AsyncIterator[Site]:
    async with ingest.running(), served(ingest.service.app, host="127.0.0.1", port=0, mends_addresses=True) as port:
        yield Site(ingest, port)


def ids_of(machine: int, of: Unit) -> set[Any]:
    return {scan_id(machine, punch.badge, punch.at, str(punch.state)) for punch in of.log}


@pytest.mark.parametrize(
    "faults",
    [
        *(Faults(columns=columns) for columns in (4, 5, 7, 8, 10, 12)),
        Faults(crlf=True, aspx=True, slash=True),
        Faults(blanks=True, gbk=True),
        Faults(header=True, old=True),
        Faults(lost_reply=2),
        Faults(duplicate=True, garbage=2),
        Faults(clone=True),
        Faults(templates=True),
        Faults(lost_reply=3, duplicate=True, garbage=1, crlf=True, columns=12, blanks=True, clone=True),
    ],
    ids=str,
)
async def test_each_distinct_scan_is_there_once(site: Site, hr: httpx.AsyncClient, faults: Faults) -> None:
    machine, its = await register(hr), unit()
    async with pushing(site.terminal(its, faults)) as terminal:
        await until(lambda: terminal.done, within=30)
    assert site.ids() == ids_of(machine, its)
    assert all(TEMPLATE.encode() not in message.body for message in site.ingest.bus.published)


async def test_a_scan_is_there_at_once_and_the_machine_is_live(site: Site, hr: httpx.AsyncClient) -> None:
    await register(hr)
    async with pushing(site.terminal(unit(0), delay=30)) as terminal:
        await until(lambda: terminal.options)
        terminal.punch("7")
        await until(lambda: len(site.ids()) == 1, within=2)
        [scan] = site.ingest.bus.events(ScanReceived)
        assert (scan.mode, scan.badge) == ("live", "7")
        found = await eventually(hr, lambda found: found["state"] == "live")
        assert found["is_connected"] is True


async def test_an_unknown_one_keeps_its_log_until_it_is_accepted(site: Site, hr: httpx.AsyncClient) -> None:
    its = unit(serial="NEW1")
    async with pushing(site.terminal(its)) as terminal:
        await until(lambda: terminal.refusals >= 2)
        assert (site.ids(), its.acknowledged) == (set(), 0)
        accepted = await hr.post(f"{PENDING}zkteco/NEW1/accept/", json={"zone": "UTC"})
        assert accepted.status_code == 201, accepted.text
        await until(lambda: terminal.done, within=30)
    assert site.ids() == ids_of(accepted.json()["id"], its)


async def test_without_bus_and_database_it_keeps_its_log_and_hands_it_over_when_one_is_back(
    site: Site, hr: httpx.AsyncClient
) -> None:
    machine, its = await register(hr), unit()
    async with spool_locked(site.ingest.url):
        site.ingest.bus.away = True
        async with pushing(site.terminal(its)) as terminal:
            await until(lambda: terminal.refusals >= 1, within=60)
            assert its.acknowledged == 0
    async with pushing(site.terminal(its)) as terminal:
        await until(lambda: terminal.done, within=30)
        site.ingest.bus.away = False
        await until(lambda: site.ids() == ids_of(machine, its), within=60)


async def test_its_log_is_read_again_and_counted_by_command(site: Site, hr: httpx.AsyncClient) -> None:
    machine, its = await register(hr, config={"push": True}), unit(100)
    its.acknowledged = 100  # it thinks that all was taken
    span = {"first": "2026-01-05T00:00:00", "last": "2026-01-05T23:59:59"}
    async with pushing(site.terminal(its)) as terminal:
        await until(lambda: terminal.options)
        assert terminal.options["ATTLOGStamp"] == "0"
        for command in ("count_log", "read_log"):
            await hr.post(f"{MACHINES}gate/commands/", json={"command": command, **span})
        await until(lambda: site.ids() == ids_of(machine, its), within=60)

        async def answered() -> list[dict[str, Any]]:
            return (await hr.get(f"{MACHINES}gate/commands/")).json()

        async with asyncio.timeout(10):
            while [command["state"] for command in await answered()] != ["done", "done"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await answered())[1]["result"] == "AttlogSum=100"


async def test_a_secret_is_shown_in_the_path(site: Site, hr: httpx.AsyncClient) -> None:
    await register(hr, config={"push_key": "s3cret"})
    async with pushing(site.terminal(unit(10), key="s3cret")) as terminal:
        await until(lambda: terminal.done, within=60)
    async with pushing(site.terminal(unit(10), key="guess")) as stranger:
        await until(lambda: stranger.refusals)


async def test_a_wrong_clock_shows(site: Site, hr: httpx.AsyncClient) -> None:
    await register(hr)
    its = Unit("S1", offset=timedelta(hours=3))
    async with pushing(site.terminal(its)) as terminal:
        for number in range(3):
            terminal.punch(str(number))
            await until(lambda: terminal.done)
        found = await eventually(hr, lambda found: found["clock_offset_seconds"] is not None)
    assert abs(found["clock_offset_seconds"] - 3 * 3600) < 3


@asynccontextmanager
async def spool_locked(url: str) -> AsyncIterator[None]:
    """Nothing can be written into the spool meanwhile."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE ingest.spool IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


class TestFaults:
    def test_every_one_can_be_named_as_it_is_shown(self) -> None:
        for name, fault in FAULTS.items():
            assert parsed([f"{name}={fault.example}" if fault.example else name]) != Faults() or name == "columns"

    @pytest.mark.parametrize("text", ["teapot", "crlf=1", "clock", "columns=6", "lost-reply=0", "silent=x"])
    def test_what_cannot_be_says_what_there_is(self, text: str) -> None:
        with pytest.raises(WrongFault):
            parsed([text])


async def test_an_answer_in_pieces_is_one_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 4\r\n\r\n", b"OK", b":1"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask("127.0.0.1", port, "/iclock/getrequest?SN=S1") == Reply(200, "OK:1")
