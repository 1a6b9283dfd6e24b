from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.vendors.zkteco.adms.handshake import ahead_of_utc, settings, zone_of


def given(**how: object) -> dict[str, str]:
    first, *lines = settings("S1", **{"stamp": "417", "clock": None, **how}).splitlines()  # type: ignore[arg-type]
    assert first == "GET OPTION FROM: S1"
    return dict(line.split("=", 1) for line in lines)


def test_old_and_new_firmware_both_find_their_stamps() -> None:
    told = given()
    assert (told["ATTLOGStamp"], told["Stamp"]) == ("417", "417")
    assert {told[name] for name in ("OPERLOGStamp", "ATTPHOTOStamp", "OpStamp", "PhotoStamp")} == {"9999"}


def test_it_is_told_not_to_encrypt_and_to_send_each_scan_at_once() -> None:
    told = given()
    assert (told["Encrypt"], told["PushProtVer"], told["Realtime"]) == ("None", "2.2.14", "1")
    assert told["TransFlag"] == "TransData AttLog\tOpLog"


def test_its_clock_is_left_alone_unless_that_is_asked_for() -> None:
    assert "TimeZone" not in given()
    assert given(clock=timedelta(hours=6))["TimeZone"] == "6"


@pytest.mark.parametrize(
    ("zone", "said"),
    [("Asia/Dhaka", "6"), ("Asia/Kolkata", "330"), ("Asia/Kathmandu", "345"), ("America/Lima", "-5"), ("UTC", "0")],
)
def test_zones_are_whole_hours_or_minutes(zone: str, said: str) -> None:
    assert zone_of(ahead_of_utc(zone, datetime(2026, 1, 5, tzinfo=UTC))) == said
