"""Lists in parts: walking them gives each row once, whatever the order and the length of a part."""

import base64
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
