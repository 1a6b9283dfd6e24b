"""How far a log was read outlives us: a driver that has just been started goes on where another one ended."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.ingest.application.drivers import ReadsLog
from services.ingest.domain.machine import Machine
from services.ingest.vendors.hikvision import log as hikvision_log
from services.ingest.vendors.hikvision import simulator as hikvision
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.marks import read, written
from services.ingest.vendors.suprema import log as suprema_log
from services.ingest.vendors.suprema import simulator as suprema
from services.ingest.vendors.suprema.driver import Suprema
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision import contact as of_hikvision
from tests.ingest.vendors.suprema import contact as of_suprema


@dataclass
class Vendor:
    """A machine on a socket, with a hundred scans."""

    machine: Machine
    start: Callable[[], Any]
    """A driver, as after a start of ours."""
    following: Callable[[Machine, Any], AbstractAsyncContextManager[Any]]
    scan_later: Callable[[str], object]
    """Somebody scans after all that is there."""
    begin_again: Callable[[], object]
    ids: Callable[[], set[UUID]]
    mark: type


@asynccontextmanager
async def a_hikvision(*, zone: str = "UTC", **faults: Any) -> AsyncIterator[Vendor]:
    held = of_hikvision.device(100, zone=zone)
    async with hikvision.simulator(held, faults=hikvision.Faults(**faults)) as running:
        yield Vendor(
            of_hikvision.machine(running.port, zone=zone),
            lambda: Hikvision(SystemClock()),
            of_hikvision.following,
            lambda who: held.record_at(who, of_hikvision.START + timedelta(days=1)),
            held.restart_counter,
            lambda: of_hikvision.ids_of(held),
            hikvision_log.Mark,
        )


@asynccontextmanager
async def a_suprema(*, zone: str = "UTC", **faults: Any) -> AsyncIterator[Vendor]:
    held = of_suprema.store(100, zone=zone)
    config = {"datetime_is": "device_local"} if faults.get("local_as_z") else {}
    async with suprema.simulator(held, faults=suprema.Faults(**faults)) as running:
        yield Vendor(
            of_suprema.machine(running.port, zone=zone, config=config),
            lambda: Suprema(SystemClock()),
            of_suprema.following,
            lambda who: held.record_at(who, of_suprema.START + timedelta(days=1)),
            held.delete_all,
            lambda: of_suprema.ids_of(held),
            suprema_log.Mark,
        )


@pytest.fixture(params=[a_hikvision, a_suprema], ids=["hikvision", "suprema"])
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    async with request.param() as made:
        yield made


@pytest.fixture(
    params=[
        a_hikvision,
        partial(a_hikvision, zone="Asia/Shanghai"),
        partial(a_hikvision, zone="Asia/Shanghai", bare_times=True),
        a_suprema,
        partial(a_suprema, zone="Asia/Dhaka"),
        partial(a_suprema, zone="Asia/Dhaka", local_as_z=True),
    ],
    ids=["hikvision", "in a zone", "bare times", "suprema", "UTC in a zone", "local times as Z"],
)
async def part(request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """One of whose log a part can be read."""
    async with request.param() as made:
        yield made


@pytest.fixture(
    params=[
        partial(a_hikvision, no_times=True),
        partial(a_hikvision, no_serials=True),
        partial(a_suprema, no_times=True),
    ],
    ids=["hikvision", "hikvision by time", "suprema"],
)
async def narrow(request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """One of which that cannot be."""
    async with request.param() as made:
        yield made


async def marked(vendor: Vendor) -> Machine:
    """The machine, after all of its log was read."""
    async with vendor.following(vendor.machine, vendor.start()) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 100
        marks = [batch.read_mark for batch in what.batches if batch.read_mark is not None]
    return replace(vendor.machine, read_mark=marks[-1])


async def test_after_a_start_only_what_is_new_is_read(vendor: Vendor) -> None:
    machine = await marked(vendor)
    vendor.scan_later("1001")
    driver: ReadsLog = vendor.start()
    assert not driver.reads_whole(machine)
    async with vendor.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 1
        assert what.ids < vendor.ids()


@pytest.mark.parametrize("mark", ["", "{", '{"number": "seven"}', "null"])
async def test_a_mark_that_cannot_be_read_has_all_of_it_read(vendor: Vendor, mark: str) -> None:
    machine = replace(vendor.machine, read_mark=mark)
    driver: ReadsLog = vendor.start()
    assert driver.reads_whole(machine)
    async with vendor.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert what.ids == vendor.ids()


async def test_where_somebody_wants_it_all_of_it_is_read_whatever_the_mark(vendor: Vendor) -> None:
    machine, driver = await marked(vendor), vendor.start()
    driver.read_again(machine)
    assert driver.reads_whole(machine)
    async with vendor.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert what.ids == vendor.ids()


async def test_where_somebody_wants_a_part_that_is_read_beside_what_is_new(part: Vendor) -> None:
    machine, driver = await marked(part), part.start()
    part.scan_later("1001")
    driver.read_since(machine, of_hikvision.START + timedelta(minutes=60))
    assert not driver.reads_whole(machine)
    async with part.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert {reading.local_time for reading in what.readings} == {
            *(of_hikvision.START + timedelta(minutes=minutes) for minutes in range(60, 100)),
            of_hikvision.START + timedelta(days=1),
        }
        (mark,) = {batch.read_mark for batch in what.batches if batch.read_mark}
    # It moved as far as if nothing had been read again.
    alone = part.start()
    async with part.following(machine, alone) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 1
        assert {batch.read_mark for batch in what.batches if batch.read_mark} == {mark}
    # And the wish was for one contact.
    async with part.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert what.readings == []


async def test_what_is_new_is_read_although_it_is_of_before_the_part_that_is_wanted(part: Vendor) -> None:
    machine, driver = await marked(part), part.start()
    part.scan_later("1001")
    driver.read_since(machine, of_hikvision.START + timedelta(days=2))
    async with part.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 1


async def test_of_a_log_that_was_never_read_all_is_read_although_a_part_is_wanted(part: Vendor) -> None:
    driver = part.start()
    driver.read_since(part.machine, of_hikvision.START + timedelta(minutes=60))
    assert driver.reads_whole(part.machine)
    async with part.following(part.machine, driver) as what:
        await until(lambda: what.caught_up)
        assert what.ids == part.ids()
        assert len(what.readings) == 100


async def test_one_that_cannot_be_asked_from_a_time_on_is_read_whole(narrow: Vendor) -> None:
    machine, driver = await marked(narrow), narrow.start()
    driver.read_since(machine, of_hikvision.START + timedelta(minutes=60))
    async with narrow.following(machine, driver) as what:
        await until(lambda: what.caught_up)
        assert what.ids == narrow.ids()


async def test_a_log_that_began_again_meanwhile_is_read_from_its_start(vendor: Vendor) -> None:
    machine = await marked(vendor)
    vendor.begin_again()
    for number in range(5):
        vendor.scan_later(f"200{number}")
    async with vendor.following(machine, vendor.start()) as what:
        await until(lambda: what.caught_up)
        assert vendor.ids() <= what.ids


async def test_a_mark_is_written_and_read_and_holds_nobodys_card(vendor: Vendor) -> None:
    machine = await marked(vendor)
    mark = read(machine.read_mark, vendor.mark)
    assert mark is not None
    assert written(mark) == machine.read_mark
    assert '"card":""' in machine.read_mark or "card" not in machine.read_mark
