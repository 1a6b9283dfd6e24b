"""An effect that must not happen twice happens once, however its message arrives."""

import asyncio

import pytest

from shared.outbox.inbox import first_time


async def test_a_message_is_new_once_for_each_consumer(db):
    for consumer in ("leave.mail", "reports.mail"):
        for expected in (True, False, False):
            async with db.begin() as connection:
                assert await first_time(connection, consumer=consumer, message_id="m1") is expected


@pytest.mark.parametrize("first_commits", [True, False])
async def test_a_second_delivery_at_the_same_moment_waits_for_the_first(db, first_commits):
    inside, go_on = asyncio.Event(), asyncio.Event()

    class Failed(Exception):
        pass

    async def first():
        async with db.begin() as connection:
            assert await first_time(connection, consumer="c", message_id="m")
            inside.set()
            await go_on.wait()
            if not first_commits:
                raise Failed

    async def second():
        async with db.begin() as connection:
            return await first_time(connection, consumer="c", message_id="m")

    one = asyncio.create_task(first())
    await inside.wait()
    two = asyncio.create_task(second())
    await _until_somebody_waits_for_a_lock(db)
    assert not two.done()
    go_on.set()
    if first_commits:
        await one
    else:
        with pytest.raises(Failed):
            await one
    assert await two is not first_commits


async def test_what_is_very_old_is_forgotten_as_new_messages_come(db):
    async with db.fast() as pg:
        await pg.execute(
            "INSERT INTO inbox SELECT 'c', 'm' || n, now() - interval '89 days' * (n % 2 + 1)"
            " FROM generate_series(1, 20) n"
        )
    for number in range(3):
        async with db.begin() as connection:
            await first_time(connection, consumer="c", message_id=f"new {number}")
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM inbox WHERE at < now() - interval '90 days'") == 0
        assert await pg.fetchval("SELECT count(*) FROM inbox") == 13


async def _until_somebody_waits_for_a_lock(db) -> None:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(2.5):
        while True:
            async with db.fast() as pg:
                if await pg.fetchval(sql):
                    return
