"""What leave knows of people is what attendance said last, in whatever order and however often it was heard."""

import asyncio
import random

import pytest

from tests.fakes.events import deliveries, message, person, spoilt


@pytest.fixture
def hear(service):
    (people,) = service.subscriptions
    assert people.queue == "leave.people"

    async def handle(*messages):
        return await people.handle(deliveries(*messages))

    return handle


async def table(db) -> list[str]:
    """All rows as text, to be compared byte by byte."""
    async with db.fast() as pg:
        return [row[0] for row in await pg.fetch("SELECT people::text FROM people ORDER BY person_id")]


HISTORY = [
    person(number, n=n, name=f"Person {number}, {n}", removed=number % 7 == 0 and n == 6)
    for number in range(1, 31)
    for n in range(1, 7)
]


async def test_any_order_and_ten_repeats_give_the_same_table_byte_for_byte(db, hear):
    for event in HISTORY:
        await hear(message(event))
    expected = await table(db)
    assert len(expected) == 30
    shuffled = HISTORY * 10
    random.Random(7).shuffle(shuffled)
    async with db.fast() as pg:
        await pg.execute("TRUNCATE people")
    for start in range(0, len(shuffled), 90):
        await hear(*(message(*shuffled[at : at + 30]) for at in range(start, start + 90, 30)))
    assert await table(db) == expected


async def test_a_person_who_was_removed_is_not_brought_back_by_an_older_event(db, hear):
    await hear(message(person(1, n=2, removed=True)))
    await hear(message(person(1, n=1, name="Older")))
    (row,) = await table(db)
    assert "Older" not in row


async def test_after_a_backup_was_restored_what_is_new_wins_though_its_number_is_lower(db, hear):
    await hear(message(person(1, n=900, name="Before")))
    await hear(message(person(1, epoch=2, n=3, name="After")))
    await hear(message(person(1, n=901, name="A straggler")))
    (row,) = await table(db)
    assert "After" in row


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"type": "attendance.person.changed.v9"}, "attendance.person.changed.v9"),
        ({"data": {}}, "person_id"),
        ({"data": "nonsense"}, "object"),
    ],
    ids=["unknown version", "empty", "no object"],
)
async def test_a_bad_event_is_refused_alone_with_the_reason_and_its_neighbours_are_kept(db, hear, spoil, reason):
    whole = message(*(person(number) for number in range(1, 6)))
    (refusal,) = await hear(spoilt(whole, 2, **spoil), message(person(9)))
    assert reason in refusal.reason
    assert len(await table(db)) == 5


async def test_an_event_with_a_value_that_no_column_holds_is_refused_alone_too(db, hear):
    events = [person(number, site_id=2**40 if number == 13 else 1) for number in range(1, 41)]
    (refusal,) = await hear(message(*events))
    assert "cannot be stored" in refusal.reason
    assert b'"person_id":13' in refusal.message.body
    assert len(await table(db)) == 39


async def test_a_message_of_nothing_but_nonsense_is_refused_whole(hear):
    whole = message(person(1), person(2))
    (refusal,) = await hear(type(whole)(id="x", type=whole.type, body=b"not json", content_type=whole.content_type))
    assert refusal.message.body == b"not json"


async def test_several_that_write_the_same_people_at_once_neither_deadlock_nor_lose(db, hear):
    numbers = list(range(1, 201))

    def chosen(seed: int, n: int):
        order = numbers[:]
        random.Random(seed).shuffle(order)
        return message(*(person(number, n=n, name=str(n)) for number in order))

    async with asyncio.timeout(30):
        await asyncio.gather(*(hear(chosen(n, n)) for n in range(1, 17)))
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM people WHERE n = 16 AND name = '16'") == 200
