"""What a machine reported."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from services.attendance.domain.scans import MACHINE_ROLES, QUALITIES, SCAN_TYPES, ScanType, scan_at


@pytest.mark.parametrize("type_", ["IN", "BREAK_OUT", "OVERTIME_IN"])
def test_coming_in_and_coming_back_from_a_break_arrive(type_: str) -> None:
    assert ScanType(type_).arrives
    assert not ScanType(type_).leaves


@pytest.mark.parametrize("type_", ["OUT", "BREAK_IN", "OVERTIME_OUT"])
def test_going_out_and_going_into_a_break_leave(type_: str) -> None:
    assert ScanType(type_).leaves
    assert not ScanType(type_).arrives


def test_a_reader_without_keys_neither_arrives_nor_leaves() -> None:
    assert not ScanType.UNKNOWN.arrives
    assert not ScanType.UNKNOWN.leaves


@pytest.mark.parametrize(
    ("quality", "counts"),
    [("ok", True), ("ambiguous_dst", True), ("nonexistent_dst", True), ("implausible_past", False), ("future", False)],
)
def test_only_impossible_times_are_quarantined(quality: str, counts: bool) -> None:
    assert QUALITIES[quality].counts is counts


def test_each_member_has_a_code_of_its_own_for_digests() -> None:
    for members in (SCAN_TYPES, QUALITIES, MACHINE_ROLES):
        assert sorted(member.code for member in members.values()) == list(range(len(members)))


def test_a_scan_keeps_the_whole_second_of_its_instant() -> None:
    scan = scan_at(datetime(2024, 1, 15, 8, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=6))), UUID(int=1))
    assert scan.instant == datetime(2024, 1, 15, 2, 0, tzinfo=UTC)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        scan_at(datetime(2024, 1, 15, 8), UUID(int=1))
