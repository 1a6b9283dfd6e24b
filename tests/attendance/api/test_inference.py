"""Shifts that nobody said: the setting, what pages show of days by them, and what is explained."""

import pytest

from tests.attendance.api.office import Office

NIGHT = {"code": "N", "name": "Night", "parts": [{"start": "22:00", "end": "06:00"}], "breaks": []}
DAY = {"code": "D", "name": "Day", "parts": [{"start": "08:00", "end": "16:00"}], "breaks": []}
TITLE = "Night (22:00–06:00)"


@pytest.fixture
async def sewing(company: Office) -> Office:
    """The company, whose department Sewing has a day and a night shift and no schedule: its scans tell."""
    for shift in (NIGHT, DAY):
        await company.ask("POST", "shifts/", json=shift, expect=201)
    await company.ask(
        "PUT",
        "settings/",
        params={"department": "Sewing", "effective_from": "2024-01-01"},
        json={"infer_shifts": True},
    )
    await company.settle()
    return company


async def test_pages_show_a_shift_that_scans_told_and_how_sure_it_is(sewing: Office):
    await sewing.scan("1", "2024-01-08 21:55", "2024-01-09 06:04", "2024-01-10 07:58", "2024-01-10 16:01")
    rows = await sewing.get(
        "daily-attendance/", employee="EMP001", date_from="2024-01-08", date_to="2024-01-10", ordering="date"
    )
    shown = [(row["status"], row["first_check_in_formatted"], row["last_check_out_formatted"]) for row in rows]
    assert shown == [("Present-OnTime", "21:55", "06:04"), ("Absent", None, None), ("Present-OnTime", "07:58", "16:01")]
    assert [(row["shift"], row["shift_inferred"], row["expected_hours"]) for row in rows] == [
        (TITLE, True, 8.0),
        (None, False, 8.0),
        ("Day (08:00–16:00)", True, 8.0),
    ]
    assert [row["shift_confidence"] for row in rows] == [0.97, None, 0.99]
    assert "inferred_shift" in rows[0]["flags"]
    # Nobody asks the scans of another department.
    await sewing.scan("4", "2024-01-08 21:55", "2024-01-09 06:04")
    others = await sewing.get("daily-attendance/", employee="EMP004", date_from="2024-01-08", date_to="2024-01-09")
    assert {row["shift"] for row in others} == {None}


async def test_the_explanation_says_which_shift_how_surely_and_what_comes_next(sewing: Office):
    await sewing.scan("1", "2024-01-08 21:55", "2024-01-09 06:04")
    told = await sewing.get("explain/", employee="EMP001", date="2024-01-08")
    first, second = told["sentences"][1:3]
    assert told["window"]["why"].startswith(f"The working day of 2024-01-08 in Asia/Dhaka has the shift {TITLE}")
    assert first == (
        "Nobody said a shift for this date; the scans from 00:00 of 2024-01-07 to 12:00 of 2024-01-10 fit "
        f"{TITLE} best, as 21:55 and 06:04 of 2024-01-09 lie at its ends (confidence 0.97)."
    )
    assert second.startswith("Next to it comes ")
    inference = told["inference"]
    assert (inference["shift"], inference["confidence"], inference["needed"]) == (TITLE, 0.97, 0.5)
    assert inference["candidates"][0] == {"shift": TITLE, "likeness": 0.97, "worth": 2.92}
    # Its scans are told where they are, and not on the date of the departure.
    assert [scan["part"] for scan in told["scans"]] == ["arrival", "departure"]
    after = await sewing.get("explain/", employee="EMP001", date="2024-01-09")
    assert after["scans"] == []
    assert "speak for none: those of the dates around explain them" in after["sentences"][1]
    nothing = await sewing.get("explain/", employee="EMP002", date="2024-01-08")
    assert "there are no scans" in nothing["sentences"][1]
    elsewhere = await sewing.get("explain/", employee="EMP004", date="2024-01-08")
    assert elsewhere["inference"] is None


async def test_a_single_scan_is_not_enough(sewing: Office):
    await sewing.scan("1", "2024-01-08 21:55")
    told = await sewing.get("explain/", employee="EMP001", date="2024-01-08")
    assert told["inference"]["shift"] is None
    assert "which is less than 0.5: the date has no shift" in told["sentences"][1]
    record = (await sewing.get("daily-attendance/", employee="EMP001", date="2024-01-08"))[0]
    assert (record["shift"], record["shift_inferred"]) == (None, False)


async def test_a_scan_entered_by_hand_tells_a_shift_as_any_other_does(sewing: Office):
    await sewing.scan("1", "2024-01-08 21:55")
    person = (await sewing.ids())["EMP001"]
    # The departure lies on the next date, as long as nobody knows of a night.
    body = {"employee": person, "date": "2024-01-09", "kind": "scan", "at": "2024-01-09T06:02:00+06:00", "type": "OUT"}
    made = await sewing.ask("POST", "corrections/", json={**body, "reason": "forgotten"}, expect=201)
    path = f"corrections/{made.json()['id']}"
    await sewing.ask("POST", f"{path}/approve/", by="admin")
    record = await sewing.get(f"daily-attendance/20240108-{person}/")
    assert (record["shift"], record["last_check_out_formatted"], record["is_edited"]) == (TITLE, "06:02", True)
    steps = await sewing.get(f"daily-attendance/20240108-{person}/history/")
    assert [step["what"] for step in steps] == ["correction_requested", "correction_approved", "scan_arrived"]
    await sewing.ask("POST", f"{path}/withdraw/", json={"reason": "wrong"})
    assert (await sewing.get(f"daily-attendance/20240108-{person}/"))["shift"] is None


async def test_a_day_is_not_final_before_the_scans_have_come_that_may_tell_its_shift(sewing: Office):
    # It is noon of the fifteenth.
    await sewing.scan("1", "2024-01-12 21:55", "2024-01-13 06:04", "2024-01-13 21:55", "2024-01-14 06:04")
    await sewing.scan("4", "2024-01-13 08:00", "2024-01-13 17:00")
    for code, on, expected in (
        ("EMP001", "2024-01-12", "final"),
        ("EMP001", "2024-01-13", "provisional"),
        ("EMP004", "2024-01-13", "final"),
    ):
        (row,) = await sewing.get("daily-attendance/", employee=code, date=on)
        assert row["state"] == expected, (code, on)


async def test_a_changed_shift_and_a_new_one_are_thought_of_at_once(sewing: Office):
    await sewing.scan("1", "2024-01-08 12:00", "2024-01-08 20:00")
    person = (await sewing.ids())["EMP001"]
    path = f"daily-attendance/20240108-{person}/"
    assert (await sewing.get(path))["shift"] is None
    late = {"code": "L", "name": "Late", "parts": [{"start": "12:00", "end": "20:00"}]}
    made = await sewing.ask("POST", "shifts/", params={"effective_from": "always"}, json=late, expect=201)
    await sewing.settle()
    assert (await sewing.get(path))["shift"] == "Late (12:00–20:00)"
    # Its days could come to go by it: it cannot go without a trace.
    refused = await sewing.ask("DELETE", f"shifts/{made.json()['id']}/", expect=409)
    assert "the shift L" in refused.json()["error"]


async def test_the_setting_refuses_what_is_no_shift(sewing: Office):
    for value, said in (
        ([999], "there is no shift 999"),
        ([], "must be a list of ids of shifts"),
        (["N"], "must be a list of ids of shifts"),
        ("N", "must be a list of ids of shifts"),
    ):
        answer = await sewing.ask("PUT", "settings/", json={"infer_shifts_from": value}, expect=422)
        assert said in answer.json()["error"]
    shown = await sewing.get("settings/", department="Sewing", date="2024-01-10")
    assert (shown["infer_shifts"], shown["infer_shifts_from"], shown["own"]) == (True, None, {"infer_shifts": True})
    assert (await sewing.get("settings/"))["infer_shifts"] is False
