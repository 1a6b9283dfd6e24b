"""Transactions of both kinds: what commits, what rolls back, and what becomes of the server's and our own errors."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import insert, make_url, select, text

from shared.kernel.errors import Invalid, Malformed
from shared.storage.database import Contended, Database, DatabaseUnavailable
from tests.shared.probe import thing

KINDS = ("begin", "fast")
both = pytest.mark.parametrize("kind", KINDS)


async def run(connection, sql, *values):
    """The same statement on either kind of connection; values are only for the bare one."""
    if isinstance(connection, asyncpg.Connection):
        return await connection.execute(sql, *values)
    return await connection.execute(text(sql))


async def names(db: Database) -> list[str]:
    async with db.fast() as pg:
        return [row["name"] for row in await pg.fetch("SELECT name FROM thing ORDER BY id")]


class TestTransactions:
    @both
    async def test_leaving_commits(self, db, kind):
        async with getattr(db, kind)() as connection:
            await run(connection, "INSERT INTO thing VALUES (1, 'one')")
        assert await names(db) == ["one"]

    @both
    async def test_an_exception_rolls_back_and_passes_unchanged(self, db, kind):
        with pytest.raises(Invalid, match="no"):
            async with getattr(db, kind)() as connection:
                await run(connection, "INSERT INTO thing VALUES (1, 'one')")
                raise Invalid("no")
        assert await names(db) == []

    @both
    async def test_being_cancelled_rolls_back_and_gives_the_connection_back(self, db, kind):
        begun = asyncio.Event()

        async def work():
            async with getattr(db, kind)() as connection:
                await run(connection, "INSERT INTO thing VALUES (1, 'one')")
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(db) == []
        assert db.engine.pool.checkedout() == 0

    async def test_core_and_the_bare_connection_speak_the_same_session(self, db):
        async with db.begin() as connection:
            await connection.execute(insert(thing).values(id=1, name="one"))
            assert (await connection.execute(select(thing.c.name))).scalars().all() == ["one"]

    @both
    async def test_the_search_path_is_the_schema_alone(self, db, kind):
        with pytest.raises(Exception, match='relation "pg_nothing" does not exist'):
            async with getattr(db, kind)() as connection:
                await run(connection, "SELECT * FROM pg_nothing")
        async with db.fast() as pg:
            assert await pg.fetchval("SHOW search_path") == "probe"
            assert await pg.fetchval("SHOW timezone") == "UTC"

    async def test_another_schemas_tables_are_not_found_by_their_names(self, db):
        other = Database(db.url, schema="other")
        with pytest.raises(asyncpg.UndefinedTableError):
            async with other.fast() as pg:
                await pg.execute("SELECT * FROM thing")
        await other.close()


class TestErrors:
    @both
    async def test_a_lock_that_is_not_given_in_time_is_contended(self, db, kind):
        async with db.fast() as holder:
            await holder.execute("INSERT INTO thing VALUES (1, 'one')")
            with pytest.raises(Contended):
                async with getattr(db, kind)() as connection:
                    await run(connection, "SET LOCAL lock_timeout = '50ms'")
                    await run(connection, "INSERT INTO thing VALUES (1, 'one')")

    async def test_one_of_two_that_are_in_a_deadlock_is_contended_and_the_other_commits(self, db):
        async with db.fast() as pg:
            await pg.execute("INSERT INTO thing VALUES (1, 'one'), (2, 'two')")
        met = asyncio.Barrier(2)

        async def crosswise(first: int, second: int) -> str:
            try:
                async with db.fast() as pg:
                    await pg.execute("UPDATE thing SET name = name || $2 WHERE id = $1", first, f"-{first}")
                    await met.wait()
                    await pg.execute("UPDATE thing SET name = name || $2 WHERE id = $1", second, f"-{first}")
            except Contended:
                return "contended"
            return "committed"

        assert sorted(await asyncio.gather(crosswise(1, 2), crosswise(2, 1))) == ["committed", "contended"]

    @both
    async def test_a_conflict_with_what_is_there_is_not_the_servers_fault(self, db, kind):
        with pytest.raises(Exception, match="thing_name") as raised:
            async with getattr(db, kind)() as connection:
                await run(connection, "INSERT INTO thing VALUES (1, 'one'), (2, 'one')")
        assert not isinstance(raised.value, DatabaseUnavailable)

    @pytest.mark.parametrize(
        ("sql", "values"),
        [("INSERT INTO thing VALUES ($1, 'x')", ["not a number"]), ("INSERT INTO thing VALUES (1, 'x')", ["too many"])],
    )
    async def test_a_value_that_does_not_fit_is_not_the_servers_fault(self, db, sql, values):
        """Or else a batch with such a value would be tried again for ever."""
        with pytest.raises((asyncpg.DataError, asyncpg.InterfaceError), match=r"invalid input|expects 0 arguments"):
            async with db.fast() as pg:
                await pg.execute(sql, *values)
        assert await names(db) == []

    @pytest.mark.parametrize(
        ("id_", "name"),
        [(1, "a\0b"), (2**31, "x"), (2**80, "x"), (-(2**63) - 1, "x"), (1, "\ud800")],
        ids=["NUL", "2^31", "2^80", "-2^63", "surrogate"],
    )
    @both
    async def test_a_value_that_no_column_holds_is_malformed(self, db, kind, id_, name):
        """It came from outside; a 500 would blame us."""
        with pytest.raises(Malformed, match="a value cannot be stored"):
            async with getattr(db, kind)() as connection:
                if kind == "fast":
                    await connection.execute("INSERT INTO thing VALUES ($1, $2)", id_, name)
                else:
                    await connection.execute(insert(thing).values(id=id_, name=name))
        assert await names(db) == []

    @both
    @pytest.mark.parametrize("error", [TimeoutError("mine"), FileNotFoundError("mine"), ConnectionResetError("mine")])
    async def test_a_timeout_or_a_missing_file_of_the_callers_own_is_not_the_servers_fault(self, db, kind, error):
        with pytest.raises(type(error), match="mine"):
            async with getattr(db, kind)() as connection:
                await run(connection, "INSERT INTO thing VALUES (1, 'one')")
                raise error
        assert await names(db) == []

    @both
    async def test_a_server_that_is_not_there_is_unavailable_with_a_sentence(self, kind):
        away = Database("postgresql://nobody@127.0.0.1:1/nothing", schema="probe")
        with pytest.raises(DatabaseUnavailable, match=r"the database is away: ."):
            async with getattr(away, kind)():
                pass
        with pytest.raises(DatabaseUnavailable):
            await away.ready()
        await away.close()

    @both
    async def test_a_database_that_is_not_there_yet_is_unavailable(self, database, kind):
        url = make_url(database)
        gone = url.set(database=f"{url.database}_gone").render_as_string(hide_password=False)
        away = Database(gone, schema="probe")
        with pytest.raises(DatabaseUnavailable, match="does not exist"):
            async with getattr(away, kind)():
                pass
        await away.close()

    @both
    async def test_a_pool_with_no_place_left_is_unavailable_and_soon_over(self, db, kind):
        small = Database(db.url, schema="probe", pool=1, overflow=0)
        async with small.fast():
            with pytest.raises(DatabaseUnavailable, match="in use"):
                async with getattr(small, kind)():
                    pass
            await small.ready()  # which has a connection of its own
        await small.close()

    @both
    async def test_a_connection_that_an_administrator_ends_is_unavailable_and_the_next_works(self, db, kind):
        with pytest.raises(DatabaseUnavailable):
            async with getattr(db, kind)() as connection:
                await run(connection, "INSERT INTO thing VALUES (1, 'one')")
                await run(connection, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert await names(db) == []


async def test_many_who_ask_whether_it_is_ready_share_one_question(db):
    await asyncio.gather(*(db.ready() for _ in range(50)))
    async with db.fast() as pg:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
        assert await pg.fetchval(sql, "muster-probe-probe") == 1
