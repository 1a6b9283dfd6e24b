from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.instants import Chronology, Plausible, Quality

RECEIVED = datetime(2024, 12, 31, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "local", "instant", "quality"),
    [
        ("Asia/Shanghai", "2024-01-15 08:00:00", "2024-01-15T00:00:00Z", Quality.OK),
        ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31T01:30:00Z", Quality.NONEXISTENT_DST),
        ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27T00:30:00Z", Quality.AMBIGUOUS_DST),
        ("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27T02:00:00Z", Quality.OK),
        ("Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06T14:45:00Z", Quality.AMBIGUOUS_DST),
        ("Asia/Shanghai", "2000-01-01 00:27:05", "1999-12-31T16:27:05Z", Quality.IMPLAUSIBLE_PAST),
        ("Asia/Shanghai", "1970-01-01 00:00:00", "1969-12-31T16:00:00Z", Quality.IMPLAUSIBLE_PAST),
        ("UTC", "2001-01-01 00:00:00", "2001-01-01T00:00:00Z", Quality.OK),
        ("UTC", "2025-01-01 12:00:00", "2025-01-01T12:00:00Z", Quality.OK),
        ("UTC", "2025-01-01 12:00:01", "2025-01-01T12:00:01Z", Quality.FUTURE),
        ("UTC", "2099-12-31 23:59:59", "2099-12-31T23:59:59Z", Quality.FUTURE),
    ],
)
def test_a_wall_time_becomes_an_instant_with_its_quality(zone: str, local: str, instant: str, quality: Quality) -> None:
    chronology = Chronology(ZoneInfo(zone))
    assert chronology.place(at(local), received_at=RECEIVED) == (at(instant), quality)


def test_the_hour_that_happens_twice_is_resolved_by_the_order_of_the_log() -> None:
    chronology = Chronology(ZoneInfo("Europe/Berlin"))
    locals_ = ["02:10", "02:50", "02:20", "02:40", "03:05"]
    placed = [chronology.place(at(f"2024-10-27 {clock}:00"), received_at=RECEIVED) for clock in locals_]
    assert [f"{instant:%H:%M}" for instant, _ in placed] == ["00:10", "00:50", "01:20", "01:40", "02:05"]
    assert [quality for _, quality in placed] == [Quality.AMBIGUOUS_DST] * 4 + [Quality.OK]


def test_a_live_scan_in_the_hour_that_happens_twice_is_the_pass_nearest_to_now() -> None:
    chronology = Chronology(ZoneInfo("Europe/Berlin"))
    now = at("2024-10-27T01:30:02Z")
    instant, _ = chronology.place(at("2024-10-27 02:30:00"), received_at=now, live=True)
    assert instant == at("2024-10-27T01:30:00Z")


def test_what_a_wrong_clock_said_does_not_decide_the_pass_of_what_follows() -> None:
    chronology = Chronology(ZoneInfo("Europe/Berlin"))
    chronology.place(at("2080-01-01 00:00:00"), received_at=RECEIVED)
    instant, _ = chronology.place(at("2024-10-27 02:30:00"), received_at=RECEIVED)
    assert instant == at("2024-10-27T00:30:00Z")


def test_scans_from_before_the_machine_was_installed_are_implausible() -> None:
    chronology = Chronology(ZoneInfo("UTC"), Plausible(installed_on=date(2020, 6, 1)))
    assert chronology.place(at("2020-05-31 23:59:59"), received_at=RECEIVED)[1] is Quality.IMPLAUSIBLE_PAST
    assert chronology.place(at("2020-06-01 00:00:00"), received_at=RECEIVED)[1] is Quality.OK


def test_just_now_is_by_the_machines_own_clock() -> None:
    chronology = Chronology(ZoneInfo("Europe/Berlin"))
    now, ahead = at("2024-10-27T01:00:00Z"), timedelta(minutes=40)
    instant, _ = chronology.place(at("2024-10-27 02:40:00"), received_at=now, offset=ahead, live=True)
    assert instant == at("2024-10-27T01:40:00Z")


@pytest.mark.parametrize(
    ("clock", "quality"),
    [
        pytest.param(timedelta(minutes=-5), Quality.OK, id="five minutes behind"),
        pytest.param(timedelta(hours=14), Quality.OK, id="a wrong zone"),
        pytest.param(timedelta(hours=24), Quality.OK, id="a day ahead"),
        pytest.param(timedelta(hours=24, seconds=1), Quality.FUTURE, id="more than a day ahead"),
        pytest.param(timedelta(days=3), Quality.FUTURE, id="days ahead"),
        pytest.param(timedelta(days=366), Quality.FUTURE, id="a year ahead"),
        pytest.param(timedelta(days=75 * 365), Quality.FUTURE, id="in another century"),
        pytest.param(datetime(2000, 1, 1, 0, 10, tzinfo=UTC) - RECEIVED, Quality.IMPLAUSIBLE_PAST, id="reset to 2000"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC) - RECEIVED, Quality.IMPLAUSIBLE_PAST, id="reset to 1970"),
        pytest.param(timedelta(days=-4 * 365), Quality.IMPLAUSIBLE_PAST, id="before it was installed"),
    ],
)
@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
def test_scans_of_a_clock_that_jumped_are_quarantined_whether_it_was_measured_or_not(
    clock: timedelta, quality: Quality, live: bool
) -> None:
    local = (RECEIVED + clock).replace(tzinfo=None)
    plausible = Plausible(installed_on=date(2022, 6, 1))
    over_the_wire = Chronology(ZoneInfo("UTC"), plausible).place(local, received_at=RECEIVED, offset=clock, live=live)
    from_a_file = Chronology(ZoneInfo("UTC"), plausible).place(local, received_at=RECEIVED)
    assert over_the_wire == from_a_file == (RECEIVED + clock, quality)


def test_what_a_clock_says_before_it_jumps_and_after_it_is_set_right_counts() -> None:
    chronology = Chronology(ZoneInfo("UTC"))
    locals_ = ["2024-12-31 11:58:00", "2000-01-01 00:00:07", "2025-12-31 11:59:00", "2024-12-31 11:59:30"]
    qualities = [chronology.place(at(local), received_at=RECEIVED)[1] for local in locals_]
    assert qualities == [Quality.OK, Quality.IMPLAUSIBLE_PAST, Quality.FUTURE, Quality.OK]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_ends_of_the_calendar_have_an_instant_too(zone: str) -> None:
    chronology = Chronology(ZoneInfo(zone))
    assert chronology.place(datetime.min, received_at=RECEIVED)[1] is Quality.IMPLAUSIBLE_PAST
    last = datetime.max.replace(microsecond=0)
    assert chronology.place(last, received_at=RECEIVED)[1] is Quality.FUTURE


@given(
    local=st.datetimes(min_value=datetime(2001, 1, 2), max_value=datetime(2024, 12, 30)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tehran", "Australia/Lord_Howe", "Asia/Dhaka"]),
)
def test_an_instant_reads_back_as_its_wall_time_unless_the_hour_does_not_exist(local: datetime, zone: str) -> None:
    local = local.replace(microsecond=0, fold=0)
    instant, quality = Chronology(ZoneInfo(zone)).place(local, received_at=RECEIVED)
    back = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    assert (back == local) == (quality is not Quality.NONEXISTENT_DST)
    assert not quality.quarantined


@pytest.mark.parametrize(
    ("local", "hours", "instant"),
    [
        ("2024-10-27 02:30:00", 1, "2024-10-27T01:30:00Z"),
        ("2024-03-31 02:30:00", 1, "2024-03-31T01:30:00Z"),
        ("2024-07-01 08:00:00", 1, "2024-07-01T07:00:00Z"),
        ("2024-07-01 08:00:00", -7, "2024-07-01T15:00:00Z"),
    ],
    ids=["the second pass", "the hour that is skipped", "a machine without summer time", "another zone"],
)
def test_a_machine_that_says_its_offset_leaves_nothing_to_the_zone(local: str, hours: int, instant: str) -> None:
    placed = Chronology(ZoneInfo("Europe/Berlin")).place(at(local), ahead=timedelta(hours=hours), received_at=RECEIVED)
    assert placed == (at(instant), Quality.OK)


def test_an_offset_does_not_make_an_impossible_time_possible() -> None:
    chronology, east = Chronology(ZoneInfo("Asia/Dhaka")), timedelta(hours=6)
    assert chronology.place(datetime(1970, 1, 1), ahead=east, received_at=RECEIVED)[1] is Quality.IMPLAUSIBLE_PAST
    assert chronology.place(datetime(2030, 1, 1), ahead=east, received_at=RECEIVED)[1] is Quality.FUTURE
    assert chronology.place(datetime.min, ahead=east, received_at=RECEIVED)[1] is Quality.IMPLAUSIBLE_PAST
