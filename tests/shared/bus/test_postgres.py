"""The embedded bus keeps the contract, and what is its own."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import asyncpg
import pytest

from shared.bus.opening import open_bus
from shared.bus.port import Bus, BusUnavailable, Subscription
from shared.bus.postgres import PostgresBus
from shared.bus.postgres_consumer import BEGINNING, OVERLAP, TAKE
from shared.bus.postgres_schema import prepare
from tests.servers import PrivatePostgres
from tests.servers.ports import open_folder
from tests.shared.bus.contract import BusContract
from tests.shared.bus.contract_failures import FailureContract
from tests.shared.bus.contract_restarts import RestartContract
from tests.shared.bus.tools import QUICK, Handler, message, orders, publish_somehow, until, until_true


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    """One server for all that is done to a server here."""
    with open_folder("postgres") as folder:
        server = PrivatePostgres(folder / "data")
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def admin(database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Somebody else's connection to the same database."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


class TestPostgresBus(BusContract, FailureContract):
    @pytest.fixture
    def place(self, database: str) -> str:
        return database

    async def test_any_number_of_processes_may_make_the_tables_at_once(self, database: str) -> None:
        async with AsyncExitStack() as stack:
            connections = [await asyncpg.connect(database) for _ in range(8)]
            for connection in connections:
                stack.push_async_callback(connection.close)
            await asyncio.gather(*(prepare(connection) for connection in connections))
            assert await connections[0].fetchval("SELECT count(*) FROM bus.catalogue") == 1

    async def test_messages_published_at_once_share_commits(
        self, bus: Bus, admin: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        await bus.declare([orders(Handler())])
        await asyncio.gather(*(bus.publish(message(str(n))) for n in range(400)))
        commits = await admin.fetchval("SELECT count(DISTINCT xmin::text) FROM bus.messages")
        assert commits <= 5

    async def test_a_message_that_cannot_be_stored_does_not_take_others_along(self, bus: Bus) -> None:
        handler = Handler()
        async with bus.consume(orders(handler)):
            ids = ["1", "zero \0 byte", "2", "half a pair \ud800", "3"]
            outcomes = await asyncio.gather(*(bus.publish(message(id_)) for id_ in ids), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [
                type(None), BusUnavailable, type(None), BusUnavailable, type(None),
            ]  # fmt: skip
            await until(lambda: handler.ids == Counter("123"))

    async def test_a_queue_counts_from_the_moment_that_another_process_declares_it(
        self, bus: Bus, database: str
    ) -> None:
        """Publishers route by what they remember; that it has passed must not lose the next message."""
        one, two = Handler(), Handler()
        async with bus.consume(orders(one, queue="shop.one")), open_bus(database, policy=QUICK) as other:
            for n in range(20):
                await bus.publish(message(f"before {n}"))
                await other.declare([orders(two, queue=f"shop.new.{n}")])
                await bus.publish(message(f"after {n}"))
            depths = {depth.queue: depth.waiting for depth in await bus.depths()}
        assert [depths[f"shop.new.{n}"] for n in range(20)] == [1 + 2 * (19 - n) for n in range(20)]

    async def test_patterns_that_are_declared_anew_replace_the_old_ones(self, bus: Bus) -> None:
        handler = Handler()
        await bus.declare([Subscription(queue="shop.orders", patterns=("bills.#",), handle=handler)])
        await bus.declare([orders(handler)])
        with pytest.raises(BusUnavailable):
            await bus.publish(message("1", "bills.sent"))
        await bus.publish(message("2"))

    async def test_sessions_that_are_ended_by_an_operator_are_made_anew(
        self, bus: Bus, admin: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        """Finding 10: a LISTEN connection dies in silence."""
        handler, heard = Handler(), set[str]()
        async with bus.consume(orders(handler)), bus.listen(["orders.#"], lambda m: heard.add(m.id)):
            await bus.publish(message("1"))
            await until(lambda: "1" in heard and "1" in handler.ids)
            ended = await admin.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE 'muster bus%'"
            )
            assert len(ended) >= 3
            await bus.publish(message("2"))  # without an error: it is not the caller's business
            await until(lambda: "2" in handler.ids)
            async with asyncio.timeout(5):
                while "3" not in heard:
                    await bus.publish(message("3"))
        assert handler.ids["1"] == handler.ids["2"] == 1

    async def test_listeners_that_died_are_forgotten(
        self, bus: Bus, database: str, admin: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        dying = PostgresBus(database, name="dying")
        await dying.open()
        listening = dying.listen(["orders.#"], lambda _: None)
        await listening.__aenter__()
        await dying.close()  # as a process that is killed: without signing off
        assert await admin.fetchval("SELECT count(*) FROM bus.presence") == 1
        async with bus.listen(["bills.#"], lambda _: None):
            assert await admin.fetchval("SELECT patterns FROM bus.presence") == ["bills.#"]
        assert await admin.fetchval("SELECT count(*) FROM bus.presence") == 0

    async def test_taking_is_quick_with_a_hundred_thousand_waiting(
        self, bus: Bus, database: str, admin: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        """What is behind does not matter; nor do rows that were deleted in front, while vacuum is held up."""
        handler = Handler()
        await bus.declare([orders(handler)])
        await admin.execute(
            "INSERT INTO bus.messages (queue, available_at, id, type, content_type, headers, body)"
            " SELECT 'shop.orders', now() - interval '200 s' + n * interval '1 ms', n, 'orders.a', 'text', '{}', ''"
            " FROM generate_series(1, 100000) n"
        )
        await admin.execute("ANALYZE bus.messages")
        assert await _pages_read(admin, BEGINNING) < 400  # some four a row
        async with _another(database) as holder, holder.transaction(isolation="repeatable_read"):
            await holder.fetchval("SELECT count(*) FROM bus.messages")
            async with bus.consume(orders(handler, most=50)):
                await until(lambda: len(handler.done) > 20_000, 30)
            from_the_beginning = await _pages_read(admin, BEGINNING)
            last = await admin.fetchval("SELECT min(available_at) FROM bus.messages") - OVERLAP
            from_where_it_was = await _pages_read(admin, last)
        assert from_where_it_was < 400 < from_the_beginning, (from_where_it_was, from_the_beginning)

    async def test_sqlalchemys_name_of_the_driver_is_understood(self, database: str) -> None:
        async with open_bus(database.replace("postgresql://", "postgresql+asyncpg://"), policy=QUICK) as bus:
            await bus.declare([orders(Handler())])
            assert bus.status().connected


class TestPostgresBusRestarted(RestartContract):
    @pytest.fixture
    def address(self, server: PrivatePostgres) -> str:
        return server.url

    async def test_the_first_message_after_a_restart_that_nobody_noticed_is_published(
        self, bus: Bus, server: PrivatePostgres, queue: str
    ) -> None:
        """Finding 10: an idle connection of before the restart fails its first use."""
        handler = Handler()
        async with bus.consume(orders(handler, queue=queue)):
            await publish_somehow(bus, message("before"))
            server.restart()  # and the loop has had no turn meanwhile
            await bus.publish(message("after"))
            await until(lambda: "after" in handler.ids)

    async def test_what_hangs_on_a_frozen_server_is_given_up_in_time(self, server: PrivatePostgres, queue: str) -> None:
        """Finding 9: asyncpg waits for ever, unless told for how long."""
        server.start()
        handler = Handler()
        bus = PostgresBus(server.url, policy=QUICK, patience=1.0)
        await bus.open()
        async with bus.consume(orders(handler, queue=queue)):
            await publish_somehow(bus, message("before"))
            await until(lambda: "before" in handler.ids)
            server.freeze()
            try:
                with pytest.raises(BusUnavailable):
                    await bus.publish(message("frozen"), timeout=30)
                await until(lambda: not bus.status().connected)
                with pytest.raises(BusUnavailable):
                    await bus.depths()
            finally:
                server.thaw()
            await publish_somehow(bus, message("after"))
            await until(lambda: "after" in handler.ids)
            await until_true(lambda: _is_empty(bus, queue))
        await bus.close()


async def _is_empty(bus: Bus, queue: str) -> bool:
    return all(depth.waiting == 0 for depth in await bus.depths() if depth.queue == queue)


@asynccontextmanager
async def _another(database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def _pages_read(connection: "asyncpg.Connection[asyncpg.Record]", since: datetime) -> int:
    """Pages that taking one batch looks at."""
    taking = TAKE.replace("$1", "'shop.orders'").replace("$2", f"'{since.isoformat()}'").replace("$3", "50")
    transaction = connection.transaction()
    await transaction.start()
    try:
        (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {taking}"))
    finally:
        await transaction.rollback()
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
