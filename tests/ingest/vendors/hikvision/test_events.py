"""Events in all their forms, and what of them is a scan."""

import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.hikvision.events import AccessEvent, found, is_heartbeat, reading_of, told
from services.ingest.vendors.hikvision.methods import DENIED, DOOR, GRANTED, Outcome, outcome
from services.ingest.vendors.hikvision.states import state_of
from services.ingest.vendors.hikvision.tree import NoDocument, tree_of
from tests.ingest.vendors.flood import broken_frames

INNER: dict[str, Any] = {
    "majorEventType": 5,
    "subEventType": 38,
    "employeeNoString": "007",
    "name": "somebody",
    "serialNo": 101,
    "attendanceStatus": "checkIn",
    "currentEvent": True,
    "currentVerifyMode": "cardOrFaceOrFp",
    "cardNo": "55",
}
TOLD: dict[str, Any] = {
    "dateTime": "2026-07-14T11:33:19+08:00",
    "eventType": "AccessControllerEvent",
    "AccessControllerEvent": INNER,
}
ROW: dict[str, Any] = {
    "major": 5,
    "minor": 38,
    "time": "2026-07-14T11:33:19+08:00",
    "employeeNoString": "007",
    "serialNo": 101,
    "attendanceStatus": "checkIn",
}


def as_xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{as_xml(inner)}</{name}>" for name, inner in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def event(**changes: Any) -> AccessEvent:
    read = told({**TOLD, "AccessControllerEvent": {**INNER, **changes}})
    assert read is not None
    return read


def reading(of: AccessEvent) -> Reading:
    made = reading_of(of, believe_offset=True)
    assert isinstance(made, Reading), made
    return made


def test_an_event_becomes_a_scan_with_what_it_says_and_no_more() -> None:
    made = reading(event())
    assert made == Reading(
        badge="007",
        device_time="2026-07-14T11:33:19+08:00",
        local_time=datetime(2026, 7, 14, 11, 33, 19),
        offset=timedelta(hours=8),
        state="checkIn",
        type=ScanType.IN,
        verify="fingerprint",
        record_no="101",
        raw={"major": 5, "minor": 38, "result": "granted", "currentVerifyMode": "cardOrFaceOrFp"},
    )
    assert "somebody" not in repr(made)
    assert "55" not in repr(made)


def test_json_xml_a_gateways_envelope_and_a_searchs_row_are_one_scan() -> None:
    xml = (
        f'<EventNotificationAlert xmlns="http://www.isapi.org/ver20/XMLSchema">{as_xml(TOLD)}</EventNotificationAlert>'
    )
    gateway = {"EventNotificationAlert": {**TOLD, "AccessControllerEvent": {**INNER, "serialNo": "101"}}}
    ways = [
        told(tree_of(json.dumps(TOLD).encode())),
        told(tree_of(xml.encode())),
        told(tree_of(json.dumps(gateway).encode())),
        found(ROW),
    ]
    made = [reading(way) for way in ways if way is not None]
    assert len(made) == 4
    assert {(scan_id(1, one.badge, one.local_time, one.state), one.record_no) for one in made} == {
        (scan_id(1, "007", datetime(2026, 7, 14, 11, 33, 19), "checkIn"), "101")
    }


def test_a_wall_time_is_left_to_the_zone_where_its_offset_is_not_believed() -> None:
    made = reading_of(event(), believe_offset=False)
    assert isinstance(made, Reading)
    assert (made.offset, made.local_time) == (None, datetime(2026, 7, 14, 11, 33, 19))


@pytest.mark.parametrize(
    ("status", "state", "kind"),
    [
        ("checkIn", "checkIn", ScanType.IN),
        ("checkin", "checkIn", ScanType.IN),
        ("checkOut", "checkOut", ScanType.OUT),
        ("breakOut", "breakOut", ScanType.BREAK_IN),
        ("breakIn", "breakIn", ScanType.BREAK_OUT),
        ("overtimeIn", "overtimeIn", ScanType.OVERTIME_IN),
        ("overTimeOut", "overtimeOut", ScanType.OVERTIME_OUT),
        ("undefined", "undefined", ScanType.UNKNOWN),
        ("", "undefined", ScanType.UNKNOWN),
        ("lunch", "lunch", ScanType.UNKNOWN),
    ],
)
def test_each_attendance_status_has_its_type_and_one_spelling(status: str, state: str, kind: ScanType) -> None:
    assert state_of(status) == (state, kind)
    made = reading(event(attendanceStatus=status))
    assert (made.state, made.type) == (state, kind)


def test_the_method_is_told_by_the_minor_code_and_not_by_the_doors_mode() -> None:
    methods = {minor: reading(event(subEventType=minor)).verify for minor in (1, 38, 75, 101)}
    assert methods == {1: "card", 38: "fingerprint", 75: "face", 101: "number+password"}


def test_no_code_is_in_two_tables() -> None:
    assert not set(GRANTED) & DENIED
    assert not set(GRANTED) & DOOR
    assert not DENIED & DOOR
    assert outcome(5, None) is outcome(5, 999) is Outcome.UNKNOWN
    assert outcome(3, 1) is Outcome.NOBODY


@pytest.mark.parametrize("minor", sorted(DENIED | DOOR))
def test_nobody_who_was_not_let_in_is_scanned(minor: int) -> None:
    assert reading_of(event(subEventType=minor), believe_offset=True) is None


@pytest.mark.parametrize("person", ["", "0"])
def test_a_person_of_no_number_is_the_card_or_is_kept(person: str) -> None:
    assert reading(event(employeeNoString=person, cardNo="0042")).badge == "card:0042"
    assert isinstance(reading_of(event(employeeNoString=person, cardNo="0"), believe_offset=True), Unreadable)


@pytest.mark.parametrize("person", ["0042", "A17", "a17", "１７", "x" * 64])
def test_a_badge_is_text(person: str) -> None:
    assert reading(event(employeeNoString=person)).badge == person


@pytest.mark.parametrize("person", ["x" * 65, "a\0b", "\ud800"])
def test_a_badge_that_cannot_be_kept_is_told(person: str) -> None:
    assert isinstance(reading_of(event(employeeNoString=person), believe_offset=True), Unreadable)


@pytest.mark.parametrize("when", ["", "yesterday", "2026-02-30T08:00:00+01:00", "2026-01-01T25:00:00Z", "2026-W01-1"])
def test_a_time_that_is_none_is_kept_with_its_number(when: str) -> None:
    kept = reading_of(found({**ROW, "time": when}), believe_offset=True)
    assert isinstance(kept, Unreadable)
    assert kept.position == 101


def test_an_event_that_is_told_again_says_so() -> None:
    assert event(currentEvent=False).stored
    assert event(currentEvent="false").stored
    assert not event().stored


def test_heartbeats_are_no_events() -> None:
    beats = [
        {"eventType": "heartBeat"},
        {"EventNotificationAlert": {"eventType": "videoloss", "eventState": "inactive"}},
    ]
    assert all(is_heartbeat(beat) and told(beat) is None for beat in beats)
    assert not is_heartbeat({"eventType": "videoloss", "eventState": "active"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xd8",
        b"[1]",
        b"{",
        b"<a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<?xml version="1.0" encoding="GB2312"?><a>\xc4\xe3</a>',
        b'{"a":' * 5000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_document_is_refused_in_a_sentence(body: bytes) -> None:
    with pytest.raises(NoDocument, match=r"^it "):
        tree_of(body)


def test_a_document_may_have_a_mark_at_its_start_and_a_name_in_another_encoding() -> None:
    assert tree_of(b"\xef\xbb\xbf {}\r\n\0") == {}
    assert tree_of(b'{"name": "\xc4\xe3", "serialNo": 7}')["serialNo"] == 7


@pytest.mark.slow
@broken_frames
def test_mutilated_events_are_read_or_refused(frames: int) -> None:
    chance = random.Random(5)
    whole = [json.dumps(TOLD).encode(), f"<EventNotificationAlert>{as_xml(TOLD)}</EventNotificationAlert>".encode()]
    scans = 0
    for _ in range(frames):
        some = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(3)):
            some[chance.randrange(len(some))] = chance.choice(b'{}"<>0\0\xff:,')
        try:
            tree = tree_of(bytes(some))
        except NoDocument:
            continue
        read = told(tree)
        made = reading_of(read, believe_offset=True) if read is not None else None
        if isinstance(made, Reading):
            scans += 1
            made.badge.encode()
    assert scans > frames * 3 // 20


def test_a_row_may_be_anything() -> None:
    chance = random.Random(6)
    odd: list[Any] = [None, [], {}, -1, 1.5, True, "", "x" * 10_000, 10**30, {"a": 1}]
    for _ in range(5_000):
        reading_of(found({name: chance.choice(odd) for name in ROW}), believe_offset=True)
