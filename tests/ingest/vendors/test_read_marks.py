"""How far a log was read outlives us: a driver that has just been started goes on where another one ended."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
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
async def a_hikvision() -> AsyncIterator[Vendor]:
    held = of_hikvision.device(100)
    async with hikvision.simulator(held) as running:
        yield Vendor(
            of_hikvision.machine(running.port),
            lambda: Hikvision(SystemClock()),
            of_hikvision.following,
            lambda who: held.record_at(who, of_hikvision.START + timedelta(days=1)),
            held.restart_counter,
            lambda: of_hikvision.ids_of(held),
            hikvision_log.Mark,
        )


@asynccontextmanager
async def a_suprema() -> AsyncIterator[Vendor]:
    held = of_suprema.store(100)
    async with suprema.simulator(held) as running:
        yield Vendor(
            of_suprema.machine(running.port),
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
