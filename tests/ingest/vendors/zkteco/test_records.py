"""Times, records, events and users, byte by byte (PROTOCOLS §1.6, §1.9–1.11)."""

import struct
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.zkteco.clock import NoSuchTime, from_six, in_six, packed, unpacked
from services.ingest.vendors.zkteco.events import UnreadableEvent, is_by_number, scans_of
from services.ingest.vendors.zkteco.records import UnknownForm, form_of, readings
from services.ingest.vendors.zkteco.sizes import sizes_of
from services.ingest.vendors.zkteco.users import user_ids

NOW = datetime(2026, 11, 28, 9, 0)
AT = datetime(2026, 10, 5, 8, 1, 22)
FORTY = bytes.fromhex("07 00 31 30 30 31" + "00" * 20 + "01 52 b5 44 33 00 00 00 00 00 ff 00 00 00")
EIGHT_A = bytes.fromhex("07 00 01 52 b5 44 33 00")
EIGHT_B = bytes.fromhex("07 00 01 00 52 b5 44 33")
SIXTEEN = bytes.fromhex("e9 03 00 00 52 b5 44 33 01 00 00 00 00 00 00 00")


@pytest.mark.parametrize(
    ("wall", "value"),
    [
        (datetime(2000, 1, 1), 0),
        (datetime(2018, 6, 25, 17, 41, 5), 0x2368B131),
        (datetime(2024, 2, 29, 23, 59, 59), 0x2E4969FF),
        (AT, 0x3344B552),
        (datetime(2099, 12, 31, 23, 59, 59), 0xBF92F7FF),
    ],
)
def test_times_are_packed_as_machines_pack_them(wall: datetime, value: int) -> None:
    assert (unpacked(value), packed(wall)) == (wall, value)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59)).map(lambda at: at.replace(microsecond=0)))
def test_every_second_of_the_century_can_be_said(wall: datetime) -> None:
    assert unpacked(packed(wall)) == wall
    assert from_six(in_six(wall)) == wall


@given(st.integers(0, 2**32 - 1))
def test_every_other_value_is_a_time_or_says_that_it_is_none(value: int) -> None:
    try:
        wall = unpacked(value)
    except NoSuchTime:
        return
    assert packed(wall) == value


@pytest.mark.parametrize("value", [0x321E4600, 3_330_745_489, 2**32 - 1])
def test_dates_that_do_not_exist_are_no_times(value: int) -> None:
    with pytest.raises(NoSuchTime):
        unpacked(value)


@pytest.mark.parametrize(
    ("record", "badge"),
    [(FORTY, "1001"), (FORTY + bytes(range(9)), "1001"), (EIGHT_A, "1001"), (EIGHT_B, "1001"), (SIXTEEN, "1001")],
    ids=["40", "49", "8 a", "8 b", "16"],
)
@pytest.mark.parametrize("number", [1, 2, 5, 7, 1000])
@pytest.mark.parametrize("off", [-1, 0, 1, 9])
def test_a_log_is_read_whatever_its_records_and_its_count(record: bytes, badge: str, number: int, off: int) -> None:
    form = form_of(record * number, count=max(0, number + off), now=NOW)
    read = readings(record * number, form, first=0, holder=lambda uid, _: {7: badge}.get(uid))
    assert len(read) == number
    for reading in read:
        assert isinstance(reading, Reading)
        assert (reading.badge, reading.local_time, reading.state, reading.verify) == (badge, AT, "0", "1")
        assert reading.device_time == "2026-10-05 08:01:22"


def test_badges_are_texts() -> None:
    for text in ("007", "A17", "0", "123456789012345678901234"):
        record = FORTY[:2] + text.encode().ljust(24, b"\0") + FORTY[26:]
        (reading,) = readings(record, form_of(record * 9, count=9, now=NOW), first=0)
        assert isinstance(reading, Reading)
        assert reading.badge == text


def test_one_impossible_date_is_one_unreadable_record() -> None:
    log = FORTY * 5 + FORTY[:27] + bytes.fromhex("00461e32") + FORTY[31:] + FORTY * 5
    read = readings(log, form_of(log, count=11, now=NOW), first=0)
    assert [type(record) for record in read] == [Reading] * 5 + [Unreadable] + [Reading] * 5
    unreadable = read[5]
    assert isinstance(unreadable, Unreadable)
    assert (unreadable.position, unreadable.reason) == (5, "the time 2026-02-30 00:00:00 does not exist")
    assert unreadable.raw == log[200:240]


def test_a_log_of_a_reset_clock_is_read_too() -> None:
    """Which begins again on 1 January 2000."""
    for second in (5, 86_400):
        time = struct.pack("<I", second)
        assert form_of((FORTY[:27] + time + FORTY[31:]) * 20, count=20, now=NOW).size == 40
        # Small records have little but their times to tell them by: some must be of another day.
        reset_a, reset_b = EIGHT_A[:3] + time + b"\0", EIGHT_B[:4] + time
        assert form_of(EIGHT_A * 90 + reset_a * 10, count=100, now=NOW).name == "8 bytes, time before state"
        assert form_of(EIGHT_B * 90 + reset_b * 10, count=100, now=NOW).name == "8 bytes, state before time"
        assert form_of((SIXTEEN[:4] + time + SIXTEEN[8:]) * 20, count=20, now=NOW).size == 16


def test_two_small_records_are_no_larger_one() -> None:
    """By password and coming in, both of which are zeros."""
    log = b"".join(struct.pack("<HBBI", uid, 0, 0, packed(AT) + uid) for uid in range(1, 21))
    assert form_of(log, count=20, now=NOW).name == "8 bytes, state before time"


def test_small_records_of_a_clock_that_was_ahead_are_not_read_as_what_they_are_not() -> None:
    """Its clock was put right since: their times, taken for those of another form, would be of 2000."""
    in_a_year = packed(NOW + timedelta(days=365))
    log = b"".join(struct.pack("<HBIB", 7, 1, in_a_year + 61 * turn, 0) for turn in range(21))
    with pytest.raises(UnknownForm):
        form_of(log, count=21, now=NOW)
    assert form_of(log, count=21, now=NOW + timedelta(days=365)).name == "8 bytes, time before state"
    larger = b"".join(struct.pack("<IIBBHI", 7, in_a_year + 61 * turn, 1, 0, 0, 0) for turn in range(21))
    assert form_of(larger, count=21, now=NOW).size == 16


def test_a_record_whose_user_was_deleted_keeps_the_number_and_nobody_is_guessed() -> None:
    (reading,) = readings(
        EIGHT_A, form_of(EIGHT_A * 3, count=3, now=NOW), first=0, holder=lambda uid, _: {8: "1002"}.get(uid)
    )
    assert isinstance(reading, Reading)
    assert reading.badge == "uid:7"
    assert reading.raw == {"record": EIGHT_A.hex()}


@pytest.mark.parametrize("log", [bytes(range(36)) * 20, b"\xff" * 4000, bytes(4000), b"abc"], ids=len)
def test_a_form_that_nobody_knows_is_said_to_be_so(log: bytes) -> None:
    with pytest.raises(UnknownForm, match="of a form that is not known"):
        form_of(log, count=20, now=NOW)


@given(st.binary(max_size=2000), st.integers(0, 50))
def test_any_bytes_are_a_log_or_of_no_known_form(data: bytes, count: int) -> None:
    try:
        form = form_of(data, count=count, now=NOW)
    except UnknownForm:
        return
    for record in readings(data, form, first=0):
        assert isinstance(record, Unreadable) or record.badge


TEXT = b"1001".ljust(24, b"\0") + bytes.fromhex("01 00 1a 0a 05 08 01 16")
NUMBER = bytes.fromhex("e9 03 00 00 01 00 1a 0a 05 08 01 16")
SHORT = bytes.fromhex("e9 03 01 00 1a 0a 05 08 01 16")


@pytest.mark.parametrize(
    ("event", "scans", "by_number"),
    [
        (SHORT, 1, True),
        (NUMBER, 1, True),
        (SHORT + b"\1\2\3\4", 1, True),
        (TEXT, 1, False),
        (TEXT + bytes(4), 1, False),
        (TEXT + b"\xff" * 5, 1, False),
        (TEXT + bytes(20), 1, False),
        (NUMBER * 2, 2, True),
        (TEXT * 3, 3, False),
        ((TEXT + bytes(20)) * 2, 2, False),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, bytes) else "",
)
def test_events_are_read_by_their_length(event: bytes, scans: int, by_number: bool) -> None:
    read = scans_of(event)
    assert [(r.badge, r.local_time, r.state, r.verify) for r in read] == [("1001", AT, "0", "1")] * scans
    assert is_by_number(event) is by_number


def test_an_event_of_thousands_of_scans_is_none() -> None:
    assert len(scans_of(TEXT * 100)) == 100
    with pytest.raises(UnreadableEvent):
        scans_of(TEXT * 8_000)


def test_events_that_were_captured_from_machines() -> None:
    (one,) = scans_of(bytes.fromhex("f1 94 49 00 00 00 12 0c 07 13 09 06"))
    assert (one.badge, one.local_time) == ("4822257", datetime(2018, 12, 7, 19, 9, 6))
    (face,) = scans_of(b"1140064".ljust(24, b"\0") + bytes.fromhex("0f 00 12 0b 1d 0c 37 03"))
    assert (face.badge, face.verify, face.type) == ("1140064", "15", ScanType.IN)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_cannot_be_read(data: bytes) -> None:
    try:
        for reading in scans_of(data):
            assert reading.badge
            assert reading.local_time >= datetime(2000, 1, 1) - timedelta(days=1)
    except UnreadableEvent:
        pass
    is_by_number(data)


OLD_USER = bytes.fromhex("07 00 00 31 32 33 34 35 4a 4f 48 4e 00 00 00 00 de 00 00 00 00 01 00 00 e9 03 00 00")
NEW_USER = struct.pack("<H46x24s", 7, b"1001")


@pytest.mark.parametrize("row", [OLD_USER, NEW_USER], ids=["28", "72"])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_users_are_found_by_their_internal_number_whatever_the_count(row: bytes, off: int) -> None:
    rows = b"".join(number.to_bytes(2, "little") + row[2:] for number in range(1, 6))
    assert user_ids(rows, count=5 + off) == dict.fromkeys(range(1, 6), "1001")


def test_counts_stand_where_both_lengths_have_them() -> None:
    for length in (80, 92):
        answer = struct.pack("<20i", *range(0, 80, 4)).ljust(length, b"\0")
        sizes = sizes_of(answer)
        assert (sizes.users, sizes.records, sizes.record_capacity) == (16, 32, 64)
    for wrong in (bytes(79), b"\xff" * 80):
        with pytest.raises(ValueError, match="count"):
            sizes_of(wrong)
