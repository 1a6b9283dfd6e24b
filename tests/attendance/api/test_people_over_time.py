"""Changes of people that begin in the past: what came later stays, and locked months keep their people."""

from datetime import UTC, datetime
from typing import Any

from tests.attendance.api.office import Office
from tests.attendance.api.test_corrections import DAY, day
from tests.attendance.api.test_locks import lock


async def change(office: Office, since: str, *, expect: int = 200, **said: Any) -> Any:
    path = f"employees/{(await office.ids())['EMP001']}/"
    answer = await office.ask("PATCH", path, json=said, params={"effective_from": since}, expect=expect)
    await office.settle()
    return answer.json()


async def place(office: Office, on: str) -> tuple[str, str]:
    record = await day(office, on=on)
    return record["department"], record["designation"]


async def test_what_changes_from_a_past_date_on_leaves_later_moves_as_they_are(company: Office):
    await change(company, "2024-01-10", department="Office")
    await change(company, "2024-01-05", designation="Chief")
    assert [await place(company, on) for on in ("2024-01-04", "2024-01-05", "2024-01-10", "2024-01-15")] == [
        ("Sewing", "Senior Tailor"),
        ("Sewing", "Chief"),
        ("Office", "Chief"),
        ("Office", "Chief"),
    ]


async def test_a_change_that_says_nothing_of_places_moves_nobody_whenever_it_begins(company: Office):
    await change(company, "2024-01-10", department="Office")
    before = await company.sql("SELECT * FROM assignments ORDER BY id")
    for since in ("always", "2024-01-05"):
        assert (await change(company, since, phone=f"since {since}"))["department"] == "Office"
    assert await company.sql("SELECT * FROM assignments ORDER BY id") == before


async def test_a_change_twice_is_a_change_once(company: Office):
    await change(company, "2024-01-10", designation="Chief")
    await change(company, "2024-01-05", designation="Chief")
    path = f"employees/{(await company.ids())['EMP001']}/"
    version = (await company.ask("GET", path)).headers["etag"]
    await change(company, "2024-01-05", designation="Chief")
    assert (await company.ask("GET", path)).headers["etag"] == version


async def test_a_level_from_a_past_date_on_computes_days_of_a_later_department_again(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 18:00")
    await change(company, "2024-01-10", department="Office")
    await change(company, "2024-01-05", level_of_work="Staff")
    assert ((await day(company))["department"], (await day(company))["overtime_hours"]) == ("Office", 0.0)


async def test_nobody_leaves_a_site_within_a_month_that_is_locked_there(company: Office):
    await company.settle()
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 20:00")
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    made = await company.ask("POST", "sites/", json={"name": "Tokyo", "timezone": "Asia/Tokyo"}, expect=201)
    await lock(company)
    before = await day(company)
    for since in ("2024-01-01", "2024-01-31", "always"):
        refused = await change(company, since, site=made.json()["id"], expect=409)
        assert "2024-01 is locked" in refused["error"]
    assert await day(company) == before
    await change(company, "2024-02-01", site=made.json()["id"])
    assert await day(company) == before
    rows = await company.import_people("employee_id,site", "EMP002,Tokyo", effective_from="2024-01-15")
    assert [(error["field"], rows["updated"]) for error in rows["errors"]] == [("site", 0)]


async def test_days_of_a_locked_month_on_which_somebody_worked_stay_theirs(company: Office):
    await company.settle()
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 17:00")
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    await lock(company)
    path = f"employees/{(await company.ids())['EMP001']}/"
    refused = (await company.ask("DELETE", path, expect=409)).json()
    assert "EMP001 worked on 2024-01-14, in a month that is locked" in refused["error"]
    for body in ({"left_on": "2024-01-13"}, {"joined_on": "2024-01-15"}):
        await company.ask("PATCH", path, json=body, expect=409)
    await company.ask("PATCH", path, json={"joined_on": "2024-01-14", "left_on": "2024-01-14"})
    await company.ask("DELETE", f"employees/{(await company.ids())['EMP002']}/", expect=204)
