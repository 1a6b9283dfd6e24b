"""The relay publishes what was committed, at least once, whatever stops meanwhile."""

import asyncio
import sys
import time
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest

from shared.bus.port import BusUnavailable
from shared.contracts.cloudevents import decode
from shared.contracts.people import PersonChanged
from shared.kernel.errors import Unavailable
from shared.outbox.relay import AT_ONCE, Relay
from shared.outbox.writing import add, add_fast
from shared.storage.database import Database
from tests.shared.probe import connected, person

NOW = datetime(2024, 1, 15, 8, tzinfo=UTC)
PERSON = "attendance.person.changed.v1"


async def write(db: Database, *events) -> None:
    """Each in a transaction of its own."""
    for event in events:
        async with db.fast() as pg:
            await add_fast(pg, [event], time=NOW)


async def waiting(db: Database) -> int:
    async with db.fast() as pg:
        return await pg.fetchval("SELECT count(*) FROM outbox")


async def make_due(db: Database) -> None:
    async with db.fast() as pg:
        await pg.execute("UPDATE outbox SET not_before = now()")


def people(messages) -> list[int]:
    return [
        envelope.data.person_id
        for message in messages
        for envelope in decode(message.body, message.content_type, PersonChanged)
    ]


async def until(true, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what it waits for is not always an event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*relays: Relay):
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def test_what_was_written_is_published_in_order_and_then_gone(db, bus):
    await write(db, person(1), person(2), person(3))
    assert await Relay(db, bus).drain() == 3
    assert people(bus.published) == [1, 2, 3]
    assert {message.type for message in bus.published} == {PERSON}
    assert await waiting(db) == 0
    assert await Relay(db, bus).drain() == 0


async def test_what_nobody_keeps_is_marked_so(db, bus):
    await write(db, connected("GATE-1", NOW), person(1))
    await Relay(db, bus).drain()
    assert [message.live_only for message in bus.published] == [True, False]


async def test_a_transaction_that_commits_late_is_not_passed_over(db, bus):
    """Its rows have lower numbers than those published before it (RELIABILITY, finding 12)."""
    relay = Relay(db, bus)
    async with db.begin() as late:
        await add(late, person(1), time=NOW)
        await write(db, person(2))
        await relay.drain()
        assert people(bus.published) == [2]
    await relay.drain()
    assert people(bus.published) == [2, 1]


async def test_what_was_published_but_not_deleted_is_published_again_with_the_same_id(db, bus):
    await write(db, person(1))
    relay = Relay(db, bus)
    bus.trouble = lambda message: (bus.published.append(message), BusUnavailable("no confirm came"))[1]
    with pytest.raises(BusUnavailable):
        await relay.drain()
    bus.trouble = lambda _: None
    await relay.drain()
    first, second = bus.published
    assert (first.id, first.body) == (second.id, second.body)
    assert await waiting(db) == 0


async def test_of_a_round_in_which_the_bus_goes_away_what_was_confirmed_is_done(db, bus):
    await write(db, *(person(n) for n in range(10)))
    bus.trouble = lambda message: BusUnavailable("away") if people([message])[0] >= 4 else None
    with pytest.raises(BusUnavailable):
        await Relay(db, bus).drain()
    assert await waiting(db) == 6


class TestWhatNoQueueWants:
    @pytest.fixture(params=["unroutable", "refused"])
    def troubled(self, request, bus):
        if request.param == "unroutable":
            bus.unwanted = {PERSON}
        else:
            bus.trouble = lambda message: ValueError("too large for us") if message.type == PERSON else None
        return bus

    async def test_stays_and_does_not_hold_up_others(self, db, troubled):
        await write(db, person(1), person(2), connected("GATE-1", NOW))
        assert await Relay(db, troubled).drain() == 1
        assert [message.type for message in troubled.published] == ["ingest.machine.connected.v1"]
        assert await waiting(db) == 2

    async def test_does_not_hold_up_others_even_where_there_is_very_much_of_it(self, db, troubled):
        await write(db, *(person(n) for n in range(3 * AT_ONCE)), connected("GATE-1", NOW))
        async with running(Relay(db, troubled)):
            await until(lambda: troubled.published, seconds=3)

    async def test_is_tried_again_less_and_less_often(self, db, troubled):
        await write(db, person(1))
        relay = Relay(db, troubled)
        waits = []
        for _ in range(8):
            await relay.drain()
            async with db.fast() as pg:
                waits.append(await pg.fetchval("SELECT round(extract(epoch FROM not_before - now())) FROM outbox"))
            assert await relay.drain() == 0
            await make_due(db)
        assert [float(wait) for wait in waits] == [2, 4, 8, 16, 32, 60, 60, 60]

    async def test_goes_as_soon_as_it_is_due_and_somebody_wants_it(self, db, troubled):
        await write(db, person(1))
        relay = Relay(db, troubled)
        await relay.drain()
        troubled.unwanted, troubled.trouble = set(), lambda _: None
        await make_due(db)
        assert await relay.drain() == 1
        assert people(troubled.published) == [1]


async def test_two_relays_share_the_work_and_nothing_goes_twice(db, bus):
    await write(db, *(person(n) for n in range(4 * AT_ONCE)))
    both_at_work = asyncio.Barrier(2)
    publish = bus.publish

    async def slowly(message):
        await both_at_work.wait()
        await publish(message)

    bus.publish = slowly
    first, second = Relay(db, bus), Relay(db, bus)
    assert await asyncio.gather(first.drain(), second.drain()) == [AT_ONCE, AT_ONCE]
    bus.publish = publish
    while await first.drain() + await second.drain():
        pass
    assert sorted(people(bus.published)) == list(range(4 * AT_ONCE))


async def test_a_relay_at_rest_is_told_and_does_not_wait_for_its_next_look(db, bus):
    latencies = []
    async with running(Relay(db, bus)):
        await write(db, person(0))
        await until(lambda: bus.published)
        for number in range(1, 11):
            began = time.monotonic()
            await write(db, person(number))
            await until(lambda number=number: len(bus.published) > number)
            latencies.append(time.monotonic() - began)
    assert sorted(latencies)[5] < 0.2, "a look every second would take half a second in the middle"


async def test_a_neighbours_events_do_not_wake_it(db, bus):
    other = Database(db.url, schema="neighbour")
    async with other.fast() as pg:
        await pg.execute("CREATE SCHEMA neighbour; CREATE TABLE neighbour.outbox (LIKE probe.outbox INCLUDING ALL)")
    relay = Relay(db, bus)
    async with running(relay):
        await write(db, person(1))
        await until(lambda: bus.published)
        relay._told.clear()
        await write(other, person(2))
        await write(db, person(3))
        await until(lambda: len(bus.published) > 1)
    assert people(bus.published) == [1, 3]
    await other.close()


async def test_while_the_bus_is_away_everything_waits_and_then_goes(db, bus):
    bus.trouble = lambda _: BusUnavailable("away")
    async with running(Relay(db, bus)) as (task,):
        await write(db, *(person(n) for n in range(5)))
        await asyncio.sleep(0.05)
        assert not task.done()
        assert await waiting(db) == 5
        bus.trouble = lambda _: None
        await until(lambda: len(bus.published) == 5)
    assert people(bus.published) == list(range(5))


async def test_a_broken_connection_that_cancels_publishing_does_not_end_the_relay(db, bus):
    """RELIABILITY, finding 4."""
    bus.trouble = lambda _: asyncio.CancelledError()
    async with running(Relay(db, bus)) as (task,):
        await write(db, person(1))
        await asyncio.sleep(0.05)
        assert not task.done()
        bus.trouble = lambda _: None
        await until(lambda: bus.published)


async def test_it_comes_back_after_the_database_was_away(private_postgres, bus):
    from shared.storage.migrations import upgrade
    from tests.shared.probe import HISTORY

    await upgrade(private_postgres.url, HISTORY)
    db = Database(private_postgres.url, schema="probe")
    async with running(Relay(db, bus)) as (task,):
        await write(db, person(1))
        await until(lambda: len(bus.published) == 1)
        private_postgres.restart()
        async with asyncio.timeout(10):
            while True:
                with suppress(Unavailable):
                    await write(db, person(2))
                    break
        await until(lambda: set(people(bus.published)) == {1, 2})
        assert not task.done()
    await db.close()


async def test_a_process_killed_between_commit_and_publishing_loses_nothing(db, bus):
    """The whole point of an outbox."""
    code = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from shared.outbox.writing import add_fast
from shared.storage.database import Database
from tests.shared.probe import person

async def main():
    db = Database(sys.argv[1], schema="probe")
    async with db.fast() as pg:
        await pg.execute("INSERT INTO thing VALUES (1, 'done')")
        await add_fast(pg, [person(n) for n in range(700)], time=datetime.now(UTC))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, db.url)
    assert await process.wait() == -9
    async with db.fast() as pg:
        assert await pg.fetchval("SELECT name FROM thing") == "done"
    await Relay(db, bus).drain()
    assert people(bus.published) == list(range(700))
