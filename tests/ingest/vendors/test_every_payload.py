"""Every payload of MUSTER_REAL_DATA reads as its notes say; one that nobody names here fails."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingest.domain.reading import Reading, ScanType
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.files.cells import NotReadable, wall_time
from services.ingest.vendors.hikvision.events import is_heartbeat, reading_of, told
from services.ingest.vendors.hikvision.multipart import Multipart
from services.ingest.vendors.hikvision.pushed import Push
from services.ingest.vendors.hikvision.search import page_of
from services.ingest.vendors.hikvision.tree import tree_of
from services.ingest.vendors.suprema import events as suprema
from services.ingest.vendors.zkteco.adms import handshake
from services.ingest.vendors.zkteco.adms.attlog import attlog
from services.ingest.vendors.zkteco.adms.body import unpacked
from services.ingest.vendors.zkteco.adms.operlog import operlog

pytestmark = pytest.mark.real_data

NOTED = "adms.json"
"""The file that holds many payloads, each with its own id."""
GARBAGE = b"garbage\n"
GOOD = b"1001\t2026-03-02 09:07:12\t0\t1\t\t0\t0\n"
TEMPLATE = b"TWlTU1UxMTExMQ"


def payloads() -> Iterator[tuple[str, Any]]:
    """Name and content of each; nothing where there is no such folder."""
    folder = os.environ.get("MUSTER_REAL_DATA")
    for path in sorted((Path(folder) / "payloads").iterdir()) if folder else ():
        if path.name != NOTED:
            yield path.name, path.read_bytes()
            continue
        noted = json.loads(path.read_bytes())
        yield from ((item["id"], item) for item in (*noted["requests"], *noted["expected"]))


def scans(body: bytes) -> list[tuple[str, str, str | None]]:
    found = attlog(body)
    assert found.unreadable == []
    return [(reading.badge, reading.state, reading.verify) for reading in found.readings]


# Terminals that push: requests


def a_line_without_state_and_work_code(item: Any) -> None:
    assert scans(item["body"].encode()) == [("20150001", "255", "1")]


def an_operation(item: Any) -> None:
    assert "OpStamp" in item["path"]
    assert operlog(item["body"].encode()).count == 1


def a_look_up_of_a_server(item: Any) -> None:
    assert json.loads(item["response"])["success"] is True  # what we answer: adms/test_real_payloads.py


def a_ping(item: Any) -> None:
    assert item["response"] == "OK"  # what we answer: adms/test_real_payloads.py


def operations_and_people_in_one_body(item: Any) -> None:
    """Each kind that the template names is one line, and of people nothing comes out of it."""
    kinds = [kind.split()[0] for kind in item["body_template"].split("|")]
    assert kinds == ["OPLOG", "USER", "FP", "FACE", "FVEIN", "USERPIC", "BIOPHOTO"]
    said = {"OPLOG": b"OPLOG 23\t1\t2026-01-05 09:00:00\t0\t0\t0\t0", "USER": b"USER PIN=7\tName=a\tPasswd=4321\tCard="}
    lines = [said.get(kind, b"%s PIN=7\tFID=0\tSize=14\tTMP=%s" % (kind.encode(), TEMPLATE)) for kind in kinds]
    found = operlog(b"\n".join(lines) + b"\n")
    assert (found.count, [done.about for done in found.done]) == (7, ["log cleared"])
    assert not any(secret in repr(found) for secret in ("4321", TEMPLATE.decode(), "PIN"))


def records_in_an_archive(item: Any) -> None:
    assert item["path"].endswith("ContentType=tgz")
    body, packed = b"OPLOG 4\t0\t2026-01-05 00:04:08\t7\t0\t0\t0\nUSER PIN=7\tPasswd=4321\n", io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("OPERLOG")
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    assert operlog(unpacked(gzip.compress(packed.getvalue()))).count == 2


def columns_that_are_named(item: Any) -> None:
    assert scans(item["body"].encode()) == [("42", "0", "2"), ("43", "0", "2")]


def a_body_that_begins_with_the_name_of_its_table(item: Any) -> None:
    assert "body starting with a line ATTLOG" in item["note"]
    read = [reading.local_time for reading in attlog(b"ATTLOG\n" + GOOD).readings]
    assert read == [reading.local_time for reading in attlog(GOOD).readings] == [datetime(2026, 3, 2, 9, 7, 12)]


def a_card_in_four_columns(item: Any) -> None:
    assert scans(item["body"].encode()) == [("1234567890", "0", "0")]


# Terminals that push: what is to be acknowledged


def three_good_lines(item: Any) -> None:
    assert item["expect"] == f"OK: {attlog(GOOD * 3).count}"


def a_line_that_is_none_counts(item: Any) -> None:
    assert item["expect"].startswith(f"OK: {attlog(GOOD + GARBAGE).count} ")


def a_stamp_of_operations(item: Any) -> None:
    """It is not to be sent again. We keep none of them: a machine is always told to go on from where it is."""
    assert "OpStamp=4455" in item["given"]
    told = handshake.settings("S1", stamp=handshake.ALL, clock=None).splitlines()
    assert {"OpStamp=9999", "OPERLOGStamp=9999"} <= set(told)
    assert operlog(b"").count == 0


def a_sign_of_life(item: Any) -> None:
    assert item["expect"].startswith("OK: 1,")
    assert operlog(b"OK\n").count == 1


def two_people(item: Any) -> None:
    assert item["expect"] == "OK: 2"
    assert operlog(b"USER PIN=1\tName=a\nUSER PIN=2\tName=b\n").count == 2


def flags_of_what_is_sent(item: Any) -> None:
    """By the digits, scans and operations are the first two; we ask for those by name, and for nothing else of them."""
    named = dict(pair.split()[:2] for pair in item["expect"].removeprefix("digits ").split(", "))
    [line] = [
        line.partition("=")[2]
        for line in handshake.settings("S1", stamp=handshake.ALL, clock=None).splitlines()
        if line.startswith("TransFlag=")
    ]
    assert line.removeprefix("TransData ").split("\t") == [named["1"], named["2"]]


def a_line_that_comes_twice(item: Any) -> None:
    assert item["expect"].startswith("1 ")
    readings = attlog(GOOD * 2).readings
    assert len(readings) == 2
    assert len({scan_id(1, reading.badge, reading.local_time, reading.state) for reading in readings}) == 1


def in_by_finger_and_out_by_face(item: Any) -> None:
    assert "434 minutes" in item["given"]
    came, left = attlog(b"7\t2026-03-02 09:00:00\t0\t1\n7\t2026-03-02 16:14:00\t1\t15\n").readings
    assert ((came.type, came.verify), (left.type, left.verify)) == ((ScanType.IN, "1"), (ScanType.OUT, "15"))
    assert left.local_time - came.local_time == timedelta(minutes=434)


def a_person_with_a_password(item: Any) -> None:
    found = operlog(b"USER PIN=7\tPasswd=4321\nOPLOG 4\t0\t2026-01-05 00:04:08\t7\t0\t0\t0\n")
    assert item["expect"].startswith(f"OK: {found.count};")
    assert "4321" not in repr(found)


def times_in_each_form(item: Any) -> None:
    good = ["2026-03-02 09:07:12", "2026-03-02T09:07:12", "20260302090712"]
    assert all(repr(text) in item["given"] for text in (*good, "not a date", ""))
    read = attlog(b"\n".join(f"7\t{text}\t0\t1".encode() for text in (*good, "not a date", "")))
    assert [reading.local_time for reading in read.readings] == [datetime(2026, 3, 2, 9, 7, 12)] * 3
    assert len(read.unreadable) == 2
    with pytest.raises(NotReadable):
        wall_time("not a date")


# Hikvision


def badge(document: bytes) -> str | None:
    """Of the scan in it, None where it is none."""
    event = told(tree_of(document))
    made = reading_of(event, believe_offset=True) if event is not None else None
    assert made is None or isinstance(made, Reading)
    return made.badge if made is not None else None


def a_fingerprint(document: bytes) -> None:
    assert badge(document) == "001"


def no_scan(document: bytes) -> None:
    assert told(tree_of(document)) is not None
    assert badge(document) is None


def a_heartbeat(document: bytes) -> None:
    assert is_heartbeat(tree_of(document))


def a_stream(body: bytes) -> None:
    assert [badge(document) for document in Multipart().feed(body)] == ["001", None]


def pages_of_a_search(body: bytes) -> None:
    pages = [page_of(answer, position=0) for answer in json.loads(body)["responses"]]
    assert [page and (len(page.events), page.more) for page in pages] == [
        (2, False),
        (1, True),
        (1, False),
        (0, False),
    ]


def a_push_with_a_picture(request: bytes) -> None:
    """One scan, however the body is cut, and the picture is let go."""
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST ")
    assert b"\xff\xd8\xff\xd9" in body
    for size in (1, 7, len(body)):
        push = Push()
        for start in range(0, len(body), size):
            push.feed(body[start : start + size])
        [event] = push.finish()
        made = reading_of(event, believe_offset=True)
        assert isinstance(made, Reading)
        assert (made.badge, made.record_no, made.type, made.verify) == ("001", "139", ScanType.IN, "fingerprint")
        assert push.unreadable == []


# Suprema


def a_message_and_rows_of_a_server(body: bytes) -> None:
    read = json.loads(body)
    told_live = suprema.told_in(read["ws_event"])
    events = [told_live, *map(suprema.event_of, read["search_rows"])]
    made = [
        event and suprema.reading_of(event, zone=ZoneInfo("Asia/Riyadh"), meaning="utc", keys={}) for event in events
    ]
    scanned = [one.badge if isinstance(one, Reading) else None for one in made]
    assert scanned == ["5000001", "900001", None, None, None]


EXPECTED: Mapping[str, Callable[[Any], None]] = {
    "adms-01": a_line_without_state_and_work_code,
    "adms-03": an_operation,
    "adms-05": a_look_up_of_a_server,
    "adms-07": a_ping,
    "adms-09": operations_and_people_in_one_body,
    "adms-11": records_in_an_archive,
    "adms-13": columns_that_are_named,
    "adms-15": a_body_that_begins_with_the_name_of_its_table,
    "adms-17": a_card_in_four_columns,
    "ack-01": three_good_lines,
    "ack-03": a_line_that_is_none_counts,
    "ack-05": a_stamp_of_operations,
    "ack-07": a_sign_of_life,
    "ack-09": two_people,
    "ack-11": flags_of_what_is_sent,
    "ack-13": a_line_that_comes_twice,
    "ack-15": in_by_finger_and_out_by_face,
    "ack-17": a_person_with_a_password,
    "ack-19": times_in_each_form,
    "hik_acsevent_search.json": pages_of_a_search,
    "hik_alertstream_multipart.txt": a_stream,
    "hik_event_K1T502_door_open.json": no_scan,
    "hik_event_door_closed_no_person.json": no_scan,
    "hik_event_fingerprint_checkin.json": a_fingerprint,
    "hik_heartbeat_videoloss.xml": a_heartbeat,
    "hik_http_listener_multipart_with_picture.bin": a_push_with_a_picture,
    "suprema_biostar2.json": a_message_and_rows_of_a_server,
}


@pytest.mark.parametrize(("name", "content"), [pytest.param(*one, id=one[0]) for one in payloads()])
def test_it_reads_as_its_notes_say(name: str, content: Any) -> None:
    assert name in EXPECTED, f"nobody says what {name} is to be read as"
    EXPECTED[name](content)


def test_what_is_expected_is_there() -> None:
    assert EXPECTED.keys() <= dict(payloads()).keys()
