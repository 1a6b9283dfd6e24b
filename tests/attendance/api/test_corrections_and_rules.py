"""Corrections of days that go by shifts, resolvers and settings of their own, and what cannot be corrected."""

import asyncio
from typing import Any

import pytest

from tests.attendance.api.office import Office, scan_of
from tests.attendance.api.test_corrections import DAY, act, ask, day, history, key_of, put, rule
from tests.attendance.api.test_schedules import NIGHT, made, works


async def times(office: Office, code: str = "EMP001", on: str = DAY) -> list[str]:
    return [f"{scan['time']} {scan['type']}" for scan in (await day(office, code, on))["scans"]]


@pytest.fixture
async def nights(company: Office) -> Office:
    """EMP001 works by night."""
    await made(company, "shifts", NIGHT)
    await works(company, {"name": "Nights", "shift": "N"}, employee="EMP001")
    return company


async def test_the_history_of_a_night_goes_by_its_shift(nights: Office):
    await nights.scan("1", f"{DAY} 21:55", "2024-01-15 06:04")
    steps = await history(nights)
    assert [step["changed"].get("status") for step in steps] == [["Absent", "Present-OnTime"], None]
    assert steps[1]["changed"] == {"check_out": [None, "06:04"], "working_hours": [0.0, 8.15], "overtime": [0.0, 0.07]}


async def test_an_edit_of_a_night_is_answered_as_the_record_is_read(nights: Office):
    await nights.scan("1", f"{DAY} 21:55")
    assert await put(nights, {"last_check_out": "06:00", "reason": "forgot"}) == await day(nights)
    key = await key_of(nights, on="2024-01-15")
    answered = (await nights.ask("PUT", f"daily-attendance/{key}/", json={"notes": "swaps with Bela"})).json()
    assert answered == await day(nights, on="2024-01-15")
    assert answered["state"] == "expected"


async def test_what_is_approved_counts_on_the_day_that_it_belongs_to_by_then(company: Office):
    await company.scan("2", f"{DAY} 08:00")
    asked = await ask(company, {"kind": "scan", "at": "03:30", "type": "OUT"})
    await rule(company, day_boundary="02:00")
    await company.sql("INSERT INTO recomputations (reason) VALUES ('days begin earlier')")
    await company.settle()
    approved = await act(company, asked["id"], "approve")
    assert (approved["date"], approved["after"]["first_in"]) == ("2024-01-15", "2024-01-14T21:30:00+00:00")
    assert await times(company, "EMP002") == ["08:00 IN"]
    assert await times(company, "EMP002", "2024-01-15") == ["03:30 IN"]


@pytest.mark.parametrize("owner", ["employee=EMP002", "department=Sewing"])
async def test_the_limit_of_requests_is_that_of_the_person_or_of_the_unit(company: Office, owner: str):
    await company.ask("PUT", f"settings/?{owner}", json={"corrections_per_month": 1})
    await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00", "date": "2024-01-16"})
    body = {"kind": "duty", "at": "09:00", "until": "17:00", "date": "2024-01-17"}
    assert "1 corrections" in (await ask(company, body, expect=409))["error"]


async def test_whoever_asks_makes_no_room_for_days_of_other_decades(company: Office):
    count = "SELECT count(*) FROM pg_class WHERE relispartition"
    before = await company.sql(count)
    await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00", "date": "2044-05-05"}, expect=422)
    await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00", "date": "2011-05-05"})
    assert await company.sql(count) == before


async def test_overtime_by_hand_is_in_all_no_more_than_the_day_has(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 18:00")
    await put(company, {"overtime_hours": 20, "reason": "x"})
    refused = await put(company, {"extra_overtime_hours": 5, "reason": "x"}, expect=422)
    assert refused["errors"] == [
        {"pointer": "extra_overtime_hours", "detail": "is with overtime more than the day has"}
    ]
    await put(company, {"extra_overtime_hours": 4, "reason": "x"})


async def test_an_end_that_nobody_knows_stays_unknown_when_the_other_is_edited(company: Office):
    await company.scan("1", f"{DAY} 08:00")
    shown = await put(company, {"first_check_in": "07:30", "reason": "the door was stuck"})
    assert (shown["first_check_in_formatted"], shown["last_check_out"], shown["flags"]) == (
        "07:30",
        None,
        ["missing_check_out"],
    )
    assert shown["total_working_hours"] == 0.0
    shown = await put(company, {"last_check_out": "17:00", "reason": "forgot"})
    assert (await times(company), shown["total_working_hours"]) == (["07:30 IN", "17:00 OUT"], 8.5)


async def test_an_edit_says_that_somebody_pressed_the_wrong_key(company: Office):
    await rule(company, resolver="by_key")
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 17:00")
    shown = await put(company, {"last_check_out": "17:00", "reason": "wrong key"})
    assert (await times(company), shown["total_working_hours"]) == (["08:00 IN", "17:00 OUT"], 8.0)
    (kept,) = await company.get("corrections/")
    assert kept["values"]["replaces"] == str(scan_of("1", f"{DAY} 17:00").scan_id)


async def test_an_edit_that_scans_stand_against_is_refused_and_not_swallowed(company: Office):
    await rule(company, resolver="alternate")
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 12:00", f"{DAY} 17:00")
    said: Any = await put(company, {"last_check_out": "17:00", "reason": "x"}, expect=409)
    assert "would end at 12:00, as its scans are read by alternate" in said["error"]


async def test_the_right_type_of_a_scan_goes_with_its_badge(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 17:00")
    scan = str(scan_of("1", f"{DAY} 17:00").scan_id)
    body = {"reason": "wrong key", "corrections": [{"kind": "scan", "scan": scan, "type": "OUT"}]}
    assert (await put(company, body))["total_working_hours"] == 8.0
    ids = await company.ids()
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"badges": []})
    await company.ask("PATCH", f"employees/{ids['EMP005']}/", json={"badges": ["5", "1"]})
    await company.settle()
    assert await times(company) == []
    assert (await day(company))["status"] == "Absent"
    assert await times(company, "EMP005") == ["08:00 IN", "17:00 OUT"]


async def test_the_limit_holds_when_somebody_asks_often_at_once_with_several_badges(company: Office):
    person = (await company.ids())["EMP002"]
    badges = [{"badge": "2", "until": "2024-01-08"}, {"badge": "22", "since": "2024-01-08"}]
    await company.ask("PATCH", f"employees/{person}/", json={"badges": badges})
    bodies = [{"kind": "duty", "at": "09:00", "until": "17:00", "date": f"2024-01-{day:02}"} for day in range(2, 14)]
    answers = await asyncio.gather(
        *(
            company.ask("POST", "corrections/", by="employee", expect=None, json={"reason": "x", **body})
            for body in bodies
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 9


async def test_overtime_is_approved_by_the_same_figure_by_hand_and_not_by_a_record_that_is_sent_back(company: Office):
    await rule(company, overtime_needs_approval=True)
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 19:00")
    read = await day(company)
    assert (read["overtime_hours"], read["overtime_unapproved"]) == (2.0, True)
    assert (await put(company, {**read, "reason": "sent back"}))["overtime_unapproved"]
    figure = {"kind": "figure", "overtime_hours": 2}
    approved = await put(company, {"reason": "there was a rush", "corrections": [figure]})
    assert (approved["overtime_hours"], approved["overtime_unapproved"]) == (2.0, False)
    await company.ask("DELETE", f"daily-attendance/{await key_of(company)}/", expect=204)
    assert (await day(company))["overtime_unapproved"]
