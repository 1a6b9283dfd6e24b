"""The demo's machines: one of every vendor, what they hold, and that they remember it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deploy.demo_log import KeptPort, kept_log
from deploy.demo_machines import MAKES, PEOPLE, DemoMachine, DemoMachines
from services.ingest.application.drivers import IsPushedTo, MakesHistory, Streams
from services.ingest.domain.machine import Machine
from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.table import drivers
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact

DRIVERS = drivers(SystemClock())
Scan = tuple[str, datetime, str]


def machine_of(there: DemoMachine) -> Machine:
    now = datetime.now(UTC)
    return Machine(
        id=there.gate,
        machine_id=f"gate-{there.gate}",
        name="Gate",
        zone="Asia/Dhaka",
        created_at=now,
        updated_at=now,
        **there.body,
    )


def records_kept(folder: Path, gate: int) -> int:
    return (folder / f"gate-{gate}.dat").read_bytes().count(b"\n")


async def log_of(there: DemoMachine, records: int) -> list[Scan]:
    """What its driver reads from it, which is at least so many records."""
    machine = machine_of(there)
    driver = DRIVERS[machine.machine_type]
    assert isinstance(driver, Streams)
    read: list[Scan] = []
    async with asyncio.timeout(60), driver.session(machine, FakeContact()) as session:
        async for batch in session.batches():
            read += [(reading.badge, reading.local_time, reading.state) for reading in batch.readings]
            await session.acknowledge(batch)
            if len(read) >= records:
                break
    return read


class Server:
    """Takes what a terminal pushes, as ingest does."""

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[Scan] = []
        self.known: list[Scan] = []
        """What the terminal knows to be taken: it went on to ask for commands."""
        self.called = asyncio.Condition()
        self.stamp = "None"

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60), self.called:
            await self.called.wait_for(true)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")), 0)
        body = (await reader.readexactly(length)).decode()
        words = "OK"
        if "options=all" in head:
            words = f"GET OPTION FROM: DEMO0002\nATTLOGStamp={self.stamp}\nDelay=1\nErrorDelay=1\n"
        elif "table=ATTLOG" in head:
            for line in body.splitlines():
                badge, at, state = line.split("\t")[:3]
                self.taken.append((badge, datetime.fromisoformat(at), state))
            words = f"OK:{len(body.splitlines())}"
        else:
            self.known = list(self.taken)
        async with self.called:
            self.called.notify_all()
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(words)}\r\n\r\n{words}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def taking() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def goes_out(there: Sequence[DemoMachine]) -> list[DemoMachine]:
    return [one for one in there if one.body["port"] is not None]


async def test_one_machine_of_every_vendor_holds_a_month_of_forty_people_and_remembers_it(tmp_path: Path) -> None:
    async with DemoMachines(tmp_path, "Asia/Dhaka") as demo, taking() as server:
        there = demo.there
        # All but systems that hand over scans by HTTP, which are no machines of a vendor.
        vendors = dict.fromkeys(DRIVERS.keys() - {"http"}, 1)
        assert Counter(one.body["machine_type"] for one in there) == {**vendors, "zkteco": 2}
        demo.push_to(server.port)
        before = {one.gate: await log_of(one, records_kept(tmp_path, one.gate)) for one in goes_out(there)}
        await server.until(lambda: len(server.known) >= records_kept(tmp_path, 2))
        before[2] = list(server.known)
        simulated = machine_of(there[-1])
        maker = DRIVERS["simulated"]
        assert isinstance(maker, MakesHistory)
        made = [
            (reading.badge, reading.local_time, reading.state)
            for reading in maker.history(simulated, before[1][0][1].date(), before[1][-1][1].date())
        ]
    assert sorted(before) == [1, 2, 3, 4, 5]
    everything = [scan for log in [*before.values(), made] for scan in log]
    assert {badge for badge, _, _ in everything} == {f"D{number}" for number in range(1, 41)}
    for log in [*before.values(), made]:
        assert len({at.date() for _, at, _ in log}) > 20
        assert [at for _, at, _ in log] == sorted(at for _, at, _ in log)

    later = before[2][-1][1].replace(hour=8, minute=0, second=0) + timedelta(days=400)
    with (tmp_path / "gate-2.dat").open("ab") as file:  # while Muster was off
        file.write(f"       D8\t{later}\t1\t0\t1\t0\n".encode())
    ports = {one.gate: one.body["port"] for one in there}
    async with DemoMachines(tmp_path, "Asia/Dhaka") as demo, taking() as server:
        assert {one.gate: one.body["port"] for one in demo.there} == ports
        for one in goes_out(demo.there):
            if one.body["machine_type"] != "generic":  # it sends what was not taken
                again = await log_of(one, len(before[one.gate]))
                assert again[: len(before[one.gate])] == before[one.gate]
        server.stamp = "9999"
        demo.push_to(server.port)
        await server.until(lambda: ("D8", later, "0") in server.taken)
        assert not set(server.taken) & set(before[2])


async def test_two_demos_beside_each_other_have_ports_of_their_own(tmp_path: Path) -> None:
    async with DemoMachines(tmp_path / "a", "UTC") as one, DemoMachines(tmp_path / "b", "UTC") as other:
        ports = [machine.body["port"] for demo in (one, other) for machine in goes_out(demo.there)]
        assert len(ports) == len(set(ports)) == 8
    for gate in (1, 3, 4, 5):  # as if the folder had been copied
        (tmp_path / "b" / f"gate-{gate}.port").write_bytes((tmp_path / "a" / f"gate-{gate}.port").read_bytes())
    async with DemoMachines(tmp_path / "a", "UTC") as one, DemoMachines(tmp_path / "b", "UTC") as other:
        ports = [machine.body["port"] for demo in (one, other) for machine in goes_out(demo.there)]
        assert len(ports) == len(set(ports)) == 8


async def test_whoever_pushes_needs_no_address_and_the_others_have_drivers_that_go_to_them(tmp_path: Path) -> None:
    async with DemoMachines(tmp_path, "UTC") as demo:
        for one in demo.there:
            machine = machine_of(one)
            driver = DRIVERS[machine.machine_type]
            driver.validated(machine.config)
            pushes = isinstance(driver, IsPushedTo) and driver.pushes(machine) is True
            assert pushes is (one.gate == 2)
            assert pushes or not driver.lacks(machine)
            here = len(range(one.gate - 1, PEOPLE, len(MAKES)))
            assert here / MAKES[one.gate - 1].rate > 60, "nobody comes by twice within a minute"


def test_a_log_goes_on_where_it_was_torn(tmp_path: Path) -> None:
    path, people = tmp_path / "gate.dat", SimulatedSettings(people=20, prefix="D", history_days=3)
    with kept_log(path, people, datetime(2026, 1, 7, 12)) as log:
        first = list(log.punches)
        assert first[0].at.date() == date(2026, 1, 4)
        log.add("D1", datetime(2026, 1, 7, 12, 0, 5), "1")
        log.taken = 7
    path.write_bytes(path.read_bytes() + b"       D2\t2026-01-0")
    with kept_log(path, people, datetime(2026, 1, 8, 12)) as log:
        assert log.punches[: len(first)] == first
        assert (log.punches[len(first)].badge, log.taken) == ("D1", 7)
        assert {punch.at.date() for punch in log.punches[len(first) + 1 :]} == {date(2026, 1, 7), date(2026, 1, 8)}
    assert b"2026-01-0\n" not in path.read_bytes()


def test_a_log_or_a_port_of_rubbish_is_none(tmp_path: Path) -> None:
    people = SimulatedSettings(people=3, weekend_days=())
    for rubbish in (b"", b"\x89PNG\r\n\x1a\n", b"hello\n"):
        (tmp_path / "gate.dat").write_bytes(rubbish)
        with kept_log(tmp_path / "gate.dat", people, datetime(2026, 1, 7, 12)) as log:
            assert log.punches
    for text, port in (("80\n", 80), ("x", 0), ("-3", 0), ("70000", 0)):
        (tmp_path / "port").write_text(text)
        assert KeptPort(tmp_path / "port").number == port
