"""Raw scans: every field kept, whose they are, how they are counted and paged."""

from datetime import UTC, datetime

import pytest

from shared.bus.port import BusUnavailable
from tests.attendance.api.office import Office, scan_of


async def test_a_scan_is_shown_with_every_field_kept(company: Office):
    await company.machine()
    await company.scan(
        "1",
        "2024-01-15 08:00:07",
        state="0",
        type="IN",
        verify="face",
        work_code="7",
        record_no="12",
        raw={"pin": "1", "extra": [1, None]},
    )
    (scan,) = await company.get("scans/")
    assert scan.pop("id")
    assert scan == {
        "machine": 1,
        "machine_id": "door",
        "machine_name": "Front door",
        "site": 1,
        "badge": "1",
        "employee": (await company.ids())["EMP001"],
        "employee_id": "EMP001",
        "employee_name": "Ahmed Khan",
        "scan_time": "2024-01-15T02:00:07Z",
        "local_time": "2024-01-15T08:00:07",
        "device_time": "2024-01-15 08:00:07",
        "timezone": "Asia/Dhaka",
        "scan_type": "IN",
        "state": "0",
        "verify": "face",
        "work_code": "7",
        "record_no": "12",
        "quality": "ok",
        "release": None,
        "is_processed": True,
        "mode": "live",
        "received_at": "2024-02-01T00:00:00Z",
        "raw_data": {"pin": "1", "extra": [1, None]},
    }


async def test_what_is_quarantined_or_nobodys_is_there_but_not_processed(company: Office):
    await company.scan("1", "2000-01-01 00:00:01", quality="implausible_past")
    await company.scan("77", "2024-01-15 08:00")
    nobodys, quarantined = await company.get("scans/")
    assert (nobodys["employee"], nobodys["is_processed"], nobodys["raw_data"]) == (None, False, {})
    assert (quarantined["employee_id"], quarantined["is_processed"]) == ("EMP001", False)
    assert [scan["badge"] for scan in await company.get("scans/", unknown="true")] == ["77"]
    assert [scan["badge"] for scan in await company.get("scans/", unknown="false")] == ["1"]


async def test_scans_are_filtered_by_machine_badge_employee_date_and_quality(company: Office):
    await company.machine()
    await company.machine(machine_id=2, machine="gate")
    await company.scan("1", "2024-01-14 08:00", "2024-01-15 08:00", "2024-01-16 01:00")
    await company.scan("2", "2024-01-15 08:00", machine_id=2, machine="gate")
    await company.scan("3", "2024-01-15 08:00", quality="future")

    async def found(**parameters: str) -> list[tuple[str, str]]:
        rows = await company.get("scans/", ordering="scan_time", **parameters)
        return [(row["badge"], row["local_time"][:10]) for row in rows]

    assert await found(machine="gate") == await found(machine="2") == [("2", "2024-01-15")]
    assert len(await found(badge="1")) == 3
    assert await found(employee="EMP002") == [("2", "2024-01-15")]
    assert sorted(await found(date="2024-01-15")) == [(b, "2024-01-15") for b in ("1", "2", "3")]
    assert await found(badge="1", date_from="2024-01-15") == [("1", "2024-01-15"), ("1", "2024-01-16")]
    assert await found(badge="1", date_to="2024-01-14") == [("1", "2024-01-14")]
    assert await found(quality="future") == [("3", "2024-01-15")]
    assert len(await found(search="ahmed")) == 3


async def test_a_scan_past_midnight_is_whose_badge_it_was_the_working_day_before(company: Office):
    ids = await company.ids()
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"badges": [{"badge": "1", "until": "2024-01-15"}]})
    await company.ask(
        "PATCH", f"employees/{ids['EMP005']}/", json={"badges": ["5", {"badge": "1", "since": "2024-01-15"}]}
    )
    await company.scan("1", "2024-01-15 03:30", "2024-01-15 04:01")
    assert [row["employee_id"] for row in await company.get("scans/")] == ["EMP005", "EMP001"]
    days = await company.get("daily-attendance/")
    assert [(day["date"], day["employee_id"]) for day in days] == [("2024-01-15", "EMP005"), ("2024-01-14", "EMP001")]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"machine": "nowhere"}, "machine"),
        ({"employee": "nobody"}, "employee"),
        ({"quality": "good"}, "quality"),
        ({"unknown": "yes"}, "unknown"),
        ({"date": "today"}, "date"),
        ({"badge": "a\u0000b"}, "U+0000"),
        ({"limit": "10001"}, "limit"),
        ({"page_size": "101", "page": "1"}, "page_size"),
        ({"ordering": "-badge"}, "ordering"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_the_list_cannot_read_is_named(company: Office, parameters: dict[str, str], named: str):
    assert named in await company.refused("scans/", 400, **parameters)


async def test_past_a_hundred_thousand_the_count_is_an_estimate_and_says_so(office: Office):
    await office.sql(
        """
        INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, device_time, zone,
                           received_at, mode)
        SELECT t, gen_random_uuid(), t AT TIME ZONE 'UTC', (i % 100)::text, 1, 1, 'IN', 'ok', '0', t::text, 'UTC',
               t AT TIME ZONE 'UTC', 'replay'
        FROM generate_series(1, 100001) AS i, LATERAL (SELECT timestamp '2024-01-01' + i * interval '20 s') AS x (t)
        """
    )
    await office.sql("ANALYZE scans")
    answer = await office.ask("GET", "scans/", params={"limit": 1})
    assert answer.headers["x-total-count-exact"] == "false"
    assert 100_001 <= int(answer.headers["x-total-count"]) < 110_000
    await office.sql("DELETE FROM scans WHERE badge = '7'")
    answer = await office.ask("GET", "scans/")
    assert "x-total-count-exact" not in answer.headers
    assert answer.headers["x-total-count"] == "99001"
    assert len(answer.json()) == 1000


async def test_the_status_tells_the_business_date_and_what_waits(company: Office):
    await company.machine()
    await company.machine(machine_id=2, machine="gate", is_connected=False)
    await company.machine(machine_id=3, machine="gone", removed=True)
    company.clock.time = datetime(2024, 1, 15, 22, 0, tzinfo=UTC)  # 04:00 in Dhaka: its minute is the day before's
    status = await company.get("system-status/", by="employee")
    assert status == {
        "business_date": "2024-01-15",
        "timezone": "Asia/Dhaka",
        "is_running": True,
        "total_machines": 2,
        "connected_machines": 1,
        "total_clients": 0,
        "queue_size": 1,  # the days that wait to be computed again
        "last_health_check": "2024-01-15T22:00:00Z",
        "services": [{"name": "attendance", "status": "ok", "queue_size": 0, "recomputations_waiting": 1}],
    }
    company.clock.time = datetime(2024, 1, 15, 22, 1, tzinfo=UTC)
    assert (await company.get("system-status/"))["business_date"] == "2024-01-16"


async def test_without_the_bus_the_status_says_so_and_still_answers(office: Office):
    async def away() -> None:
        raise BusUnavailable("the bus is away")

    office.bus.depths = away
    status = await office.get("system-status/")
    assert status["queue_size"] == status["services"][0]["recomputations_waiting"]
    assert status["services"][0]["status"] == "bus away"


async def test_the_settings_of_a_date_are_those_that_held_then(office: Office):
    now = await office.get("settings/", by="admin")
    assert (now["standard_working_hours"], now["safe_entry_time"], now["weekend_days"]) == (8.0, "08:00", [5])
    assert (now["timezone"], now["valid_from"], now["valid_until"]) == ("Asia/Dhaka", None, None)
    await office.sql(
        "INSERT INTO settings (site_id, values, during) "
        """VALUES (1, '{"safe_entry_time": "07:30", "day_boundary": "05:00"}', '[2024-01-10,2024-01-20)')"""
    )
    now = await office.get("settings/")
    assert (now["safe_entry_time"], now["valid_from"], now["valid_until"]) == ("07:30", "2024-01-10", "2024-01-20")
    before = await office.get("settings/", date="2024-01-09")
    assert (before["safe_entry_time"], before["valid_from"], before["valid_until"]) == ("08:00", None, "2024-01-10")
    after = await office.get("settings/", date="2024-01-20")
    assert (after["safe_entry_time"], after["valid_from"], after["valid_until"]) == ("08:00", "2024-01-20", None)
    for wrong in ("2", "x", "99999999999"):
        assert "site" in await office.refused("settings/", 400, site=wrong)
    await office.ask("PUT", "settings/", by="device", json={}, expect=403)


def test_scans_made_for_tests_have_ids_of_their_own():
    assert scan_of("1", "2024-01-15 08:00").scan_id != scan_of("2", "2024-01-15 08:00").scan_id
