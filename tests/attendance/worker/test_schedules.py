"""Whatever comes first, scans or schedules, and in whatever order: the days are the same."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.attendance.application.holders import Span
from services.attendance.application.people_ports import Once
from services.attendance.application.scheduling import Entry, Scheduling
from services.attendance.application.settling import Settling
from services.attendance.storage.scheduling import PostgresScheduling
from shared.web.idempotency import Answer
from tests.attendance.worker.company import Company, company, month_of_scans, scan, torn
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = {"parts": [{"start": "08:00", "end": "16:00"}]}
NIGHT = {"parts": [{"start": "21:30", "end": "05:30"}], "allowed_late_minutes": 120}


async def nothing() -> None:
    """Nobody waits here: the test does what is asked for itself."""


async def planned(firm: Company) -> None:
    """Two go by a pattern, one by nights from a date on, one has single dates and own settings; two have nothing."""
    store, clock = PostgresScheduling(firm.database), FakeClock(NOW)
    scheduling, settling = Scheduling(store, clock, nothing), Settling(store, clock, nothing)
    once: Once[Any] = Once(None, lambda _: Answer(201, b""))
    await scheduling.create("shift", "D", DAY, Span(), once)
    await scheduling.create("shift", "N", NIGHT, Span(), once)
    cycle = {"cycle": ["D", "D", "N", "N", None, None], "anchor": "2026-01-01"}
    await scheduling.create("schedule", "Pattern", cycle, Span(), once)
    await scheduling.create("schedule", "Nights", {"shift": "N"}, Span(), once)
    ids = {one.name: one.id for one in await scheduling.listed("schedule")}
    for code in ("EMP1", "EMP2"):
        await scheduling.assign(ids["Pattern"], ("employee", code), Span())
    await scheduling.assign(ids["Nights"], ("employee", "EMP3"), Span(date(2026, 1, 6)))
    dates = [date(2026, 1, 4), date(2026, 1, 7)]
    await scheduling.put_roster([Entry(people=["EMP4"], dates=dates, shift="N")])
    boundary = {"day_boundary": "07:00"}
    await settling.change("employee", "EMP4", boundary, Span(date(2026, 1, 8), date(2026, 1, 10)))


async def counted(firm: Company) -> list[dict[str, Any]]:
    """The days with scans; a day that a scan has left keeps its row."""
    return [day for day in await firm.days() if day["used"]]


@pytest.mark.parametrize("seed", range(2))
async def test_scans_first_or_schedules_first_the_days_are_the_same(migrated: Callable[..., str], seed: int):
    scans = month_of_scans(people=6, days=12, seed=seed)
    first, last = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (first, last):
        await firm.hire(6)
    await planned(first)
    for batch in torn(scans, seed=seed):
        await first.record(batch)
    await first.settle()
    await last.record(scans)
    before = await counted(last)
    await planned(last)
    await last.settle()
    days = await counted(first)
    assert await counted(last) == days
    assert days != before
    # Nothing is lost and nothing counts twice.
    everything = sum(day["used"] + day["merged"] for day in days)
    assert everything == await first.value("SELECT count(*) FROM scans") == len(scans)
    # And who has nothing keeps the days that they had.
    assert [day for day in days if day["person_id"] > 4] == [day for day in before if day["person_id"] > 4]
    for firm in (first, last):
        await firm.database.close()


async def test_only_the_dates_that_a_change_touches_are_computed_again(firm: Company):
    start = datetime(2026, 1, 1, 8)
    await firm.record([scan("1", start + timedelta(days=n, hours=h)) for n in range(12) for h in (0, 9)])
    store, clock = PostgresScheduling(firm.database), FakeClock(NOW)
    scheduling = Scheduling(store, clock, nothing)
    await scheduling.create("shift", "D", DAY, Span(), Once(None, lambda _: Answer(201, b"")))
    await firm.settle()
    await scheduling.put_roster([Entry(people=["EMP1"], dates=[date(2026, 1, 6)], shift="D")])
    async with firm.database.fast() as pg:
        (note,) = await pg.fetch("SELECT people, since, until FROM recomputations")
    # The dates beside it, too: their windows may have moved.
    assert tuple(note) == ([1], date(2026, 1, 5), date(2026, 1, 7))
    await firm.settle()
    changed = [day["date"] for day in await firm.days() if day["shift"]]
    assert changed == [date(2026, 1, 6)]
    assert await firm.value("SELECT count(*) FROM days WHERE n > 1") == 1
