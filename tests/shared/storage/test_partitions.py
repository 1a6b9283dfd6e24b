"""Monthly pieces: made once, by whoever comes first, without stopping who writes meanwhile."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from shared.storage.database import Contended, Database
from shared.storage.partitions import FIRST, Partitions, month_of, next_month

MONTHS = [date(2023, month, 17) for month in range(1, 13)]


async def pieces(db: Database) -> list[str]:
    async with db.fast() as pg:
        rows = await pg.fetch(
            "SELECT inhrelid::regclass::text AS piece FROM pg_inherits WHERE inhparent = 'reading'::regclass ORDER BY 1"
        )
    return [row["piece"] for row in rows if row["piece"] != "reading_default"]


async def put(db: Database, day: date, number: int) -> str:
    """Store a row and say in which piece it is."""
    async with db.fast() as pg:
        return await pg.fetchval(
            'INSERT INTO reading ("on", id) VALUES ($1, $2) RETURNING tableoid::regclass::text', day, number
        )


@pytest.mark.parametrize(
    ("day", "first", "after"),
    [
        (date(2024, 1, 31), date(2024, 1, 1), date(2024, 2, 1)),
        (date(2023, 12, 1), date(2023, 12, 1), date(2024, 1, 1)),
        (date(2024, 2, 29), date(2024, 2, 1), date(2024, 3, 1)),
    ],
)
def test_a_month_ends_where_the_next_begins(day, first, after):
    assert (month_of(day), next_month(first)) == (first, after)


async def test_a_row_goes_into_the_piece_of_its_month(db):
    await Partitions(db, "reading").ensure([date(2023, 12, 31), date(2024, 1, 1)])
    assert await put(db, date(2023, 12, 31), 1) == "reading_202312"
    assert await put(db, date(2024, 1, 1), 1) == "reading_202401"


@pytest.mark.parametrize("day", [date(2000, 1, 1), date(2099, 12, 31), date.min, date.max, FIRST - timedelta(days=1)])
async def test_the_days_of_broken_clocks_go_into_the_default_piece(db, day):
    await Partitions(db, "reading").ensure([day])
    assert await pieces(db) == []
    assert await put(db, day, 1) == "reading_default"


async def test_four_who_need_the_same_months_at_once_all_get_them(db):
    makers = [Partitions(Database(db.url, schema="probe", pool=1), "reading") for _ in range(4)]
    await asyncio.gather(*(maker.ensure(MONTHS) for maker in makers))
    assert len(await pieces(db)) == 12
    for maker in makers:
        await maker._database.close()


async def test_what_is_known_to_be_there_needs_no_question(db):
    partitions = Partitions(db, "reading")
    await partitions.ensure(MONTHS)
    connections = []
    event.listen(db.engine.sync_engine, "checkout", lambda *_: connections.append(1))
    await partitions.ensure(MONTHS)
    assert connections == []


async def test_a_piece_that_somebody_else_made_is_found(db):
    await Partitions(db, "reading").ensure(MONTHS)
    await Partitions(db, "reading").ensure(MONTHS)
    assert len(await pieces(db)) == 12


async def test_pieces_are_made_while_others_write(db):
    """A transaction that has written, and is open, neither waits for a new piece nor holds it up."""
    partitions = Partitions(db, "reading")
    await partitions.ensure([date(2023, 1, 1)])
    async with db.fast() as writer:
        await writer.execute("INSERT INTO reading VALUES ('2023-01-01', 1)")
        async with asyncio.timeout(1):
            await partitions.ensure([date(2023, 2, 1)])
        await writer.execute("INSERT INTO reading VALUES ('2023-01-02', 2), ('2023-02-01', 3)")
    assert await put(db, date(2023, 2, 2), 4) == "reading_202302"


async def test_who_waits_for_the_default_piece_gives_up_soon_and_can_try_again(db):
    partitions = Partitions(db, "reading")
    async with db.fast() as writer:
        await writer.execute("INSERT INTO reading VALUES ('1999-01-01', 1)")
        with pytest.raises(Contended):
            await partitions.ensure([date(2023, 3, 1)])
    await partitions.ensure([date(2023, 3, 1)])
    assert await pieces(db) == ["reading_202303"]


async def test_a_month_whose_rows_came_before_its_piece_is_still_made(db):
    """Nobody has to ask first: what was written into the default piece moves over."""
    assert await put(db, date(2023, 5, 9), 1) == "reading_default"
    await Partitions(db, "reading").ensure([date(2023, 5, 1)])
    async with db.fast() as pg:
        rows = await pg.fetch('SELECT tableoid::regclass::text AS piece, "on", id, at FROM reading')
    assert [tuple(row) for row in rows] == [("reading_202305", date(2023, 5, 9), 1, None)]


async def test_a_piece_has_the_tables_key(db):
    await Partitions(db, "reading").ensure([date(2023, 1, 1)])
    async with db.fast() as pg:
        await pg.execute("INSERT INTO reading VALUES ('2023-01-01', 1, $1)", datetime(2023, 1, 1, tzinfo=UTC))
        assert await pg.execute("INSERT INTO reading VALUES ('2023-01-01', 1) ON CONFLICT DO NOTHING") == "INSERT 0 0"
