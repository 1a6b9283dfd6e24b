"""Old terminals write internal numbers, and give those of deleted people to others: nobody gets another's scans."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.machine import Machine
from services.ingest.vendors.marks import read, written
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.numbers import Numbers
from services.ingest.vendors.zkteco.session import Memory, Units
from services.ingest.vendors.zkteco.simulator import Device, Running, simulator
from services.ingest.vendors.zkteco.simulator.encoding import User
from services.ingest.vendors.zkteco.wire import Code
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.contact import START, Following, following, machine

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def noted(*tables: dict[int, str]) -> Numbers:
    """A table a day."""
    numbers = Numbers()
    for day, table in enumerate(tables):
        numbers.note(table, START + day * DAY)
    return numbers


def holders(numbers: Numbers) -> list[str | None]:
    """Of number 7: a year before, and then every half day."""
    times = [START - 365 * DAY, *(START + half * DAY / 2 for half in range(8))]
    return [numbers.holder(7, at) for at in times]


@pytest.mark.parametrize(
    ("tables", "whose"),
    [
        ([{}], [None] * 9),
        ([{7: "A"}], ["A"] * 9),
        ([{7: "A"}, {7: "A"}, {}], ["A"] * 5 + [None] * 4),
        ([{7: "A"}, {7: "B"}], ["A", "A", None, None] + ["B"] * 5),
        ([{7: "A"}, {}, {7: "B"}], ["A", "A", "A", None] + ["B"] * 5),
        ([{7: "A"}, {}, {7: "A"}], ["A"] * 9),
        ([{7: "A"}, {7: "B"}, {7: "C"}], ["A", "A"] + [None] * 4 + ["C"] * 3),
    ],
    ids=["never given", "one holder", "deleted", "given on unseen", "free and given on", "came back", "given on twice"],
)
def test_a_number_is_whose_the_table_said_and_nobodys_where_it_may_be_either_ones(
    tables: list[dict[int, str]], whose: list[str | None]
) -> None:
    assert holders(noted(*tables)) == whose


def test_a_clock_that_was_lost_does_not_tell_whose_a_number_was_unless_one_alone_ever_had_it() -> None:
    lost = datetime(2000, 1, 1, 0, 5)
    assert noted({7: "A"}, {7: "A"}).holder(7, lost) == "A"
    assert noted({7: "A"}, {}, {7: "B"}).holder(7, lost) is None


tables_of_people = st.dictionaries(st.integers(1, 4), st.sampled_from("ABC"), max_size=4)


@given(before=st.lists(tables_of_people, max_size=5), after=st.lists(tables_of_people, max_size=3))
def test_numbers_that_were_kept_and_read_again_go_on_as_they_were(
    before: list[dict[int, str]], after: list[dict[int, str]]
) -> None:
    known = noted(*before)
    kept = read(written({"S1": known}), Units)
    assert kept is not None
    again = kept["S1"]
    for day, table in enumerate(after, len(before)):
        for numbers in (known, again):
            numbers.note(table, START + day * DAY)
    assert again == known
    assert holders(again) == holders(known)


def test_what_is_kept_of_three_thousand_users_is_small() -> None:
    numbers = noted({uid: str(uid) for uid in range(1, 3_001)})
    assert len(written({"S1": numbers})) < 90_000


def test_of_units_that_were_replaced_the_last_few_are_remembered() -> None:
    memory = Memory()
    for number in range(10):
        memory.numbers_of(f"S{number}").note({7: "A"}, START)
    first = memory.numbers_of("S6")
    assert list(memory.numbers) == ["S7", "S8", "S9", "S6"]
    assert memory.numbers_of("S6") is first


def terminal_of(badge: str, layout: str) -> Device:
    made = Device(layout=layout)
    made.record_at(badge, START)
    return made


def users_asked_for(running: Running) -> int:
    return sum(one.code == Code.READ_SET and one.data[1] == Code.USERTEMP_RRQ for one in running.received)


@pytest.mark.parametrize("layout", ["8", "8b"])
async def test_scans_stay_whose_they_were_when_their_number_is_free_and_when_another_has_it(layout: str) -> None:
    terminal, driver = terminal_of("1001", layout), Zkteco(SystemClock())
    async with simulator(terminal, pace=0) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            first = what.ids
        terminal.shift_clock(MINUTE)
        terminal.forget("1001")
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.ids == first
        terminal.enrol(User(uid=1, user_id="2002", name=""))
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.ids == first
            terminal.shift_clock(MINUTE)
            await running.scan("2002")
            await until(lambda: {scan.badge for scan in what.readings} == {"1001", "2002"})
            assert what.contact.warnings == {}


async def test_who_was_deleted_between_two_looks_is_noticed_by_the_number_of_users() -> None:
    terminal = terminal_of("1001", "8")
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        asked = users_asked_for(running)
        terminal.shift_clock(MINUTE)
        terminal.forget("1001")
        await until(lambda: users_asked_for(running) > asked)
        terminal.shift_clock(MINUTE)
        terminal.enrol(User(uid=1, user_id="2002", name=""))
        terminal.record_at("2002", terminal.wall())  # and nobody is told
        await until(lambda: {scan.badge for scan in what.readings} == {"1001", "2002"})
        assert {scan.badge for scan in what.readings if scan.local_time == START} == {"1001"}


@asynccontextmanager
async def caught_up(of: Machine, running: Running) -> AsyncIterator[Following]:
    """A contact of ours that has just been started, and knows only what was kept."""
    async with following(replace(of, port=running.port), Zkteco(SystemClock())) as what:
        await until(lambda: what.caught_up)
        yield what


def marked(of: Machine, what: Following) -> Machine:
    """The machine as it is kept after this contact."""
    marks = [batch.read_mark for batch in what.batches if batch.read_mark is not None]
    return replace(of, read_mark=marks[-1]) if marks else of


@pytest.mark.parametrize("layout", ["8", "8b"])
async def test_scans_stay_whose_they_were_although_we_were_started_again_meanwhile(layout: str) -> None:
    terminal = terminal_of("1001", layout)
    async with simulator(terminal, pace=0) as running:
        gate = machine(running.port)
        async with caught_up(gate, running) as what:
            first, gate = what.ids, marked(gate, what)
        terminal.shift_clock(MINUTE)
        terminal.forget("1001")
        terminal.enrol(User(uid=1, user_id="2002", name=""))
        async with caught_up(gate, running) as what:
            assert what.ids == first
            gate = marked(gate, what)
        terminal.shift_clock(MINUTE)
        terminal.record_at("2002", terminal.wall())
        async with caught_up(gate, running) as what:
            assert {scan.badge: scan.local_time == START for scan in what.readings} == {"1001": True, "2002": False}


@pytest.mark.parametrize("mark", ["", "{", '{"S1": 7}', "[]", '{"MUSTERSIM0001": {"tenures": {"1": [{}]}}}'])
async def test_a_mark_that_cannot_be_read_is_none(mark: str) -> None:
    async with simulator(terminal_of("1001", "8"), pace=0) as running:
        gate = replace(machine(running.port), read_mark=mark)
        async with caught_up(gate, running) as what:
            assert {scan.badge for scan in what.readings} == {"1001"}


async def test_numbers_are_kept_anew_where_the_table_was_read_anew_and_not_at_every_look() -> None:
    terminal = terminal_of("1001", "8")
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.looks > 4)
        assert sum(batch.read_mark is not None for batch in what.batches) == 1
        terminal.shift_clock(MINUTE)
        terminal.forget("1001")
        await until(lambda: sum(batch.read_mark is not None for batch in what.batches) == 2)


async def test_a_log_that_has_badges_needs_no_numbers() -> None:
    async with simulator(terminal_of("1001", "40"), pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.looks > 2)
        assert {batch.read_mark for batch in what.batches} == {None}


async def test_another_unit_in_its_place_has_numbers_of_its_own() -> None:
    driver = Zkteco(SystemClock())
    for badge, serial in (("1001", "S1"), ("2002", "S2")):
        terminal = terminal_of(badge, "8")
        terminal.options["~SerialNumber"] = serial
        async with simulator(terminal, pace=0) as running, following(machine(running.port), driver) as what:
            await until(lambda what=what: what.caught_up)
            assert {scan.badge for scan in what.readings} == {badge}


@pytest.mark.parametrize("layout", ["8", "8b"])
async def test_scans_stay_whose_they_were_although_another_process_held_the_machine_meanwhile(layout: str) -> None:
    terminal, ours = terminal_of("1001", layout), Zkteco(SystemClock())
    anothers = Zkteco(SystemClock())

    async def contact(driver: Zkteco, gate: Machine) -> tuple[set[UUID], Machine]:
        terminal.shift_clock(MINUTE)
        async with following(gate, driver) as what:
            await until(lambda: what.caught_up)
            return what.ids, marked(gate, what)

    async with simulator(terminal, pace=0) as running:
        _, gate = await contact(ours, machine(running.port))
        _, gate = await contact(anothers, gate)
        terminal.shift_clock(MINUTE)
        terminal.forget("1001")
        terminal.enrol(User(uid=1, user_id="2002", name=""))
        _, gate = await contact(anothers, gate)
        terminal.shift_clock(MINUTE)
        terminal.record_at("2002", terminal.wall())
        there, gate = await contact(anothers, gate)
        here, _ = await contact(ours, gate)
        assert here == there
