"""A part of a log that is wanted again, of a terminal that takes the question by time and finds nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.hikvision.simulator import simulator
from services.ingest.vendors.hikvision.simulator.device import Entry
from services.ingest.vendors.hikvision.simulator.dialogue import Dialogue
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import device, following, machine


async def test_a_terminal_that_finds_nothing_by_time_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Dialogue._chosen

    def deaf(self: Dialogue, condition: Mapping[str, Any]) -> Sequence[Entry]:
        return [] if "startTime" in condition else chosen(self, condition)

    terminal, driver = device(100), Hikvision(SystemClock())
    async with simulator(terminal) as running:
        gate = machine(running.port)
        async with following(gate, driver) as what:
            await until(lambda: what.caught_up)
            first = what.ids
        monkeypatch.setattr(Dialogue, "_chosen", deaf)
        driver.read_since(gate, min(entry.wall for entry in terminal.entries))
        async with following(gate, driver) as what:
            await until(lambda: what.caught_up)
            assert what.ids == first
