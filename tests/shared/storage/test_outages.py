"""The server is restarted, killed or frozen (RELIABILITY, findings 9 and 10)."""

import asyncio
import time

import pytest

from shared.storage.database import Database, DatabaseUnavailable
from tests.servers import PrivatePostgres


@pytest.fixture
async def db(private_postgres: PrivatePostgres):
    database = Database(private_postgres.url, schema="public", pool=3, overflow=0, command_timeout=1.5)
    async with database.fast() as pg:
        await pg.execute("CREATE TABLE counted (n int)")
    yield database
    private_postgres.thaw()
    await database.close()


async def fill_the_pool(db: Database) -> None:
    """Open all of its connections and leave them idle."""
    all_there = asyncio.Barrier(3)

    async def one():
        async with db.fast() as pg:
            await pg.fetchval("SELECT 1")
            await all_there.wait()

    await asyncio.gather(one(), one(), one())


async def test_after_a_restart_an_idle_pool_fails_no_query(db, private_postgres):
    await fill_the_pool(db)
    await db.ready()
    private_postgres.restart()
    for _ in range(3):
        async with db.fast() as pg:
            await pg.execute("INSERT INTO counted VALUES (1)")
        async with db.begin() as connection:
            assert connection is not None
    await db.ready()
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM counted") == 3


@pytest.mark.parametrize("kind", ["begin", "fast"])
async def test_a_transaction_in_the_middle_of_a_kill_is_unavailable_and_nothing_of_it_stays(db, private_postgres, kind):
    with pytest.raises(DatabaseUnavailable):
        async with getattr(db, kind)() as connection:
            execute = connection.execute if kind == "fast" else connection.exec_driver_sql
            await execute("INSERT INTO counted VALUES (1)")
            private_postgres.kill()
            await execute("INSERT INTO counted VALUES (1)")
    private_postgres.start()
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT count(*) FROM counted") == 0


@pytest.mark.parametrize("kind", ["begin", "fast"])
@pytest.mark.parametrize("when", ["before", "within"])
async def test_on_a_frozen_server_every_call_ends_and_after_the_thaw_all_is_well(db, private_postgres, kind, when):
    await fill_the_pool(db)
    if when == "before":
        private_postgres.freeze()
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        async with getattr(db, kind)() as connection:
            execute = connection.execute if kind == "fast" else connection.exec_driver_sql
            if when == "within":
                await execute("INSERT INTO counted VALUES (1)")
                private_postgres.freeze()
                began = time.monotonic()
            await execute("SELECT 1")
    assert time.monotonic() - began < 1.5 + 2 + 1, "command_timeout, 2 s, and a slow machine"
    private_postgres.thaw()
    for _ in range(4):
        async with db.fast() as pg:
            assert await pg.fetchval("SELECT count(*) FROM counted") == 0


async def test_on_a_frozen_server_readiness_is_denied_within_three_seconds_though_the_pool_is_full(
    db, private_postgres
):
    await db.ready()
    async with db.fast(), db.fast(), db.fast():
        private_postgres.freeze()
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            await db.ready()
        assert time.monotonic() - began < 3
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await db.ready()
        private_postgres.thaw()
        await eventually_ready(db)


async def eventually_ready(db: Database) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                return await db.ready()
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)


async def test_a_listener_learns_that_its_connection_is_gone(db, private_postgres):
    ended = asyncio.Event()
    async with db.listening("test") as pg:
        pg.add_termination_listener(lambda _: ended.set())
        private_postgres.restart()
        async with asyncio.timeout(5):
            await ended.wait()
