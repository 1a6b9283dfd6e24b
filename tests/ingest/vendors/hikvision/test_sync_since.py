"""A part of a log that is wanted again, of a terminal that takes the question by time and finds nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingest.vendors.hikvision.clock import Wall
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.hikvision.measuring import offset_at
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


JULY, JANUARY, TWICE = datetime(2026, 7, 1, 8), datetime(2026, 1, 5, 8), datetime(2026, 10, 25, 2, 30)


@pytest.mark.parametrize(
    ("since", "now", "told", "asked"),
    [
        (JULY, JANUARY, 1, "+02:00"),
        (JULY, JANUARY, None, "+02:00"),
        (JULY, JULY, 2, "+02:00"),
        (JANUARY, JULY, None, "+01:00"),
        (JANUARY, JULY, 2, "+02:00"),
        (TWICE, JANUARY, 1, "+02:00"),
        (JULY, JANUARY, 8, "+08:00"),
        (None, JANUARY, 1, "+01:00"),
        (None, JULY, None, "+02:00"),
    ],
    ids=[
        "of summer, asked in winter",
        "of one that does not tell its offset",
        "of the same season",
        "of winter",
        "of winter, where the earlier is asked for",
        "in an hour that comes twice the first is meant",
        "of one in another zone, the earlier",
        "now, as it says",
        "now, by its zone",
    ],
)
def test_a_time_is_asked_for_with_the_offset_that_it_had(
    since: datetime | None, now: datetime, told: int | None, asked: str
) -> None:
    wall = Wall(now, None if told is None else timedelta(hours=told))
    assert offset_at(since, wall, ZoneInfo("Europe/Berlin")) == asked


async def test_a_part_of_summer_is_asked_for_in_winter_as_it_was_then(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    chosen = Dialogue._chosen

    def noting(self: Dialogue, condition: Mapping[str, Any]) -> Sequence[Entry]:
        asked.extend(filter(None, [condition.get("startTime")]))
        return chosen(self, condition)

    terminal, driver = device(10, zone="Europe/Berlin"), Hikvision(SystemClock())
    async with simulator(terminal) as running:
        gate = machine(running.port, zone="Europe/Berlin")
        async with following(gate, driver) as what:
            await until(lambda: what.caught_up)
        monkeypatch.setattr(Dialogue, "_chosen", noting)
        driver.read_since(gate, JULY)
        async with following(gate, driver) as what:
            await until(lambda: what.caught_up)
    assert "2026-07-01T08:00:00+02:00" in asked
