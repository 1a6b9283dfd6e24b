"""Holidays and leave in days: every page says the same, and the explanation names the request or the holiday."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.attendance.storage.time_off import PostgresTimeOff
from shared.contracts.days import DayUpdated
from shared.contracts.leave import HolidayChanged, LeaveRequestChanged
from tests.attendance.api.office import Office
from tests.attendance.api.test_corrections import rule, told
from tests.attendance.time_off import holiday, leave, request_id

WEDNESDAY = "2024-01-10"


async def hear(office: Office, *events: HolidayChanged | LeaveRequestChanged) -> None:
    """The events arrive, and what follows from them is done."""
    keeps = PostgresTimeOff(office.database)
    await keeps.apply_holidays([each for each in events if isinstance(each, HolidayChanged)])
    await keeps.apply_requests([each for each in events if isinstance(each, LeaveRequestChanged)])
    await office.settle()


async def everywhere(office: Office, day: str = WEDNESDAY, by: str = "hr") -> dict[str, str]:
    """The statuses of a date by code, which are the same on every page."""
    rows = await office.get("daily-attendance/summary/", by=by, date=day)
    statuses = {row["employee_id"]: row["status"] for row in rows}
    sheets = await office.get("timesheet/", by=by, month=day[:7])
    assert {row["employee_id"]: row["days"][int(day[8:]) - 1]["status"] for row in sheets} == statuses
    listed = await office.get("daily-attendance/", by=by, date=day)
    assert {row["employee_id"]: row["status"] for row in listed} == statuses
    ordered = await office.get("daily-attendance/", by=by, date_from=day, date_to=day, ordering="status")
    assert [row["status"] for row in ordered] == sorted(statuses.values())
    for status in set(statuses.values()):
        chosen = await office.get("daily-attendance/", by=by, date=day, status=status)
        assert {row["employee_id"] for row in chosen} == {code for code, its in statuses.items() if its == status}
    for row in listed:
        one = await office.get(f"daily-attendance/{row['id']}/", by=by)
        explained = await office.get(f"daily-attendance/{row['id']}/explain/", by=by)
        assert (one["status"], explained["figures"][0]["value"]) == (row["status"], row["status"])
        assert one["expected_hours"] == row["expected_hours"]
    return statuses


async def the_day(office: Office, code: str, day: str = WEDNESDAY) -> dict[str, Any]:
    (row,) = await office.get("daily-attendance/", employee=code, date=day)
    return dict(row)


async def explained(office: Office, code: str, day: str = WEDNESDAY) -> dict[str, Any]:
    return dict(await office.get("explain/", employee=code, date=day))


async def test_every_page_says_the_same_of_leave_without_scans(company: Office):
    ids = await company.ids()
    before = await everywhere(company)
    assert set(before.values()) == {"Absent"}
    await hear(
        company,
        leave(ids["EMP001"], WEDNESDAY, number=1),
        leave(ids["EMP002"], f"{WEDNESDAY} morning", number=2, type_="without_pay"),
        leave(ids["EMP003"], WEDNESDAY, number=3, type_="study_leave"),
        leave(ids["EMP004"], WEDNESDAY, number=4, status="pending"),
    )
    assert await everywhere(company) == {
        "EMP001": "Leave-Casual",
        "EMP002": "Leave-WithOutPay",
        "EMP003": "Leave-StudyLeave",
        "EMP004": "Absent",
        "EMP005": "Absent",
    }
    assert set((await everywhere(company, "2024-01-09")).values()) == {"Absent"}
    figures = await company.get("statistics/", date=WEDNESDAY)
    assert (figures["leave_today"], figures["absent_today"], figures["total_employees"]) == (3, 2, 5)
    assert {each["department"]: each["leave"] for each in figures["department_stats"]} == {
        None: 0, "Hems": 1, "Office": 0, "Sewing": 2,
    }  # fmt: skip
    whole, half = await the_day(company, "EMP001"), await the_day(company, "EMP002")
    assert (whole["expected_hours"], whole["shortfall_minutes"]) == (0.0, 0)
    assert (half["expected_hours"], half["shortfall_minutes"]) == (4.0, 240)
    # A date that the request does not charge is none, whatever its start and end say.
    assert (await the_day(company, "EMP001", "2024-01-11"))["status"] == "Absent"


async def test_leave_wins_over_a_holiday_and_a_holiday_over_the_weekend(company: Office):
    ids = await company.ids()
    friday = "2024-01-12"
    await hear(company, holiday(first=WEDNESDAY, last=friday), leave(ids["EMP001"], WEDNESDAY, friday))
    for day in (WEDNESDAY, friday):
        statuses = await everywhere(company, day)
        assert statuses == {code: "Leave-Casual" if code == "EMP001" else "Holiday" for code in ids}
    await hear(company, holiday(first=WEDNESDAY, last=WEDNESDAY, n=2))
    assert (await everywhere(company, friday))["EMP002"] == "Weekend"


async def test_the_explanation_names_the_request_and_the_holiday(company: Office):
    ids = await company.ids()
    await hear(company, holiday(first=WEDNESDAY), leave(ids["EMP001"], WEDNESDAY, number=5))
    found = await explained(company, "EMP001")
    assert found["leave"] == {"request": str(request_id(5)), "type": "casual", "part": "full"}
    assert found["holiday"] == "Founders' day"
    said = " ".join(found["sentences"])
    assert f"The approved leave request {request_id(5)} (casual) charges this day." in said
    assert "The date is a holiday, Founders' day." in said
    assert "approved casual leave (full day)" in said
    other = await explained(company, "EMP002", "2024-01-09")
    assert (other["leave"], other["holiday"]) == (None, None)


async def test_holidays_are_those_of_the_site(company: Office):
    mill = (await company.ask("POST", "sites/", json={"name": "Mill", "timezone": "Asia/Dhaka"}, expect=201)).json()
    ids = await company.ids()
    body = {"site": mill["id"]}
    await company.ask("PATCH", f"employees/{ids['EMP004']}/", json=body, params={"effective_from": "always"})
    await hear(company, holiday(first=WEDNESDAY, sites=[mill["id"]]))
    await company.scan("4", f"{WEDNESDAY} 08:00", f"{WEDNESDAY} 17:00")
    await company.scan("1", f"{WEDNESDAY} 08:00", f"{WEDNESDAY} 17:00")
    assert (await the_day(company, "EMP004"))["flags"] == ["worked_on_holiday"]
    assert (await the_day(company, "EMP001"))["flags"] == []
    await company.ask("PATCH", f"employees/{ids['EMP005']}/", json=body, params={"effective_from": "always"})
    statuses = await everywhere(company)
    assert (statuses["EMP005"], statuses["EMP002"]) == ("Holiday", "Absent")


async def test_half_a_day_of_leave_moves_entry_and_exit_of_stored_days_at_once(company: Office):
    ids = await company.ids()
    await company.settle()
    await company.scan("1", f"{WEDNESDAY} 13:50", f"{WEDNESDAY} 17:00")
    await company.scan("2", f"{WEDNESDAY} 08:00", f"{WEDNESDAY} 13:00")
    late, early = await the_day(company, "EMP001"), await the_day(company, "EMP002")
    assert (late["status"], early["early_departure_minutes"]) == ("Present-Late", 240)
    await hear(
        company,
        leave(ids["EMP001"], f"{WEDNESDAY} morning", number=1),
        leave(ids["EMP002"], f"{WEDNESDAY} afternoon", number=2),
    )
    late, early = await the_day(company, "EMP001"), await the_day(company, "EMP002")
    assert (late["status"], late["late_minutes"], late["expected_hours"]) == ("Present-OnTime", 0, 4.0)
    assert (early["early_departure_minutes"], early["expected_hours"]) == (0, 4.0)
    said = " ".join((await explained(company, "EMP001"))["sentences"])
    assert "moved to the end of lunch by the morning's leave" in said
    # The change is announced, and written down with its reason.
    heard = [event for event in await told(company, DayUpdated) if event.employee_id == "EMP001"]
    assert [event.status for event in heard][-2:] == ["Present-Late", "Present-OnTime"]
    steps = await company.get(f"daily-attendance/{late['id']}/history/")
    (step,) = [each for each in steps if each["what"] == "recomputed"]
    assert step["reason"] == f"the leave request {request_id(1)} is approved"
    await hear(company, leave(ids["EMP001"], f"{WEDNESDAY} morning", number=1, n=2, status="cancelled"))
    assert (await the_day(company, "EMP001"))["status"] == "Present-Late"


async def test_a_correction_of_a_day_on_leave_knows_of_the_leave(company: Office):
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], f"{WEDNESDAY} morning"))
    body = {"first_check_in": "13:45", "last_check_out": "17:00", "reason": "the reader was broken"}
    path = f"daily-attendance/20240110-{ids['EMP001']}/"
    record = (await company.ask("PUT", path, json=body)).json()
    assert (record["status"], record["expected_hours"]) == ("Present-OnTime", 4.0)
    steps = await company.get(f"{path}history/")
    assert {each["what"] for each in steps} == {"correction_approved"}
    (became,) = [each["changed"]["status"] for each in steps if "status" in each["changed"]]
    assert became == ["Leave-Casual", "Present-OnTime"]
    await company.ask("DELETE", path, params={"reason": "again"}, expect=204)
    assert (await the_day(company, "EMP001"))["status"] == "Leave-Casual"


async def test_a_record_of_a_day_on_leave_may_be_sent_back_whole(company: Office):
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], WEDNESDAY, "2024-01-09 morning"), holiday(first="2024-01-11"))
    for day in (WEDNESDAY, "2024-01-09", "2024-01-11"):
        record = await the_day(company, "EMP001", day)
        path = f"daily-attendance/{record['id']}/"
        answer = (await company.ask("PUT", path, json={**record, "notes": "seen"})).json()
        assert (answer["status"], answer["notes"], answer["is_edited"]) == (record["status"], "seen", True)
        assert answer == await company.get(path)


async def test_what_overtime_a_day_has_is_known_of_a_holiday_too(company: Office):
    await hear(company, holiday(first=WEDNESDAY))
    await rule(company, rest_day_overtime=True)
    await company.scan("1", f"{WEDNESDAY} 08:00", f"{WEDNESDAY} 17:00")
    record = await the_day(company, "EMP001")
    assert record["overtime_hours"] == 8.0
    path, body = f"daily-attendance/{record['id']}/", {"extra_overtime_hours": 17, "reason": "a typing error"}
    refused = (await company.ask("PUT", path, json=body, expect=422)).json()
    assert "is with overtime more than the day has" in refused["error"]


async def test_who_has_the_morning_off_is_due_after_lunch(company: Office):
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], "2024-01-15 morning", number=1), holiday(first="2024-01-16"))
    rows = {row["employee_id"]: row for row in await company.get("daily-attendance/summary/", date="2024-01-15")}
    # It is noon.
    assert (rows["EMP001"]["state"], rows["EMP002"]["state"]) == ("expected", "provisional")
    rows = {row["employee_id"]: row for row in await company.get("daily-attendance/summary/", date="2024-01-16")}
    assert (rows["EMP001"]["status"], rows["EMP001"]["state"]) == ("Holiday", "provisional")


async def test_leave_in_a_locked_month_is_an_adjustment(company: Office):
    ids = await company.ids()
    await company.settle()
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    await hear(company, leave(ids["EMP001"], "2024-01-09", number=1))
    await company.ask("POST", "locks/", json={"month": "2024-01"}, expect=201)
    assert (await everywhere(company, "2024-01-09"))["EMP001"] == "Leave-Casual"  # stored by the lock
    await hear(company, leave(ids["EMP002"], WEDNESDAY, number=2), holiday(first="2024-01-11"))
    assert (await the_day(company, "EMP002"))["status"] == "Absent"
    found = await company.get("adjustments/", ordering="employee_id")
    assert {(each["employee_id"], each["date"], each["after"]["status"]) for each in found} == {
        ("EMP002", WEDNESDAY, "Leave-Casual"),
        *((code, "2024-01-11", "Holiday") for code in ids),
    }
    assert {each["minutes"]["shortfall"] for each in found} == {-480}


async def test_leave_is_seen_by_who_sees_the_day(company: Office):
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], WEDNESDAY, number=1), leave(ids["EMP004"], WEDNESDAY, number=4))
    assert await everywhere(company, by="head") == {
        "EMP001": "Leave-Casual", "EMP002": "Absent", "EMP003": "Absent", "EMP004": "Leave-Casual",
    }  # fmt: skip
    assert await everywhere(company, by="employee") == {"EMP002": "Absent"}
    figures = await company.get("statistics/", by="employee", date=WEDNESDAY)
    assert (figures["total_employees"], figures["leave_today"]) == (1, 0)


@pytest.mark.parametrize("owner", [{"employee": "EMP001"}, {"department": "Sewing"}])
async def test_who_has_a_schedule_has_holidays_and_leave_as_well(company: Office, owner: dict[str, str]):
    shift = {"code": "D", "parts": [{"start": "09:00", "end": "15:00"}], "breaks": []}
    await company.ask("POST", "shifts/", json=shift, expect=201)
    made = (await company.ask("POST", "schedules/", json={"name": "Days", "shift": "D"}, expect=201)).json()
    await company.ask("POST", f"schedules/{made['id']}/assign/", json=owner)
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], f"{WEDNESDAY} afternoon", "2024-01-11"), holiday(first="2024-01-09"))
    assert (await everywhere(company, "2024-01-09"))["EMP001"] == "Holiday"
    assert (await everywhere(company))["EMP001"] == "Leave-Casual"
    assert (await the_day(company, "EMP001"))["expected_hours"] == 3.0
    assert (await the_day(company, "EMP001", "2024-01-11"))["expected_hours"] == 0.0
    assert (await the_day(company, "EMP001", "2024-01-13"))["expected_hours"] == 6.0


async def test_who_left_in_the_afternoon_that_is_their_leave_is_out(company: Office):
    ids = await company.ids()
    company.clock.time = datetime(2024, 1, 15, 9, tzinfo=UTC)  # 15:00 in Dhaka
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 13:30")
    await company.scan("2", "2024-01-15 08:00", "2024-01-15 13:30")
    await hear(company, leave(ids["EMP001"], "2024-01-15 afternoon"))
    people = {row["employee_id"]: row["state"] for row in (await company.get("presence/"))["people"]}
    assert people["EMP001"] == "out"
    assert people["EMP002"] != "out"
