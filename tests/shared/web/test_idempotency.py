"""A POST that is sent again with its key is answered again, and done once."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from shared.kernel.errors import Invalid, Malformed
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier, keep, key_of
from tests.shared.probe import HISTORY


@pytest.fixture
async def db(migrated: Callable[..., str]) -> AsyncIterator[Database]:
    database = Database(migrated(HISTORY), schema="probe")
    yield database
    await database.close()


def key(text: str = "k-1", *, caller: int = 7, body: bytes = b"{}", path: str = "/things/") -> Key:
    found = key_of(text, caller=caller, method="POST", path=path, body=body)
    assert found
    return found


async def post(db: Database, sent: Key, number: int) -> tuple[Answer, bool]:
    """As a route would do it; says also whether it was done now."""
    async with db.begin() as connection:
        if before := await earlier(connection, sent):
            return before, False
        await connection.exec_driver_sql(f"INSERT INTO thing VALUES ({number}, 'thing {number}')")
        answer = Answer(201, f'{{"id":{number}}}'.encode())
        await keep(connection, sent, answer)
        return answer, True


async def things(db: Database) -> int:
    async with db.fast() as pg:
        return await pg.fetchval("SELECT count(*) FROM thing")


def test_without_the_header_there_is_no_key():
    assert key_of(None, caller=7, method="POST", path="/", body=b"") is None


@pytest.mark.parametrize("header", ["", "x" * 201, "a\nb", "a\0b"])
def test_a_key_that_is_empty_long_or_unprintable_is_malformed(header):
    with pytest.raises(Malformed, match="Idempotency-Key"):
        key_of(header, caller=7, method="POST", path="/", body=b"")


async def test_the_same_request_is_answered_again_and_done_once(db):
    assert await post(db, key(), 1) == (Answer(201, b'{"id":1}'), True)
    assert await post(db, key(), 2) == (Answer(201, b'{"id":1}'), False)
    assert await things(db) == 1


@pytest.mark.parametrize("other", [{"body": b'{"a":1}'}, {"path": "/others/"}], ids=["body", "path"])
async def test_the_key_of_another_request_is_refused(db, other):
    await post(db, key(), 1)
    with pytest.raises(Invalid, match="was used for another request"):
        await post(db, key(**other), 2)


async def test_another_callers_key_is_another_key(db):
    await post(db, key(caller=7), 1)
    assert (await post(db, key(caller=8), 2))[1]


async def test_what_failed_keeps_no_answer(db):
    await post(db, key("first"), 1)
    with pytest.raises(Exception, match="thing_pkey"):
        await post(db, key("second"), 1)
    assert (await post(db, key("second"), 2))[1]


async def test_of_many_at_the_same_moment_one_is_done_and_all_get_its_answer(db):
    answers = await asyncio.gather(*(post(db, key(), number) for number in range(1, 11)))
    assert len({answer for answer, _ in answers}) == 1
    assert sum(done for _, done in answers) == 1
    assert await things(db) == 1


async def test_a_day_later_the_key_is_new_and_old_answers_are_forgotten(db):
    for number in range(1, 6):
        await post(db, key(f"k-{number}"), number)
    async with db.fast() as pg:
        await pg.execute("UPDATE answers SET at = at - interval '25 hours'")
    assert await post(db, key("k-1", body=b"other"), 6) == (Answer(201, b'{"id":6}'), True)
    assert await post(db, key("k-1", body=b"other"), 7) == (Answer(201, b'{"id":6}'), False)
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM answers") == 1
