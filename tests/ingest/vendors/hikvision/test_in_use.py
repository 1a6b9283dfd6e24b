"""What years of use do to a terminal: to its clock and its log, by whichever way that is read."""

from datetime import timedelta

import pytest

from services.ingest.application.drivers import Unreachable
from services.ingest.domain.instants import Quality
from services.ingest.domain.scan import Naming
from services.ingest.vendors.hikvision.simulator import Device, Faults, simulator
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import device, following, ids_of, machine

BY_NUMBER = Faults()
BY_TIME = Faults(no_serials=True)
AS_A_WHOLE = Faults(no_serials=True, no_times=True)

ways = pytest.mark.parametrize("way", [BY_NUMBER, BY_TIME, AS_A_WHOLE], ids=["by number", "by time", "as a whole"])


def others_scan_in_the_last_second(terminal: Device) -> None:
    """Two people scan in the second of its last event, and so does who made that, with another key."""
    last = terminal.scans[-1]
    for person, status in (("2001", "checkIn"), ("2002", "checkIn"), (last.person, "breakOut")):
        terminal.record_at(person, last.wall, status=status)


@ways
async def test_scans_of_the_same_second_as_the_last_one_are_read_whoever_made_them(way: Faults) -> None:
    terminal = device(60)
    async with simulator(terminal, faults=way) as running:
        async with following(machine(running.port, config={"live": False})) as what:
            await until(lambda: what.caught_up)
            others_scan_in_the_last_second(terminal)
            await until(lambda: what.ids == ids_of(terminal))
            terminal.scan("2003")  # which was long after the others
            await until(lambda: what.ids == ids_of(terminal))
            others_scan_in_the_last_second(terminal)
            await until(lambda: what.ids == ids_of(terminal))
            assert len(what.ids) == 67


@ways
async def test_scans_that_are_older_than_the_last_one_are_read_after_a_clock_was_set_back(way: Faults) -> None:
    terminal = device(60)
    async with simulator(terminal, faults=way) as running:
        async with following(machine(running.port, config={"live": False})) as what:
            await until(lambda: what.caught_up)
            terminal.scan("2001")
            await until(lambda: what.ids == ids_of(terminal))
            terminal.shift_clock(-timedelta(days=40))
            looks = what.completed
            await until(lambda: what.completed > looks + 1)
            terminal.scan("2002")
            await until(lambda: what.ids == ids_of(terminal))


@ways
async def test_scans_of_a_clock_that_began_again_in_1970_are_read_and_quarantined_until_it_is_set(way: Faults) -> None:
    terminal, of = device(20), machine(1)
    async with simulator(terminal, faults=way) as running:
        async with following(machine(running.port, config={"live": False})) as what:
            await until(lambda: what.caught_up)
            right = terminal.wall()
            terminal.reset_clock()
            looks = what.completed
            await until(lambda: what.completed > looks + 1)
            terminal.scan("2001")
            await until(lambda: what.ids == ids_of(terminal))
            terminal.shift_clock(right - terminal.wall())
            terminal.scan("2002")
            await until(lambda: what.ids == ids_of(terminal))
    naming = Naming(of)
    worth = {scan.reading.badge: scan.quality for batch in what.batches for scan in naming.scans(batch)}
    assert (worth["2001"], worth["2002"]) == (Quality.IMPLAUSIBLE_PAST, Quality.OK)
    assert min(offset for offset in what.contact.offsets) < -timedelta(days=50 * 365)


async def test_a_terminal_that_hangs_in_mid_contact_is_found_out_by_the_next_look() -> None:
    """Its connections stand, as they do for hours after the power is gone, and its stream never said much."""
    async with simulator(device(20), faults=Faults(no_heartbeat=True, silent=25)) as running:
        async with following(machine(running.port, config={"answer_within": 2})) as what:
            await until(lambda: what.trouble)
            assert what.caught_up
            assert isinstance(what.trouble, Unreachable)
            assert not what.trouble.lasting
