"""Payloads of real machines read as their notes say."""

import json
from pathlib import Path

import pytest

from services.ingest.domain.reading import Reading, ScanType
from services.ingest.vendors.hikvision.events import AccessEvent, is_heartbeat, reading_of, told
from services.ingest.vendors.hikvision.multipart import Multipart
from services.ingest.vendors.hikvision.search import page_of
from services.ingest.vendors.hikvision.tree import tree_of

pytestmark = pytest.mark.real_data


def payload(real_data: Path, name: str) -> bytes:
    return (real_data / "payloads" / name).read_bytes()


def scan(event: AccessEvent | None) -> Reading | None:
    assert event is not None
    made = reading_of(event, believe_offset=True)
    assert made is None or isinstance(made, Reading)
    return made


def test_a_fingerprint_is_a_scan(real_data: Path) -> None:
    made = scan(told(tree_of(payload(real_data, "hik_event_fingerprint_checkin.json"))))
    assert made is not None
    assert (made.badge, made.verify, made.type, made.record_no) == ("001", "fingerprint", ScanType.IN, "139")
    assert made.device_time == "2025-10-22T13:43:48+08:00"


@pytest.mark.parametrize("name", ["hik_event_K1T502_door_open.json", "hik_event_door_closed_no_person.json"])
def test_doors_are_none(real_data: Path, name: str) -> None:
    assert scan(told(tree_of(payload(real_data, name)))) is None


def test_the_heartbeat_of_a_camera_is_one(real_data: Path) -> None:
    tree = tree_of(payload(real_data, "hik_heartbeat_videoloss.xml"))
    assert is_heartbeat(tree)
    assert told(tree) is None


def test_a_stream_has_its_two_events_however_it_is_cut(real_data: Path) -> None:
    stream = payload(real_data, "hik_alertstream_multipart.txt")
    whole = list(Multipart().feed(stream))
    events = [told(tree_of(document)) for document in whole]
    assert [event and event.serial for event in events] == [139, 159]
    assert [scan(event) is not None for event in events] == [True, False]
    for cut in range(len(stream)):
        parser = Multipart()
        assert [*parser.feed(stream[:cut]), *parser.feed(stream[cut:])] == whole


def test_the_answers_of_a_search_are_pages(real_data: Path) -> None:
    answers = json.loads(payload(real_data, "hik_acsevent_search.json"))["responses"]
    pages = [page_of(answer, position=0) for answer in answers]
    assert [page and (len(page.events), page.more, page.total) for page in pages] == [
        (2, False, 2),
        (1, True, 150),
        (1, False, 1),
        (0, False, 0),
    ]
    scans = [scan(event) for page in pages if page is not None for event in page.events]
    assert [made and (made.badge, made.record_no, made.verify) for made in scans] == [
        ("340", "235726", "face"),
        None,
        ("101", None, "event None"),
        ("7", "575", "face"),
    ]
