"""The terminals of the demo company: simulated, and reached over loopback as real ones are over the network.

Their logs outlive them in the data folder, as those of real terminals outlive a Muster that was switched off.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final, Self

from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.simulator import Device, Entry, Running, simulator
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


class DemoTerminals(AbstractAsyncContextManager["DemoTerminals"]):
    """Three of them, while the context is open; their logs are kept in `folder`, their clocks set in `zone`.

    Each listens where it listened last, if that port is free: whoever knows it finds it again.
    """

    def __init__(self, folder: Path, zone: str) -> None:
        self._folder = folder
        self._zone = zone
        self._stack = AsyncExitStack()
        self.listening: Sequence[DemoTerminal] = ()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            self.listening = [
                await stack.enter_async_context(_terminal(gate, make, self._folder / f"gate-{gate}.dat", self._zone))
                for gate, make in enumerate(MAKES, start=1)
            ]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def _terminal(gate: int, make: _Make, log: Path, zone: str) -> AsyncIterator[DemoTerminal]:
    device = Device(zone=zone, layout=make.record_size, serial=f"DEMO{gate:04}", comm_key=make.comm_key, cyclic=1_000)
    people = SimulatedSettings(
        people=PEOPLE, prefix=PREFIX, history_days=HISTORY_DAYS, gate=gate, gates=len(MAKES), rate=make.rate
    )
    with _remembered(device, people, log) as kept:

        def heard(entry: Entry) -> None:
            kept.write(_line(entry))

        async with _listening(device, log.with_suffix(".port")) as running, inhabited(running, people, heard=heard):
            yield DemoTerminal(gate=gate, port=running.port, serial=device.serial, comm_key=make.comm_key)


@asynccontextmanager
async def _listening(device: Device, remembered: Path) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(simulator(device, pace=0, port=_port_in(remembered)))
        except OSError:  # somebody else has it now
            running = await stack.enter_async_context(simulator(device, pace=0))
        _remember(running.port, remembered)
        yield running


def _port_in(remembered: Path) -> int:
    """The port that is written there; 0, which takes a free one, where none is."""
    try:
        port = int(remembered.read_text("ascii"))
    except (OSError, ValueError):
        return 0
    return port if 0 < port < 65_536 else 0


def _remember(port: int, remembered: Path) -> None:
    remembered.write_text(f"{port}\n", "ascii")


def _remembered(device: Device, people: SimulatedSettings, log: Path) -> FileIO:
    """Let it hold what it held before, and what people have scanned since; the file, open for what comes."""
    if log.exists():
        hold(device, punch_log(log.read_bytes()))
    inhabit(device, people, since=unpacked(device.entries[-1].time) if device.entries else None)
    log.write_bytes(b"".join(map(_line, device.entries)))
    return log.open("ab", buffering=0)


def _line(entry: Entry) -> bytes:
    """A record as an `attlog.dat` has it."""
    cells = (f"{entry.user_id:>9}", unpacked(entry.time), 1, entry.state, entry.verify, entry.work_code)
    return ("\t".join(map(str, cells)) + "\n").encode()
