"""The terminals of the demo company: simulated, and reached over loopback as real ones are over the network.

Their logs outlive them in the data folder, as those of real terminals outlive a Muster that was switched off.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.simulator import Device, Entry, simulator
from services.ingest.vendors.zkteco.simulator.live import inhabit, inhabited
from services.ingest.vendors.zkteco.simulator.punchlog import hold, punch_log

PEOPLE: Final = 40
PREFIX: Final = "D"
"""Before the number of a demo badge, so that they are told from real ones."""
HISTORY_DAYS: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class _Make:
    """What kind of terminal hangs at a gate."""

    record_size: str
    comm_key: int = 0
    rate: float
    """Scans a second at any hour, so that something happens whenever somebody looks; and nobody comes twice within a
    minute, as the second scan would be merged into the first."""


MAKES: Final = (
    _Make(record_size="40", rate=0.2),
    _Make(record_size="49", comm_key=2468, rate=0.2),
    _Make(record_size="40", rate=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTerminal:
    """One that listens."""

    gate: int
    port: int
    serial: str
    comm_key: int


@asynccontextmanager
async def demo_terminals(folder: Path, zone: str) -> AsyncIterator[Sequence[DemoTerminal]]:
    """Three of them, while the context is open; their logs are kept in `folder`, their clocks set in `zone`."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(_terminal(gate, make, folder / f"gate-{gate}.dat", zone))
            for gate, make in enumerate(MAKES, start=1)
        ]


@asynccontextmanager
async def _terminal(gate: int, make: _Make, log: Path, zone: str) -> AsyncIterator[DemoTerminal]:
    device = Device(zone=zone, layout=make.record_size, serial=f"DEMO{gate:04}", comm_key=make.comm_key, cyclic=1_000)
    people = SimulatedSettings(
        people=PEOPLE, prefix=PREFIX, history_days=HISTORY_DAYS, gate=gate, gates=len(MAKES), rate=make.rate
    )
    with _remembered(device, people, log) as kept:

        def heard(entry: Entry) -> None:
            kept.write(_line(entry))

        async with simulator(device, pace=0) as running, inhabited(running, people, heard=heard):
            yield DemoTerminal(gate=gate, port=running.port, serial=device.serial, comm_key=make.comm_key)


def _remembered(device: Device, people: SimulatedSettings, log: Path) -> FileIO:
    """Let it hold what it held before, and what people have scanned since; the file, open for what comes."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        hold(device, punch_log(log.read_bytes()))
    inhabit(device, people, since=unpacked(device.entries[-1].time) if device.entries else None)
    log.write_bytes(b"".join(map(_line, device.entries)))
    return log.open("ab", buffering=0)


def _line(entry: Entry) -> bytes:
    """A record as an `attlog.dat` has it."""
    cells = (f"{entry.user_id:>9}", unpacked(entry.time), 1, entry.state, entry.verify, entry.work_code)
    return ("\t".join(map(str, cells)) + "\n").encode()
