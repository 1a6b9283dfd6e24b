"""Payroll: what each person's days of a period come to, as JSON, CSV or XLSX; and the pay codes of sites."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response

from services.attendance.api.parameters import bad, choice_of, date_of, known, month_of, text_of
from services.attendance.api.payroll_shapes import (
    coded_answer,
    coded_table,
    pay_codes,
    rows_answer,
    rows_table,
)
from services.attendance.api.schedules import FROM, effective
from services.attendance.api.table_files import Table, csv_of, workbook_of
from services.attendance.application.day_facts import Wanted
from services.attendance.application.pay_codes import PayCodesOfSites
from services.attendance.application.payroll import Payroll
from services.attendance.application.payroll_ports import Period
from services.attendance.domain.payroll import VERSION
from shared.web.callers import HR, needs
from shared.web.lists import described, json_response
from shared.web.scope import Caller

LONGEST = 366
"""Days of a period."""

FILTERS = {
    "site": "a site's id or name",
    "department": "a department's name or id; those below it belong to it",
    "unit": "a unit's name or id, likewise",
    "group": "a group's name or id: of its people, the dates on which they were in it",
    "employee": "a person's id, or their code",
    "level_of_work": "Worker or Staff",
}
PAYROLL = {
    "month": "`2024-01`, or `01` beside a year",
    "year": "`2024`, beside a month without one",
    "date_from": "the first date, instead of a month",
    "date_to": f"the last date, less than {LONGEST} days later",
    **FILTERS,
    "layout": "`people`: a row a person; `codes`: a row a person and pay code of their site",
    "format": "`json`, `csv` or `xlsx`",
}
SITE = {"site": "a site's id or name; the main site, unless another is named"}
PAY_CODES = {**SITE, "date": "today, unless another is named"}
EXAMPLE = {
    "regular": {"code": "100", "unit": "hours"},
    "overtime": {"code": "150", "unit": "hours", "factor": "1.5"},
    "weekend": {"code": "200", "unit": "hours"},
    "leave-*": {"code": "300", "unit": "days"},
    "late": None,
}

Payers = Annotated[Caller, Depends(needs("hr", "department_head"))]
PayCodesBody = Annotated[dict[str, Any], Body(openapi_examples={"codes": {"value": EXAMPLE}})]


def router(payroll: Payroll, codes: PayCodesOfSites) -> APIRouter:
    """The routes of payroll."""
    routes = APIRouter(prefix="/api/attendance", tags=["payroll"])

    @routes.get(
        "/payroll/",
        summary="What each person's days of a period come to: days, hours by kind, counts, adjustments",
        description="HR see everybody, heads their units. The columns and their units are a contract of their own: "
        "docs/payroll.md. `layout=codes` goes by the pay codes of the sites; what they say nothing of is told.",
        openapi_extra=described(PAYROLL),
    )
    async def of(request: Request, who: Payers) -> Response:
        known(request, *PAYROLL)
        period, wanted = _period(request), _wanted(request)
        layout = choice_of(request, "layout", ("people", "codes")) or "people"
        kind = choice_of(request, "format", ("json", "csv", "xlsx")) or "json"
        if layout == "codes":
            coded = await payroll.coded(period, wanted, who.scope)
            if kind == "json":
                return json_response(coded_answer(period, coded))
            return _file(coded_table(coded), period, layout, kind)
        rows = await payroll.rows(period, wanted, who.scope)
        if kind == "json":
            return json_response(await rows_answer(period, rows))
        return _file(rows_table(period, rows), period, layout, kind)

    @routes.get(
        "/pay-codes/",
        summary="Under which code, in which unit and times what each kind of amount of a site goes to payroll",
        openapi_extra=described(PAY_CODES),
    )
    async def codes_of(request: Request, _: Payers) -> Response:
        known(request, *PAY_CODES)
        return json_response(pay_codes(await codes.of(text_of(request, "site"), date_of(request, "date"))))

    @routes.put(
        "/pay-codes/",
        summary="Give a site all of its pay codes from a date on",
        description="A kind that is `null` is left out of `layout=codes` on purpose. A kind that is not named is told "
        "of there as unmapped. Without a factor, work on weekends and holidays is multiplied as the settings say.",
        openapi_extra=described({**SITE, **FROM}),
    )
    async def change(body: PayCodesBody, request: Request, who: HR) -> Response:
        known(request, *SITE, *FROM)
        span = await effective(request, codes.today)
        found = await codes.change(text_of(request, "site"), body, span, who)
        return json_response(pay_codes(found))

    return routes


def _file(table: Table, period: Period, layout: str, kind: str) -> Response:
    what = "payroll" if layout == "people" else "payroll-codes"
    name = f"{what}-v{VERSION}-{period.first.isoformat()}-{period.last.isoformat()}.{kind}"
    return csv_of(table, name) if kind == "csv" else workbook_of(table, name)


def _period(request: Request) -> Period:
    first, last = date_of(request, "date_from"), date_of(request, "date_to")
    if first is None and last is None:
        first = month_of(request)
        return Period(first, _month_after(first) - timedelta(days=1))
    for other in ("month", "year"):
        if text_of(request, other) is not None:
            raise bad(other, "stands against date_from and date_to; give one or the other")
    if first is None or last is None:
        raise bad("date_from" if first is None else "date_to", "is missing; give both, or a month")
    if not 0 <= (last - first).days < LONGEST:
        raise bad("date_to", f"must be from date_from on, and less than {LONGEST} days later")
    return Period(first, last)


def _month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _wanted(request: Request) -> Wanted:
    department, unit = text_of(request, "department"), text_of(request, "unit")
    if department is not None and unit is not None:
        raise bad("unit", "stands against department; give one")
    return Wanted(
        site=text_of(request, "site"),
        department=department if unit is None else unit,
        group=text_of(request, "group"),
        employee=text_of(request, "employee"),
        level_of_work=text_of(request, "level_of_work"),
    )
