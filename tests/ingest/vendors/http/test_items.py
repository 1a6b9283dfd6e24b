"""The items of a call: what is read of them, and why one is not."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain.reading import ScanType
from services.ingest.vendors.files.cells import NotReadable
from services.ingest.vendors.http.items import LONGEST_ITEM, MOST, items, reading
from shared.kernel.errors import Invalid, Malformed

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DHAKA = ZoneInfo("Asia/Dhaka")
MORNING = datetime(2026, 10, 5, 8, 1, 22)


def read(item: bytes, directions: dict[str, ScanType] | None = None):
    return reading(item, DHAKA, directions or {}, position=1)[0]


def made(**members: object) -> bytes:
    return msgspec.json.encode({"badge": "0042", "time": "2026-10-05T08:01:22", **members})


# The list


@pytest.mark.parametrize(
    "body",
    [b'[{"a": 1}, 2]', b'{"scans": [{"a": 1}, 2]}', b'\xef\xbb\xbf [{"a": 1},2] ', b'{"of": 7,"scans":[{"a": 1},2]}'],
)
def test_a_list_or_an_object_that_holds_it_gives_the_items_as_they_came(body: bytes) -> None:
    assert items(body) == [b'{"a": 1}', b"2"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"scans",
        b"null",
        b"7",
        b'"[]"',
        b"[",
        b'[{"badge": 1} {"badge": 2}]',
        b'{"badge": "1", "time": "2026-10-05T08:01:22"}',
        b'{"scans": {}}',
        b"\xff\xfe[\0]\0",
        b"[" * 100_000,
        b"[]]",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_list_is_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"^send a JSON list of scans"):
        items(body)


def test_an_empty_body_is_called_so() -> None:
    with pytest.raises(Malformed, match="the body is empty"):
        items(b" \n")


def test_a_call_holds_500_items_and_no_more() -> None:
    assert len(items(msgspec.json.encode([{}] * MOST))) == MOST == 500
    with pytest.raises(Invalid, match="there are 501 scans in one call; send at most 500"):
        items(msgspec.json.encode([{}] * (MOST + 1)))


# An item


@pytest.mark.parametrize(
    ("time", "wall", "hours"),
    [
        ("2026-10-05T08:01:22", MORNING, None),
        ("2026-10-05 08:01:22.999", MORNING, None),
        ("2026-10-05T08:01:22+06:00", MORNING, 6),
        ("2026-10-05T02:01:22Z", MORNING, 6),
        ("2026-10-04T22:01:22-04:00", MORNING, 6),
        (" 20261005T080122 ", MORNING, None),
    ],
)
def test_a_time_is_one_of_the_machine_unless_it_says_where_it_is(time: str, wall: datetime, hours: int | None) -> None:
    found = read(made(time=time))
    assert (found.local_time, found.device_time) == (wall, time.strip())
    assert found.offset == (None if hours is None else timedelta(hours=hours))


@pytest.mark.parametrize(
    ("told", "state", "meant"),
    [
        ({}, "", ScanType.UNKNOWN),
        ({"state": "IN"}, "IN", ScanType.IN),
        ({"state": " in "}, "IN", ScanType.IN),
        ({"type": "break-out"}, "BREAK_OUT", ScanType.BREAK_OUT),
        ({"type": "Overtime In", "state": None}, "OVERTIME_IN", ScanType.OVERTIME_IN),
        ({"state": "E", "type": "OUT"}, "E", ScanType.OUT),
        ({"state": "E"}, "E", ScanType.BREAK_IN),
        ({"state": "E", "type": "door"}, "E", ScanType.BREAK_IN),
        ({"state": 1}, "1", ScanType.UNKNOWN),
        ({"type": "door"}, "door", ScanType.UNKNOWN),
        ({"state": "OUT", "type": "door"}, "OUT", ScanType.OUT),
    ],
    ids=str,
)
def test_a_state_has_one_spelling_and_a_meaning(told: dict[str, object], state: str, meant: ScanType) -> None:
    found = read(made(**told), {"E": ScanType.BREAK_IN})
    assert (found.state, found.type) == (state, meant)


@pytest.mark.parametrize(
    ("told", "odd"),
    [
        ({"state": "IN"}, None),
        ({"state": "X"}, None),
        ({"type": "OUT"}, None),
        ({"type": "E"}, None),
        ({"state": "IN", "type": "in"}, None),
        ({"state": "X", "type": "OUT"}, None),
        ({"type": "X"}, "its type 'X' is none of IN, OUT, BREAK_IN, BREAK_OUT, OVERTIME_IN, OVERTIME_OUT, UNKNOWN: it"
            " is taken as UNKNOWN"),
        ({"state": "OUT", "type": "door"}, "it is taken as OUT"),
        ({"state": "IN", "type": "OUT"}, "its state says IN and its type OUT: the type counts"),
    ],
    ids=str,
)  # fmt: skip
def test_a_type_that_is_not_taken_as_it_was_sent_is_told(told: dict[str, object], odd: str | None) -> None:
    _, said = reading(made(**told), DHAKA, {"E": ScanType.BREAK_IN}, position=1)
    assert said is None if odd is None else odd in (said or "")


def test_what_is_said_beside_is_text_as_it_was_written() -> None:
    found = read(made(badge=" 0042 ", verify="card", work_code=7, record_no=2**70))
    assert (found.badge, found.verify, found.work_code, found.record_no) == ("0042", "card", "7", str(2**70))
    assert found.raw is None
    assert read(made(badge=42)).badge == "42"


def test_an_item_with_members_that_nobody_knows_goes_with_its_scan_as_it_came() -> None:
    item = made(door="north", raw={"b": [1, None, "\0"]}, temperature=36.6)
    assert read(item).raw == {"item": item.decode()}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"7", "it is no object"),
        (b"[]", "it is no object"),
        (b"null", "it is no object"),
        (b'{"badge": "\xff", "time": "2026-10-05T08:01:22"}', "it is no JSON"),
        (b'{"badge": "\\ud800", "time": "2026-10-05T08:01:22"}', "it is no JSON"),
        (b'{"x": ' + b"[" * 2000 + b"]" * 2000 + b"}", "it is no JSON"),
        (b"{}", "it has no badge"),
        (made(badge=None), "it has no badge"),
        (made(badge=" "), "no badge"),
        (made(badge=1.5), "its badge is neither a text nor a whole number"),
        (made(badge=True), "its badge is neither a text nor a whole number"),
        (made(badge=["1"]), "its badge is neither a text nor a whole number"),
        (made(badge="1" * 65), "a badge of 65 characters"),
        (made(badge="a\0b"), "the badge has characters that cannot be printed"),
        (b'{"badge": "1"}', "it has no time"),
        (made(time=1759629682), "its time is no text"),
        (made(time=""), "'' is no time such as 2026-10-05T08:01:22"),
        (made(time="yesterday"), "'yesterday' is no time"),
        (made(time="2026-10-05"), "'2026-10-05' is no time"),
        (made(time="2026-02-30T08:00:00"), "'2026-02-30T08:00:00' is no time"),
        (made(time="05/10/2026 08:01:22"), "'05/10/2026 08:01:22' is no time"),
        (made(time="0001-01-01T00:00:00+14:00"), "is no time"),
        (made(time="9" * 65), "a time of 65 characters"),
        (made(state={"a": 1}), "its state is neither a text nor a whole number"),
        (made(type=False), "its type is neither a text nor a whole number"),
        (made(state="x" * 65), "its state cannot be 'xxx"),
        (made(work_code="a\nb"), r"its work_code cannot be 'a\\nb'"),
        (made(verify="\0"), r"its verify cannot be '\\x00'"),
        (made(note="x" * LONGEST_ITEM), "it has 4,1.. bytes; at most 4,096 are read"),
    ],
    ids=lambda value: repr(value[:60]),
)
def test_what_cannot_be_read_says_why(item: bytes, reason: str) -> None:
    with pytest.raises(NotReadable, match=reason):
        read(item)


@unhurried
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_our_words_or_read(body: bytes) -> None:
    try:
        found = items(body)
    except (Malformed, Invalid):
        found = [body]
    for item in found:
        with suppress(NotReadable):
            read(item)


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(["badge", "time", "state", "type", "verify", "work_code", "record_no", "else"])


@unhurried
@given(st.dictionaries(_NAMES, _VALUE | st.sampled_from(["7", "2026-10-05T08:01:22Z", "IN"]), max_size=6))
def test_any_object_is_refused_in_our_words_or_is_a_reading_with_printable_texts(told: dict[str, object]) -> None:
    try:
        found = read(json.dumps(told).encode())
    except NotReadable:
        return
    assert found.badge
    assert all(text is None or text.isprintable() for text in (found.badge, found.state, found.verify, found.work_code))
