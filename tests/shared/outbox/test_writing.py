"""Events leave with the transaction that makes them true, up to 500 a row."""

from datetime import UTC, datetime

import pytest

from shared.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, decode
from shared.contracts.people import PersonChanged
from shared.kernel.errors import Invalid
from shared.outbox.writing import add, add_fast, rows
from tests.shared.probe import person

NOW = datetime(2024, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("events", "sizes"), [(0, []), (1, [1]), (2, [2]), (500, [500]), (501, [500, 1]), (1200, [500, 500, 200])]
)
def test_a_row_holds_up_to_500_events(events, sizes):
    made = list(rows([person(n) for n in range(events)], time=NOW))
    read = [decode(body, content_type, PersonChanged) for *_, content_type, body in made]
    assert [len(part) for part in read] == sizes
    assert [envelope.data.person_id for part in read for envelope in part] == list(range(events))
    assert len({envelope.id for part in read for envelope in part}) == events
    assert {content_type for *_, content_type, _ in made} <= {CONTENT_TYPE, BATCH_CONTENT_TYPE}


def test_a_row_says_what_an_outbox_router_wants_to_know():
    ((id_, aggregate, aggregate_id, wire_type, content_type, _),) = rows([person(7)], time=NOW)
    assert (aggregate, aggregate_id, wire_type) == ("person", "EMP007", "attendance.person.changed.v1")
    assert (id_.version, content_type) == (7, CONTENT_TYPE)


async def _with_core(db, *events):
    async with db.begin() as connection:
        await add(connection, *events, time=NOW)


async def _with_fast(db, *events):
    async with db.fast() as pg:
        await add_fast(pg, events, time=NOW)


@pytest.mark.parametrize("write", [_with_core, _with_fast])
@pytest.mark.parametrize("count", [0, 1, 501])
async def test_both_ways_of_writing_leave_the_same_rows(db, write, count):
    events = [person(n) for n in range(count)]
    await write(db, *events)
    async with db.fast() as pg:
        stored = await pg.fetch("SELECT * FROM outbox ORDER BY seq")
    read = [one for row in stored for one in decode(row["payload"], row["content_type"], PersonChanged)]
    assert [envelope.data for envelope in read] == events
    assert {envelope.time for envelope in read} <= {NOW}


async def test_without_a_commit_there_is_no_event(db):
    with pytest.raises(Invalid):
        async with db.fast() as pg:
            await add_fast(pg, [person(1)], time=NOW)
            raise Invalid("after all not")
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM outbox") == 0
