"""A real log through the real worker, as badly delivered as a bus may: the days are those of the rules."""

import random
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.attendance.storage.rules import change_rules
from shared.contracts.scans import ScanReceived
from tests.attendance.domain.test_real_logs import ROTATING, Evidence, days_of, evidence, values
from tests.attendance.worker.company import Company, company, scan

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

NAME, ZONE = ROTATING
IN_A_MESSAGE = 400


def received(stored: Evidence) -> list[ScanReceived]:
    """The log as ingest tells it."""
    zone = ZoneInfo(ZONE)
    return [
        scan(
            badge,
            one.instant.astimezone(zone).replace(tzinfo=None),
            scan_id=one.id,
            type=str(one.type),
            quality=str(one.quality),
            zone=ZONE,
            mode="replay",
        )
        for badge, its in stored.items()
        for one in its.values()
    ]


async def hire(firm: Company, badges: list[str]) -> dict[str, int]:
    """Somebody for each badge; their ids."""
    await firm.hire(len(badges), badges=False)
    held = dict(zip(badges, range(1, len(badges) + 1), strict=True))
    async with firm.database.fast() as pg:
        await change_rules(pg)
        await pg.executemany("INSERT INTO badges (badge, person_id, during) VALUES ($1, $2, '(,)')", list(held.items()))
    return held


async def test_a_real_log_shuffled_and_twice_in_batches_has_the_days_of_the_rules_and_loses_nothing(
    real_data: Path, migrated: Callable[..., str]
) -> None:
    stored = evidence(real_data, ROTATING)
    known = {badge: its for number, (badge, its) in enumerate(sorted(stored.items())) if number % 10 != 9}
    firm = company(migrated("attendance"))
    held = await hire(firm, list(known))
    scans = received(stored)
    delivered = random.Random(2015).sample(scans * 2, len(scans) * 2)

    new = [
        await firm.record(delivered[start : start + IN_A_MESSAGE]) for start in range(0, len(delivered), IN_A_MESSAGE)
    ]

    assert sum(new) == await firm.value("SELECT count(*) FROM scans") == len(scans) == 5_567
    assert await firm.value(
        "SELECT (SELECT sum(used + merged) FROM days) + (SELECT sum(scans) FROM unknown_badges)"
    ) == len(scans)
    found = {
        (row["person_id"], row["date"]): (row["status"], row["worked"], row["used"], row["merged"], row["digest"])
        for row in await firm.days()
    }
    assert found == {
        (held[badge], on): (day.status, day.working, len(day.used), len(day.merged), day.digest)
        for (badge, on), day in days_of(values(known), ZONE).items()
    }
    await firm.database.close()
