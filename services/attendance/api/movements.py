"""Joiners and leavers over REST."""

from datetime import date
from typing import TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import choice_of, date_of, text_of
from services.attendance.application.movements import Movement, Movements, WantedMovements
from shared.web.callers import CurrentScope
from shared.web.lists import answer, described, window

FILTERS = {
    "date_from": "the first date: the first of this month, unless another is named",
    "date_to": "the last date: the end of the month, unless another is named",
    "kind": "joined or left",
    "department": "a department's name or id; those below it belong to it",
}


class MovementShape(TypedDict):
    """Somebody's first or last day; `badges_to_return` are those that stay theirs beyond the last."""

    kind: str
    date: date
    employee: int
    employee_id: str
    employee_name: str
    department: str | None
    designation: str | None
    level_of_work: str
    site: int | None
    badges_to_return: list[str]


def router(movements: Movements) -> APIRouter:
    """The route of joiners and leavers."""
    routes = APIRouter(prefix="/api/attendance", tags=["people"])

    @routes.get(
        "/joiners-leavers/",
        summary="Who joined and who left in a range of dates",
        openapi_extra=described(FILTERS, a_list=True, rows=MovementShape),
    )
    async def listed(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=FILTERS, orders=("date", "employee_id", "name"), default="date", limit=10_000)
        wanted = WantedMovements(
            since=date_of(request, "date_from"),
            until=date_of(request, "date_to"),
            kind=choice_of(request, "kind", ("joined", "left")),
            department=text_of(request, "department"),
        )
        found = await movements.listed(wanted, scope, asked)
        rows = [_movement(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    return routes


def _movement(movement: Movement) -> MovementShape:
    return {
        "kind": movement.kind,
        "date": movement.date,
        "employee": movement.person_id,
        "employee_id": movement.code,
        "employee_name": movement.name,
        "department": movement.department,
        "designation": movement.designation,
        "level_of_work": movement.level_of_work,
        "site": movement.site_id,
        "badges_to_return": movement.badges,
    }
