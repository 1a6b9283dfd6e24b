"""Sites with zones, and the tree of units with heads: made, changed, moved and taken away."""

from typing import Any

import pytest

from shared.contracts.cloudevents import decode
from shared.contracts.people import PersonChanged
from tests.attendance.api.office import Office


async def made(office: Office, path: str, **body: Any) -> Any:
    return (await office.ask("POST", path, json=body, expect=201)).json()


async def units(office: Office, by: str = "hr", **parameters: Any) -> list[str]:
    return [row["name"] for row in await office.get("units/", by=by, **parameters)]


async def test_a_site_is_made_changed_and_taken_away(company: Office):
    site = await made(company, "sites/", name="Mill", timezone="Europe/Berlin")
    assert site == {"id": site["id"], "name": "Mill", "timezone": "Europe/Berlin", "employees": 0, "machines": 0}
    path = f"sites/{site['id']}/"
    changed = (await company.ask("PATCH", path, json={"name": "Old mill"})).json()
    assert (changed["name"], changed["timezone"]) == ("Old mill", "Europe/Berlin")
    assert [(row["name"], row["employees"]) for row in await company.get("sites/")] == [
        ("Main site", 5),
        ("Old mill", 0),
    ]
    ids = await company.ids()
    await company.ask("PATCH", f"employees/{ids['EMP005']}/", json={"site": "Old mill"})
    refused = await company.ask("DELETE", path, expect=409)
    assert "1 people belong to it" in refused.json()["error"]
    await company.ask("PATCH", f"employees/{ids['EMP005']}/?effective_from=always", json={"site": 1})
    await company.ask("DELETE", path, expect=204)
    await company.ask("GET", path, expect=404)
    main = await company.ask("DELETE", "sites/1/", expect=409)
    assert "the main site stays" in main.json()["error"]


async def test_another_zone_of_a_site_computes_its_days_again(company: Office):
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 17:00")
    assert (await company.get("daily-attendance/", date="2024-01-15", employee="EMP001"))[0][
        "first_check_in_formatted"
    ] == "08:00"
    await company.ask("PATCH", "sites/1/", json={"timezone": "Asia/Kolkata"})
    await company.settle()
    (day,) = await company.get("daily-attendance/", date="2024-01-15", employee="EMP001")
    assert day["first_check_in_formatted"] == "07:30"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "named"),
    [
        ("POST", "sites/", {"name": "Mill", "timezone": "Mars/Base"}, 400, "timezone"),
        ("POST", "sites/", {"name": "Mill", "colour": "red"}, 400, "colour"),
        ("POST", "sites/", {"name": "Main site"}, 409, "name"),
        ("POST", "sites/", {"name": ""}, 400, "name"),
        ("PATCH", "sites/1/", {"name": None}, 400, "name"),
        ("PUT", "sites/1/", {"name": "Main site"}, 422, "timezone"),
        ("PATCH", "sites/99/", {"name": "X"}, 404, "site 99"),
        ("PATCH", "sites/main/", {"name": "X"}, 404, "site"),
        ("POST", "units/", {"kind": "galaxy", "name": "X"}, 400, "kind"),
        ("POST", "units/", {"name": "sewing"}, 409, "name"),
        ("POST", "units/", {"name": "X", "parent": 99}, 422, "parent"),
        ("POST", "units/", {"name": "X", "head": 99}, 422, "head"),
        ("PATCH", "units/99/", {"name": "X"}, 404, "unit 99"),
    ],
)
async def test_what_is_wrong_is_named(
    company: Office, method: str, path: str, body: dict[str, Any], status: int, named: str
):
    answer = await company.ask(method, path, json=body, expect=status)
    assert named in answer.json()["error"]


async def test_units_of_all_kinds_make_a_tree_that_can_be_moved_but_has_no_circle(company: Office):
    school = await made(company, "units/", kind="school", name="Academy")
    programme = await made(company, "units/", kind="programme", name="Tailoring", parent=school["id"])
    group = await made(company, "units/", kind="class_group", name="2024 A", parent=programme["id"])
    assert await units(company, below=school["id"]) == ["2024 A", "Academy", "Tailoring"]
    assert await units(company, parent=school["id"]) == ["Tailoring"]
    assert await units(company, kind="department") == ["Hems", "Office", "Sewing"]
    for parent in (group["id"], school["id"]):
        refused = await company.ask("PATCH", f"units/{school['id']}/", json={"parent": parent}, expect=422)
        assert "stands below it" in refused.json()["error"]
    await company.ask("PATCH", f"units/{group['id']}/", json={"parent": None})
    assert await units(company, below=school["id"]) == ["Academy", "Tailoring"]
    refused = await company.ask("DELETE", f"units/{school['id']}/", expect=409)
    assert "1 units belong to it" in refused.json()["error"]
    for unit in (group, programme, school):
        await company.ask("DELETE", f"units/{unit['id']}/", expect=204)
    assert await units(company) == ["Hems", "Office", "Sewing"]


async def test_who_belongs_to_a_moved_unit_is_seen_by_other_heads_at_once_and_others_are_told(company: Office):
    by_name = {row["name"]: row for row in await company.get("units/")}
    codes = [row["employee_id"] for row in await company.get("employees/", by="head")]
    assert codes == ["EMP001", "EMP002", "EMP003", "EMP004"]
    await company.ask("PATCH", f"units/{by_name['Hems']['id']}/", json={"parent": by_name["Office"]["id"]})
    codes = [row["employee_id"] for row in await company.get("employees/", by="head")]
    assert codes == ["EMP001", "EMP002", "EMP004"]
    await company.scan("3", "2024-01-15 08:00")
    rows = await company.sql(
        "SELECT content_type, payload FROM outbox WHERE type = 'attendance.person.changed.v1' ORDER BY seq"
    )
    told = [e.data for row in rows for e in decode(row["payload"], row["content_type"], PersonChanged)]
    path = [by_name["Hems"]["id"], by_name["Office"]["id"]]
    assert (told[-1].code, told[-1].unit_path, told[-1].version.n) == ("EMP003", path, 2)


async def test_people_of_a_moved_unit_go_by_the_settings_of_those_above_it(company: Office):
    units_by_name = {row["name"]: row["id"] for row in await company.get("units/")}
    body = {"safe_entry_time": "10:00", "late_entry_time": "10:05"}
    await company.ask("PUT", "settings/", json=body, params={"effective_from": "2024-01-08", "department": "Office"})
    for badge in ("1", "3"):
        await company.scan(badge, "2024-01-03 09:00", "2024-01-10 09:00")
    await company.settle()

    async def shown(code: str) -> list[str]:
        rows = await company.get("daily-attendance/", employee=code, date_from="2024-01-03", date_to="2024-01-10")
        return [row["status"] for row in rows if row["total_scans"]]

    assert await shown("EMP003") == ["Present-Late", "Present-Late"]
    await company.ask("PATCH", f"units/{units_by_name['Hems']}/", json={"parent": units_by_name["Office"]})
    (note,) = await company.sql("SELECT people, since FROM recomputations")
    assert (note["people"], note["since"].isoformat()) == ([(await company.ids())["EMP003"]], "2024-01-07")
    await company.settle()
    assert await shown("EMP003") == ["Present-OnTime", "Present-Late"]
    await company.ask("PATCH", f"units/{units_by_name['Hems']}/", json={"parent": None})
    await company.settle()
    assert await shown("EMP003") == ["Present-Late", "Present-Late"]
    await company.ask("PATCH", f"units/{units_by_name['Hems']}/", json={"parent": units_by_name["Sewing"]})
    assert await company.sql("SELECT 1 FROM recomputations") == []  # nothing was said of Sewing


async def test_a_unit_has_a_head_and_keeps_its_kind_while_people_belong_to_it(company: Office):
    ids = await company.ids()
    (sewing,) = [row for row in await company.get("units/") if row["name"] == "Sewing"]
    path = f"units/{sewing['id']}/"
    changed = (await company.ask("PATCH", path, json={"head": ids["EMP001"]})).json()
    assert (changed["head"], changed["head_name"], changed["employees"]) == (ids["EMP001"], "Ahmed Khan", 2)
    refused = await company.ask("PATCH", path, json={"kind": "course"}, expect=409)
    assert "2 people belong to it" in refused.json()["error"]


async def test_a_stale_change_is_412_and_a_post_sent_again_is_done_once(company: Office):
    read = await company.ask("GET", "sites/1/")
    tag = {"If-Match": read.headers["etag"]}
    await company.ask("PATCH", "sites/1/", json={"name": "Factory"}, headers=tag)
    await company.ask("PATCH", "sites/1/", json={"name": "Plant"}, headers=tag, expect=412)
    assert (await company.get("sites/1/"))["name"] == "Factory"
    key = {"Idempotency-Key": "k1"}
    first = await company.ask("POST", "units/", json={"name": "Dyeing"}, headers=key, expect=201)
    again = await company.ask("POST", "units/", json={"name": "Dyeing"}, headers=key, expect=201)
    assert first.content == again.content


async def test_everybody_sees_the_units_that_are_theirs(company: Office):
    assert await units(company, by="head") == ["Hems", "Office", "Sewing"]
    assert await units(company, by="employee") == ["Sewing"]
    assert await units(company, by="nobody") == []
    (office_id,) = [row["id"] for row in await company.get("units/") if row["name"] == "Office"]
    await company.ask("GET", f"units/{office_id}/", by="employee", expect=404)
