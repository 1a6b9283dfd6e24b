"""Shifts, schedules, the roster and layered settings: entered over the API, and what days then are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.attendance.api.office import Office

NIGHT = {"code": "N", "name": "Night", "parts": [{"start": "22:00", "end": "06:00"}], "breaks": []}
DAY = {"code": "D", "name": "Day", "parts": [{"start": "08:00", "end": "16:00"}], "breaks": []}


async def made(office: Office, kind: str, body: dict[str, Any]) -> int:
    return int((await office.ask("POST", f"{kind}/", json=body, expect=201)).json()["id"])


async def works(office: Office, body: dict[str, Any], **owner: Any) -> int:
    """A schedule of this body, for an owner."""
    schedule = await made(office, "schedules", body)
    await office.ask("POST", f"schedules/{schedule}/assign/", json=owner)
    await office.settle()
    return schedule


async def shown(office: Office, code: str, first: str, last: str) -> list[tuple[str, str, str | None, str | None]]:
    rows = await office.get("daily-attendance/", employee=code, date_from=first, date_to=last, ordering="date")
    return [
        (row["date"], row["status"], row["first_check_in_formatted"], row["last_check_out_formatted"]) for row in rows
    ]


async def statuses(office: Office, code: str, first: str, last: str) -> list[str]:
    return [status for _, status, _, _ in await shown(office, code, first, last)]


@pytest.fixture
async def shifts(company: Office) -> Office:
    """The company with a night shift and a day shift."""
    await made(company, "shifts", NIGHT)
    await made(company, "shifts", DAY)
    return company


async def test_a_night_over_midnight_belongs_to_the_date_on_which_it_starts(shifts: Office):
    await works(shifts, {"name": "Nights", "shift": "N"}, employee="EMP001")
    await shifts.scan("1", "2024-01-08 21:55", "2024-01-09 06:04", "2024-01-09 21:58", "2024-01-10 05:59")
    assert await shown(shifts, "EMP001", "2024-01-08", "2024-01-10") == [
        ("2024-01-08", "Present-OnTime", "21:55", "06:04"),
        ("2024-01-09", "Present-OnTime", "21:58", "05:59"),
        ("2024-01-10", "Absent", None, None),
    ]
    person = (await shifts.ids())["EMP001"]
    record = await shifts.get(f"daily-attendance/20240108-{person}/")
    assert (record["shift"], record["expected_hours"], record["early_departure_minutes"]) == (
        "Night (22:00–06:00)",
        8.0,
        0,
    )
    explained = await shifts.get(f"daily-attendance/20240108-{person}/explain/")
    assert "Night (22:00–06:00)" in explained["window"]["why"]
    (event,) = [e for e in await events(shifts) if e["date"] == "2024-01-08" and e["total_scans"] == 2]
    assert (event["shift"], event["expected_minutes"], event["raw_worked_minutes"]) == ("Night (22:00–06:00)", 480, 489)


async def events(office: Office) -> list[dict[str, Any]]:
    import json

    rows = await office.sql("SELECT payload FROM outbox WHERE type = 'attendance.day.updated.v1'")
    found = []
    for row in rows:
        payload = json.loads(bytes(row["payload"]))
        found += [one["data"] for one in (payload if isinstance(payload, list) else [payload])]
    return found


async def test_a_pattern_says_which_dates_are_worked_and_which_are_off(shifts: Office):
    cycle = {"name": "Two and two", "cycle": ["D", "N", None, None], "anchor": "2024-01-01"}
    await works(shifts, cycle, employee="EMP001")
    await shifts.scan("1", "2024-01-05 08:00", "2024-01-05 16:00", "2024-01-06 21:59", "2024-01-07 06:00")
    # A Friday counts as any other date, and an off date as a weekend; the colleague goes by the site's week.
    assert await statuses(shifts, "EMP001", "2024-01-05", "2024-01-12") == [
        "Present-OnTime", "Present-OnTime", "Weekend", "Weekend", "Absent", "Absent", "Weekend", "Weekend",
    ]  # fmt: skip
    assert await statuses(shifts, "EMP002", "2024-01-05", "2024-01-07") == ["Weekend", "Absent", "Absent"]


async def test_every_page_says_the_same_of_an_off_date(shifts: Office):
    cycle = {"name": "Off on Wednesday", "cycle": ["D", "D", None, "D", "D", "D", "D"], "anchor": "2024-01-01"}
    await works(shifts, cycle, department="Sewing")
    wednesday = "2024-01-10"
    rows = {row["employee_id"]: row for row in await shifts.get("daily-attendance/summary/", date=wednesday)}
    # Hems lies below Sewing, and has no schedule of its own.
    expected = {"EMP001": "Weekend", "EMP002": "Weekend", "EMP003": "Weekend", "EMP004": "Absent", "EMP005": "Absent"}
    assert {code: row["status"] for code, row in rows.items()} == expected
    sheets = {row["employee_id"]: row["days"][9]["status"] for row in await shifts.get("timesheet/", month="2024-01")}
    assert sheets == expected
    listed = await shifts.get("daily-attendance/", date=wednesday)
    assert {row["employee_id"]: row["status"] for row in listed} == expected
    for status in ("Weekend", "Absent"):
        chosen = await shifts.get("daily-attendance/", date=wednesday, status=status)
        assert {row["employee_id"] for row in chosen} == {code for code, its in expected.items() if its == status}
    figures = await shifts.get("statistics/", date=wednesday)
    assert (figures["total_employees"], figures["absent_today"]) == (5, 2)
    one = (await shifts.ids())["EMP001"]
    assert (await shifts.get(f"daily-attendance/20240110-{one}/explain/"))["figures"][0]["value"] == "Weekend"


async def test_the_nearest_wins(shifts: Office):
    await works(shifts, {"name": "All days", "shift": "D"}, site=1)
    await works(shifts, {"name": "Nights", "shift": "N"}, department="Sewing")
    await works(shifts, {"name": "Own", "cycle": ["D", None], "anchor": "2024-01-08"}, employee="EMP002")
    ids = await shifts.ids()

    async def shift_of(code: str, on: str) -> Any:
        return (await shifts.get(f"daily-attendance/{on.replace('-', '')}-{ids[code]}/"))["shift"]

    assert await shift_of("EMP004", "2024-01-08") == "Day (08:00–16:00)"
    assert await shift_of("EMP001", "2024-01-08") == "Night (22:00–06:00)"
    assert await shift_of("EMP003", "2024-01-08") == "Night (22:00–06:00)"
    assert await shift_of("EMP002", "2024-01-08") == "Day (08:00–16:00)"
    assert await shift_of("EMP002", "2024-01-09") is None
    entry = {"employees": ["EMP002", ids["EMP001"]], "dates": ["2024-01-09"], "shift": "N"}
    assert (await shifts.ask("PUT", "roster/", json={"entries": [entry]})).json() == {"dates": 2}
    assert await shift_of("EMP002", "2024-01-09") == "Night (22:00–06:00)"
    kept = await shifts.get("roster/", date_from="2024-01-01", date_to="2024-01-31", employee="EMP002")
    assert [(day["date"], day["shift_code"]) for day in kept] == [("2024-01-09", "N")]
    clear = {"employees": ["EMP002"], "date_from": "2024-01-01", "date_to": "2024-01-31", "clear": True}
    await shifts.ask("PUT", "roster/", json={"entries": [clear]})
    assert await shift_of("EMP002", "2024-01-09") is None


async def test_a_late_scan_moves_to_the_date_whose_shift_it_ends(shifts: Office):
    """First there is no schedule, and the morning's scan is a day of its own; then nights are said to be worked."""
    await shifts.scan("1", "2024-01-08 21:55", "2024-01-09 06:04")
    assert await shown(shifts, "EMP001", "2024-01-08", "2024-01-09") == [
        ("2024-01-08", "Present-Late", "21:55", None),
        ("2024-01-09", "Present-OnTime", "06:04", None),
    ]
    await works(shifts, {"name": "Nights", "shift": "N"}, employee="EMP001", since="2024-01-08", until="2024-01-09")
    assert await shown(shifts, "EMP001", "2024-01-08", "2024-01-09") == [
        ("2024-01-08", "Present-OnTime", "21:55", "06:04"),
        ("2024-01-09", "Absent", None, None),
    ]
    await shifts.ask("POST", "schedules/unassign/", json={"employee": "EMP001"})
    await shifts.settle()
    assert await shown(shifts, "EMP001", "2024-01-08", "2024-01-09") == [
        ("2024-01-08", "Present-Late", "21:55", None),
        ("2024-01-09", "Present-OnTime", "06:04", None),
    ]


async def test_a_shift_changed_in_the_past_computes_its_days_again_and_no_others(shifts: Office):
    await works(shifts, {"name": "Days", "shift": "D"}, department="Sewing")
    for badge in ("1", "4"):
        await shifts.scan(badge, "2024-01-02 08:30", "2024-01-02 16:00", "2024-01-09 08:30", "2024-01-09 16:00")
    before = await shifts.sql("SELECT person_id, date, n FROM days")
    (day,) = [one for one in await shifts.get("shifts/") if one["code"] == "D"]
    later = {**DAY, "parts": [{"start": "08:30", "end": "16:30"}]}
    await shifts.ask("PUT", f"shifts/{day['id']}/", json=later, params={"effective_from": "2024-01-08"})
    (note,) = await shifts.sql("SELECT people, since, until FROM recomputations")
    ids = await shifts.ids()
    assert note["people"] == [ids["EMP001"], ids["EMP002"], ids["EMP003"]]
    assert (str(note["since"]), note["until"]) == ("2024-01-07", None)
    await shifts.settle()
    assert await statuses(shifts, "EMP001", "2024-01-09", "2024-01-09") == ["Present-OnTime"]
    assert await statuses(shifts, "EMP001", "2024-01-02", "2024-01-02") == ["Present-Late"]
    after = await shifts.sql("SELECT person_id, date, n FROM days")
    moved = {tuple(row) for row in after} - {tuple(row) for row in before}
    assert {(person, str(on)) for person, on, _ in moved} == {(ids["EMP001"], "2024-01-09")}
    versions = (await shifts.get(f"shifts/{day['id']}/"))["versions"]
    assert [(one["valid_from"], one["valid_until"]) for one in versions] == [(None, "2024-01-08"), ("2024-01-08", None)]


async def test_a_night_is_expected_until_it_is_due_and_final_by_its_own_window(shifts: Office):
    await works(shifts, {"name": "Nights", "shift": "N"}, employee="EMP001")

    async def state(at: datetime, on: str) -> tuple[str, str]:
        shifts.clock.time = at
        (row,) = await shifts.get("daily-attendance/summary/", date=on, employee="EMP001")
        (other,) = await shifts.get("daily-attendance/summary/", date=on, employee="EMP002")
        return row["state"], other["state"]

    # 15:00, 22:06 and 05:00 in Dhaka: the colleague's day ends at 04:00.
    assert await state(datetime(2024, 1, 15, 9, tzinfo=UTC), "2024-01-15") == ("expected", "provisional")
    assert await state(datetime(2024, 1, 15, 16, 6, tzinfo=UTC), "2024-01-15") == ("provisional", "provisional")
    await shifts.machine(reported_until=datetime(2024, 1, 15, 22, 30, tzinfo=UTC))
    assert await state(datetime(2024, 1, 15, 23, tzinfo=UTC), "2024-01-15") == ("provisional", "final")


async def test_settings_lie_over_each_other(company: Office):
    async def change(body: dict[str, Any], **where: Any) -> None:
        await company.ask("PUT", "settings/", json=body, params={"effective_from": "2024-01-01", **where})

    await change({"safe_entry_time": "09:00", "late_entry_time": "09:10"})
    await change({"late_entry_time": "09:30"}, department="Sewing")
    await change({"safe_entry_time": "09:20", "lunch_start": "12:00"}, employee="EMP003")
    await company.settle()

    async def of(**where: Any) -> tuple[str, str, str]:
        found = await company.get("settings/", date="2024-01-10", **where)
        return found["safe_entry_time"], found["late_entry_time"], found["lunch_start"]

    assert await of() == ("09:00", "09:10", "13:00")
    assert await of(department="Hems") == ("09:00", "09:30", "13:00")
    assert await of(employee="EMP003") == ("09:20", "09:30", "12:00")
    assert (await company.get("settings/", employee="EMP003", date="2024-01-10"))["own"] == {
        "safe_entry_time": "09:20",
        "lunch_start": "12:00",
    }
    assert (await company.get("settings/", date="2023-12-31"))["safe_entry_time"] == "08:00"
    for badge in ("1", "3", "4"):
        await company.scan(badge, "2024-01-10 09:15", "2024-01-10 17:00")
    found = {
        code: (await statuses(company, code, "2024-01-10", "2024-01-10"))[0] for code in ("EMP001", "EMP003", "EMP004")
    }
    assert found == {"EMP001": "Present-Considered", "EMP003": "Present-OnTime", "EMP004": "Present-Late"}
    await change({"safe_entry_time": None}, employee="EMP003")
    assert await of(employee="EMP003") == ("09:00", "09:30", "12:00")
    # What was read may be sent back: nothing changes, and nothing becomes the person's own.
    await change(await company.get("settings/", employee="EMP004", date="2024-01-10"), employee="EMP004")
    assert (await company.get("settings/", employee="EMP004", date="2024-01-10"))["own"] == {}


async def test_no_scan_is_lost_where_the_day_boundary_moves(company: Office):
    """The working day begins at 06:00 from the 9th on: the hours between the two boundaries belong to one date."""
    moments = ["2024-01-08 20:00", "2024-01-09 05:00", "2024-01-09 06:30", "2024-01-10 05:00"]
    await company.scan("1", *moments)
    await company.ask("PUT", "settings/", json={"day_boundary": "06:00"}, params={"effective_from": "2024-01-09"})
    await company.settle()
    rows = await company.get("daily-attendance/", employee="EMP001", date_from="2024-01-08", date_to="2024-01-10")
    assert sum(row["total_scans"] for row in rows) == len(moments)
    assert {row["date"]: row["total_scans"] for row in rows} == {"2024-01-08": 2, "2024-01-09": 2, "2024-01-10": 0}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "shifts/", {"code": "X"}, 422, "parts"),
        ("POST", "shifts/", {"parts": []}, 422, "code"),
        ("POST", "shifts/", {**DAY, "code": "X", "grace_in_minutes": -1}, 422, "grace_in_minutes"),
        ("POST", "shifts/", {**DAY, "code": "X", "wrong": 1}, 422, "wrong"),
        ("POST", "shifts/", DAY, 409, "code"),
        ("POST", "schedules/", {"name": "S"}, 422, "shift"),
        ("POST", "schedules/", {"name": "S", "shift": "nobody"}, 422, "shift"),
        ("POST", "schedules/", {"name": "S", "shift": 99}, 422, "shift"),
        ("POST", "schedules/", {"name": "S", "cycle": ["D"]}, 422, "anchor"),
        ("POST", "schedules/", {"name": "S", "cycle": [None], "anchor": "2024-01-01"}, 422, "cycle"),
        ("POST", "schedules/", {"name": "S", "cycle": ["D"], "anchor": "soon"}, 422, "anchor"),
        ("PUT", "settings/", {"safe_entry_time": "late"}, 422, "safe_entry_time"),
        ("PUT", "settings/", {"safe_entry": "08:00"}, 422, "safe_entry"),
        ("PUT", "settings/", {"late_entry_time": "07:00"}, 422, "late_entry_time"),
        ("PUT", "settings/?employee=nobody", {}, 400, "employee"),
        ("PUT", "settings/?employee=EMP001&site=1", {}, 400, "employee"),
        ("PUT", "roster/", {"entries": [{"employees": ["nobody"], "dates": ["2024-01-01"], "shift": "D"}]}, 422,
         "entries/0/employees"),
        ("PUT", "roster/", {"entries": [{"employees": ["EMP001"], "dates": ["2024-01-01"], "shift": "Q"}]}, 422,
         "entries/0/shift"),
    ],
)  # fmt: skip
async def test_what_is_against_a_rule_is_named(
    shifts: Office, method: str, path: str, body: Any, status: int, field: str
):
    answer = await shifts.ask(method, path, json=body, expect=status)
    pointers = [one["pointer"].removeprefix("/").removeprefix("#/") for one in answer.json()["errors"]]
    assert field in pointers, answer.text


async def test_what_is_in_use_is_not_forgotten(shifts: Office):
    schedule = await works(shifts, {"name": "Days", "shift": "D"}, employee="EMP001", since="2024-01-01")
    ids = {one["code"]: one["id"] for one in await shifts.get("shifts/")}
    await shifts.ask("DELETE", f"shifts/{ids['D']}/", expect=409)
    await shifts.ask("DELETE", f"schedules/{schedule}/", expect=409)
    await shifts.ask("DELETE", f"shifts/{ids['N']}/", expect=204)
    await shifts.ask("POST", "schedules/unassign/", json={"employee": "EMP001"})
    await shifts.ask("DELETE", f"schedules/{schedule}/", expect=204)
    await shifts.ask("DELETE", f"shifts/{ids['D']}/", expect=204)
    assert await shifts.get("shifts/") == []


async def test_hr_changes_and_heads_read_theirs(shifts: Office):
    await works(shifts, {"name": "Days", "shift": "D"}, department="Sewing")
    await works(shifts, {"name": "Nights", "shift": "N"}, department="Office")
    everybody = {"employees": ["EMP001", "EMP005"], "dates": ["2024-01-10"], "shift": None}
    await shifts.ask("PUT", "roster/", json={"entries": [everybody]})
    for by in ("head", "employee", "trainer"):
        await shifts.ask("POST", "shifts/", by=by, json={**DAY, "code": "Z"}, expect=403)
        await shifts.ask("PUT", "settings/", by=by, json={}, expect=403)
        await shifts.ask("PUT", "roster/", by=by, json={"entries": [everybody]}, expect=403)
        await shifts.ask("POST", "schedules/unassign/", by=by, json={"site": 1}, expect=403)
        assert [one["code"] for one in await shifts.get("shifts/", by=by)] == ["D", "N"]
    assert [one["name"] for one in await shifts.get("schedules/assignments/", by="hr")] == ["Sewing", "Office"]
    assert [one["name"] for one in await shifts.get("schedules/assignments/", by="head")] == ["Sewing"]
    assert await shifts.get("schedules/assignments/", by="employee") == []
    january = {"date_from": "2024-01-01", "date_to": "2024-01-31"}
    assert [day["employee_id"] for day in await shifts.get("roster/", by="hr", **january)] == ["EMP001", "EMP005"]
    assert [day["employee_id"] for day in await shifts.get("roster/", by="head", **january)] == ["EMP001"]
    assert await shifts.get("roster/", by="employee", **january) == []
    await shifts.refused("settings/", 400, by="head", department="Office")
    await shifts.refused("settings/", 400, by="employee", employee="EMP001")
    assert (await shifts.get("settings/", by="head", employee="EMP001"))["name"] == "EMP001"


async def test_a_post_that_is_sent_again_makes_one_shift(company: Office):
    headers = {"Idempotency-Key": "once"}
    first = await company.ask("POST", "shifts/", json=DAY, headers=headers, expect=201)
    again = await company.ask("POST", "shifts/", json=DAY, headers=headers, expect=201)
    assert first.json() == again.json()
    assert len(await company.get("shifts/")) == 1
    # What was read may be sent back.
    found = await company.get(f"shifts/{first.json()['id']}/")
    assert (await company.ask("PUT", f"shifts/{found['id']}/", json=found)).json()["versions"] == found["versions"]


async def test_who_has_read_what_is_no_longer_so_does_not_overwrite_it(shifts: Office):
    ids = {one["code"]: one["id"] for one in await shifts.get("shifts/")}
    path = f"shifts/{ids['D']}/"
    tag = (await shifts.ask("GET", path)).headers["etag"]
    first = await shifts.ask("PUT", path, json={**DAY, "name": "Early"}, headers={"If-Match": tag})
    assert first.headers["etag"] != tag
    await shifts.ask("PUT", path, json={**DAY, "name": "Late"}, headers={"If-Match": tag}, expect=412)
    assert (await shifts.get(path))["name"] == "Early"


async def test_who_moves_to_another_department_goes_by_its_schedule_from_that_date_on(shifts: Office):
    await works(shifts, {"name": "Nights", "shift": "N"}, department="Sewing")
    await shifts.scan("4", "2024-01-08 21:55", "2024-01-09 03:50", "2024-01-09 21:55", "2024-01-10 06:04")
    person = (await shifts.ids())["EMP004"]
    moved = {"department": "Sewing"}
    await shifts.ask("PATCH", f"employees/{person}/", json=moved, params={"effective_from": "2024-01-09"})
    await shifts.settle()
    # Who came at night without a schedule was late; the morning of the 10th has moved to the night before it.
    assert await shown(shifts, "EMP004", "2024-01-08", "2024-01-10") == [
        ("2024-01-08", "Present-Late", "21:55", "03:50"),
        ("2024-01-09", "Present-OnTime", "21:55", "06:04"),
        ("2024-01-10", "Absent", None, None),
    ]


async def test_settings_that_break_those_of_somebody_below_are_refused_and_undone(company: Office):
    always = {"effective_from": "always"}
    late = {"late_entry_time": "08:30"}
    await company.ask("PUT", "settings/", json=late, params={**always, "employee": "EMP001"})
    await company.ask("PUT", "settings/", json={"late_entry_time": "08:40"}, params={**always, "department": "Hems"})
    later = {"safe_entry_time": "09:00", "late_entry_time": "09:10"}
    refused = await company.ask("PUT", "settings/", json=later, params={"effective_from": "2024-03-01"}, expect=409)
    assert refused.json()["error"] == (
        "this does not go together with the settings of EMP001 and Hems: change those first"
    )
    assert (await company.get("settings/", date="2024-03-02"))["safe_entry_time"] == "08:00"
    await company.ask("PUT", "settings/", json={"safe_entry_time": "08:20", "late_entry_time": "08:25"})
    assert (await company.get("settings/", employee="EMP001"))["late_entry_time"] == "08:30"
    # What lies outside of a change stays, whatever it is like.
    until = {"effective_from": "2024-02-01", "effective_until": "2024-03-01", "employee": "EMP001"}
    await company.ask("PUT", "settings/", json={"late_entry_time": "08:50"}, params=until)
    held = [
        (await company.get("settings/", employee="EMP001", date=on))["late_entry_time"]
        for on in ("2023-01-01", "2024-02-01", "2024-02-29", "2024-03-01")
    ]
    assert held == ["08:30", "08:50", "08:50", "08:30"]


async def test_a_unit_that_is_moved_goes_by_the_schedules_above_it_from_then_on(shifts: Office):
    await works(shifts, {"name": "Nights", "shift": "N"}, department="Sewing")
    await shifts.scan("3", "2024-01-08 21:55", "2024-01-09 06:04")
    assert (await shown(shifts, "EMP003", "2024-01-08", "2024-01-08"))[0][2:] == ("21:55", "06:04")
    (hems,) = [row for row in await shifts.get("units/") if row["name"] == "Hems"]
    await shifts.ask("PATCH", f"units/{hems['id']}/", json={"parent": None})
    await shifts.settle()
    days = await shown(shifts, "EMP003", "2024-01-08", "2024-01-09")
    assert [(came, left) for _, _, came, left in days] == [("21:55", None), ("06:04", None)]


async def test_the_history_of_a_night_is_told_by_its_own_window(shifts: Office):
    await works(shifts, {"name": "Nights", "shift": "N"}, employee="EMP001")
    await shifts.scan("1", "2024-01-08 21:55", "2024-01-09 06:04")
    person = (await shifts.ids())["EMP001"]
    steps = await shifts.get(f"daily-attendance/20240108-{person}/history/")
    assert [step["what"] for step in steps] == ["scan_arrived", "scan_arrived"]
    assert steps[-1]["changed"]["check_out"] == [None, "06:04"]


async def test_an_explanation_says_whose_schedule_gives_the_shift_and_since_when(shifts: Office):
    schedule = await works(shifts, {"name": "Nights", "shift": "N"}, department="Sewing", since="2024-01-03")
    entry = {"employees": ["EMP001"], "dates": ["2024-01-09"], "shift": None}
    await shifts.ask("PUT", "roster/", json={"entries": [entry]})
    ids = await shifts.ids()

    async def said(on: str, code: str = "EMP001") -> tuple[object, list[str]]:
        found = await shifts.get(f"daily-attendance/{on}-{ids[code]}/explain/")
        return found["schedule"], [note for note in found["sentences"] if "schedule" in note or "roster" in note]

    by_unit, sentences = await said("20240108")
    shift = (await shifts.get("shifts/", search="Night"))[0]["id"]
    assert by_unit == {"shift_id": shift, "schedule_id": schedule, "by": "unit", "since": "2024-01-03"}
    assert (
        f"The shift follows from schedule {schedule}, which the unit goes by; it holds so since 2024-01-03."
        in sentences
    )
    assert "That the date is off was entered in the roster for this date alone." in (await said("20240109"))[1]
    assert await said("20240108", "EMP004") == (None, [])
