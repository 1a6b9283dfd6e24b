"""The facts are what attendance said last of each day, in whatever order and however often it was heard."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.fakes.events import day, deliveries, message, person, spoilt

FIRST = date(2023, 12, 20)


@pytest.fixture
def hear(service):
    queues = {subscription.queue: subscription for subscription in service.subscriptions}
    assert set(queues) == {"reports.facts", "reports.people"}

    async def handle(*messages, queue="reports.facts"):
        return await queues[queue].handle(deliveries(*messages))

    return handle


async def table(db, name: str = "facts") -> list[str]:
    """All rows as text, to be compared byte by byte."""
    async with db.fast() as pg:
        return [row[0] for row in await pg.fetch(f"SELECT t::text FROM {name} t ORDER BY t::text")]


HISTORY = [
    day(number, FIRST + timedelta(days=on), n=n, flags=["long_span", "odd"][: n % 3], worked_minutes=n * 60)
    for number in range(1, 11)
    for on in range(20)
    for n in range(1, 5)
]


async def test_any_order_and_ten_repeats_give_the_same_table_byte_for_byte(db, hear):
    for start in range(0, len(HISTORY), 10):
        await hear(message(*HISTORY[start : start + 10]))
    expected = await table(db)
    assert len(expected) == 200
    shuffled = HISTORY * 10
    random.Random(7).shuffle(shuffled)
    async with db.fast() as pg:
        await pg.execute("TRUNCATE facts")
    for start in range(0, len(shuffled), 2000):
        await hear(*(message(*shuffled[at : at + 500]) for at in range(start, start + 2000, 500)))
    assert await table(db) == expected


async def test_every_member_that_is_kept_is_kept_as_it_came(db, hear):
    at = datetime(2024, 1, 15, 2, 0, 1, tzinfo=UTC)
    await hear(
        message(
            day(
                7,
                date(2024, 1, 15),
                n=9,
                epoch=2,
                department=None,
                designation="Senior Tailor",
                unit_path=[],
                status="Present-Late",
                first_in=at,
                last_out=at,
                check_in="08:00",
                check_out="17:30",
                worked_minutes=1,
                overtime_minutes=2,
                extra_overtime_minutes=3,
                late_minutes=4,
                early_departure_minutes=5,
                shortfall_minutes=6,
                snacks_eligible=True,
                night_bill_eligible=True,
                flags=["long_span", "odd"],
                total_scans=8,
            )
        )
    )
    async with db.fast() as pg:
        row = dict(await pg.fetchrow("SELECT * FROM facts"))
    assert row == {
        "date": date(2024, 1, 15), "person_id": 7, "department": None, "designation": "Senior Tailor",
        "level_of_work": "Worker", "unit_path": [], "site_id": 1, "zone": "Asia/Dhaka", "status": "Present-Late",
        "first_in": at, "last_out": at, "check_in": "08:00", "check_out": "17:30", "worked": 1, "overtime": 2,
        "extra_overtime": 3, "late": 4, "early_departure": 5, "shortfall": 6, "snacks": True, "night_bill": True,
        "flags": "long_span odd", "scans": 8, "computed_at": datetime(2024, 1, 15, 12, tzinfo=UTC), "epoch": 2, "n": 9,
    }  # fmt: skip


async def test_each_month_has_its_piece_and_days_of_broken_clocks_go_elsewhere(db, hear):
    days = [date(2023, 12, 31), date(2024, 1, 1), date(1999, 1, 1), date(2100, 1, 1)]
    await hear(message(*(day(1, on) for on in days)))
    async with db.fast() as pg:
        rows = await pg.fetch("SELECT date, tableoid::regclass::text AS piece FROM facts ORDER BY date")
    assert [row["piece"] for row in rows] == ["facts_default", "facts_202312", "facts_202401", "facts_default"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [({"type": "attendance.day.updated.v2"}, "attendance.day.updated.v2"), ({"data": {}}, "person_id")],
    ids=["unknown version", "empty"],
)
async def test_a_bad_event_is_refused_alone_with_the_reason_and_its_neighbours_are_kept(db, hear, spoil, reason):
    whole = message(*(day(number, FIRST) for number in range(1, 6)))
    (refusal,) = await hear(message(day(9, FIRST)), spoilt(whole, 2, **spoil))
    assert reason in refusal.reason
    assert len(await table(db)) == 5


@pytest.mark.parametrize("bad", [{"worked_minutes": 2**31}, {"total_scans": 40_000}, {"person_id": 2**40}], ids=str)
async def test_an_event_with_a_value_that_no_column_holds_is_refused_alone_too(db, hear, bad):
    events = [day(number, FIRST, **(bad if number == 13 else {})) for number in range(1, 41)]
    (refusal,) = await hear(message(*events))
    assert "cannot be stored" in refusal.reason
    assert len(await table(db)) == 39


async def test_several_that_write_the_same_days_at_once_neither_deadlock_nor_lose(db, hear):
    keys = [(number, FIRST + timedelta(days=on)) for number in range(1, 21) for on in range(20)]

    def chosen(n: int):
        order = keys[:]
        random.Random(n).shuffle(order)
        return message(*(day(number, on, n=n) for number, on in order))

    async with asyncio.timeout(30):
        await asyncio.gather(*(hear(chosen(n)) for n in range(1, 17)))
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM facts WHERE n = 16 AND worked = 16") == 400


async def test_people_are_kept_too_tombstones_and_all(db, hear):
    events = [person(number, n=n, removed=n == 3 and number == 2) for number in (1, 2) for n in (3, 1, 2)]
    for _ in range(10):
        random.Random(7).shuffle(events)
        await hear(*(message(event) for event in events), queue="reports.people")
    async with db.fast() as pg:
        rows = await pg.fetch("SELECT person_id, n, removed FROM people ORDER BY person_id")
    assert [tuple(row) for row in rows] == [(1, 3, False), (2, 3, True)]
