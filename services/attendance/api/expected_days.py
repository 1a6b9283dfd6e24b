"""What is expected of people, over REST: as it was last told to others."""

from typing import TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import month_of, text_of
from services.attendance.application.adjusting import month_text
from services.attendance.application.expected_days import ExpectedMonth, Expecting
from shared.web.callers import CurrentScope
from shared.web.lists import answer, described, window

EXPECTED = {
    "month": "such as 2024-02, or 02 with the year beside it",
    "year": "such as 2024",
    "employee": "a person's id, or their code",
}


class ExpectedShape(TypedDict):
    """A month of a person in an answer: minutes of each date, null of those that are not the caller's to see."""

    employee: int
    employee_id: str
    employee_name: str
    month: str
    minutes: list[int | None]


def router(expecting: Expecting) -> APIRouter:
    """The route of expected days."""
    routes = APIRouter(prefix="/api/attendance", tags=["days"])

    @routes.get(
        "/expected-days/",
        summary="Minutes of work that are expected of people on each date of a month; leave is charged by them",
        openapi_extra=described(EXPECTED, a_list=True, required=["month"], rows=ExpectedShape),
    )
    async def expected_days(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=EXPECTED, orders=("employee_id",), default="employee_id", limit=1000)
        found = await expecting.of_month(text_of(request, "employee"), month_of(request), scope, asked)
        rows = [_shown(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    return routes


def _shown(month: ExpectedMonth) -> ExpectedShape:
    return {
        "employee": month.person_id,
        "employee_id": month.code,
        "employee_name": month.name,
        "month": month_text(month.month),
        "minutes": month.minutes,
    }
