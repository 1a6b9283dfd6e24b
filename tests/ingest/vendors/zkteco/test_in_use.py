"""What years of use do to a terminal: to its clock, its log and its badges, and who else talks to it meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, timedelta

import pytest

from services.ingest.application.drivers import Unreachable
from services.ingest.domain.clocks import TOLERATED
from services.ingest.domain.instants import Quality
from services.ingest.domain.scan import Naming
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.simulator import Device, Faults, simulator
from services.ingest.vendors.zkteco.simulator.encoding import Entry
from services.ingest.vendors.zkteco.wire import Code, Packet, frame
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.contact import START, Following, device, following, ids_of, machine

LONGEST = "A17-0000-0000-0000-00042"


def placed(what: Following, port: int) -> dict[str, Quality]:
    """What each badge's last scan is worth."""
    naming = Naming(machine(port))
    return {scan.reading.badge: scan.quality for batch in what.batches for scan in naming.scans(batch)}


def of_the_last_second(terminal: Device) -> Sequence[Entry]:
    """Two people scan in the second of its last record, and so does who made that, with another key."""
    last = terminal.entries[-1]
    who = (("1001", 1), ("1002", 1), (last.user_id, 1 - last.state))
    return [terminal.record_at(user, unpacked(last.time), state=state) for user, state in who]


# Its clock


async def test_a_clock_that_drifts_is_measured_at_each_look_and_its_scans_keep_what_it_said() -> None:
    terminal = device(10)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert abs(what.contact.offsets[-1]) < TOLERATED
        terminal.shift_clock(timedelta(minutes=3))
        await until(lambda: abs(what.contact.offsets[-1] - timedelta(minutes=3)) < timedelta(seconds=5))
        said = unpacked((await running.scan("1001")).time)
        await until(lambda: what.ids == ids_of(terminal))
        naming, offset = Naming(machine(running.port)), what.contact.offsets[-1]
        scans = [scan for batch in what.batches for scan in naming.scans(batch, clock_offset=offset)]
        assert scans[-1].reading.device_time == said.isoformat(sep=" ")
        assert (scans[-1].at, scans[-1].quality) == (said.replace(tzinfo=UTC), Quality.OK)


async def test_scans_of_a_clock_that_began_again_in_2000_are_read_and_quarantined_until_it_is_set() -> None:
    terminal = device(10)
    right = terminal.wall()
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        terminal.reset_clock()
        await running.scan("1001")
        await until(lambda: what.ids == ids_of(terminal))
        terminal.set_clock(right)
        await running.scan("1002")
        await until(lambda: what.ids == ids_of(terminal))
        worth = placed(what, running.port)
        assert (worth["1001"], worth["1002"]) == (Quality.IMPLAUSIBLE_PAST, Quality.OK)


async def test_scans_that_are_older_than_the_last_one_are_read_after_a_clock_was_set_back() -> None:
    terminal = device(50)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        terminal.set_clock(START - timedelta(days=90))
        await running.scan("1001")
        await until(lambda: what.ids == ids_of(terminal))
        assert min(scan.local_time for scan in what.readings) < START - timedelta(days=80)


async def test_scans_of_the_same_second_as_the_last_one_are_read_whoever_made_them() -> None:
    terminal = device(50)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        for entry in of_the_last_second(terminal):
            await running.tell(terminal.event(entry))
        await until(lambda: what.ids == ids_of(terminal))
        assert len(what.ids) == 53


async def test_scans_that_nobody_was_told_of_are_found_by_their_count_and_not_by_their_times() -> None:
    terminal = device(50)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        of_the_last_second(terminal)
        terminal.record_at("1004", START - timedelta(days=90))
        await until(lambda: what.ids == ids_of(terminal))
        assert len(what.ids) == 54


# Its log


@pytest.mark.parametrize(("records", "warns"), [(79, False), (80, True)])
async def test_a_log_is_told_to_be_full_from_80_percent_on(records: int, warns: bool) -> None:
    terminal = device(records, record_capacity=100)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert ("log full" in what.contact.warnings) is warns
        terminal.clear_log()
        await until(lambda: "log full" not in what.contact.warnings)


async def test_a_log_that_is_cleared_while_we_are_in_contact_is_told_and_what_follows_is_read() -> None:
    terminal = device(50)
    before = ids_of(terminal)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        terminal.clear_log()
        for number in range(3):
            terminal.record_at(str(1000 + number), START + timedelta(days=1, minutes=number))
        await until(lambda: what.ids == before | ids_of(terminal))
        assert what.contact.warnings["log cleared"] == "it holds 3 records and held 50: its log was cleared"


# Its badges


@pytest.mark.parametrize(
    ("layout", "badges"),
    [
        ("40", ("007", "7", "A17", "a17", LONGEST)),
        ("49", ("007", "7", "A17", "a17", LONGEST)),
        ("16", ("7", "4294967295")),
        ("8", ("7", "4294967295")),
    ],
)
async def test_badges_are_what_the_terminal_wrote(layout: str, badges: Sequence[str]) -> None:
    terminal = Device(layout=layout)
    for number in range(20):
        terminal.record_at(badges[number % len(badges)], START + timedelta(minutes=number))
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        for badge in badges:
            await running.scan(badge)
        await until(lambda: what.ids == ids_of(terminal))
        assert {scan.badge for scan in what.readings} == set(badges)


# Who else talks to it


async def test_a_terminal_that_another_client_holds_is_let_be_and_read_once_it_is_free() -> None:
    terminal = device(50)
    async with simulator(terminal, faults=Faults(one_connection=True), pace=0) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(frame(Packet(Code.CONNECT, 0, 0)))
        await reader.readexactly(16)
        async with following(machine(running.port)) as what:
            await until(lambda: what.trouble)
            assert isinstance(what.trouble, Unreachable)
            assert not what.trouble.lasting
            assert what.readings == []
        assert running.connections == 1, "the other client is where it was"
        writer.close()
        await until(lambda: running.connections == 0)
        accepted = running.accepted
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up)
            assert what.ids == ids_of(terminal)
            assert running.accepted == accepted + 1, "it is not even tried by another one"


async def test_a_terminal_that_hangs_in_mid_contact_is_found_out_by_the_next_look() -> None:
    """Its connection stands, as it does for hours after the power is gone."""
    async with simulator(device(50), faults=Faults(silent=20), pace=0) as running:
        async with following(machine(running.port, config={"answer_within": 2})) as what:
            await until(lambda: what.trouble)
            assert what.caught_up
            assert isinstance(what.trouble, Unreachable)
            assert "does not answer" in what.trouble.message
            assert not what.trouble.lasting
