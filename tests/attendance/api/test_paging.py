"""Lists in parts: walking them gives each row once, whatever the order and the length of a part."""

import base64
import json
import re
from itertools import pairwise
from typing import Any

import pytest

from tests.attendance.api.office import Office

LISTS = {
    "scans/": ("scan_time", "-scan_time"),
    "scans/?unknown=true": ("scan_time", "-scan_time"),
    "scans/?search=khan": ("-scan_time",),
    "daily-attendance/": ("-date", "employee_id", "-employee_name", "status", "first_check_in", "-updated_at"),
    "daily-attendance/?date_from=2024-01-13&date_to=2024-01-15": (
        "date",
        "-date",
        "-department",
        "-total_working_hours",
        "overtime_hours",
        "-status",
    ),
    "daily-attendance/summary/?date=2024-01-15": ("employee_id", "-employee_id"),
    "timesheet/?month=2024-01&search=e": ("employee_id", "-employee_id"),
    "employees/": ("employee_id", "-name", "department", "-designation", "updated_at"),
    "departments/": ("name", "-name", "id"),
    "unknown-badges/": ("badge", "-scans", "first_at", "-last_at"),
}


async def busy(office: Office) -> None:
    for badge in ("1", "2", "3", "4", "5", "x", "y", "z"):
        await office.scan(badge, "2024-01-15 08:00", "2024-01-15 17:00", "2024-01-14 08:03", "2023-12-31 23:59")


def key(row: dict[str, Any]) -> Any:
    return row.get("id") or row.get("badge") or row["employee_id"]


def following(link: str | None) -> str | None:
    found = re.fullmatch(r'<([^>]+)>; rel="next"', link or "")
    return found[1] if found else None


async def walk(office: Office, url: str) -> list[list[dict[str, Any]]]:
    parts = []
    here: str | None = url
    while here is not None:
        answer = await office.ask("GET", here)
        parts.append(answer.json())
        here = following(answer.headers.get("link"))
    return parts


@pytest.mark.parametrize(("path", "orderings"), LISTS.items(), ids=LISTS)
async def test_walking_the_cursors_gives_each_row_once_in_order(company: Office, path: str, orderings: tuple[str, ...]):
    await busy(company)
    join = "&" if "?" in path else "?"
    for ordering in orderings:
        base = f"/api/attendance/{path}{join}ordering={ordering}"
        whole = await company.ask("GET", base)
        rows = whole.json()
        assert whole.headers["x-total-count"] == str(len(rows))
        assert "link" not in whole.headers
        for limit in (1, 2, 3, len(rows), len(rows) + 1):
            parts = await walk(company, f"{base}&limit={limit}")
            walked = [row for part in parts for row in part]
            assert [key(row) for row in walked] == [key(row) for row in rows], (ordering, limit)
            assert all(len(part) == limit for part in parts[:-1])
        assert len({key(row) for row in rows}) == len(rows)


async def test_pages_are_the_envelope_that_older_pages_know(company: Office):
    first = await company.get("employees/", page="1", page_size="2")
    assert list(first) == ["count", "next", "previous", "results"]
    assert (first["count"], len(first["results"]), first["previous"]) == (5, 2, None)
    found = [row["employee_id"] for row in first["results"]]
    here = first
    while here["next"]:
        here = (await company.ask("GET", here["next"])).json()
        found += [row["employee_id"] for row in here["results"]]
    assert found == [f"EMP00{number}" for number in range(1, 6)]
    assert here["previous"]
    beyond = await company.get("employees/", page="99", page_size="2")
    assert (beyond["count"], beyond["results"], beyond["next"]) == (5, [], None)
    far = await company.get("employees/", page="1000000")
    assert far["results"] == []


async def test_pages_of_some_dates_are_parts_of_the_whole(company: Office):
    await busy(company)
    for ordering in ("date", "-date"):
        base = f"daily-attendance/?date_from=2024-01-13&date_to=2024-01-15&ordering={ordering}"
        whole = (await company.ask("GET", base)).json()
        assert len(whole) == 15
        for page in range(1, 6):
            found = (await company.ask("GET", f"{base}&page={page}&page_size=4")).json()
            assert (found["count"], found["results"]) == (15, whole[(page - 1) * 4 : page * 4]), (ordering, page)


@pytest.mark.parametrize("path", ["daily-attendance/summary/?date=2024-01-15", "timesheet/?month=2024-01"])
async def test_what_is_usually_whole_comes_in_pages_and_parts_too(company: Office, path: str):
    whole = (await company.ask("GET", path)).json()
    page = (await company.ask("GET", f"{path}&page=2&page_size=2")).json()
    assert (page["count"], page["results"]) == (len(whole), whole[2:4])
    assert page["previous"]
    for made_up in ("WyJlbXBsb3llZV9pZCIsZmFsc2Vd", "WyJlbXBsb3llZV9pZCIsZmFsc2UsMSwxXQ"):
        assert "cursor" in (await company.ask("GET", f"{path}&cursor={made_up}", expect=400)).json()["error"]


async def test_the_roster_and_whose_schedules_are_whose_come_in_parts_and_can_be_searched(company: Office):
    shift = {"code": "D", "parts": [{"start": "08:00", "end": "16:00"}]}
    await company.ask("POST", "shifts/", json=shift, expect=201)
    schedule = (await company.ask("POST", "schedules/", json={"name": "Day", "shift": "D"}, expect=201)).json()["id"]
    for owner in ({"employee": "EMP001"}, {"employee": "EMP005"}, {"department": "Sewing"}):
        await company.ask("POST", f"schedules/{schedule}/assign/", json=owner)
    entry = {"employees": ["EMP001", "EMP005"], "date_from": "2024-01-01", "date_to": "2024-01-04", "shift": "D"}
    await company.ask("PUT", "roster/", json={"entries": [entry]})

    month = "/api/attendance/roster/?date_from=2024-01-01&date_to=2024-01-31"
    parts = await walk(company, f"{month}&limit=3")
    assert [len(part) for part in parts] == [3, 3, 2]
    walked = [(row["employee_id"], row["date"]) for part in parts for row in part]
    assert walked == [(code, f"2024-01-0{day}") for code in ("EMP001", "EMP005") for day in range(1, 5)]
    assert len((await company.ask("GET", f"{month}&search=emon")).json()) == 4
    assert len((await company.ask("GET", f"{month}&page=2&page_size=5")).json()["results"]) == 3
    parts = await walk(company, "/api/attendance/schedules/assignments/?limit=2")
    assert [[row["name"] for row in part] for part in parts] == [["EMP001", "EMP005"], ["Sewing"]]
    assert [row["name"] for row in await company.get("schedules/assignments/", search="sew")] == ["Sewing"]


@pytest.mark.parametrize("ordering", ["code", "-code"])
async def test_who_walks_the_shifts_goes_on_where_one_was_taken_away(company: Office, ordering: str):
    ids = {}
    for code in ("A", "B", "C", "D"):
        shift = {"code": code, "parts": [{"start": "08:00", "end": "16:00"}]}
        ids[code] = (await company.ask("POST", "shifts/", json=shift, expect=201)).json()["id"]
    first = await company.ask("GET", f"shifts/?limit=2&ordering={ordering}")
    await company.ask("DELETE", f"shifts/{ids[first.json()[1]['code']]}/", expect=204)
    parts = await walk(company, following(first.headers["link"]) or "")
    assert [row["code"] for part in parts for row in part] == (["C", "D"] if ordering == "code" else ["B", "A"])
    made_up = base64.urlsafe_b64encode(f'["code",{str(ordering == "-code").lower()},7]'.encode()).decode()
    assert "cursor" in await company.refused("shifts/", 400, ordering=ordering, cursor=made_up)


async def test_a_scan_that_arrives_while_somebody_walks_moves_no_row(company: Office):
    await busy(company)
    answer = await company.ask("GET", "scans/?limit=5")
    first = [row["id"] for row in answer.json()]
    await company.scan("1", "2024-01-15 20:00")
    rest = [row["id"] for part in await walk(company, following(answer.headers["link"]) or "") for row in part]
    assert len({*first, *rest}) == len(first) + len(rest) == 32


@pytest.mark.parametrize(
    "cursor",
    ["x", "", "bm9uc2Vuc2U", "W10", "WyJzY2FuX3RpbWUiLHRydWVd", "WyJzY2FuX3RpbWUiLHRydWUsMSwyXQ", "²"],
)
async def test_a_cursor_of_ones_own_making_is_400(company: Office, cursor: str):
    assert "cursor" in await company.refused("scans/", 400, cursor=cursor)


async def test_a_cursor_with_a_number_beyond_all_is_400_too(company: Office):
    endless = base64.urlsafe_b64encode(b'["name",false,"Sewing",Infinity]').decode()
    assert "cursor" in await company.refused("departments/", 400, cursor=endless)


@pytest.mark.parametrize(
    ("path", "made_up"),
    [
        ("scans/", b'["scan_time",true,"2024-01-01T00:00:00+06:00","a6b7b2f0-0000-4000-8000-000000000001"]'),
        ("corrections/", b'["asked_at",true,"2024-01-01T00:00:00",1]'),
        ("employees/", b'["updated_at",false,"2024-01-01T00:00:00","EMP001"]'),
    ],
)
async def test_a_cursor_with_a_zone_too_many_or_too_few_is_400_too(company: Office, path: str, made_up: bytes):
    order, descending, *_ = json.loads(made_up)
    ordering = f"{'-' if descending else ''}{order}"
    cursor = base64.urlsafe_b64encode(made_up).decode()
    assert "not one that this list" in await company.refused(path, 400, ordering=ordering, cursor=cursor)


async def test_a_cursor_is_good_only_for_the_order_it_was_made_in(company: Office):
    await busy(company)
    answer = await company.ask("GET", "scans/?limit=5&ordering=scan_time")
    cursor = re.search(r"cursor=([^&>]+)", answer.headers["link"])
    assert cursor
    assert "ordering" in await company.refused("scans/", 400, cursor=cursor[1], ordering="-scan_time")


async def test_rows_stand_in_the_order_asked_for(company: Office):
    await busy(company)
    times = [row["local_time"] for row in await company.get("scans/")]
    assert all(earlier >= later for earlier, later in pairwise(times))
    hours = [
        row["total_working_hours"] for row in await company.get("daily-attendance/", ordering="total_working_hours")
    ]
    assert hours == sorted(hours)
