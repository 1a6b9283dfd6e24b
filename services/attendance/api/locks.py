"""Locked months, and the adjustments of their days."""

import re
from datetime import date
from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from services.attendance.api.correction_bodies import Reason
from services.attendance.api.day_shapes import day_id
from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import bad, choice_of, date_of, known, text_of
from services.attendance.api.people_bodies import Id
from services.attendance.application.adjusting import AdjustmentFacts, month_text
from services.attendance.application.locking import Lock, Locking, WantedAdjustments
from services.attendance.application.people_ports import Once
from services.attendance.domain.locks import difference
from shared.kernel.errors import NotFound
from shared.web.callers import HR, CurrentCaller, CurrentScope
from shared.web.lists import answer, described, window
from shared.web.scope import Caller

LOCKS = {"site": "a site's id"}
ADJUSTMENTS = {
    "employee": "a person's id, or their code",
    "site": "a site's id",
    "period": "the month in which they are booked, such as 2024-02",
    "date_from": "the first of the locked days",
    "date_to": "the last of them",
    "cancelled": "`true` for those of which nothing is left, `false` for the others",
}
_MONTH = re.compile(r"(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])", re.ASCII)


class LockBody(BaseModel):
    """Which month of which site: the main one, unless another is named."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    month: Annotated[str, Field(max_length=20, description="such as 2024-01")]
    site: Id | None = None
    reason: Reason | None = None


class UnlockBody(BaseModel):
    """Why a month is unlocked."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Reason


class AdjustmentShape(TypedDict):
    """An adjustment in an answer."""

    id: int
    employee: int
    employee_id: str
    employee_name: str
    department: str | None
    site: int
    day: str
    date: date
    period: str
    minutes: dict[str, int]
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    cancelled: bool


def router(locking: Locking) -> APIRouter:
    """The routes of locks and adjustments."""
    routes = APIRouter(prefix="/api/attendance", tags=["locks"])

    @routes.get("/locks/", summary="Months that are or were locked", openapi_extra=described(LOCKS, a_list=True))
    async def locks(request: Request, _: CurrentCaller) -> Response:
        asked = window(request, filters=LOCKS, orders=("month", "locked_at"), default="-month", limit=1000)
        found = await locking.locks(_site(request), asked)
        rows = [_lock(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/locks/", summary="Lock a month that is over: its days keep their figures", status_code=201)
    async def lock(body: LockBody, request: Request, who: HR) -> Response:
        known(request)
        once = await _once(request, who, 201)
        return sent(await locking.lock(body.site, _month(body.month, "month"), body.reason, who, once))

    @routes.post("/locks/{lock_id}/unlock/", summary="Let the days of a month follow again from what is known")
    async def unlock(lock_id: str, body: UnlockBody, request: Request, who: HR) -> Response:
        known(request)
        if not (lock_id.isascii() and lock_id.isdigit() and len(lock_id) <= 9):
            raise NotFound(f"there is no lock {lock_id[:40]!r}: a lock's id is a number")
        return sent(await locking.unlock(int(lock_id), body.reason, who, await _once(request, who, 200)))

    @routes.get(
        "/adjustments/",
        summary="What days of locked months would be, and in which month it is booked",
        openapi_extra=described(ADJUSTMENTS, a_list=True, rows=AdjustmentShape),
    )
    async def adjustments(request: Request, scope: CurrentScope) -> Response:
        orders = ("date", "period", "employee_id", "updated_at")
        asked = window(request, filters=ADJUSTMENTS, orders=orders, default="-date", limit=1000)
        period, cancelled = text_of(request, "period"), choice_of(request, "cancelled", ("true", "false"))
        since, until = date_of(request, "date_from"), date_of(request, "date_to")
        if since and until and until < since:
            raise bad("date_to", "lies before date_from")
        wanted = WantedAdjustments(
            employee=text_of(request, "employee"),
            period=None if period is None else _month(period, "period"),
            site_id=_site(request),
            since=since,
            until=until,
            cancelled=None if cancelled is None else cancelled == "true",
        )
        found = await locking.adjustments(wanted, scope, asked)
        rows = [_adjustment(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    return routes


async def _once(request: Request, who: Caller, status: int) -> Once[Lock]:
    return Once(await key_from(request, who), lambda lock: answered(_lock(lock), status))


def _month(text: str, name: str) -> date:
    if not _MONTH.fullmatch(text):
        raise bad(name, f"{text[:20]!r} is not a month such as 2024-01")
    return date.fromisoformat(f"{text}-01")


def _site(request: Request) -> int | None:
    site = text_of(request, "site")
    if site is not None and not (site.isascii() and site.isdigit() and len(site) <= 9):
        raise bad("site", f"{site[:20]!r} is not a site's id")
    return None if site is None else int(site)


def _lock(lock: Lock) -> dict[str, Any]:
    facts = {name: value for name, value in lock._asdict().items() if name != "site_id"}
    return {**facts, "site": lock.site_id, "month": month_text(lock.month), "locked": lock.unlocked_at is None}


def _adjustment(facts: AdjustmentFacts) -> AdjustmentShape:
    adjustment = facts.adjustment
    return {
        "id": facts.id,
        "employee": facts.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "department": facts.department,
        "site": facts.site_id,
        "day": day_id(facts.date, facts.person_id),
        "date": facts.date,
        "period": month_text(adjustment.period),
        "minutes": difference(adjustment),
        "before": dict(adjustment.before),
        "after": dict(adjustment.after),
        "reason": adjustment.reason,
        "cancelled": adjustment.cancelled,
    }
