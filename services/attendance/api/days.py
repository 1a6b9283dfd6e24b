"""Days: the summary of a date, the timesheet of a month, daily records and their explanation, statistics."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.day_shapes import (
    DayShape,
    SummaryRow,
    record,
    statistics,
    summary_row,
    summary_row_camel,
    timesheet_row,
    timesheet_row_camel,
)
from services.attendance.api.parameters import (
    bad,
    camel_wanted,
    date_of,
    known,
    month_of,
    required_date,
    status_of,
    text_of,
)
from services.attendance.application.day_facts import Wanted
from services.attendance.application.days import AT_A_STRETCH, LONGEST_WITH_ABSENCES, Days
from services.attendance.application.explaining import Explaining
from shared.kernel.errors import NotFound
from shared.web.callers import CurrentScope
from shared.web.lists import Window, answer, described, json_response, window

WHO = {
    "employee": "a person's id, or their code",
    "department": "a department's name or id; those below it belong to it",
    "level_of_work": "Worker or Staff",
    "group": "a group's name or id: who are in it on the date (in the month, of a timesheet)",
}
SHAPE = {"shape": "`camel` for keys in camel case, with `id` and `name` for the person"}
SUMMARY = {"date": "such as 2024-01-15", **WHO, **SHAPE}
TIMESHEET = {"month": "`01`, or with the year `2024-01`", "year": "`2024`, beside a month without one", **WHO, **SHAPE}
LIST = {
    **WHO,
    "date": "one date",
    "date_from": "the first date",
    "date_to": "the last date",
    "status": "such as Absent",
}
STATISTICS = {"date": "today, unless another is named", "department": WHO["department"]}
EXPLAIN = {"employee": "the person's code, or else their id", "date": "such as 2024-01-15"}
ORDERS = (
    "date",
    "employee_id",
    "employee_name",
    "department",
    "status",
    "first_check_in",
    "total_working_hours",
    "overtime_hours",
    "updated_at",
)

Row = TypeVar("Row")
EVERYBODY = 1_000_000
"""The usual length of a summary or timesheet: existing pages expect them whole."""

_DAY_ID = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d{1,9})", re.ASCII)


def router(days: Days, explaining: Explaining) -> APIRouter:
    """The routes of days."""
    routes = APIRouter(prefix="/api/attendance", tags=["days"])

    @routes.get(
        "/daily-attendance/summary/",
        summary="A row for everybody active on a date, the absent included",
        openapi_extra=described(SUMMARY, a_list=True, required=["date"], rows=SummaryRow),
    )
    async def summary(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=SUMMARY, orders=("employee_id",), default="employee_id", limit=EVERYBODY)
        shape = summary_row_camel if camel_wanted(request) else summary_row
        found = await days.on(required_date(request, "date"), _wanted(request, search=asked.search), scope)
        views, following = _part(found, asked, lambda view: view.facts.code)
        rows = [shape(view) for view in views]
        return answer(request, rows, asked, total=len(found), next_after=following)

    @routes.get(
        "/timesheet/",
        summary="A row for everybody active in a month, with a day for each of its days",
        openapi_extra=described(TIMESHEET, a_list=True, required=["month"]),
    )
    async def timesheet(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=TIMESHEET, orders=("employee_id",), default="employee_id", limit=EVERYBODY)
        shape = timesheet_row_camel if camel_wanted(request) else timesheet_row
        found = await days.month(month_of(request), _wanted(request, search=asked.search), scope)
        months, following = _part(found, asked, lambda month: month.stay.code)
        rows = []
        for month in months:
            rows.append(shape(month))
            if len(rows) % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
        return answer(request, rows, asked, total=len(found), next_after=following)

    @routes.get(
        "/daily-attendance/",
        summary="Daily records",
        description=(
            f"Over one date, or a range of at most {LONGEST_WITH_ABSENCES} days, everybody active has a record for "
            "each day, seen or not. Over more, or without dates, the list has the days that are stored: those on which "
            "somebody was seen, and all that are closed."
        ),
        openapi_extra=described(LIST, a_list=True, rows=DayShape),
    )
    async def listed(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=LIST, orders=ORDERS, default="-date", limit=1000)
        since, until = _span(request)
        wanted = _wanted(request, status=status_of(request), since=since, until=until, search=asked.search)
        found = await days.listed(wanted, scope, asked)
        rows = [record(day) for day in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.get("/daily-attendance/{day_id}/", summary="One daily record; its id is YYYYMMDD-<person>")
    async def one(day_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        on, person_id = day_key(day_id)
        found = await days.one(person_id, on, scope)
        return json_response(record(found), headers={"ETag": f'"{found.details.n or 0}"'})

    @routes.get("/daily-attendance/{day_id}/explain/", summary="Why the day is what it is: every scan, rule and figure")
    async def explain(day_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        on, person_id = day_key(day_id)
        return json_response(await explaining.of(person_id, on, scope))

    @routes.get(
        "/explain/",
        summary="The same by the person's code and a date",
        openapi_extra=described(EXPLAIN, required=list(EXPLAIN)),
    )
    async def explain_by_code(request: Request, scope: CurrentScope) -> Response:
        known(request, *EXPLAIN)
        on, employee = required_date(request, "date"), text_of(request, "employee")
        if employee is None:
            raise bad("employee", "is missing; give a person's code")
        return json_response(await explaining.by_code(employee, on, scope))

    @routes.get(
        "/statistics/",
        summary="How many are present, absent and on leave, in all and in each department",
        openapi_extra=described(STATISTICS),
    )
    async def figures(request: Request, scope: CurrentScope) -> Response:
        known(request, *STATISTICS)
        day, total, departments = await days.figures(date_of(request, "date"), _wanted(request), scope)
        return json_response(statistics(day, total, departments))

    return routes


def _part(
    found: Sequence[Row], asked: Window, code: Callable[[Row], str]
) -> tuple[Sequence[Row], tuple[str, int] | None]:
    """What is asked for of rows that are all here, in the order of people's codes; and where the next part begins."""
    rows = found[::-1] if asked.descending else found
    start = asked.offset or 0
    match asked.after:
        case None:
            pass
        case (str(last), int(place)) if place >= 0:
            start = next((at for at, row in enumerate(rows, 1) if code(row) == last), place)
        case _:
            raise bad("cursor", "is not one that this list has given out")
    end = start + asked.limit
    return rows[start:end], (code(rows[end - 1]), end) if end < len(rows) else None


def _wanted(
    request: Request,
    *,
    status: str | None = None,
    since: date | None = None,
    until: date | None = None,
    search: str | None = None,
) -> Wanted:
    return Wanted(
        employee=text_of(request, "employee"),
        department=text_of(request, "department"),
        level_of_work=text_of(request, "level_of_work"),
        status=status,
        since=since,
        until=until,
        search=search,
        group=text_of(request, "group"),
    )


def _span(request: Request) -> tuple[date | None, date | None]:
    on = date_of(request, "date")
    since, until = date_of(request, "date_from"), date_of(request, "date_to")
    if on is not None:
        if since or until:
            raise bad("date", "stands against date_from and date_to; give one or the other")
        return on, on
    if since and until and until < since:
        raise bad("date_to", "lies before date_from")
    return since, until


def day_key(day_id: str) -> tuple[date, int]:
    """The date and the person of a day's id.

    Raises:
        NotFound: it is none.
    """
    parts = _DAY_ID.fullmatch(day_id)
    try:
        if parts and 1970 < int(parts[1]) < 2200:
            return date(int(parts[1]), int(parts[2]), int(parts[3])), int(parts[4])
    except ValueError:
        pass
    raise NotFound(f"there is no day {day_id[:40]!r}: a day's id is its date and its person's id, such as 20240115-17")
