"""Groups of people across units: who is in them when, and days and timesheets of a group."""

from typing import Any

import pytest

from tests.attendance.api.office import Office


async def group(office: Office, **members: tuple[str | None, str | None]) -> int:
    """A group "Fire wardens" with these people, each with since and until; returns its id."""
    made = await office.ask("POST", "groups/", json={"name": "Fire wardens", "description": "in vests"}, expect=201)
    ids = await office.ids()
    for code, (since, until) in members.items():
        body = {"employee": ids[code], "since": since, "until": until}
        await office.ask("POST", f"groups/{made.json()['id']}/members/", json=body, expect=201)
    found: int = made.json()["id"]
    return found


async def codes(office: Office, path: str, by: str = "hr", **parameters: Any) -> list[str]:
    return sorted(row["employee_id"] for row in await office.get(path, by=by, **parameters))


async def test_a_group_is_made_changed_filled_and_taken_away(company: Office):
    group_id = await group(company, EMP001=(None, None), EMP004=("2024-01-10", "2024-01-15"))
    path = f"groups/{group_id}/"
    assert await company.get(path) == {
        "id": group_id,
        "name": "Fire wardens",
        "description": "in vests",
        "employees": 1,
    }
    assert await codes(company, f"{path}members/") == ["EMP001", "EMP004"]
    assert await codes(company, f"{path}members/", date="2024-01-15") == ["EMP001"]
    assert await codes(company, f"{path}members/", search="dipa") == ["EMP004"]
    renamed = (await company.ask("PATCH", path, json={"name": "Wardens"})).json()
    assert (renamed["name"], renamed["description"]) == ("Wardens", "in vests")
    (ahmed, _) = await company.get(f"{path}members/")
    await company.ask("DELETE", f"{path}members/{ahmed['id']}/?until=2024-01-12", expect=204)
    assert (await company.get(f"{path}members/"))[0]["until"] == "2024-01-12"
    await company.ask("DELETE", f"{path}members/{ahmed['id']}/", expect=204)
    assert await codes(company, f"{path}members/") == ["EMP004"]
    await company.ask("DELETE", path, expect=204)
    await company.ask("GET", path, expect=404)
    assert len(await company.get("employees/")) == 5


async def test_days_of_a_group_are_those_of_who_was_in_it_then(company: Office):
    group_id = await group(company, EMP001=(None, None), EMP004=("2024-01-10", "2024-01-12"))
    for given in (str(group_id), "fire wardens"):
        assert await codes(company, "daily-attendance/summary/", date="2024-01-11", group=given) == ["EMP001", "EMP004"]
    assert await codes(company, "daily-attendance/summary/", date="2024-01-12", group="Fire wardens") == ["EMP001"]
    assert await codes(company, "timesheet/", month="2024-01", group="Fire wardens") == ["EMP001", "EMP004"]
    assert await codes(company, "timesheet/", month="2024-02", group="Fire wardens") == ["EMP001"]
    days = await company.get("daily-attendance/", date_from="2024-01-09", date_to="2024-01-12", group="Fire wardens")
    of_dipa = sorted(day["date"] for day in days if day["employee_id"] == "EMP004")
    assert of_dipa == ["2024-01-10", "2024-01-11"]
    assert len(days) == 6
    assert "there is no group 'Nobody'" in await company.refused("timesheet/", 400, month="2024-01", group="Nobody")


async def test_callers_see_the_groups_of_whom_they_see_and_no_more_of_them(company: Office):
    group_id = await group(company, EMP001=(None, None), EMP005=(None, None))
    seen = {
        "head": ["EMP001"],
        "trainer": ["EMP005"],
        "hr": ["EMP001", "EMP005"],
    }
    for role, expected in seen.items():
        assert await codes(company, f"groups/{group_id}/members/", by=role) == expected, role
        assert (await company.get("groups/", by=role))[0]["employees"] == len(expected), role
        summary = await codes(company, "daily-attendance/summary/", by=role, date="2024-01-15", group="Fire wardens")
        assert summary == expected, role
    for role in ("employee", "nobody"):
        assert await company.get("groups/", by=role) == []
        await company.ask("GET", f"groups/{group_id}/members/", by=role, expect=404)
        hidden = await company.refused("timesheet/", 400, by=role, month="2024-01", group="Fire wardens")
        assert "there is no group" in hidden


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "named"),
    [
        ("POST", "groups/", {"name": "FIRE wardens"}, 409, "name"),
        ("POST", "groups/", {"name": ""}, 400, "name"),
        ("PATCH", "groups/{id}/", {"name": None}, 400, "name"),
        ("PATCH", "groups/99/", {"name": "X"}, 404, "group 99"),
        ("POST", "groups/{id}/members/", {"employee": 99}, 422, "employee"),
        ("POST", "groups/{id}/members/", {"employee": 1, "since": "2024-01-20"}, 409, "employee"),
        ("POST", "groups/{id}/members/", {"employee": 1, "since": "2024-02-01", "until": "2024-01-01"}, 422, "until"),
        ("POST", "groups/99/members/", {"employee": 1}, 404, "group 99"),
        ("DELETE", "groups/{id}/members/99/", None, 404, "member 99"),
    ],
)
async def test_what_is_wrong_is_named(
    company: Office, method: str, path: str, body: dict[str, Any] | None, status: int, named: str
):
    group_id = await group(company, EMP001=("2024-01-10", None))
    ids = await company.ids()
    if body is not None and body.get("employee") == 1:
        body = {**body, "employee": ids["EMP001"]}
    answer = await company.ask(method, path.format(id=group_id), json=body, expect=status)
    assert named in answer.json()["error"]


async def test_a_member_is_named_by_code_and_answered_with_their_department(company: Office):
    path = f"groups/{await group(company)}/members/"
    for code in ("EMP001", "emp003"):
        body = {"employee": code, "since": "2024-01-10"}
        added = (await company.ask("POST", path, json=body, expect=201)).json()
        assert (added["employee_id"], added in await company.get(path)) == (code.upper(), True)
        assert added["department"] == {"EMP001": "Sewing", "emp003": "Hems"}[code]
    refused = await company.ask("POST", path, json={"employee": "EMP099"}, expect=422)
    assert "there is no employee 'EMP099'" in refused.json()["error"]


async def test_who_has_read_what_is_no_longer_so_does_not_overwrite_it(company: Office):
    path = f"groups/{await group(company)}/"
    read = (await company.ask("GET", path)).headers["etag"]
    changed = await company.ask("PATCH", path, json={"description": "at night"}, headers={"If-Match": read})
    assert changed.headers["etag"] != read
    refused = await company.ask("PUT", path, json={"name": "Night"}, headers={"If-Match": read}, expect=412)
    assert "read it again" in refused.json()["error"]
    await company.ask("PUT", path, json={"name": "Night"}, headers={"If-Match": changed.headers["etag"]})


async def test_who_is_taken_out_of_a_group_does_not_stay_longer_by_that(company: Office):
    path = f"groups/{await group(company, EMP001=('2024-01-01', '2024-01-10'))}/members/"
    (member,) = await company.get(path)
    one = f"{path}{member['id']}/"
    refused = await company.ask("DELETE", one, params={"until": "2024-02-01"}, expect=422)
    assert "after 2024-01-10" in refused.json()["error"]
    await company.ask("DELETE", one, params={"until": "2024-01-05"}, expect=204)
    assert (await company.get(path))[0]["until"] == "2024-01-05"


NIGHTS = {"code": "N", "name": "Night", "parts": [{"start": "22:00", "end": "06:00"}], "breaks": []}
DAYS = {"code": "D", "name": "Day", "parts": [{"start": "08:00", "end": "16:00"}], "breaks": []}


@pytest.fixture
async def shifts(company: Office) -> dict[str, int]:
    """A schedule of nights and one of days, by name."""
    made = {}
    for name, shift in (("Nights", NIGHTS), ("Days", DAYS)):
        await company.ask("POST", "shifts/", json=shift, expect=201)
        body = {"name": name, "shift": shift["code"]}
        made[name] = int((await company.ask("POST", "schedules/", json=body, expect=201)).json()["id"])
    await company.settle()
    return made


async def shifts_of(office: Office, code: str) -> list[str | None]:
    """What somebody's dates from 8 to 13 January show. The 12th is a Friday."""
    days = {"date_from": "2024-01-08", "date_to": "2024-01-13", "ordering": "date"}
    shown = [row["shift"] for row in await office.get("daily-attendance/", employee=code, **days)]
    return [None if shift is None else shift.split()[0] for shift in shown]


async def test_a_group_goes_by_a_schedule_while_people_are_in_it(company: Office, shifts: dict[str, int]):
    moments = ("10 21:55", "11 06:04", "11 21:55", "12 06:04")
    await company.scan("1", *[f"2024-01-{moment}" for moment in moments])
    group_id = await group(company, EMP001=("2024-01-09", "2024-01-12"), EMP003=(None, None))
    nights, days = shifts["Nights"], shifts["Days"]
    assign = f"schedules/{nights}/assign/"
    answer = await company.ask("POST", assign, json={"group": "Fire wardens", "since": "2024-01-10"})
    assert (answer.json()["of"], answer.json()["name"]) == ("group", "Fire wardens")
    # Of these people the days are computed again, and of nobody else.
    ids = await company.ids()
    (note,) = await company.sql("SELECT people, since FROM recomputations")
    assert (note["people"], str(note["since"])) == ([ids["EMP001"], ids["EMP003"]], "2024-01-09")
    await company.settle()
    assert await shifts_of(company, "EMP001") == [None, None, "Night", "Night", None, None]
    assert await shifts_of(company, "EMP003") == [None, None, "Night", "Night", None, "Night"]
    rows = await company.get("daily-attendance/", employee="EMP001", date_from="2024-01-10", date_to="2024-01-11")
    worked = {row["date"]: (row["first_check_in_formatted"], row["last_check_out_formatted"]) for row in rows}
    assert worked == dict.fromkeys(("2024-01-10", "2024-01-11"), ("21:55", "06:04"))

    # A person's own schedule is nearer than the group's, and the group's nearer than the unit's.
    await company.ask("POST", f"schedules/{days}/assign/", json={"department": "Sewing"})
    await company.ask("POST", f"schedules/{days}/assign/", json={"employee": "EMP003", "since": "2024-01-13"})
    await company.settle()
    assert await shifts_of(company, "EMP001") == ["Day", "Day", "Night", "Night", None, "Day"]
    assert await shifts_of(company, "EMP003") == ["Day", "Day", "Night", "Night", None, "Day"]

    # Who comes in or leaves goes by it from then on.
    member = {"employee": ids["EMP004"], "since": "2024-01-11"}
    await company.ask("POST", f"groups/{group_id}/members/", json=member, expect=201)
    (ahmed,) = [one for one in await company.get(f"groups/{group_id}/members/") if one["employee_id"] == "EMP001"]
    await company.ask("DELETE", f"groups/{group_id}/members/{ahmed['id']}/?until=2024-01-11", expect=204)
    await company.settle()
    assert await shifts_of(company, "EMP004") == [None, None, None, "Night", None, "Night"]
    assert await shifts_of(company, "EMP001") == ["Day", "Day", "Night", "Day", None, "Day"]
    shown = await company.get("schedules/assignments/", by="head", schedule=str(nights))
    assert [(one["of"], one["id"], one["since"]) for one in shown] == [("group", group_id, "2024-01-10")]
    await company.ask("DELETE", f"groups/{group_id}/", expect=409)
    await company.ask("DELETE", f"schedules/{nights}/", expect=409)
    await company.ask("POST", "schedules/unassign/", json={"group": group_id})
    await company.settle()
    assert await shifts_of(company, "EMP004") == [None] * 6
    await company.ask("DELETE", f"groups/{group_id}/", expect=204)


async def test_nobody_goes_by_the_schedules_of_two_groups_at_once(company: Office, shifts: dict[str, int]):
    first = await group(company, EMP001=(None, "2024-01-10"), EMP002=(None, None))
    ids = await company.ids()
    second = (await company.ask("POST", "groups/", json={"name": "Drivers"}, expect=201)).json()["id"]
    for code, since in (("EMP001", "2024-01-10"), ("EMP002", "2024-01-20")):
        member = {"employee": ids[code], "since": since}
        await company.ask("POST", f"groups/{second}/members/", json=member, expect=201)
    assign = f"schedules/{shifts['Nights']}/assign/"
    await company.ask("POST", assign, json={"group": first, "until": "2024-02-01"})
    refused = await company.ask("POST", assign, json={"group": second}, expect=409)
    assert "EMP002 (in Fire wardens)" in refused.json()["error"]
    assert "EMP001" not in refused.json()["error"]
    await company.ask("POST", assign, json={"group": second, "since": "2024-02-01"})
    # EMP003 is in both, and goes by one after the other.
    for group_id in (first, second):
        await company.ask("POST", f"groups/{group_id}/members/", json={"employee": ids["EMP003"]}, expect=201)
    refused = await company.ask("POST", assign, json={"group": second, "since": "2024-01-31"}, expect=409)
    assert "EMP002 (in Fire wardens) and EMP003 (in Fire wardens)" in refused.json()["error"]
    third = (await company.ask("POST", "groups/", json={"name": "Guards"}, expect=201)).json()["id"]
    await company.ask("POST", assign, json={"group": third})
    path = f"groups/{third}/members/"
    await company.ask("POST", path, json={"employee": ids["EMP003"], "since": "2024-03-01"}, expect=409)
    # Refused is the whole of it: nobody was let in, and nothing was assigned.
    assert await company.get(path) == []
    spans = {one["name"]: (one["since"], one["until"]) for one in await company.get("schedules/assignments/")}
    assert spans == {
        "Fire wardens": (None, "2024-02-01"),
        "Drivers": ("2024-02-01", None),
        "Guards": (None, None),
    }
