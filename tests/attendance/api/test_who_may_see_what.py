"""Roles and routes: what each may call, and what each finds there."""

from collections.abc import Awaitable, Callable

import pytest

from shared.web.scope import Caller
from tests.attendance.api.office import ROLES, Office

EVERYBODY = set(ROLES)
HR = {"admin", "hr"}
HEADS = {*HR, "head"}

NO_RUN = "00000000-0000-4000-8000-000000000000"

ROUTES: dict[tuple[str, str], set[str]] = {
    ("GET", "daily-attendance/"): EVERYBODY,
    ("GET", "daily-attendance/summary/?date=2024-01-15"): EVERYBODY,
    ("GET", "timesheet/?month=2024-01"): EVERYBODY,
    ("GET", "expected-days/?month=2024-01"): EVERYBODY,
    ("GET", "settings/"): EVERYBODY,
    ("GET", "system-status/"): EVERYBODY,
    ("GET", "statistics/"): EVERYBODY,
    ("GET", "employees/"): EVERYBODY,
    ("GET", "departments/"): EVERYBODY,
    ("GET", "scans/"): EVERYBODY,
    ("GET", "joiners-leavers/"): EVERYBODY,
    ("GET", "presence/"): EVERYBODY,
    ("GET", "sites/"): EVERYBODY,
    ("GET", "sites/1/"): EVERYBODY,
    ("POST", "sites/"): HR,
    ("PUT", "sites/1/"): HR,
    ("PATCH", "sites/1/"): HR,
    ("DELETE", "sites/1/"): HR,
    ("GET", "groups/"): EVERYBODY,
    ("POST", "groups/"): HR,
    ("PUT", "groups/1/"): HR,
    ("PATCH", "groups/1/"): HR,
    ("DELETE", "groups/1/"): HR,
    ("GET", "groups/1/members/"): EVERYBODY,
    ("POST", "groups/1/members/"): HR,
    ("DELETE", "groups/1/members/2/"): HR,
    ("GET", "units/"): EVERYBODY,
    ("POST", "units/"): HR,
    ("PUT", "units/1/"): HR,
    ("PATCH", "units/1/"): HR,
    ("DELETE", "units/1/"): HR,
    ("GET", "presence/muster/"): EVERYBODY,
    ("GET", "unknown-badges/"): HR,
    ("POST", "employees/"): HR,
    ("POST", "employees/import/"): HR,
    ("POST", "employees/import/rejected/"): HR,
    ("GET", "employees/import/template/"): HR,
    ("PUT", "employees/1/"): HR,
    ("PATCH", "employees/1/"): HR,
    ("DELETE", "employees/1/"): HR,
    ("POST", "unknown-badges/7/link/"): HR,
    ("POST", "daily-attendance/"): HR,
    ("PUT", "daily-attendance/20240114-1/"): HR,
    ("DELETE", "daily-attendance/20240114-1/"): HR,
    ("GET", "corrections/"): EVERYBODY,
    ("POST", "corrections/"): EVERYBODY,
    ("POST", "corrections/1/approve/"): HEADS,
    ("POST", "corrections/1/reject/"): HEADS,
    ("POST", "corrections/1/withdraw/"): EVERYBODY,
    ("GET", "locks/"): EVERYBODY,
    ("GET", "closing/"): HR,
    ("PUT", "closing/1/"): HR,
    ("POST", "locks/"): HR,
    ("POST", "locks/1/unlock/"): HR,
    ("GET", "adjustments/"): EVERYBODY,
    ("POST", "recompute/"): HR,
    ("POST", "sandbox/"): HR,
    ("GET", "recompute-runs/"): HR,
    ("POST", f"recompute-runs/{NO_RUN}/cancel/"): HR,
    ("POST", f"recompute-runs/{NO_RUN}/run/"): HR,
    ("GET", f"recompute-runs/{NO_RUN}/changes/"): HR,
    ("GET", f"recompute-runs/{NO_RUN}/changes.csv"): HR,
    ("GET", "payroll/?month=2024-01"): HEADS,
    ("GET", "pay-codes/"): HEADS,
    ("PUT", "pay-codes/"): HR,
    ("POST", "scans/release/"): HR,
    ("POST", "scans/00000000-0000-4000-8000-000000000000/release/"): HR,
    ("DELETE", "scans/00000000-0000-4000-8000-000000000000/release/"): HR,
    ("PUT", "settings/"): HR,
    ("GET", "shifts/"): EVERYBODY,
    ("POST", "shifts/"): HR,
    ("PUT", "shifts/8/"): HR,
    ("DELETE", "shifts/8/"): HR,
    ("GET", "schedules/"): EVERYBODY,
    ("POST", "schedules/"): HR,
    ("PUT", "schedules/8/"): HR,
    ("DELETE", "schedules/8/"): HR,
    ("GET", "schedules/assignments/"): EVERYBODY,
    ("POST", "schedules/8/assign/"): HR,
    ("POST", "schedules/unassign/"): HR,
    ("GET", "roster/?date_from=2024-01-01&date_to=2024-01-31"): EVERYBODY,
    ("PUT", "roster/"): HR,
}


@pytest.mark.parametrize(("route", "allowed"), ROUTES.items(), ids=[" ".join(route) for route in ROUTES])
async def test_each_role_may_call_what_is_its_own(company: Office, route: tuple[str, str], allowed: set[str]):
    method, path = route
    for role in ROLES:
        answer = await company.ask(method, path, by=role, expect=None, **({} if method == "GET" else {"json": {}}))
        if role in allowed:
            assert answer.status_code not in (401, 403), f"{role}: {answer.text}"
        else:
            assert answer.status_code == 403, f"{role}: {answer.text}"
            assert answer.headers["content-type"] == "application/problem+json"
            assert "role" in answer.json()["error"]


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_without_a_token_or_with_a_wrong_one_every_route_is_closed(office: Office, route: tuple[str, str]):
    method, path = route
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
        answer = await office.ask(method, path, by=None, headers=headers, expect=401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]


async def test_every_route_stands_in_this_table(office: Office):
    document = (await office.ask("GET", "/openapi.json", by=None)).json()
    ours = {
        (method.upper(), path.removeprefix("/api/attendance/"))
        for path, methods in document["paths"].items()
        if path.startswith("/api/attendance/")
        for method in methods
    }
    in_the_table = {(method, path.partition("?")[0]) for method, path in ROUTES}
    single = {
        ("GET", "daily-attendance/{day_id}/"),
        ("GET", "daily-attendance/{day_id}/explain/"),
        ("GET", "daily-attendance/{day_id}/history/"),
        ("GET", "corrections/{correction_id}/"),
        ("GET", "explain/"),
        ("GET", "employees/{person_id}/"),
        ("GET", "units/{unit_id}/"),
        ("GET", "groups/{group_id}/"),
        ("GET", "shifts/{shift_id}/"),
        ("GET", "schedules/{schedule_id}/"),
        ("GET", "recompute-runs/{run_id}/"),
    }
    names = {
        "employees/1/": "employees/{person_id}/",
        "sites/1/": "sites/{site_id}/",
        "units/1/": "units/{unit_id}/",
        "groups/1/": "groups/{group_id}/",
        "members/2/": "members/{member_id}/",
        "daily-attendance/20240114-1/": "daily-attendance/{day_id}/",
        "corrections/1/": "corrections/{correction_id}/",
        "locks/1/": "locks/{lock_id}/",
        "closing/1/": "closing/{site_id}/",
        "/7/": "/{badge}/",
        f"recompute-runs/{NO_RUN}/": "recompute-runs/{run_id}/",
        "shifts/8/": "shifts/{shift_id}/",
        "schedules/8/": "schedules/{schedule_id}/",
        "/00000000-0000-4000-8000-000000000000/": "/{scan_id}/",
    }
    for value, name in names.items():
        in_the_table = {(m, p.replace(value, name)) for m, p in in_the_table}
    assert ours == in_the_table | single


Seen = dict[str, list[str]]

SEES: Seen = {
    "admin": ["EMP001", "EMP002", "EMP003", "EMP004", "EMP005"],
    "hr": ["EMP001", "EMP002", "EMP003", "EMP004", "EMP005"],
    "head": ["EMP001", "EMP002", "EMP003", "EMP004"],  # of Sewing and of Hems below it; and herself, in the office
    "employee": ["EMP002"],
    "trainer": ["EMP005"],
    "device": [],
    "nobody": [],
}


async def codes_in_summary(office: Office, role: str) -> list[str]:
    rows = await office.get("daily-attendance/summary/", by=role, date="2024-01-15")
    return [row["employee_id"] for row in rows]


async def codes_in_timesheet(office: Office, role: str) -> list[str]:
    return [row["employee_id"] for row in await office.get("timesheet/", by=role, month="2024-01")]


async def codes_in_list_of_a_date(office: Office, role: str) -> list[str]:
    return [row["employee_id"] for row in await office.get("daily-attendance/", by=role, date="2024-01-15")]


async def codes_in_list_of_all(office: Office, role: str) -> list[str]:
    return [row["employee_id"] for row in await office.get("daily-attendance/", by=role)]


async def codes_of_employees(office: Office, role: str) -> list[str]:
    return [row["employee_id"] for row in await office.get("employees/", by=role)]


async def codes_of_scans(office: Office, role: str) -> list[str]:
    return [row["employee_id"] for row in await office.get("scans/", by=role) if row["employee_id"]]


LISTS = [
    codes_in_summary,
    codes_in_timesheet,
    codes_in_list_of_a_date,
    codes_in_list_of_all,
    codes_of_employees,
    codes_of_scans,
]


@pytest.mark.parametrize("codes", LISTS, ids=lambda codes: codes.__name__)
async def test_each_role_finds_in_every_list_exactly_whom_it_may_see(
    company: Office, codes: Callable[[Office, str], Awaitable[list[str]]]
):
    for number in range(1, 6):
        await company.scan(str(number), "2024-01-15 08:00")
    await company.scan("unknown", "2024-01-15 08:00")
    for role, seen in SEES.items():
        assert sorted(await codes(company, role)) == seen, role


async def test_totals_count_only_what_the_caller_may_see(company: Office):
    await company.scan("unknown", "2024-01-15 08:00")
    for role, seen in SEES.items():
        for path in ("employees/", "daily-attendance/?date=2024-01-15", "daily-attendance/summary/?date=2024-01-15"):
            answer = await company.ask("GET", path, by=role)
            assert answer.headers["x-total-count"] == str(len(seen)), (role, path)
        assert (await company.get("statistics/", by=role))["total_employees"] == len(seen)
        scans = await company.ask("GET", "scans/", by=role)
        assert scans.headers["x-total-count"] == ("1" if role in HR else "0")


async def test_what_is_outside_the_callers_scope_is_404_like_what_is_not_there(company: Office):
    ids = await company.ids()
    for role, seen in SEES.items():
        for code, person in ids.items():
            expect = 200 if code in seen else 404
            await company.ask("GET", f"employees/{person}/", by=role, expect=expect)
            await company.ask("GET", f"daily-attendance/20240115-{person}/", by=role, expect=expect)
            await company.ask("GET", f"daily-attendance/20240115-{person}/explain/", by=role, expect=expect)
            params = {"employee": code, "date": "2024-01-15"}
            await company.ask("GET", "explain/", by=role, expect=expect, params=params)


async def test_a_filter_by_somebody_out_of_sight_says_the_same_as_by_nobody(company: Office):
    for path in ("daily-attendance/", "scans/"):
        hidden = await company.refused(path, 400, by="employee", employee="EMP001")
        missing = await company.refused(path, 400, by="employee", employee="EMP999")
        assert hidden.replace("EMP001", "X") == missing.replace("EMP999", "X")


async def test_departments_are_ones_own_or_those_headed(company: Office):
    async def names(role: str) -> list[str]:
        return [row["name"] for row in await company.get("departments/", by=role)]

    assert await names("hr") == ["Hems", "Office", "Sewing"]
    assert await names("head") == ["Hems", "Office", "Sewing"]
    assert await names("employee") == ["Sewing"]
    assert await names("trainer") == []
    assert await names("nobody") == []


async def test_a_head_sees_the_days_of_those_who_were_theirs_then_and_no_others(company: Office):
    await company.scan("1", "2024-01-10 08:00", "2024-01-15 08:00")
    ids = await company.ids()
    await company.ask(
        "PATCH",
        f"employees/{ids['EMP001']}/",
        json={"department": "Office"},
        params={"effective_from": "2024-01-12"},
    )
    (office_id,) = [row["id"] for row in await company.get("departments/") if row["name"] == "Office"]
    company.callers["new head"] = Caller(
        user=20, username="x", roles=frozenset({"department_head"}), person=None, units=(office_id,)
    )
    person = ids["EMP001"]
    await company.ask("GET", f"daily-attendance/20240110-{person}/", by="head")
    await company.ask("GET", f"daily-attendance/20240110-{person}/", by="new head", expect=404)
    await company.ask("GET", f"daily-attendance/20240115-{person}/", by="head", expect=404)
    await company.ask("GET", f"daily-attendance/20240115-{person}/", by="new head")
    for role, dates in (("head", range(1, 12)), ("new head", range(12, 32))):
        (row,) = await company.get("timesheet/", by=role, month="2024-01", employee="EMP001")
        assert [day["day"] for day in row["days"] if day["status"]] == list(dates)
        assert [scan["local_time"][:10] for scan in await company.get("scans/", by=role, badge="1")] == [
            "2024-01-10" if role == "head" else "2024-01-15"
        ]
        listed = await company.get("daily-attendance/", by=role, employee="EMP001")
        assert [row["date"] for row in listed] == ["2024-01-10" if role == "head" else "2024-01-15"]


async def test_of_sites_and_units_everybody_counts_whom_they_see(company: Office):
    async def counts(by: str) -> list[list[int]]:
        lists = [await company.get(path, by=by) for path in ("sites/", "units/", "departments/")]
        return [[row["employees"] for row in rows] for rows in lists]

    assert await counts("hr") == [[5], [1, 1, 2], [1, 1, 2]]
    assert await counts("head") == [[4], [1, 1, 2], [1, 1, 2]]
    assert await counts("employee") == [[1], [1], [1]]
    assert await counts("nobody") == [[0], [], []]
    assert (await company.get("sites/1/", by="employee"))["employees"] == 1
    (sewing,) = await company.get("units/", by="employee")
    assert (await company.get(f"units/{sewing['id']}/", by="employee"))["employees"] == 1
    assert (await company.get("sites/", by="employee", page="1"))["count"] == 1
