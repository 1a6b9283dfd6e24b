"""What a terminal says of itself, its clock, its log and its refusals."""

from datetime import datetime, timedelta

import pytest

from services.ingest.vendors.hikvision.clock import NoSuchTime, Wall, offset_of_zone, utc, wall_of
from services.ingest.vendors.hikvision.documents import (
    Device,
    Lock,
    device_of,
    lock_of,
    refusal_of,
    showing,
    time_mode,
    time_of,
)
from services.ingest.vendors.hikvision.search import page_limit, page_of

EIGHT = datetime(2026, 10, 5, 8)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("space", ["http://www.isapi.org/ver20/XMLSchema", "http://www.hikvision.com/ver20/XMLSchema"])
def test_a_machine_is_known_by_xml_of_either_namespace_and_by_json(space: str) -> None:
    known = Device(serial="DS-1", mac="a4:d5:c2:00:00:01", model="DS-K1T344", firmware="V3.5")
    members = {
        "model": "DS-K1T344",
        "serialNumber": "DS-1",
        "macAddress": "A4:D5:C2:00:00:01",
        "firmwareVersion": "V3.5",
    }
    xml = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    assert device_of(f'<DeviceInfo version="2.0" xmlns="{space}">{xml}</DeviceInfo>'.encode()) == known
    json = ", ".join(f'"{name}": "{value}"' for name, value in members.items())
    assert device_of(f'{{"DeviceInfo": {{{json}}}}}'.encode()) == known
    assert device_of(b"<html>hello</html>") is None


@pytest.mark.parametrize(
    ("local", "zone", "offset"),
    [
        ("2026-10-05T08:00:00+05:30", "CST-5:30:00", 5.5 * HOUR),
        ("2026-10-05T08:00:00Z", "CST-5:30:00", 0 * HOUR),
        ("2026-10-05T08:00:00", "CST-5:30:00", 5.5 * HOUR),
        ("2026-10-05T08:00:00", "CST+5:00:00", -5 * HOUR),
        ("2026-10-05T08:00:00", "CST-1:00:00DST01:00:00,M3.2.0/02:00:00,M11.1.0/02:00:00", None),
        ("2026-10-05T08:00:00", "", None),
    ],
)
def test_a_clock_says_its_offset_or_its_zone_does_with_the_sign_turned(
    local: str, zone: str, offset: timedelta | None
) -> None:
    body = f"<Time><timeMode>NTP</timeMode><localTime>{local}</localTime><timeZone>{zone}</timeZone></Time>"
    assert time_of(body.encode()) == Wall(EIGHT, offset)


SPACE = "http://www.isapi.org/ver20/XMLSchema"


@pytest.mark.parametrize(
    ("local", "set_to"),
    [
        ("2026-10-05T08:00:00+05:30", "2026-12-24T18:00:09+05:30"),
        ("2026-10-05T08:00:00.123Z", "2026-12-24T18:00:09Z"),
        ("2026-10-05 08:00:00", "2026-12-24T18:00:09"),
    ],
)
def test_another_time_is_put_into_its_own_document_which_stays_as_it_is(local: str, set_to: str) -> None:
    def document(time: str) -> bytes:
        return (
            f'<Time version="2.0" xmlns="{SPACE}">\n<timeMode>manual</timeMode>\n<localTime>{time}</localTime>\n'
            f"<timeZone>CST-5:30:00</timeZone><satelliteInterval/>\n</Time>\n"
        ).encode()

    assert time_mode(document(local)) == "manual"
    assert showing(document(local), datetime(2026, 12, 24, 18, 0, 9)) == document(set_to)


@pytest.mark.parametrize("body", [b"", b"<Time/>", b'{"Time": {"localTime": "2026-10-05T08:00:00"}}', b"<localTime/>"])
def test_a_document_without_a_time_cannot_be_sent_back(body: bytes) -> None:
    assert showing(body, EIGHT) is None
    assert time_mode(body) == ""


def test_a_clock_that_says_nothing_is_not_read() -> None:
    assert time_of(b"<Time></Time>") is None
    assert time_of(b"") is None


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("2026-10-05T08:00:00-07:00", Wall(EIGHT, -7 * HOUR)),
        ("2026-10-05 08:00:00", Wall(EIGHT, None)),
        (" 2026-10-05T08:00:00.123+0530 ", Wall(EIGHT, 5.5 * HOUR)),
    ],
)
def test_times_are_read_with_and_without_an_offset(text: str, wall: Wall) -> None:
    assert wall_of(text) == wall


@pytest.mark.parametrize(
    "text", ["", "08:00", "2026-13-05T08:00:00", "2026-10-05T08:00:00+99:00", "２026-10-05T08:00:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(NoSuchTime):
        wall_of(text)


def test_offsets_in_words() -> None:
    assert [utc(5.5 * HOUR), utc(-7 * HOUR), utc(0 * HOUR)] == ["UTC+05:30", "UTC-07:00", "UTC+00:00"]
    assert offset_of_zone("CST-99:00:00") is None


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b'{"AcsEvent": {}}', None),
        (200, b'{"statusCode": 1, "statusString": "OK", "subStatusCode": "ok"}', None),
        (
            200,
            b'{"statusCode": 6, "subStatusCode": "badJsonContent", "errorMsg": "endSerialNo"}',
            "badJsonContent (endSerialNo)",
        ),
        (
            400,
            b"<ResponseStatus><statusCode>4</statusCode><subStatusCode>notSupport</subStatusCode></ResponseStatus>",
            "notSupport",
        ),
        (500, b"", "HTTP status 500"),
    ],
)
def test_a_refusal_is_judged_by_its_code_wherever_it_stands(status: int, body: bytes, said: str | None) -> None:
    refusal = refusal_of(status, body)
    assert (str(refusal) if refusal is not None else None) == said


def test_a_lock_is_told_with_its_time_and_tries_with_their_number() -> None:
    check = (
        "<userCheck><lockStatus>{}</lockStatus><unlockTime>{}</unlockTime>"
        "<retryLoginTime>{}</retryLoginTime></userCheck>"
    )
    assert lock_of(check.format("locked", 1800, "").encode()) == Lock(True, 1800, None)
    assert lock_of(check.format("unlock", "", 4).encode()) == Lock(False, None, 4)
    assert lock_of(b"") == Lock(False, None, None)


@pytest.mark.parametrize(
    ("reply", "position", "size", "more"),
    [
        ({"responseStatusStrg": "MORE", "numOfMatches": 1, "InfoList": [{}]}, 0, 1, True),
        ({"responseStatusStrg": "MORE", "numOfMatches": 0}, 0, 0, False),
        ({"responseStatusStrg": "MORE", "numOfMatches": 30, "InfoList": []}, 0, 30, False),
        ({"responseStatusStrg": "OK", "numOfMatches": 1, "InfoList": [{}]}, 0, 1, False),
        ({"responseStatusStrg": "NO MATCH"}, 0, 0, False),
        ({"responseStatusStrg": "NO_MATCHES", "totalMatches": 5}, 0, 0, False),
        ({"numOfMatches": 1, "totalMatches": 2, "InfoList": [{}]}, 0, 1, True),
        ({"numOfMatches": 1, "totalMatches": 2, "InfoList": [{}]}, 1, 1, False),
        ({"numOfMatches": 99999, "responseStatusStrg": "MORE", "InfoList": [{}, {}]}, 0, 2, True),
        ({"InfoList": "odd"}, 0, 0, False),
    ],
)
def test_a_page_says_whether_there_is_more(reply: dict, position: int, size: int, more: bool) -> None:  # type: ignore[type-arg]
    page = page_of({"AcsEvent": {**reply, "searchID": "1"}}, position=position)
    assert page is not None
    assert (page.size, page.more) == (size, more)


def test_what_is_no_page_is_none() -> None:
    assert page_of({"AcsEvent": []}, position=0) is None
    assert page_of({}, position=0) is None


def test_the_largest_page_is_the_machines_or_the_usual_one() -> None:
    assert page_limit({"AcsEvent": {"AcsEventCond": {"maxResults": {"@min": 1, "@max": 50}}}}) == 50
    assert page_limit({"AcsEvent": {"AcsEventCond": {"maxResults": {"@max": 100_000}}}}) == 100
    assert page_limit({}) == 30
