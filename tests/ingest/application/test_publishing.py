import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.application.ports import Spooled
from services.ingest.application.publishing import IN_FLIGHT, TOGETHER, ScanPublisher, _neighbours
from shared.bus.port import Message
from shared.contracts.scans import ScanReceived
from shared.kernel.errors import Unavailable
from tests.ingest.fakes import FakeBus, FakeClock, FakeLedger, FakeSpool, machine, scans, until

GATE = machine()


class Desk:
    """A publisher with everything around it."""

    def __init__(self) -> None:
        self.bus, self.spool, self.ledger = FakeBus(), FakeSpool(), FakeLedger()
        self.publisher = ScanPublisher(self.bus, self.ledger, self.spool, FakeClock(), confirm_within=0.05)

    @property
    def seconds(self) -> list[int]:
        """Which scans reached the bus, in order."""
        return [event.local_time.second for event in self.bus.events(ScanReceived)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.publisher.drain()
    task = asyncio.create_task(desk.publisher.run())
    yield desk
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_scans_go_to_the_bus_at_once_and_into_the_ledger_a_moment_later(desk: Desk) -> None:
    sent = scans(3, machine=GATE)
    await desk.publisher.publish(sent)
    assert [event.scan_id for event in desk.bus.events(ScanReceived)] == [scan.id for scan in sent]
    await until(lambda: len(desk.ledger.entries) == 3)
    assert not desk.spool.messages


async def test_a_look_into_the_spool_does_not_overlook_what_is_just_being_put_there(desk: Desk) -> None:
    desk.bus.away = True
    desk.spool.gate = asyncio.Event()
    publishing = asyncio.create_task(desk.publisher.publish(scans(1, machine=GATE)))
    await until(lambda: desk.spool.putting)
    looking = asyncio.create_task(desk.publisher.drain())
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.publisher.spooling
    desk.bus.away = False
    desk.spool.gate.set()
    await publishing
    await looking
    assert set(desk.seconds) == {0}
    assert not desk.spool.messages


async def test_what_is_on_its_way_into_the_ledger_is_known_until_it_is_there(desk: Desk) -> None:
    desk.ledger.away = True
    sent = scans(3, machine=GATE)
    await desk.publisher.publish(sent[:2])
    assert desk.publisher.unentered(scan.id for scan in sent) == {scan.id for scan in sent[:2]}
    desk.ledger.away = False
    await until(lambda: len(desk.ledger.entries) == 2)
    await until(lambda: not desk.publisher.unentered(scan.id for scan in sent))


async def test_all_is_published_only_once_the_spool_is_empty(desk: Desk) -> None:
    assert desk.publisher.all_published
    desk.bus.away = True
    await desk.publisher.publish(scans(1, machine=GATE))
    assert not desk.publisher.all_published
    desk.spool.away = True
    with pytest.raises(Unavailable):
        await desk.publisher.drain()
    assert not desk.publisher.all_published  # nobody knows what is in it
    desk.bus.away = desk.spool.away = False
    await until(lambda: desk.publisher.all_published)
    assert desk.seconds == [0]


async def test_nothing_is_durable_before_the_bus_confirmed(desk: Desk) -> None:
    desk.bus.gate = asyncio.Event()
    publishing = asyncio.create_task(desk.publisher.publish(scans(1, machine=GATE)))
    await until(lambda: desk.bus.calls == 1)
    assert not publishing.done()
    assert not desk.ledger.entries
    desk.bus.gate.set()
    await publishing


async def test_what_arrives_while_confirms_are_awaited_leaves_together(desk: Desk) -> None:
    desk.bus.gate = asyncio.Event()
    many = scans(200, machine=GATE)
    publishing = [asyncio.create_task(desk.publisher.publish([scan])) for scan in many]
    await until(lambda: desk.bus.calls == 1)
    desk.bus.gate.set()
    await asyncio.gather(*publishing)
    assert len(desk.bus.published) == 2
    assert len(desk.bus.events(ScanReceived)) == 200


async def test_full_messages_do_not_wait_for_the_confirms_of_others(desk: Desk) -> None:
    desk.bus.gate = asyncio.Event()
    many = scans(500 * (IN_FLIGHT + 2), machine=GATE)
    logs = [many[start : start + 500] for start in range(0, len(many), 500)]
    publishing = [asyncio.create_task(desk.publisher.publish(log)) for log in logs]
    await until(lambda: desk.bus.calls == IN_FLIGHT)
    assert not desk.bus.published
    desk.bus.gate.set()
    await asyncio.gather(*publishing)
    assert len(desk.bus.published) == IN_FLIGHT + 2
    assert len(desk.bus.events(ScanReceived)) == len(many)


async def test_a_message_holds_no_more_than_500_scans(desk: Desk) -> None:
    await desk.publisher.publish(scans(1200, machine=GATE))
    assert len(desk.bus.published) == 3
    assert len(desk.bus.events(ScanReceived)) == 1200


async def test_without_a_confirm_in_time_the_spool_takes_the_scans(desk: Desk) -> None:
    desk.bus.silent = True
    await desk.publisher.publish(scans(2, machine=GATE))
    assert len(desk.spool.messages) == 1
    assert desk.publisher.spooling


@pytest.mark.parametrize("why", ["away", "blocked"])
async def test_where_the_bus_is_known_to_take_nothing_the_spool_takes_the_scans_at_once(desk: Desk, why: str) -> None:
    setattr(desk.bus, why, True)
    desk.bus.silent = True  # whoever asks it waits
    await desk.publisher.publish(scans(2, machine=GATE))
    assert len(desk.spool.messages) == 1
    assert (desk.bus.calls, desk.publisher.spooling) == (0, True)


async def test_while_the_spool_is_in_use_scans_follow_each_other_through_it(desk: Desk) -> None:
    one, two, three = scans(3, machine=GATE)
    desk.bus.away = True
    await desk.publisher.publish([one])
    calls = desk.bus.calls
    await desk.publisher.publish([two])
    assert len(desk.spool.messages) == 2
    desk.bus.away = False
    await until(lambda: not desk.publisher.spooling)
    await desk.publisher.publish([three])
    assert desk.seconds == [0, 1, 2]
    assert desk.bus.calls > calls


async def test_a_message_from_the_spool_keeps_its_id(desk: Desk) -> None:
    desk.bus.away = True
    await desk.publisher.publish(scans(1, machine=GATE))
    (spooled,) = desk.spool.messages
    desk.bus.away = False
    await until(lambda: desk.bus.published)
    assert desk.bus.published == [spooled.message]


async def test_if_neither_bus_nor_spool_takes_them_the_caller_is_told(desk: Desk) -> None:
    desk.bus.away = desk.spool.away = True
    with pytest.raises(Unavailable, match="cannot be kept now: the bus is away, and the database is away"):
        await desk.publisher.publish(scans(1, machine=GATE))


async def test_with_storage_away_the_bus_alone_is_enough(desk: Desk) -> None:
    desk.ledger.away = desk.spool.away = True
    await desk.publisher.publish(scans(1, machine=GATE))
    await desk.publisher.publish(scans(1, machine=GATE))
    assert len(desk.bus.published) == 2


async def test_who_is_stopped_enters_what_was_published_just_now() -> None:
    desk = Desk()
    await desk.publisher.drain()
    task = asyncio.create_task(desk.publisher.run())
    await desk.publisher.publish(scans(3, machine=GATE))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(desk.ledger.entries) == 3


async def test_who_is_stopped_waits_for_what_is_being_published_and_enters_it() -> None:
    desk = Desk()
    await desk.publisher.drain()
    task = asyncio.create_task(desk.publisher.run())
    desk.bus.gate = asyncio.Event()
    publishing = asyncio.create_task(desk.publisher.publish(scans(3, machine=GATE)))
    await until(lambda: desk.bus.calls)
    task.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    desk.bus.gate.set()
    await asyncio.gather(task, return_exceptions=True)
    assert publishing.done()
    assert len(desk.ledger.entries) == 3


async def test_who_is_stopped_gives_up_in_a_while_what_nobody_confirms() -> None:
    desk = Desk()
    await desk.publisher.drain()
    task = asyncio.create_task(desk.publisher.run())
    desk.bus.gate = asyncio.Event()
    publishing = [asyncio.create_task(desk.publisher.publish(scans(1, machine=GATE))) for _ in range(3)]
    await until(lambda: desk.bus.calls)
    task.cancel()
    async with asyncio.timeout(30):
        await asyncio.gather(task, return_exceptions=True)
    assert not desk.publisher._sending
    for one in publishing:
        with pytest.raises(Unavailable, match="is being stopped"):
            await one
    assert not desk.ledger.entries


async def test_what_was_published_while_storage_was_away_is_entered_in_the_ledger_later(desk: Desk) -> None:
    desk.ledger.away = desk.spool.away = True
    await desk.publisher.deliver(scans(3, machine=GATE))
    assert not desk.ledger.entries
    desk.ledger.away = False
    await until(lambda: len(desk.ledger.entries) == 3)


async def test_what_an_earlier_process_left_in_the_spool_goes_first() -> None:
    desk = Desk()
    desk.bus.away = True
    one, two = scans(2, machine=GATE)
    await desk.publisher.publish([one])
    desk.bus.away = False
    restarted = ScanPublisher(desk.bus, desk.ledger, desk.spool, FakeClock())
    await restarted.publish([two])
    assert await restarted.drain() == 2
    assert desk.seconds == [0, 1]


async def test_single_scans_of_the_spool_leave_in_few_messages_and_in_their_order(desk: Desk) -> None:
    desk.bus.away = True
    sent = scans(59, machine=GATE)
    for scan in sent:
        await desk.publisher.publish([scan])
    await desk.publisher.publish(scans(1, machine=GATE, badge="9"))
    assert len(desk.spool.messages) == 60
    desk.bus.published.clear()
    desk.bus.away = False
    await until(lambda: not desk.spool.messages)
    assert desk.seconds == [*range(59), 0]
    assert len(desk.bus.published) <= 3


@given(sizes=st.lists(st.integers(0, 400_000), max_size=30))
def test_neighbours_are_all_there_in_their_order_and_no_larger_than_need_be(sizes: list[int]) -> None:
    messages = [Spooled(place, Message(id=str(place), type="t", body=b" " * size)) for place, size in enumerate(sizes)]
    found = list(_neighbours(messages))
    assert [spooled for some in found for spooled in some] == messages
    for some in found:
        assert len(some) == 1 or sum(len(spooled.message.body) for spooled in some) <= TOGETHER
    for some, following in pairwise(found):
        assert sum(len(spooled.message.body) for spooled in [*some, following[0]]) > TOGETHER


async def test_a_caller_that_gave_up_does_not_disturb_the_others(desk: Desk) -> None:
    desk.bus.gate = asyncio.Event()
    gone = asyncio.create_task(desk.publisher.publish(scans(1, machine=GATE)))
    await until(lambda: desk.bus.calls == 1)
    gone.cancel()
    desk.bus.gate.set()
    await desk.publisher.publish(scans(1, machine=GATE, badge="8"))
    assert len(desk.bus.published) == 2


class Processes:
    """Two that share a spool, each with a line of its own to the bus. `drains` is the one whose it is to empty it."""

    def __init__(self) -> None:
        self.spool, self.ledger, self.buses = FakeSpool(), FakeLedger(), (FakeBus(), FakeBus())
        self.drains = 0
        self.publishers = [
            ScanPublisher(
                bus,
                self.ledger,
                self.spool,
                FakeClock(),
                confirm_within=0.05,
                may_drain=lambda me=me: self.drains == me,
            )
            for me, bus in enumerate(self.buses)
        ]

    def seconds(self, process: int) -> list[int]:
        return [event.local_time.second for event in self.buses[process].events(ScanReceived)]


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    both = Processes()
    running = [asyncio.create_task(publisher.run()) for publisher in both.publishers]
    await until(lambda: not any(publisher.spooling for publisher in both.publishers))
    yield both
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_what_one_process_puts_into_the_spool_another_publishes(processes: Processes) -> None:
    holder, other = processes.publishers
    processes.buses[1].away = True
    sent = scans(3, machine=GATE)
    for scan in sent[:2]:
        await other.publish([scan])
    await until(lambda: processes.seconds(0) == [0, 1])
    # It knows by itself that it may publish again.
    processes.buses[1].away = False
    await until(lambda: not other.spooling)
    await other.publish(sent[2:])
    assert processes.seconds(1) == [2]
    assert not holder.spooling


async def test_who_does_not_empty_the_spool_uses_it_for_as_long_as_there_is_something_in_it(
    processes: Processes,
) -> None:
    _, other = processes.publishers
    for bus in processes.buses:
        bus.away = True
    sent = scans(3, machine=GATE)
    await other.publish(sent[:1])
    processes.buses[1].away = False
    await other.publish(sent[1:2])
    assert len(processes.spool.messages) == 2
    # Who did it has gone.
    processes.drains = 1
    await until(lambda: processes.seconds(1) == [0, 1])
    assert processes.seconds(0) == []


async def test_what_nobody_waits_for_any_more_is_not_kept_while_neither_bus_nor_spool_takes_anything(
    desk: Desk,
) -> None:
    desk.bus.away = True
    desk.spool.gate = asyncio.Event()  # a frozen server
    for _ in range(20):
        posts = [asyncio.create_task(desk.publisher.publish(scans(1, machine=GATE))) for _ in range(200)]
        await asyncio.sleep(0)
        for post in posts:
            post.cancel()
        await asyncio.gather(*posts, return_exceptions=True)
    assert not desk.publisher._gathered
    desk.spool.gate.set()


async def test_who_is_to_empty_the_spool_no_more_leaves_the_rest_to_another(processes: Processes) -> None:
    _, other = processes.publishers
    holders, others = processes.buses
    processes.drains, others.away, holders.gate = -1, True, asyncio.Event()
    for scan in scans(100, machine=GATE):
        await other.publish([scan])
    processes.drains = 0
    await until(lambda: holders.calls)
    processes.drains = -1
    holders.gate.set()
    await until(lambda: len(processes.spool.messages) < 100)
    others.away, processes.drains = False, 1
    await until(lambda: not processes.spool.messages)
    assert len(processes.seconds(0)) == 64
    assert len(processes.seconds(1)) == 36
