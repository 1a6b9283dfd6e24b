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
