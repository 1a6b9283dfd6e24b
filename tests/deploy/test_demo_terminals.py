"""The demo's terminals: what they hold, and that they remember it."""

from datetime import UTC, datetime
from pathlib import Path

from deploy.demo_terminals import DemoTerminal, DemoTerminals
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Reading
from services.ingest.vendors.zkteco.driver import Zkteco
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact


async def log_of(terminal: DemoTerminal) -> list[Reading]:
    """What a client reads from it."""
    now = datetime.now(UTC)
    machine = Machine(
        id=terminal.gate,
        machine_id=f"gate-{terminal.gate}",
        name="Gate",
        machine_type="zkteco",
        zone="Asia/Dhaka",
        ip_address="127.0.0.1",
        port=terminal.port,
        serial=terminal.serial,
        created_at=now,
        updated_at=now,
        config={"comm_key": terminal.comm_key},
    )
    read: list[Reading] = []
    async with Zkteco(SystemClock()).session(machine, FakeContact()) as session:
        async for batch in session.batches():
            read += batch.readings
            if batch.complete_until is not None:
                break
    return read


async def test_three_terminals_hold_a_month_of_forty_people_and_remember_it(tmp_path: Path) -> None:
    async with DemoTerminals(tmp_path / "terminals", "Asia/Dhaka") as demo:
        terminals = demo.listening
        assert len(terminals) == 3
        before = [await log_of(terminal) for terminal in terminals]
        ports = [terminal.port for terminal in terminals]
        everybody = {reading.badge for log in before for reading in log}
        assert everybody == {f"D{number}" for number in range(1, 41)}
        assert len({reading.local_time.date() for log in before for reading in log}) > 20
    async with DemoTerminals(tmp_path / "terminals", "Asia/Dhaka") as demo:
        terminals = demo.listening
        assert [terminal.port for terminal in terminals] == ports
        for terminal, log in zip(terminals, before, strict=True):
            again = await log_of(terminal)
            assert [(r.badge, r.local_time, r.state) for r in again[: len(log)]] == [
                (r.badge, r.local_time, r.state) for r in log
            ]


async def test_a_demo_without_a_log_begins_with_one_in_order(tmp_path: Path) -> None:
    async with DemoTerminals(tmp_path, "UTC") as demo:
        terminals = demo.listening
        for terminal in terminals:
            times = [reading.local_time for reading in await log_of(terminal)]
            assert times == sorted(times)
            assert (tmp_path / f"gate-{terminal.gate}.dat").read_bytes().count(b"\n") >= len(times)
