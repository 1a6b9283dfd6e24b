"""Events in all their forms, and what of them is a scan."""

import contextlib
import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.suprema.codes import FAMILIES, Outcome, method, outcome
from services.ingest.vendors.suprema.documents import EVENT_ROWS, NoDocument, document_of, rows_of, said_in
from services.ingest.vendors.suprema.events import event_of, reading_of, told_in
from services.ingest.vendors.suprema.keys import scan_type
from services.ingest.vendors.suprema.recent import Recent
from services.ingest.vendors.suprema.times import (
    NoSuchTime,
    Placed,
    Stamp,
    instant,
    placed,
    queried,
    stamp_of,
    zone_told,
)
from tests.ingest.vendors.flood import broken_frames

KOLKATA = ZoneInfo("Asia/Kolkata")
ROW: dict[str, Any] = {
    "id": "4711",
    "server_datetime": "2026-10-05T02:31:25.00Z",
    "datetime": "2026-10-05T02:31:22.00Z",
    "index": "99",
    "user_id": {"user_id": "007", "name": "somebody"},
    "device_id": {"id": "538150641", "name": "Lobby"},
    "event_type_id": {"code": "4867", "name": "IDENTIFY_SUCCESS_FACE"},
    "tna_key": "1",
    "is_dst": "0",
    "timezone": {"half": "1", "hour": "5", "negative": "0"},
}
MESSAGE = json.dumps({"Event": ROW}).encode()


def made(row: dict[str, Any], **how: Any) -> Reading | Unreadable | None:
    return reading_of(event_of(row), **{"zone": KOLKATA, "meaning": "utc", "keys": {}, **how})


def reading(row: dict[str, Any], **how: Any) -> Reading:
    one = made(row, **how)
    assert isinstance(one, Reading), one
    return one


def test_an_event_reads_as_the_scan_that_it_is() -> None:
    scan = reading(ROW)
    assert (scan.badge, scan.record_no, scan.state, scan.type, scan.verify) == ("007", "4711", "1", ScanType.IN, "face")
    assert (scan.local_time, scan.offset) == (datetime(2026, 10, 5, 8, 1, 22), timedelta(hours=5, minutes=30))
    assert scan.device_time == "2026-10-05T02:31:22.00Z"
    assert "name" not in json.dumps(scan.raw), "names of people stay where they are"


def test_the_socket_and_the_search_tell_the_same() -> None:
    assert told_in(document_of(MESSAGE)) == event_of(ROW)
    assert told_in(document_of(b'{"Response": {"code": "0"}}')) is None


def test_old_servers_write_texts_instead_of_objects() -> None:
    row = {**ROW, "user_id": "1001", "device_id": "5", "event_type_id": "4865"}
    event = event_of(row)
    assert (event.user, event.device, event.code) == ("1001", "5", 4865)
    assert reading(row).verify == "fingerprint"


def test_numbers_may_be_numbers() -> None:
    event = event_of({**ROW, "id": 4711, "tna_key": 1, "device_id": {"id": 538150641}, "event_type_id": {"code": 4867}})
    assert (event.number, event.key, event.device, event.code) == (4711, "1", "538150641", 4867)


@pytest.mark.parametrize("key", ["0", "1", "2", "3", "4", "5", "16", "99", ""])
def test_what_a_key_means(key: str) -> None:
    expected = {"1": ScanType.IN, "2": ScanType.OUT, "3": ScanType.BREAK_IN, "4": ScanType.BREAK_OUT}
    assert scan_type(key, {}) is expected.get(key, ScanType.UNKNOWN)


def test_the_keys_of_a_site_are_what_it_says() -> None:
    ours = {"5": ScanType.OVERTIME_IN, "1": ScanType.OUT}
    assert reading({**ROW, "tna_key": "5"}, keys=ours).type is ScanType.OVERTIME_IN
    assert reading(ROW, keys=ours).type is ScanType.OUT
    assert reading({**ROW, "tna_key": "5"}).type is ScanType.UNKNOWN


def test_a_key_that_is_missing_is_none_pressed() -> None:
    scan = reading({name: value for name, value in ROW.items() if name != "tna_key"})
    assert (scan.state, scan.type) == ("0", ScanType.UNKNOWN)


@pytest.mark.parametrize(
    ("code", "is_scan"),
    [
        (4097, True),
        (4102, True),
        (4133, True),
        (4355, False),
        (4609, True),
        (4865, True),
        (4869, True),
        (5124, False),
        (5377, True),
        (5632, True),
        (5888, False),
        (6147, False),
        (6401, False),
        (8704, False),
        (12544, False),
        (16896, False),
        (0x11300, None),
        (2, None),
    ],
)
def test_which_codes_are_scans(code: int, is_scan: bool | None) -> None:
    one = made({**ROW, "event_type_id": {"code": str(code)}})
    assert isinstance(one, Reading) is (is_scan is True)
    assert isinstance(one, Unreadable) is (is_scan is None), "what nobody knows is kept, where it names somebody"


def test_duress_is_noted() -> None:
    assert (reading({**ROW, "event_type_id": {"code": "5377"}}).raw or {})["duress"] is True
    assert "duress" not in (reading(ROW).raw or {})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IDENTIFY_SUCCESS_FACE", Outcome.GRANTED),
        ("VERIFY_DURESS_CARD", Outcome.GRANTED),
        ("AUTH_FAILED_TIMEOUT", Outcome.DENIED),
        ("ACCESS_DENIED", Outcome.DENIED),
        ("UPDATE_SUCCESS", Outcome.NOBODY),
        ("", Outcome.UNKNOWN),
    ],
)
def test_a_code_of_no_family_goes_by_its_name(name: str, expected: Outcome) -> None:
    assert outcome(2, name) is expected


def test_every_scan_has_a_method_in_words() -> None:
    for main, result in FAMILIES.items():
        for low in range(256):
            assert method(main | low)
            assert outcome(main | low, "") is result


@pytest.mark.parametrize("user", [{"user_id": "0"}, {}, None, "", {"user_id": ""}])
def test_somebody_who_is_nobody_is_kept_and_is_no_scan(user: Any) -> None:
    assert isinstance(made({**ROW, "user_id": user}), Unreadable)


@pytest.mark.parametrize(
    "time",
    ["", "now", "2026-02-30T00:00:00.00Z", "2026-10-05T25:00:00Z", "2026-10-05T02:31:22+99:00", "0000-01-01T00:00:00Z"],
)
def test_a_time_that_cannot_be_is_kept_and_is_no_scan(time: str) -> None:
    assert isinstance(made({**ROW, "datetime": time}), Unreadable)


def test_what_no_database_holds_travels_no_further() -> None:
    assert isinstance(made({**ROW, "user_id": {"user_id": "1\x00\ud800"}}), Unreadable)
    assert isinstance(made({**ROW, "user_id": {"user_id": "1" * 65}}), Unreadable)


# Times


def test_a_z_means_what_the_config_says_and_figures_mean_themselves() -> None:
    z, plus = stamp_of("2026-10-05T08:01:22.00Z"), stamp_of("2026-10-05T08:01:22.123+05:30")
    assert placed(z, KOLKATA, "device_local") == Placed(datetime(2026, 10, 5, 8, 1, 22), None)
    assert placed(z, KOLKATA, "utc").local == datetime(2026, 10, 5, 13, 31, 22)
    for meaning in ("utc", "device_local"):
        assert placed(plus, KOLKATA, meaning).local == datetime(2026, 10, 5, 8, 1, 22)


def test_both_passes_of_an_hour_that_happens_twice_keep_their_instants() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for hour in (0, 1):
        at = stamp_of(f"2026-10-25T0{hour}:30:00.00Z")
        where = placed(at, berlin, "utc")
        assert (where.local.hour, instant(where, berlin)) == (2, datetime(2026, 10, 25, hour, 30, tzinfo=UTC))


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.00Z", "0001-01-01T00:00:00.00Z"])
def test_the_ends_of_the_calendar_are_no_accident(text: str) -> None:
    for zone in (KOLKATA, ZoneInfo("America/New_York")):
        for meaning in ("utc", "device_local"):
            try:
                where = placed(stamp_of(text), zone, meaning)
            except NoSuchTime:
                continue
            instant(where, zone)
    assert stamp_of("0001-01-01T00:00:00+05:00").utc
    assert queried(datetime(1, 1, 1)).endswith("Z")


@given(
    some.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)).map(
        lambda at: at.replace(microsecond=0)
    )
)
def test_a_time_is_read_as_it_is_written(at: datetime) -> None:
    assert stamp_of(f"{at.isoformat()}.00Z") == Stamp(at, None)


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        (("1", "5", "0"), 330),
        (("0", "3", "1"), -180),
        (("0", "0", "0"), 0),
        (("", "", ""), None),
        (("0", "77", "0"), None),
    ],
)
def test_the_zone_of_a_machine(told: tuple[str, str, str], minutes: int | None) -> None:
    assert zone_told(*told) == (None if minutes is None else timedelta(minutes=minutes))


# Anything


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
# The first text of a fresh checkout takes seconds: Hypothesis makes its table of characters then.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MEMBERS = some.sampled_from([*ROW, "Event", "Response", "EventCollection", "rows", "code", "user_id", "half", "hour"])


@unhurried
@given(some.dictionaries(MEMBERS, JSON))
def test_any_object_is_read_or_refused(row: dict[str, Any]) -> None:
    for meaning in ("utc", "device_local"):
        one = reading_of(event_of({**ROW, **row}), zone=KOLKATA, meaning=meaning, keys={})
        assert one is None or isinstance(one, (Reading, Unreadable))
    assert isinstance(rows_of(row, EVENT_ROWS), list)
    said_in(row)
    told_in(row)


@unhurried
@given(some.binary())
def test_any_bytes_are_a_document_or_none(body: bytes) -> None:
    with contextlib.suppress(NoDocument):
        document_of(body)


@pytest.mark.slow
@broken_frames
def test_mutilated_messages_are_read_or_refused(frames: int) -> None:
    """Of the socket and of a search by turns: both are documents, and hold events."""
    chance, began, scans = random.Random(7), time.process_time(), 0
    memory = psutil.Process().memory_info().rss
    whole = (MESSAGE, json.dumps({"EventCollection": {"rows": [ROW]}, "Response": {"code": "0"}}).encode())
    for number in range(frames):
        body = bytearray(whole[number % 2])
        for _ in range(chance.randrange(4)):
            place = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[place] = chance.choice(b'{}[]"\\,:0-9\0\xff')
                case 1:
                    del body[place]
                case 2:
                    body[place:place] = body[chance.randrange(len(body)) :][: chance.randrange(20)]
        try:
            tree = document_of(bytes(body))
        except NoDocument:
            continue
        events = [event for event in (told_in(tree), *map(event_of, rows_of(tree, EVENT_ROWS))) if event is not None]
        for event in events:
            made = reading_of(event, zone=KOLKATA, meaning="utc", keys={})
            if isinstance(made, Reading):
                scans += 1
                made.badge.encode()
        said_in(tree)
    assert scans > frames // 4
    assert psutil.Process().memory_info().rss - memory < 20_000_000
    assert time.process_time() - began < 60


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"id":' * 50_000, b'{"id": ' + b"9" * 10_000 + b"}", b"null", b"\xff\xfe"]
)
def test_documents_that_are_made_to_hurt_are_refused(body: bytes) -> None:
    with pytest.raises(NoDocument):
        document_of(body)


def test_a_mark_of_byte_order_and_nuls_at_the_end_do_no_harm() -> None:
    assert document_of(b'\xef\xbb\xbf{"a": "1"}\r\n\0\0') == {"a": "1"}


def test_where_nothing_is_found_the_collection_may_be_missing() -> None:
    for body in (b'{"Response": {"code": "0"}}', b'{"EventCollection": {}}', b'{"EventCollection": {"rows": null}}'):
        assert rows_of(document_of(body), EVENT_ROWS) == []


def test_a_scan_is_remembered_and_many_are_forgotten() -> None:
    recent, scan = Recent(), reading(ROW)
    assert recent.add(scan)
    assert not recent.add(scan)
    for number in range(2_000):
        recent.add(reading({**ROW, "user_id": {"user_id": str(number + 1)}}))
    assert recent.add(scan)
