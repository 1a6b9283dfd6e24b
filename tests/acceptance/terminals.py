"""Simulated terminals on the network of a test, and what people and accidents do to them while the test looks on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from services.ingest.domain.scan import scan_id
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.simulator import Device, Entry, Faults, Running, simulator
from services.ingest.vendors.zkteco.simulator.encoding import LAYOUTS
from services.ingest.vendors.zkteco.simulator.faults import NONE, afflict
from services.ingest.vendors.zkteco.wire import Code
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import MACHINES

T = TypeVar("T")

STATES = (1, 2, 3, 4, 5)
"""Keys that people press here; who scans while a log is read presses none, which is 0."""


class Notebook(Device):
    """A terminal beside which somebody writes down whatever it records, and what becomes of its log does not touch."""

    def __init__(self, *, zone: str, **how: Any) -> None:
        self.ever: list[Entry] = []
        self.hangs_in = ZoneInfo(zone)
        super().__init__(zone=zone, **how)

    def record(self, entry: Entry) -> None:
        super().record(entry)
        self.ever.append(entry)

    def cure(self) -> None:
        """No faults of its own any more; what they did to its log stays."""
        if self.layout.name not in LAYOUTS:
            self.lay_out(LAYOUTS["40"])
        self.buffered, self.cyclic, self.record_capacity = True, 0, 100_000
        self.let_drift(0)
        self.set_clock(datetime.now(self.hangs_in).replace(tzinfo=None))


class Terminal:
    """One terminal that listens, as a test sees it: every call returns when it is done."""

    def __init__(self, site: "Site", device: Notebook, running: Running) -> None:
        self.device = device
        self.running = running
        self.machine = 0
        """Its id, once it is registered."""
        self.code = ""
        self._site = site
        self._turn = 0

    def registered(self, system: System, code: str, *, zone: str, **more: Any) -> None:
        """An administrator registers it: over REST, with its address."""
        body = {
            "machine_id": code,
            "name": f"Terminal {code}",
            "machine_type": "zkteco",
            "ip_address": self.running.host,
            "port": self.running.port,
            "zone": zone,
            "config": {"look_every": 1, "answer_within": 3},
            **more,
        }
        self.code, self.machine = code, system.admin.post(MACHINES, body)["id"]

    @property
    def recorded(self) -> int:
        """How many records it ever wrote."""
        return len(self.device.ever)

    def ids(self, first: int = 0, last: int | None = None) -> set[str]:
        """What the scans are called that it ever recorded, or a part of them, in its order."""
        return {
            str(scan_id(self.machine, entry.user_id, unpacked(entry.time), str(entry.state)))
            for entry in self.device.ever[first:last]
        }

    def scans(self, number: int, *, a_second: float = 500) -> None:
        """People scan in turn, so many in all; no two of them the same within a second."""
        self._site.run(self._scan(number, a_second))

    def begin_scanning(self, number: int, *, a_second: float) -> "Future[None]":
        """The same, without waiting for it."""
        return self._site.begin(self._scan(number, a_second))

    async def _scan(self, number: int, a_second: float) -> None:
        users = self.device.users
        assert min(number, a_second) <= len(users) * len(STATES), "somebody would press the same key twice in a second"
        for _ in range(number):
            key = STATES[self._turn // len(users) % len(STATES)]
            await self.running.scan(users[self._turn % len(users)].user_id, state=key)
            self._turn += 1
            await asyncio.sleep(1 / a_second)

    def suffers(self, faults: Faults) -> None:
        """From now on it has these faults, and nobody is connected to it any more."""

        def change() -> None:
            afflict(self.device, faults)
            self.running.faults = faults
            self.running.kill()

        self._site.call(change)

    def is_cured(self) -> None:
        """It has none any more, and nobody is connected to it."""

        def change() -> None:
            self.device.cure()
            self.running.faults = NONE
            self.running.kill()

        self._site.call(change)

    def is_switched_off_and_on(self) -> None:
        self._site.run(self.running.off())
        self._site.run(self.running.on())

    def loses_its_log(self) -> None:
        self._site.call(self.device.clear_log)

    def acknowledged(self) -> int:
        """Events that were confirmed to it, of the last ten thousand packets that it was sent."""
        return self._site.call(lambda: sum(packet.code == Code.OK for packet in self.running.received))

    def is_heard(self, *, within: float = 30) -> None:
        """Wait until somebody listens to its scans."""
        until(lambda: self.running.listeners == 1, f"somebody listens to {self.code}", within=within)


class Site:
    """Where terminals hang: a loop in a thread of its own, so that they go on whatever the test waits for."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="site", daemon=True)
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def terminal(self, device: Notebook, *, faults: Faults = NONE) -> Terminal:
        """Hang it up and switch it on."""
        running = self.run(self._stack.enter_async_context(simulator(device, faults=faults, port=0, pace=0)))
        return Terminal(self, device, running)

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Awaitable[T], *, within: float = 60) -> T:
        async def awaited() -> T:
            return await work

        return self.begin(awaited()).result(within)

    def call(self, what: Callable[[], T]) -> T:
        """Call it where the terminals run: they are not to be touched from elsewhere."""

        async def called() -> T:
            return what()

        return self.run(called())

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await self._stack.aclose()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def is_tried(system: System, terminal: Terminal) -> bool:
    """An administrator tests the connection; if all of it is well, contact is tried anew at once."""
    return all(step["ok"] for step in system.admin.post(f"{MACHINES}{terminal.code}/test/", {})["steps"])


def is_found_well(system: System, terminal: Terminal, *, within: float = 30) -> None:
    """The same, until it is."""
    until(lambda: is_tried(system, terminal), f"{terminal.code} passes the test of its connection", within=within)
