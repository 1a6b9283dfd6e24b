"""Locked months: days stay, what would change them is an adjustment in the next open month, and unlocking undoes it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.attendance.storage.republishing import PostgresStates
from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.corrections import CorrectionChanged
from tests.attendance.api.office import Office, scan_of
from tests.attendance.api.test_corrections import act, ask, key_of, rule, stored_days, told

DAY = "2024-01-14"


async def lock(office: Office, month: str = "2024-01", *, expect: int = 201, **options: Any) -> Any:
    return (await office.ask("POST", "locks/", json={"month": month}, expect=expect, **options)).json()


async def unlock(office: Office, id_: int, *, expect: int = 200) -> Any:
    return (await office.ask("POST", f"locks/{id_}/unlock/", json={"reason": "a mistake"}, expect=expect)).json()


async def all_days(office: Office) -> Any:
    return await office.sql("SELECT * FROM days ORDER BY date, person_id")


@pytest.fixture
async def february(company: Office) -> Office:
    """The company with a day of work in January, on 10 February."""
    await company.settle()
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 17:00")
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    return company


async def test_what_arrives_after_the_lock_is_an_adjustment_and_the_day_stays(february: Office):
    await lock(february)
    before = await all_days(february)
    assert len(before) == 5 * 31

    await february.scan("1", f"{DAY} 19:30")
    await february.scan("2", f"{DAY} 08:00", f"{DAY} 16:00")

    assert await all_days(february) == before
    first, second = await february.get("adjustments/", ordering="employee_id")
    assert (first["employee_id"], first["date"], first["period"]) == ("EMP001", DAY, "2024-02")
    assert {kind: minutes for kind, minutes in first["minutes"].items() if minutes} == {
        "worked": 150,
        "overtime": 120,
        "extra_overtime": 30,
    }
    assert (second["before"]["status"], second["after"]["status"]) == ("Absent", "Present-OnTime")
    assert (second["minutes"]["worked"], second["minutes"]["shortfall"]) == (420, -420)
    assert "after the month was locked" in first["reason"]
    heard = await told(february, AdjustmentChanged)
    assert [(event.employee_id, event.minutes["worked"], event.version.n) for event in heard] == [
        ("EMP001", 150, 1),
        ("EMP002", 420, 1),
    ]


async def test_an_adjustment_follows_what_comes_to_be_known_until_its_own_month_is_locked(february: Office):
    await lock(february)
    await february.scan("1", f"{DAY} 18:00")
    await february.scan("1", f"{DAY} 18:30")
    (one,) = await february.get("adjustments/")
    assert one["minutes"]["worked"] == 90
    february.clock.time = datetime(2024, 3, 10, 6, tzinfo=UTC)
    await lock(february, "2024-02")
    await february.scan("1", f"{DAY} 19:00")
    booked = await february.get("adjustments/", ordering="period")
    assert [(each["period"], each["minutes"]["worked"]) for each in booked] == [("2024-02", 90), ("2024-03", 30)]
    assert [each["id"] for each in await february.get("adjustments/", period="2024-02")] == [one["id"]]


async def test_corrections_and_rules_adjust_locked_days_and_an_adjustment_may_come_to_nothing(february: Office):
    await lock(february)
    before = await all_days(february)
    path = f"daily-attendance/{await key_of(february)}/"
    body = {"last_check_out": "18:00", "reason": "stayed"}
    shown = (await february.ask("PUT", path, json=body)).json()
    assert (shown["last_check_out_formatted"], shown["is_edited"]) == ("17:00", True)
    (one,) = await february.get("adjustments/")
    assert one["minutes"]["overtime"] == 60
    await february.ask("DELETE", path, expect=204)
    (one,) = await february.get("adjustments/")
    assert (one["cancelled"], one["minutes"]["overtime"]) == (True, 0)
    await rule(february, weekend_days=[0], overtime_start_time="16:00")
    await february.sql("INSERT INTO recomputations (reason) VALUES ('another weekend')")
    await february.settle()
    assert await all_days(february) == before
    adjusted = await february.get("adjustments/", employee="EMP001", cancelled="false")
    assert {each["reason"] for each in adjusted} == {"another weekend"}
    assert len(adjusted) == 8  # four Sundays that were days of work, four Fridays that were not
    summary = await february.get("daily-attendance/summary/", date="2024-01-19")
    assert {row["status"] for row in summary} == {"Weekend"}


async def test_a_month_that_is_unlocked_follows_again_and_its_adjustments_are_cancelled(february: Office):
    made = await lock(february)
    await february.scan("1", f"{DAY} 18:00")
    ended = await unlock(february, made["id"])
    assert (ended["locked"], ended["unlock_reason"], ended["unlocked_by_name"]) == (False, "a mistake", "hr")
    await february.settle()
    (day,) = [row for row in await stored_days(february) if row["used"]]
    assert day["worked"] == 540
    (one,) = await february.get("adjustments/")
    assert (one["cancelled"], one["minutes"]["worked"]) == (True, 0)
    assert [event.cancelled for event in await told(february, AdjustmentChanged)] == [False, True]
    await unlock(february, made["id"], expect=409)
    again = await lock(february)
    assert again["id"] != made["id"]
    await february.scan("1", f"{DAY} 19:00")
    (one,) = await february.get("adjustments/")
    assert (one["cancelled"], one["minutes"]["worked"]) == (False, 60)


async def test_a_reader_that_is_built_anew_is_told_of_corrections_and_adjustments(february: Office):
    employee = (await february.ids())["EMP001"]
    asked = await ask(february, {"kind": "scan", "at": "18:00", "type": "OUT", "employee": employee}, by="head")
    await act(february, asked["id"], "approve")
    await lock(february)
    await february.scan("1", f"{DAY} 19:30")
    events = [event async for batch in PostgresStates(february.database, february.clock)() for event in batch]
    for kind in (CorrectionChanged, AdjustmentChanged):
        again = [event for event in events if isinstance(event, kind)]
        assert again == [(await told(february, kind))[-1]]
    assert [event.state for event in events if isinstance(event, CorrectionChanged)] == ["approved"]


async def test_what_is_booked_in_a_locked_month_keeps_the_earlier_one_locked(february: Office):
    january = await lock(february)
    await february.scan("1", f"{DAY} 18:00")
    february.clock.time = datetime(2024, 3, 10, 6, tzinfo=UTC)
    second = await lock(february, "2024-02")
    assert "unlock 2024-02 first" in (await unlock(february, january["id"], expect=409))["error"]
    await unlock(february, second["id"])
    await february.settle()
    await unlock(february, january["id"])


async def test_a_month_is_locked_once_and_when_it_is_over_and_computed(february: Office):
    refused = (await lock(february, "2024-02", expect=409))["error"]
    (site,) = await february.sql("SELECT name FROM sites")
    assert f"2024-02 is not over at {site['name']}; lock it" in refused
    await february.sql("INSERT INTO recomputations (reason) VALUES ('x')")
    assert "computed" in (await lock(february, expect=409))["error"]
    await february.settle()
    key = {"Idempotency-Key": "l1"}
    made = await lock(february, headers=key)
    assert await lock(february, headers=key) == made
    assert "already" in (await lock(february, expect=409))["error"]
    assert await february.get("locks/", by="employee") == [made]
    assert (made["month"], made["site"], made["locked"], made["locked_by_name"]) == ("2024-01", 1, True, "hr")


async def test_who_may_lock_and_whose_adjustments_are_seen(february: Office):
    await lock(february, by="head", expect=403)
    await lock(february)
    await february.scan("1", f"{DAY} 18:00")
    await february.record([scan_of("4", f"{DAY} 08:00")])
    for role, sees in {"hr": 2, "head": 2, "employee": 0, "nobody": 0}.items():
        assert len(await february.get("adjustments/", by=role)) == sees, role
    await february.refused("adjustments/", 400, employee="EMP001", by="employee")


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"month": "2024-13"}, 400), ({"month": "January"}, 400), ({"month": "2024-01", "site": 99}, 400)],
)
async def test_what_is_wrong_with_a_lock_is_named(february: Office, body: dict[str, object], status: int):
    await february.ask("POST", "locks/", json=body, expect=status)
    await february.ask("POST", "locks/9/unlock/", json={"reason": "x"}, expect=404)
    await february.ask("POST", "locks/9/unlock/", json={}, expect=400)


async def test_locks_and_adjustments_are_searched_and_their_dates_have_an_order(february: Office):
    await lock(february, expect=201)
    await february.scan("1", f"{DAY} 19:30")
    await february.scan("2", f"{DAY} 08:00", f"{DAY} 16:00")
    assert [row["employee_id"] for row in await february.get("adjustments/", search="ahmed")] == ["EMP001"]
    assert await february.get("locks/", search="nothing of it") == []
    assert len(await february.get("locks/", search="hr")) == 1
    for path in ("adjustments/", "corrections/"):
        said = await february.refused(path, 400, date_from="2024-02-01", date_to="2024-01-01")
        assert said == "date_to: lies before date_from"


async def test_what_a_month_has_booked_stands_when_it_is_unlocked_again(february: Office):
    february.clock.time = datetime(2024, 4, 10, 6, tzinfo=UTC)
    await lock(february)
    await february.scan("1", f"{DAY} 18:00")
    second = await lock(february, "2024-02")
    await february.scan("1", f"{DAY} 19:00")
    await unlock(february, second["id"])
    await february.scan("1", f"{DAY} 20:00")
    booked = await february.get("adjustments/", ordering="period")
    assert [(row["period"], row["minutes"]["worked"]) for row in booked] == [("2024-02", 60), ("2024-03", 120)]


async def test_an_explanation_and_a_history_say_what_a_locked_day_keeps(february: Office):
    await lock(february)
    await february.scan("1", f"{DAY} 19:30")
    kept = {
        "status": "Present-OnTime",
        "check_in": "08:00",
        "check_out": "17:00",
        "working_hours": 8.0,
        "overtime": 0.0,
        "extra_overtime": 0.0,
    }
    told_ = await february.get("explain/", employee="EMP001", date=DAY)
    assert told_["kept"] == kept
    assert (
        "keeps the figures that it had: status Present-OnTime, check_in 08:00, check_out 17:00"
        in told_["sentences"][-1]
    )
    assert {figure["name"]: figure["value"] for figure in told_["figures"]}["working_hours"] == 10.5
    other = await february.get("explain/", employee="EMP002", date=DAY)
    assert (other["kept"]["status"], other["sentences"][-1]) == (
        "Absent",
        "The month is locked: the day keeps these figures.",
    )
    assert (await february.get("explain/", employee="EMP001", date="2024-02-01"))["kept"] is None

    await unlock(february, (await february.get("locks/"))[0]["id"])
    await february.settle()
    steps = await february.get(f"daily-attendance/{await key_of(february, on=DAY)}/history/")
    said = [(step["what"], step["by_name"], step["reason"]) for step in steps if "locked" in step["what"]]
    assert said == [("locked", "hr", None), ("unlocked", "hr", "a mistake")]
    assert not any(step["kept"] for step in steps if not step["changed"])
    assert (await february.get("explain/", employee="EMP001", date=DAY))["kept"] is None


async def test_a_record_of_a_locked_day_that_is_sent_back_takes_nothing_back(february: Office):
    await lock(february)
    await february.scan("1", f"{DAY} 19:30")
    await february.scan("2", f"{DAY} 08:00", f"{DAY} 16:00")
    adjustments = await february.get("adjustments/")
    for code in ("EMP001", "EMP002"):
        path = f"daily-attendance/{await key_of(february, code, DAY)}/"
        record = await february.get(path)
        assert record["adjusted"]
        answer = (await february.ask("PUT", path, json={**record, "notes": "seen"})).json()
        assert answer == await february.get(path)
        assert answer["notes"] == "seen"
        (correction,) = await february.get("corrections/", employee=code)
        assert (correction["kind"], correction["values"]) == ("figure", {"note": "seen"})
    assert await february.get("adjustments/") == adjustments
