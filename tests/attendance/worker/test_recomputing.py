"""Days that are computed again together are what they would be one by one, whoever else is at work meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from services.attendance.application.directory import PersonDay
from services.attendance.application.recompute import Recompute
from services.attendance.application.record_scans import RecordScans
from services.attendance.domain.corrections import Correction
from services.attendance.storage.machines import adopt_zone
from services.attendance.storage.recomputations import PostgresRecomputations
from services.attendance.storage.recording import PostgresRecording, PostgresRecordings
from services.attendance.storage.rules import ask_recompute, change_rules
from shared.kernel.clock import SystemClock
from tests.attendance.worker.company import ZONE, Company, company, month_of_scans, scan, torn

PEOPLE = 45
"""More than a batch has, in each of two lanes."""


async def linked(firm: Company) -> None:
    """Everybody gets their badge after the fact; 1 and 2 have two, and one badge goes from 3 to 4."""
    async with firm.database.fast() as pg:
        await change_rules(pg)
        await pg.execute("INSERT INTO badges (badge, person_id, during) SELECT id::text, id, '(,)' FROM people")
        await pg.execute("INSERT INTO badges (badge, person_id, during) VALUES ('x1', 1, '(,)'), ('x2', 2, '(,)')")
        await pg.execute(
            "INSERT INTO badges (badge, person_id, during) VALUES ('x', 3, '(,2026-01-06)'), ('x', 4, '[2026-01-06,)')"
        )
        await ask_recompute(pg, reason="badges were given out")


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_recorded_while_days_are_computed_again_counts_as_if_it_had_been_there(
    migrated: Callable[..., str], seed: int
):
    start = datetime(2026, 1, 5, 12)
    extra = [scan(badge, start + timedelta(days=n, minutes=n)) for badge in ("x", "x1", "x2") for n in range(4)]
    scans = [*month_of_scans(people=PEOPLE, days=6, seed=seed), *extra]
    apart, at_once = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (apart, at_once):
        await firm.hire(PEOPLE, badges=False)
        await adopt_zone(firm.database, 1, ZONE)
    # One hears of everything before anybody has a badge, and then computes it all.
    await apart.record(scans)
    await linked(apart)
    await apart.settle()
    # The other has half, and the rest comes in pieces while that half is computed, and computed again.
    batches = torn(scans, seed=seed, size=60)
    await at_once.record([one for batch in batches[: len(batches) // 2] for one in batch])
    await linked(at_once)

    async def the_rest() -> None:
        for batch in batches[len(batches) // 2 :]:
            await at_once.record(batch)

    async def again() -> None:
        for _ in range(3):
            await at_once.settle()
            async with at_once.database.fast() as pg:
                await ask_recompute(pg, reason="once more")

    await asyncio.gather(the_rest(), again())
    days = await apart.days()
    assert await at_once.days() == days
    assert sum(day["used"] + day["merged"] for day in days) == len(scans)
    for firm in (apart, at_once):
        await firm.database.close()


class Interrupted(PostgresRecording):
    """Between reading scans and writing days, somebody else records a scan."""

    scanned: "asyncio.Task[int] | None" = None

    async def corrections_of(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        assert self.scanned is None
        Interrupted.scanned = asyncio.create_task(InBetween.record([scan("1", datetime(2026, 1, 5, 18))]))
        await asyncio.wait({Interrupted.scanned}, timeout=0.3)
        return await super().corrections_of(spans)


class InBetween(PostgresRecordings):
    """Transactions in which this happens."""

    record: RecordScans

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresRecording]:
        async with self._database.fast() as pg:
            yield Interrupted(pg, self._kept, 1)


async def test_a_scan_that_comes_between_reading_and_writing_waits_for_its_turn(firm: Company):
    await firm.record([scan("1", datetime(2026, 1, 5, hour)) for hour in (8, 17)])
    InBetween.record = firm.record
    async with firm.database.fast() as pg:
        await change_rules(pg)
        await pg.execute(
            """INSERT INTO settings (site_id, values, during) VALUES (1, '{"weekend_days": [1]}', '(,)')"""
        )
        await ask_recompute(pg, reason="another weekend", person_id=1)
    await Recompute(PostgresRecomputations(firm.database), InBetween(firm.database), SystemClock()).next()
    assert Interrupted.scanned is not None
    assert await Interrupted.scanned == 1
    (day,) = await firm.days()
    assert (day["used"], day["worked"], day["flags"]) == (3, 540, "worked_on_weekend")


async def test_a_note_without_dates_finds_all_years_and_unchanged_days_are_not_written(firm: Company):
    await adopt_zone(firm.database, 1, ZONE)
    moments = [
        datetime(2011, 3, 1, 8),
        datetime(2024, 12, 31, 23, 50),
        datetime(2025, 1, 1, 3),
        datetime(2026, 1, 31, 8),
    ]
    await firm.record([scan("late", moment) for moment in moments])
    assert await firm.days() == []
    await firm.link("late", 5)
    await firm.settle()
    dates = [(day["date"].isoformat(), day["used"]) for day in await firm.days()]
    assert dates == [("2011-03-01", 1), ("2024-12-31", 2), ("2026-01-31", 1)]
    async with firm.database.fast() as pg:
        await ask_recompute(pg, reason="once more")
    await firm.settle()
    assert await firm.value("SELECT max(n) FROM days") == 1
