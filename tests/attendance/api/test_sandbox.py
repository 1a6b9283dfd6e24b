"""Trying settings, shifts and schedules on days that were: nothing changes, and it comes out as the change would."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.attendance.application.difference import SHOWN
from tests.attendance.api.office import Office
from tests.attendance.api.test_recompute import everything, stored
from tests.attendance.api.test_time_off import hear
from tests.attendance.time_off import holiday, leave

JANUARY = {"date_from": "2024-01-01", "date_to": "2024-01-31"}
EARLY = {"code": "E", "name": "Early", "parts": [{"start": "07:00", "end": "15:00"}]}


@pytest.fixture
async def worked(company: Office) -> Office:
    """Ahmed and Bela of Sewing and Dipa of the Office worked for some days of January; it is 10 February."""
    await company.settle()
    for badge, arrival in {"1": "08:00", "2": "08:07", "4": "08:07"}.items():
        for day in (8, 9, 10, 11):
            await company.scan(badge, f"2024-01-{day:02} {arrival}", f"2024-01-{day:02} 18:30")
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    return company


async def tried(office: Office, *, expect: int = 200, **body: Any) -> Any:
    return (await office.ask("POST", "sandbox/", json=body, expect=expect)).json()


async def becomes(office: Office, said: dict[str, Any], before: dict[str, dict[str, Any]]) -> None:
    """Now that the change was made, the stored days are as was said, and no others have changed."""
    await office.settle()
    days = await stored(office)
    changes = {change["day"]: change for change in said["changes"]}
    unseen = [changes.pop(key) for key in sorted(changes.keys() - days.keys())]
    for change in unseen:
        assert (await office.get(f"daily-attendance/{change['day']}/"))["status"] == (
            change["after"].get("status", "Absent")
        )
    assert {key for key, day in days.items() if any(day[name] != before[key][name] for name in SHOWN)} == set(changes)
    for key, change in changes.items():
        names = [name for name in change["after"] if name not in {"first_in", "last_out"}]
        assert {name: days[key][name] for name in names} == {name: change["after"][name] for name in names}
        assert {name: before[key][name] for name in names} == {name: change["before"][name] for name in names}
    for name, pair in said["totals"]["minutes"].items():
        of_unseen = sum(one["after"].get(name, 0) - one["before"].get(name, 0) for one in unseen)
        of_stored = sum(day[name] for day in days.values()) - sum(day[name] for day in before.values())
        assert of_stored + of_unseen == pair["difference"]


async def test_settings_of_a_department_are_tried_on_last_month_and_touch_only_who_belongs_to_it(worked: Office):
    before = await everything(worked)
    values = {"late_entry_time": "08:10", "safe_entry_time": "08:10"}
    said = await tried(worked, settings={"department": "Sewing", "values": values})
    assert await everything(worked) == before
    assert (said["kind"], said["state"], said["date_from"], said["date_to"]) == (
        "sandbox",
        "done",
        "2024-01-01",
        "2024-01-31",
    )
    assert {change["employee_id"] for change in said["changes"]} == {"EMP002"}
    assert said["totals"]["statuses"] == [{"before": "Present-Late", "after": "Present-OnTime", "days": 4}]
    assert said["totals"]["minutes"]["late"] == {"before": 28, "after": 0, "difference": -28}
    days = await stored(worked)
    await worked.ask("PUT", "settings/", json=values, params={"department": "Sewing", "effective_from": "2024-01-01"})
    await becomes(worked, said, days)


async def test_a_shift_that_nobody_has_yet_is_tried_with_a_schedule_on_a_department(worked: Office):
    before = await everything(worked)
    schedule = {"name": "Earlier", "shift": "E"}
    said = await tried(worked, **JANUARY, shift=EARLY, schedule=schedule, assign={"department": "Sewing"})
    assert await everything(worked) == before
    assert {change["employee_id"] for change in said["changes"]} == {"EMP001", "EMP002", "EMP003"}
    assert said["employees"] == 3  # Chitra of Hems below Sewing as well
    assert {change["why"] for change in said["changes"]} == {"the shift is Early (07:00–15:00) instead of none"}
    days = await stored(worked)
    await worked.ask("POST", "shifts/", json=EARLY, expect=201)
    made = (await worked.ask("POST", "schedules/", json=schedule, expect=201)).json()
    owner = {"department": "Sewing", "since": "2024-01-01"}
    await worked.ask("POST", f"schedules/{made['id']}/assign/", json=owner)
    await becomes(worked, said, days)


async def test_a_schedule_is_tried_on_a_group(worked: Office):
    await worked.ask("POST", "shifts/", json=EARLY, expect=201)
    made = (await worked.ask("POST", "schedules/", json={"name": "Earlier", "shift": "E"}, expect=201)).json()
    group = (await worked.ask("POST", "groups/", json={"name": "Crew"}, expect=201)).json()["id"]
    member = {"employee": (await worked.ids())["EMP004"], "since": "2024-01-10"}
    await worked.ask("POST", f"groups/{group}/members/", json=member, expect=201)
    await worked.settle()
    said = await tried(worked, **JANUARY, assign={"group": "Crew", "schedule": "Earlier"})
    days = await stored(worked)
    assert {change["employee_id"] for change in said["changes"]} == {"EMP004"}
    assert [change["date"] for change in said["changes"] if change["day"] in days] == ["2024-01-10", "2024-01-11"]
    assert min(change["date"] for change in said["changes"]) == "2024-01-10"
    body = {"group": "Crew", "since": "2024-01-01"}
    await worked.ask("POST", f"schedules/{made['id']}/assign/", json=body)
    await becomes(worked, said, days)
    await tried(worked, settings={"group": "Crew", "values": {"late_entry_time": "08:10"}}, expect=400)


async def test_what_is_said_of_one_person_is_tried_on_that_person(worked: Office):
    said = await tried(worked, **JANUARY, settings={"employee": "EMP002", "values": {"lunch_break_duration": 2}})
    assert said["employees"] == 1
    assert {change["employee_id"] for change in said["changes"]} == {"EMP002"}
    assert said["totals"]["minutes"]["worked"]["difference"] == 4 * -60
    days = await stored(worked)
    params = {"employee": "EMP002", "effective_from": "2024-01-01"}
    await worked.ask("PUT", "settings/", json={"lunch_break_duration": 2}, params=params)
    await becomes(worked, said, days)


async def test_a_change_about_to_be_made_says_whom_it_would_touch_and_how(worked: Office):
    await worked.ask("POST", "shifts/", json=EARLY, expect=201)
    made = (await worked.ask("POST", "schedules/", json={"name": "Earlier", "shift": "E"}, expect=201)).json()
    before = await everything(worked)
    dry = {"dry_run": "true"}

    params = {**dry, "effective_from": "2024-01-10"}
    said = (await worked.ask("PUT", "settings/", json={"lunch_break_duration": 0}, params=params)).json()
    assert (said["kind"], said["employees"]) == ("preview", 5)
    assert [change["date"] for change in said["changes"] if "worked" in change["after"]] == 3 * ["2024-01-10"] + 3 * [
        "2024-01-11"
    ]

    owner = {"employee": "EMP001", "since": "2024-01-09", "until": "2024-01-11"}
    said = (await worked.ask("POST", f"schedules/{made['id']}/assign/", json=owner, params=dry)).json()
    assert [(change["employee_id"], change["date"]) for change in said["changes"]] == [
        ("EMP001", "2024-01-09"),
        ("EMP001", "2024-01-10"),
    ]
    # Nobody goes by the shift, so nobody's day would change.
    shift = (await worked.get("shifts/"))[0]["id"]
    later = {**EARLY, "parts": [{"start": "06:00", "end": "14:00"}]}
    said = (await worked.ask("PUT", f"shifts/{shift}/", json=later, params=dry)).json()
    assert (said["employees"], said["changes"]) == (0, [])
    assert await everything(worked) == before

    await worked.ask("POST", f"schedules/{made['id']}/assign/", json=owner)
    await worked.settle()
    params = {**dry, "effective_from": "always"}
    said = (await worked.ask("PUT", f"shifts/{shift}/", json=later, params=params)).json()
    assert {change["why"] for change in said["changes"]} == {
        "the shift is Early (06:00–14:00) instead of Early (07:00–15:00)"
    }
    days = await stored(worked)
    await worked.ask("PUT", f"shifts/{shift}/", json=later, params={"effective_from": "always"})
    await becomes(worked, said, days)


async def test_days_on_which_nobody_was_seen_have_no_row_and_are_tried_too(worked: Office):
    """Friday is off; from the 22nd on Bela is with the company no more."""
    await worked.sql("UPDATE people SET left_on = '2024-01-21' WHERE code = 'EMP002'")
    said = await tried(worked, **JANUARY, settings={"values": {"weekend_days": []}})
    fridays = [f"2024-01-{day:02}" for day in (5, 12, 19, 26)]
    absences = {"before": "Weekend", "after": "Absent", "days": 4 * 5 - 1}
    assert said["totals"]["statuses"] == [absences]
    assert (said["totals"]["days_looked_at"], said["totals"]["days_new"], said["note"]) == (4 * 31 + 21, 0, None)
    changes = [change for change in said["changes"] if change["after"].get("status") == "Absent"]
    assert {change["date"] for change in changes} == set(fridays)
    assert [change["date"] for change in changes if change["employee_id"] == "EMP002"] == fridays[:3]
    days = await stored(worked)
    params = {"effective_from": "2024-02-09"}  # a Friday; tomorrow is none of its days
    said = (
        await worked.ask("PUT", "settings/", json={"weekend_days": []}, params={**params, "dry_run": "true"})
    ).json()
    assert said["totals"]["statuses"] == [{**absences, "days": 4}]
    await worked.ask("PUT", "settings/", json={"weekend_days": []}, params=params)
    await becomes(worked, said, days)


async def test_holidays_and_leave_stay_what_they_are_whatever_schedule_is_tried(worked: Office):
    schedule = {"name": "Every day", "cycle": ["E"], "anchor": "2024-01-01"}
    draft = {"shift": EARLY, "schedule": schedule, "assign": {"employee": "EMP003"}}
    said = await tried(worked, **JANUARY, **draft)
    assert said["totals"]["statuses"] == [{"before": "Weekend", "after": "Absent", "days": 4}]
    person = (await worked.ids())["EMP003"]
    await hear(worked, holiday(1, "2024-01-12"), leave(person, "2024-01-19", number=1))
    said = await tried(worked, **JANUARY, **draft)
    assert said["totals"]["statuses"] == [{"before": "Weekend", "after": "Absent", "days": 2}]


async def test_what_holds_from_a_later_date_on_shows_in_no_day_and_says_so(worked: Office):
    params = {"dry_run": "true", "effective_from": "2024-03-01"}
    said = (await worked.ask("PUT", "settings/", json={"weekend_days": []}, params=params)).json()
    assert (said["state"], said["totals"]["days_looked_at"]) == ("done", 0)
    assert "only dates up to today" in said["note"]


async def test_a_large_sandbox_is_tried_in_the_background_by_its_draft(worked: Office):
    await worked.import_people(
        "employee_id,name,department,badge", *(f"M{n},P {n},Sewing,{100 + n}" for n in range(10))
    )
    await worked.settle()
    before = await stored(worked)
    draft = {"settings": {"values": {"lunch_break_duration": 0}}}
    run = await tried(worked, date_from="2023-06-01", date_to="2024-05-30", **draft, expect=202)
    assert (run["state"], run["draft"]["settings"]["values"]) == ("waiting", {"lunch_break_duration": 0})
    # Other rules meanwhile are rules that the draft lies over.
    await worked.ask("PUT", "settings/", json={"safe_entry_time": "07:00"}, params={"employee": "EMP001"})
    await worked.settle()
    done = await worked.get(f"recompute-runs/{run['id']}/")
    assert (done["state"], done["employees"]) == ("done", 15)
    # From June to 10 February each of the 15 has a day, seen or not.
    assert done["totals"]["days_looked_at"] == 15 * 255
    assert done["totals"]["minutes"]["worked"]["difference"] == 12 * 60
    assert await stored(worked) == before
    # What the draft builds on may be gone: then it says so.
    run = await tried(
        worked, date_from="2023-06-01", date_to="2024-05-30", shift=EARLY, schedule={"name": "X", "shift": "E"},
        assign={"site": 1}, expect=202,
    )  # fmt: skip
    await worked.sql("UPDATE recompute_runs SET draft = jsonb_set(draft, '{shift}', 'null') WHERE state = 'waiting'")
    await worked.settle()
    failed = await worked.get(f"recompute-runs/{run['id']}/")
    assert failed["state"] == "failed"
    assert "there is no shift 'E'" in failed["problem"]


async def test_a_bad_draft_is_refused_as_the_change_would_be(worked: Office):
    await worked.ask("PUT", "settings/", json={"late_entry_time": "08:20"}, params={"department": "Sewing"})
    before = await everything(worked)
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"settings": {"values": {"lunch_hour": 1}}}, 422, "there is no such setting"),
        ({"settings": {"values": {"safe_entry_time": "soon"}}}, 422, "safe_entry_time"),
        ({"settings": {"department": "Nowhere", "values": {"lunch_break_duration": 1}}}, 400, "Nowhere"),
        ({"shift": {"code": "X", "parts": []}}, 422, "parts"),
        ({"schedule": {"name": "S", "shift": "none"}}, 422, "there is no shift 'none'"),
        ({"assign": {"schedule": "none", "site": 1}}, 422, "there is no schedule 'none'"),
        ({"assign": {"schedule": 1}}, 422, "one of employee, department, unit, group and site"),
        ({}, 400, "say what is tried"),
        ({"settings": {"values": {}}}, 400, "values"),
        ({"settings": {"values": {"x": 1}}, "date_from": "2024-01-01"}, 400, "date_to"),
        ({"settings": {"values": {"x": 1}}, "colour": "red"}, 400, "colour"),
    ]
    for body, status, named in refused:
        assert named in str(await tried(worked, **body, expect=status)), body
    # The same sentence as that of the change.
    values = {"safe_entry_time": "08:30", "late_entry_time": "08:40"}
    params = {"effective_from": "2024-01-01"}
    real = (await worked.ask("PUT", "settings/", json=values, params=params, expect=None)).json()
    dry = (await worked.ask("PUT", "settings/", json=values, params={**params, "dry_run": "true"}, expect=None)).json()
    assert real["status"] == dry["status"] >= 400
    assert real["error"] == dry["error"]
    for path in ("settings/", "shifts/1/", "schedules/1/"):
        answer = await worked.ask("PUT", path, json={}, params={"dry_run": "maybe"}, expect=400)
        assert "dry_run" in answer.text
    assert await everything(worked) == before
