"""The lease on a real PostgreSQL: one has it, and it passes on whatever becomes of that one."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import make_url

from services.ingest.application.contact_ports import LEASE_LASTS, STANDS_BACK, Word
from services.ingest.application.holding import Holding
from services.ingest.storage.lease import PostgresLease
from shared.kernel.errors import Unavailable
from shared.storage.database import Database
from tests.ingest.fakes import until
from tests.shared.bus.blackhole import black_hole

HOLDER = """
import asyncio, sys
from services.ingest.storage.lease import PostgresLease
from shared.storage.database import Database

async def main():
    lease = PostgresLease(Database(sys.argv[1], schema="ingest"))
    while True:
        print((await lease.ask()).ours, flush=True)
        await asyncio.sleep(0.2)

asyncio.run(main())
"""


@pytest.fixture
async def database(migrated: Callable[..., str]) -> AsyncIterator[Database]:
    made = Database(migrated("ingest"), schema="ingest")
    yield made
    await made.close()


@asynccontextmanager
async def leases(database: Database) -> AsyncIterator[tuple[PostgresLease, PostgresLease]]:
    one, other = PostgresLease(database), PostgresLease(database)
    try:
        yield one, other
    finally:
        await one.release()
        await other.release()


@asynccontextmanager
async def another_process(database: Database) -> AsyncIterator[asyncio.subprocess.Process]:
    """One that has it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, database.url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"True\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ours(lease: PostgresLease, *, within: float = 30.0) -> float:
    """Seconds until it is."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within):
        while not (await lease.ask()).ours:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
    return loop.time() - began


async def test_one_at_a_time_has_it_and_each_knows_of_the_other(database: Database) -> None:
    async with leases(database) as (one, other):
        assert await one.ask() == Word(ours=True, holder="", others=0)
        said = await other.ask()
        assert (said.ours, said.others) == (False, 1)
        assert ":" in said.holder
        assert await one.ask() == Word(ours=True, holder="", others=1)
        await one.release()
        assert (await other.ask()).ours
        async with asyncio.timeout(30):  # until the server has noticed that the one has hung up
            while await other.ask() != Word(ours=True, holder="", others=0):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)


async def test_it_passes_on_when_its_holder_is_killed(database: Database) -> None:
    async with leases(database) as (one, _), another_process(database) as process:
        said = await one.ask()
        assert (said.ours, said.holder.rpartition(":")[2]) == (False, str(process.pid))
        process.kill()
        assert await ours(one) < LEASE_LASTS / 2


async def test_it_passes_on_when_its_holder_hangs_and_not_sooner_than_that_one_stops_by_itself(
    database: Database,
) -> None:
    async with leases(database) as (one, _), another_process(database) as process:
        process.send_signal(signal.SIGSTOP)
        assert LEASE_LASTS * 0.9 < await ours(one) < LEASE_LASTS + 15
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        async with asyncio.timeout(30):
            # It is told that its session is over, and asks anew, or ends: it has it no more.
            while await process.stdout.readline() == b"True\n":
                pass
        assert (await one.ask()).ours


async def end_sessions(database: Database) -> None:
    """All that hold or would hold."""
    async with database.fast() as pg:
        await pg.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'muster-ingest-machines %' AND datname = current_database()"
        )


async def answer(lease: PostgresLease) -> Word:
    """The first there is; a session that has ended may only show by then."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await lease.ask()
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_that_it_has_ended_is_told_at_once(database: Database) -> None:
    async with leases(database) as (one, _):
        assert (await one.ask()).ours
        ended = asyncio.create_task(one.ended())
        await asyncio.sleep(0)
        assert not ended.done()
        await end_sessions(database)
        async with asyncio.timeout(30):
            await ended


async def test_when_all_sessions_end_who_stood_by_leaves_it_to_the_one_who_had_it(database: Database) -> None:
    async with leases(database) as (one, other):
        assert (await one.ask()).ours
        for _ in range(5):
            assert not (await other.ask()).ours
            await end_sessions(database)
            assert not (await answer(other)).ours  # although it is free, and it is the first to ask
            assert (await answer(one)).ours


async def test_who_stood_by_follows_after_a_while_where_nobody_asks_for_it(database: Database) -> None:
    async with leases(database) as (one, other):
        assert (await one.ask()).ours
        assert not (await other.ask()).ours
        await end_sessions(database)
        assert not (await answer(other)).ours
        assert await ours(other) > STANDS_BACK * 0.8
        assert not (await answer(one)).ours


async def test_a_session_that_is_ended_is_noticed_and_it_is_asked_for_anew(database: Database) -> None:
    async with leases(database) as (one, other):
        assert (await one.ask()).ours
        await end_sessions(database)
        assert await ours(other) < LEASE_LASTS / 2  # it has not stood by before
        said = await answer(one)
        assert (said.ours, said.others) == (False, 1)


async def test_where_there_is_no_server_that_is_said(database: Database) -> None:
    nowhere = PostgresLease(Database("postgresql://nobody@127.0.0.1:1/none", schema="ingest"))
    with pytest.raises(Unavailable):
        await nowhere.ask()
    await nowhere.release()


async def test_what_it_asks_is_of_this_database_alone(database: Database, migrated: Callable[..., str]) -> None:
    elsewhere = Database(migrated("ingest"), schema="ingest")
    other = PostgresLease(elsewhere)
    async with leases(database) as (one, _):
        assert (await one.ask()).ours
        assert await other.ask() == Word(ours=True, holder="", others=0)
    await other.release()
    await elsewhere.close()


async def test_a_holder_that_is_cut_off_has_stopped_long_before_another_begins(database: Database) -> None:
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    loop = asyncio.get_running_loop()

    def holding(who: str, lease: PostgresLease) -> Holding:
        async def work() -> None:
            began[who] = loop.time()
            try:
                await asyncio.Event().wait()
            finally:
                ended[who] = loop.time()

        return Holding(lease, work, confirmed_every=0.2)

    url = make_url(database.url)
    socket_folder = url.query.get("host")
    async with black_hole(f"{socket_folder}/.s.PGSQL.5432" if socket_folder else url.port or 5432) as hole:
        direct = url.set(host="127.0.0.1", port=hole.port, query={})
        through = direct.render_as_string(hide_password=False)
        cut_off = PostgresLease(Database(through, schema="ingest"))
        running = [asyncio.create_task(holding("one", cut_off).run())]
        await until(lambda: "one" in began)
        other = PostgresLease(database)
        running.append(asyncio.create_task(holding("other", other).run()))
        watched = PostgresLease(database)
        async with asyncio.timeout(30):
            while (await watched.ask()).others < 2:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)
        await watched.release()
        await asyncio.sleep(1)  # in which the holder is told of the other
        hole.swallow = True
        await until(lambda: "other" in began, within=60)
        assert began["other"] - ended["one"] > 3.0
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
