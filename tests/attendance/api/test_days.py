"""Summary, timesheet, daily records, statistics: on real days that the worker computed."""

from datetime import UTC, datetime

import jsonschema
import pytest

from shared.contracts.event import Version
from tests.attendance.api.office import Office


async def test_the_users_own_day_is_the_users_own_row(company: Office):
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 17:30")
    company.clock.time = datetime(2024, 1, 17, tzinfo=UTC)

    row = (await company.get("daily-attendance/summary/", date="2024-01-15"))[0]

    assert row == {
        "employee_id": "EMP001",
        "employee_name": "Ahmed Khan",
        "department": "Sewing",
        "designation": "Senior Tailor",
        "level_of_work": "Worker",
        "date": "2024-01-15",
        "status": "Present-OnTime",
        "state": "final",
        "check_in": "08:00",
        "check_out": "17:30",
        "working_hours": 8.5,
        "overtime": 0.5,
        "extra_overtime": 0.0,
        "attendance_count": 2,
        "scans": [{"time": "08:00", "type": "IN"}, {"time": "17:30", "type": "OUT"}],
        "waits_for": [],
        "final_at_latest": None,
        "locked": False,
        "adjusted": False,
    }


async def test_the_summary_has_a_row_for_everybody_the_absent_included(company: Office):
    await company.scan("1", "2024-01-15 08:00")
    rows = await company.get("daily-attendance/summary/", date="2024-01-15")
    assert [row["employee_id"] for row in rows] == ["EMP001", "EMP002", "EMP003", "EMP004", "EMP005"]
    assert [row["status"] for row in rows] == ["Present-OnTime", *["Absent"] * 4]
    assert rows[4]["department"] is None
    assert rows[1]["check_in"] is None
    assert rows[1]["working_hours"] == 0


async def test_in_camel_case_the_person_is_id_and_name_and_scans_are_check_ins(company: Office):
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 17:30")
    row = (await company.get("daily-attendance/summary/", date="2024-01-15", shape="camel"))[0]
    assert row["id"] == "EMP001"
    assert row["name"] == "Ahmed Khan"
    assert row["levelOfWork"] == "Worker"
    assert (row["checkIn"], row["checkOut"], row["workingHours"], row["extraOvertime"]) == ("08:00", "17:30", 8.5, 0.0)
    assert row["scans"] == [{"time": "08:00", "type": "Check In"}, {"time": "17:30", "type": "Check Out"}]
    assert not any("_" in key for key in row)


async def test_a_day_is_expected_until_somebody_is_due_then_provisional_then_final(company: Office):
    await company.machine()
    company.clock.time = datetime(2024, 1, 15, 2, 0, tzinfo=UTC)  # 08:00 in Dhaka
    rows = await company.get("daily-attendance/summary/", date="2024-01-15")
    assert {(row["status"], row["state"]) for row in rows} == {("Absent", "expected")}

    company.clock.time = datetime(2024, 1, 15, 2, 6, tzinfo=UTC)
    rows = await company.get("daily-attendance/summary/", date="2024-01-15")
    assert {row["state"] for row in rows} == {"provisional"}

    company.clock.time = datetime(2024, 1, 15, 23, 0, tzinfo=UTC)  # over, but the door has not reported past it
    rows = await company.get("daily-attendance/summary/", date="2024-01-15")
    assert {row["state"] for row in rows} == {"provisional"}

    await company.machine(reported_until=datetime(2024, 1, 15, 22, 59, tzinfo=UTC), version=Version(1, 2))
    rows = await company.get("daily-attendance/summary/", date="2024-01-15")
    assert {row["state"] for row in rows} == {"final"}


async def test_a_friday_without_scans_is_a_weekend(company: Office):
    rows = await company.get("daily-attendance/summary/", date="2024-01-12")
    assert {row["status"] for row in rows} == {"Weekend"}


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "date"),
        ({"date": ""}, "date"),
        ({"date": "2024-02-30"}, "date"),
        ({"date": "20240115"}, "date"),
        ({"date": "9999-12-31"}, "date"),
        ({"date": "0001-01-01"}, "date"),
        ({"date": "2024-01-15", "shape": "kebab"}, "shape"),
        ({"date": "2024-01-15", "datum": "x"}, "datum"),
        ({"date": "2024-01-15", "department": "Nowhere"}, "department"),
        ({"date": "2024-01-15", "employee": "EMP999"}, "employee"),
        ({"date": "2024-01-15", "employee": "99999999999999999999"}, "employee"),
    ],
)
async def test_what_the_summary_cannot_read_is_named(company: Office, parameters: dict[str, str], named: str):
    assert named in await company.refused("daily-attendance/summary/", 400, **parameters)


async def test_who_has_not_joined_yet_or_has_left_has_no_row(company: Office):
    await company.import_people("employee_id,joined_on,left_on", "EMP001,2024-01-16,", "EMP002,,2024-01-14")
    rows = await company.get("daily-attendance/summary/", date="2024-01-15")
    assert [row["employee_id"] for row in rows] == ["EMP003", "EMP004", "EMP005"]
    rows = await company.get("daily-attendance/summary/", date="2024-01-14")
    assert [row["employee_id"] for row in rows] == ["EMP002", "EMP003", "EMP004", "EMP005"]


async def test_an_old_day_shows_the_department_of_that_day(company: Office):
    await company.import_people("employee_id,department", "EMP001,Office")
    today = await company.get("daily-attendance/summary/", date="2024-01-15", employee="EMP001")
    before = await company.get("daily-attendance/summary/", date="2024-01-14", employee="EMP001")
    assert (today[0]["department"], before[0]["department"]) == ("Office", "Sewing")


async def test_a_department_includes_those_below_it(company: Office):
    for named in ("Sewing", "sewing"):
        rows = await company.get("daily-attendance/summary/", date="2024-01-15", department=named)
        assert [row["employee_id"] for row in rows] == ["EMP001", "EMP002", "EMP003"]
    rows = await company.get("daily-attendance/summary/", date="2024-01-15", level_of_work="Staff")
    assert [row["employee_id"] for row in rows] == ["EMP004"]


async def test_a_timesheet_has_every_day_of_the_month(company: Office):
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 17:30")
    one = await company.get("timesheet/", month="01", year="2024")
    other = await company.get("timesheet/", month="2024-01")
    assert one == other
    row = one[0]
    assert list(row) == ["employee_id", "employee_name", "department", "designation", "level_of_work", "days"]
    assert [day["day"] for day in row["days"]] == list(range(1, 32))
    assert row["days"][14] == {
        "day": 15,
        "date": "2024-01-15",
        "status": "Present-OnTime",
        "state": "provisional",
        "checkIn": "08:00",
        "checkOut": "17:30",
        "workingHours": 8.5,
        "overtime": 0.5,
        "extraOvertime": 0.0,
        "locked": False,
        "adjusted": False,
        "weekOvertime": 0.0,
    }
    assert (row["days"][11]["status"], row["days"][0]["status"]) == ("Weekend", "Absent")
    assert (row["days"][30]["status"], row["days"][30]["state"]) == ("Absent", "expected")
    assert len((await company.get("timesheet/", month="2024-02"))[0]["days"]) == 29
    camel = (await company.get("timesheet/", month="2024-01", shape="camel"))[0]
    assert (camel["id"], camel["name"], camel["levelOfWork"]) == ("EMP001", "Ahmed Khan", "Worker")
    assert camel["days"] == row["days"]


async def test_a_timesheet_leaves_days_empty_on_which_nobody_was_employed(company: Office):
    await company.import_people("employee_id,joined_on,left_on", "EMP001,2024-01-10,2024-01-20")
    days = (await company.get("timesheet/", month="2024-01", employee="EMP001"))[0]["days"]
    assert [day["day"] for day in days if day["status"]] == list(range(10, 21))
    assert await company.get("timesheet/", month="2024-02", employee="EMP001") == []


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "month"),
        ({"month": "01"}, "year"),
        ({"month": "13", "year": "2024"}, "month"),
        ({"month": "0", "year": "2024"}, "month"),
        ({"month": "01", "year": "24"}, "year"),
        ({"month": "01", "year": "9999"}, "month"),
        ({"month": "2024-01", "year": "2023"}, "year"),
        ({"month": "2024-13"}, "month"),
        ({"month": "january", "year": "2024"}, "month"),
        ({"month": "²", "year": "2024"}, "month"),
    ],
)
async def test_what_a_timesheet_cannot_read_is_named(office: Office, parameters: dict[str, str], named: str):
    assert named in await office.refused("timesheet/", 400, **parameters)


async def test_a_daily_record_has_every_field(company: Office):
    await company.scan("1", "2024-01-15 08:10", "2024-01-15 08:10:20", "2024-01-15 20:00")
    person = (await company.ids())["EMP001"]
    record = await company.get(f"daily-attendance/20240115-{person}/")
    assert record.pop("created_at")
    assert record.pop("updated_at")
    assert record == {
        "id": f"20240115-{person}",
        "employee": person,
        "employee_id": "EMP001",
        "employee_name": "Ahmed Khan",
        "department": "Sewing",
        "designation": "Senior Tailor",
        "level_of_work": "Worker",
        "date": "2024-01-15",
        "date_formatted": "15 Jan 2024",
        "status": "Present-Late",
        "state": "provisional",
        "first_check_in": "2024-01-15T08:10:00+06:00",
        "first_check_in_formatted": "08:10",
        "last_check_out": "2024-01-15T20:00:00+06:00",
        "last_check_out_formatted": "20:00",
        "total_working_hours": 10.83,
        "overtime_hours": 2.0,
        "extra_overtime_hours": 1.0,
        "total_scans": 3,
        "check_in_count": 1,
        "check_out_count": 1,
        "snacks_eligible": True,
        "night_bill_eligible": False,
        "notes": "",
        "is_edited": False,
        "edited_by": None,
        "edited_by_name": None,
        "edited_at": None,
        "timezone": "Asia/Dhaka",
        "flags": [],
        "late_minutes": 10,
        "early_departure_minutes": 0,
        "shortfall_minutes": 10,
        "scans": [{"time": "08:10", "type": "IN"}, {"time": "20:00", "type": "OUT"}],
        "shift": None,
        "shift_inferred": False,
        "shift_confidence": None,
        "expected_hours": 8.0,
        "raw_working_hours": 10.83,
        "overtime_unapproved": False,
        "waits_for": [],
        "final_at_latest": "2024-01-16T22:01:00Z",
        "locked": False,
        "adjusted": False,
        "week_overtime_hours": 0.0,
    }


async def test_a_day_without_scans_has_a_record_too(company: Office):
    person = (await company.ids())["EMP001"]
    record = await company.get(f"daily-attendance/20240114-{person}/")
    assert (record["status"], record["first_check_in"], record["total_scans"], record["shortfall_minutes"]) == (
        "Absent",
        None,
        0,
        480,
    )


@pytest.mark.parametrize("day", ["20240115-999", "20240230-1", "20240115", "x", "20240115-x", "99990101-1", "0-0", "²"])
async def test_a_day_that_does_not_exist_is_404(company: Office, day: str):
    await company.refused(f"daily-attendance/{day}/", 404)
    await company.refused(f"daily-attendance/{day}/explain/", 404)


async def test_over_a_short_range_the_list_has_the_absences_and_over_a_long_one_only_what_was_seen(company: Office):
    await company.scan("1", "2024-01-15 08:00", "2023-11-06 08:00")
    await company.scan("2", "2024-01-14 08:04")
    week = await company.get("daily-attendance/", date_from="2024-01-13", date_to="2024-01-15")
    assert len(week) == 15
    assert [row["date"] for row in week[:5]] == ["2024-01-15"] * 5
    absent = await company.get(
        "daily-attendance/", date_from="2024-01-13", date_to="2024-01-15", status="Absent", ordering="date"
    )
    assert len(absent) == 13
    assert {row["id"].split("-")[0] for row in absent} == {"20240113", "20240114", "20240115"}
    seen = await company.get("daily-attendance/")
    assert [(row["date"], row["employee_id"]) for row in seen] == [
        ("2024-01-15", "EMP001"),
        ("2024-01-14", "EMP002"),
        ("2023-11-06", "EMP001"),
    ]
    assert [row["status"] for row in await company.get("daily-attendance/", status="Present-Considered")] == [
        "Present-Considered"
    ]
    assert len(await company.get("daily-attendance/", date_from="2023-01-01", date_to="2024-12-31")) == 3


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"status": "Sleeping"}, "status"),
        ({"date": "2024-01-15", "date_from": "2024-01-01"}, "date"),
        ({"date_from": "2024-01-15", "date_to": "2024-01-01"}, "date_to"),
        ({"ordering": "shoe_size"}, "ordering"),
        ({"limit": "0"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"page": "0"}, "page"),
        ({"cursor": "bm9uc2Vuc2U"}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_a_list_cannot_read_is_named(company: Office, parameters: dict[str, str], named: str):
    assert named in await company.refused("daily-attendance/", 400, **parameters)


async def test_statistics_count_each_department_and_never_the_expected_as_absent(company: Office):
    company.clock.time = datetime(2024, 1, 15, 2, 0, tzinfo=UTC)  # 08:00 in Dhaka: nobody is late yet
    await company.scan("1", "2024-01-15 07:50")
    early = await company.get("statistics/")
    assert (early["date"], early["present_today"], early["absent_today"], early["expected_today"]) == (
        "2024-01-15",
        1,
        0,
        4,
    )
    later = await company.get("statistics/", date="2024-01-14")
    assert (later["total_employees"], later["present_today"], later["absent_today"], later["leave_today"]) == (
        5,
        0,
        5,
        0,
    )
    company.clock.time = datetime(2024, 1, 15, 6, 0, tzinfo=UTC)
    noon = await company.get("statistics/")
    assert noon["attendance_rate"] == 20.0
    assert noon["absent_today"] == 4
    assert noon["department_stats"][2] == {
        "department": "Sewing",
        "total": 2,
        "present": 1,
        "absent": 1,
        "leave": 0,
        "expected": 0,
    }
    assert [stats["department"] for stats in noon["department_stats"]] == ["Hems", "Office", "Sewing", None]


async def test_an_explanation_says_why_in_sentences_and_as_data(company: Office):
    await company.machine()
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 17:30")
    await company.scan("1", "2024-01-15 12:00", quality="future")
    person = (await company.ids())["EMP001"]
    explained = await company.get(f"daily-attendance/20240115-{person}/explain/")
    assert explained["employee_id"] == "EMP001"
    assert explained["badges"] == ["1"]
    assert [(scan["time"], scan["part"], scan["machine_id"]) for scan in explained["scans"]] == [
        ("08:00:00", "arrival", "door"),
        ("12:00:00", "quarantined", "door"),
        ("17:30:00", "departure", "door"),
    ]
    figures = {figure["name"]: figure["value"] for figure in explained["figures"]}
    assert (figures["status"], figures["working_hours"], figures["overtime"]) == ("Present-OnTime", 8.5, 0.5)
    assert any("becomes final" in text or "not over" in text for text in explained["sentences"])
    assert await company.get("explain/", employee="EMP001", date="2024-01-15") == explained
    assert "EMP9" in await company.refused("explain/", 404, employee="EMP9", date="2024-01-15")
    assert "employee" in await company.refused("explain/", 400, date="2024-01-15")


async def test_a_code_is_found_in_another_case_where_only_one_person_has_it(office: Office):
    await office.import_people("employee_id,name", "EMP001,Ahmed", "a1,Bela", "A1,Chitra")
    for code, name in (("emp001", "Ahmed"), ("a1", "Bela"), ("A1", "Chitra")):
        assert (await office.get("explain/", employee=code, date="2024-01-15"))["employee_name"] == name
        assert await office.get("daily-attendance/", employee=code) is not None
    await office.import_people("employee_id,name", "Xy,Dipa", "xY,Emon")
    said = await office.refused("explain/", 404, employee="xy", date="2024-01-15")
    assert said == "nobody has the code, or else the id, 'xy'"


async def test_of_a_day_that_is_not_due_yet_it_is_said_first(company: Office):
    explained = await company.get("explain/", employee="EMP001", date="2024-01-16")
    assert explained["state"] == "expected"
    assert explained["sentences"][0].startswith("This day is not due yet: nobody is late or absent so far")
    gone_by = await company.get("explain/", employee="EMP001", date="2024-01-09")
    assert gone_by["state"] != "expected"
    assert "not due" not in " ".join(gone_by["sentences"])


async def test_a_code_that_is_a_number_is_found_by_explain_and_an_id_by_filters(office: Office):
    await office.import_people("employee_id,name", "2,First of all", "1,Second of all")
    assert (await office.get("explain/", employee="2", date="2024-01-15"))["employee_name"] == "First of all"
    rows = await office.get("daily-attendance/", date="2024-01-15", employee="2")
    assert rows[0]["employee_name"] == "Second of all"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("employees/", {}),
        ("scans/", {}),
        ("daily-attendance/", {"date": "2024-01-15"}),
        ("daily-attendance/summary/", {"date": "2024-01-15"}),
    ],
)
async def test_the_document_says_what_a_list_answers(company: Office, path: str, asked: dict[str, str]):
    await company.machine()
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 17:00")
    document = (await company.ask("GET", "/openapi.json")).json()
    responses = document["paths"][f"/api/attendance/{path}"]["get"]["responses"]
    answer = responses["200"]["content"]["application/json"]["schema"]
    rows = await company.get(path, **asked)
    jsonschema.validate(rows, answer)
    assert set(rows[0]) == set(answer["items"]["properties"]) == set(answer["items"]["required"])
