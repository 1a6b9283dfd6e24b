"""Which scans count, which arrive, which leave."""

import pytest

from services.attendance.domain.resolve import Reading, read
from services.attendance.domain.settings import Resolver
from tests.attendance.domain.build import frame, scan

FIRST_LAST, ALTERNATE, BY_KEY, BY_MACHINE = Resolver


def reading(resolver: Resolver, *texts: str, within: int = 60) -> Reading:
    return read([scan(text) for text in texts], resolver, within)


def shown(read_: Reading) -> list[str]:
    return [f"{frame().clock(mark.minute)} {mark.type}" for mark in read_.marks]


def stretches(read_: Reading) -> list[str]:
    return [f"{frame().clock(one.start)}-{frame().clock(one.end)}" for one in read_.stretches]


def test_the_first_scan_arrives_and_the_last_leaves_whatever_key_was_pressed() -> None:
    result = reading(FIRST_LAST, "08:00 OUT", "12:00 IN", "17:00 IN")
    assert shown(result) == ["08:00 IN", "12:00 IN", "17:00 OUT"]
    assert stretches(result) == ["08:00-17:00"]


def test_scans_between_are_shown_as_reported_or_in_turn() -> None:
    result = reading(FIRST_LAST, "08:00", "12:00", "13:00", "15:00 BREAK_IN", "15:10 BREAK_OUT", "17:00")
    assert shown(result) == ["08:00 IN", "12:00 OUT", "13:00 IN", "15:00 BREAK_IN", "15:10 BREAK_OUT", "17:00 OUT"]


def test_alternate_takes_scans_in_turn() -> None:
    result = reading(ALTERNATE, "08:00 OUT", "12:00 OUT", "13:00", "17:00 IN")
    assert shown(result) == ["08:00 IN", "12:00 OUT", "13:00 IN", "17:00 OUT"]
    assert stretches(result) == ["08:00-12:00", "13:00-17:00"]


def test_an_odd_number_of_scans_in_turn_leaves_the_last_arrival_open() -> None:
    result = reading(ALTERNATE, "08:00", "12:00", "13:00")
    assert stretches(result) == ["08:00-12:00"]
    assert (result.no_check_in, result.no_check_out) == (False, True)


def test_by_key_trusts_the_key() -> None:
    result = reading(BY_KEY, "08:00 IN", "12:00 BREAK_IN", "12:30 BREAK_OUT", "17:00 OUT")
    assert stretches(result) == ["08:00-12:00", "12:30-17:00"]
    assert shown(result) == ["08:00 IN", "12:00 BREAK_IN", "12:30 BREAK_OUT", "17:00 OUT"]


def test_by_key_gives_a_scan_without_key_its_turn() -> None:
    assert stretches(reading(BY_KEY, "08:00 IN", "12:00", "13:00", "17:00 OUT")) == ["08:00-12:00", "13:00-17:00"]


def test_arriving_twice_in_a_row_changes_nothing() -> None:
    result = reading(BY_KEY, "08:00 IN", "08:10 IN", "17:00 OUT")
    assert stretches(result) == ["08:00-17:00"]
    assert not result.no_check_out


@pytest.mark.parametrize("swapped", [False, True])
def test_an_arrival_and_a_departure_in_one_second_come_in_turn(swapped: bool) -> None:
    out, back = scan("12:00 OUT"), scan("12:00 IN")
    if swapped:
        out, back = out._replace(id=back.id), back._replace(id=out.id)
    result = read([scan("08:00 IN"), out, back, scan("17:00 OUT")], BY_KEY, 60)
    assert stretches(result) == ["08:00-12:00", "12:00-17:00"]
    assert [kept.type for kept in result.kept] == [mark.type for mark in result.marks] == ["IN", "OUT", "IN", "OUT"]


def test_leaving_twice_moves_the_departure_but_adds_no_presence() -> None:
    result = reading(BY_KEY, "08:00 IN", "12:00 OUT", "17:00 OUT")
    assert stretches(result) == ["08:00-12:00"]
    assert frame().clock(result.departure or 0) == "17:00"
    assert result.no_check_in


def test_by_machine_trusts_where_the_reader_stands_and_no_key() -> None:
    result = reading(BY_MACHINE, "08:00 OUT entry", "12:00 IN exit", "13:00 entry", "17:00 exit")
    assert stretches(result) == ["08:00-12:00", "13:00-17:00"]
    assert shown(result) == ["08:00 IN", "12:00 OUT", "13:00 IN", "17:00 OUT"]


def test_by_machine_gives_a_scan_at_a_reader_for_both_ways_its_turn() -> None:
    assert stretches(reading(BY_MACHINE, "08:00 entry", "17:00")) == ["08:00-17:00"]


@pytest.mark.parametrize("resolver", Resolver)
def test_a_single_scan_without_a_direction_is_an_arrival(resolver: Resolver) -> None:
    result = reading(resolver, "16:50")
    assert frame().clock(result.arrival or 0) == "16:50"
    assert (result.departure, result.stretches, result.no_check_out) == (None, [], True)


@pytest.mark.parametrize(("resolver", "text"), [(BY_KEY, "17:00 OUT"), (BY_MACHINE, "17:00 exit")])
def test_a_single_departure_that_can_be_trusted_is_one(resolver: Resolver, text: str) -> None:
    result = reading(resolver, text)
    assert (result.arrival, result.no_check_in, result.no_check_out) == (None, True, False)


@pytest.mark.parametrize("resolver", Resolver)
def test_no_scans_say_nothing(resolver: Resolver) -> None:
    assert reading(resolver) == Reading([], [], [], [], 0, [], None, None, no_check_in=False, no_check_out=False)


@pytest.mark.parametrize(
    ("second", "merged"),
    [("08:00:01", True), ("08:00:59", True), ("08:01:00", True), ("08:01:01", False)],
)
def test_a_scan_within_sixty_seconds_is_merged(second: str, merged: bool) -> None:
    result = reading(FIRST_LAST, "08:00:00", second)
    assert (len(result.merged) == 1) is merged


def test_the_sixty_seconds_count_from_the_last_kept_scan_and_not_from_the_last_merged_one() -> None:
    result = reading(FIRST_LAST, "08:00:00", "08:00:40", "08:01:20", "08:02:00")
    assert [kept.instant.strftime("%M:%S") for kept in result.kept] == ["00:00", "01:20"]
    assert [merged.instant.strftime("%M:%S") for merged in result.merged] == ["00:40", "02:00"]


def test_the_merge_window_is_a_setting() -> None:
    assert len(reading(FIRST_LAST, "08:00:00", "08:00:10", within=0).merged) == 0
    assert len(reading(FIRST_LAST, "08:00:00", "08:09:59", within=600).merged) == 1


@pytest.mark.parametrize(
    ("resolver", "first", "second", "kept"),
    [
        pytest.param(BY_KEY, "IN", "OUT", 2, id="opposite keys"),
        pytest.param(BY_KEY, "OUT", "BREAK_OUT", 2, id="out and back"),
        pytest.param(BY_KEY, "IN", "OVERTIME_IN", 1, id="two keys of one direction"),
        pytest.param(BY_KEY, "IN", "UNKNOWN", 1, id="a key and none"),
        pytest.param(BY_KEY, "IN entry", "IN exit", 1, id="opposite readers, same key"),
        pytest.param(BY_MACHINE, "entry", "exit", 2, id="opposite readers"),
        pytest.param(BY_MACHINE, "entry", "entry", 1, id="one reader twice"),
        pytest.param(BY_MACHINE, "IN entry", "OUT entry", 1, id="opposite keys, same reader"),
        pytest.param(FIRST_LAST, "IN entry", "OUT exit", 1, id="first and last trusts neither"),
        pytest.param(ALTERNATE, "IN entry", "OUT exit", 1, id="nor does alternate"),
    ],
)
def test_opposite_directions_that_are_trusted_are_never_merged(
    resolver: Resolver, first: str, second: str, kept: int
) -> None:
    assert len(reading(resolver, f"08:00:00 {first}", f"08:00:20 {second}").kept) == kept


def test_a_quarantined_scan_is_set_aside_and_nothing_merges_into_it() -> None:
    result = reading(FIRST_LAST, "08:00:00 future", "08:00:10", "17:00", "18:00 implausible_past")
    assert (len(result.kept), len(result.merged), len(result.quarantined)) == (2, 0, 2)
    assert stretches(result) == ["08:00-17:00"]


def test_a_scan_that_is_given_twice_is_one_scan() -> None:
    scans = [scan("08:00"), scan("17:00"), scan("18:00 future")]
    assert read([*scans, *scans], FIRST_LAST, 60) == read(scans, FIRST_LAST, 60)


def test_two_scans_of_one_second_are_two_scans_of_which_one_is_merged() -> None:
    result = reading(FIRST_LAST, "08:00:00", "08:00:00")
    assert (len(result.kept), len(result.merged)) == (1, 1)
