"""Corrections: edits of daily records by HR, requests that others approve, and how they are taken back."""

from datetime import date, datetime
from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.attendance.api.correction_bodies import (
    AskBody,
    DayBody,
    DecisionBody,
    NewDayBody,
    draft_of,
    edit_of,
)
from services.attendance.api.day_shapes import day_id as id_of_day
from services.attendance.api.day_shapes import record
from services.attendance.api.days import day_key
from services.attendance.api.once import answered, if_match, key_from, sent
from services.attendance.api.parameters import bad, choice_of, date_of, known, text_of
from services.attendance.application.announce import values_of
from services.attendance.application.correcting import Correcting
from services.attendance.application.correction_ports import CorrectionFacts, WantedCorrections
from services.attendance.application.day_facts import Record
from services.attendance.application.history import Histories, Step
from services.attendance.application.people_ports import Once
from services.attendance.domain.correction_states import Act, State
from services.attendance.domain.corrections import Kind
from shared.kernel.errors import NotFound
from shared.web.callers import HR, CurrentCaller, CurrentScope, needs
from shared.web.lists import answer, described, json_response, window
from shared.web.scope import Caller

WHO = {
    "employee": "a person's id, or their code",
    "state": "`requested`, `approved`, `rejected` or `withdrawn`",
    "kind": "`scan`, `set_aside`, `figure` or `duty`",
    "date": "the day that it is about",
    "date_from": "the first date",
    "date_to": "the last date",
}
UNDO = {"reason": "why; otherwise that the record was deleted"}

Heads = Annotated[Caller, Depends(needs("hr", "department_head"))]


class CorrectionShape(TypedDict):
    """A correction in an answer."""

    id: int
    employee: int
    employee_id: str
    employee_name: str
    day: str
    date: date
    kind: str
    values: dict[str, Any]
    reason: str | None
    state: str
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    decided_by: int | None
    decided_by_name: str | None
    decided_at: datetime | None
    decision_reason: str | None
    withdrawn_by: int | None
    withdrawn_by_name: str | None
    withdrawn_at: datetime | None
    withdrawal_reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def router(correcting: Correcting, histories: Histories) -> APIRouter:
    """The routes of corrections."""
    routes = APIRouter(prefix="/api/attendance", tags=["corrections"])

    @routes.post(
        "/daily-attendance/",
        summary="Correct a day by hand; the corrections are in force at once",
        status_code=201,
    )
    async def make(body: NewDayBody, request: Request, who: HR) -> Response:
        known(request)
        return await edit(body.employee, body.date, body, request, who, status=201)

    @routes.put("/daily-attendance/{day_id}/", summary="Edit a day: what it should say becomes corrections")
    async def put(day_id: str, body: DayBody, request: Request, who: HR) -> Response:
        known(request)
        on, person_id = day_key(day_id)
        return await edit(person_id, on, body, request, who, status=200)

    @routes.delete(
        "/daily-attendance/{day_id}/",
        summary="Withdraw the corrections of a day; scans are never deleted",
        status_code=204,
        openapi_extra=described(UNDO),
    )
    async def undo(day_id: str, request: Request, who: HR) -> Response:
        known(request, *UNDO)
        on, person_id = day_key(day_id)
        reason = (text_of(request, "reason") or "the record was deleted")[:500]
        await correcting.undo(person_id, on, reason, who, if_version=if_match(request))
        return Response(status_code=204)

    @routes.get(
        "/daily-attendance/{day_id}/history/",
        summary="All that happened to a day: scans as they arrived, corrections, recomputations, and what each changed",
        description="`kept` says that the month was locked by then: the day kept its figures, and what the step changed"
        " is an adjustment.",
    )
    async def history(day_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        on, person_id = day_key(day_id)
        return json_response([_step(step) for step in await histories.of(person_id, on, scope)])

    async def edit(
        person: int | str, on: date, body: DayBody, request: Request, who: Caller, *, status: int
    ) -> Response:
        reason = body.reason or body.notes
        if not reason:
            raise bad("reason", "is missing; say why the day is corrected, here or in notes")
        once: Once[Record] = Once(await key_from(request, who), lambda found: answered(dict(record(found)), status))
        drafts = [draft_of(each) for each in body.corrections]
        version = if_match(request)
        done = await correcting.edit(
            person, on, edit_of(body), drafts, reason=reason, who=who, once=once, if_version=version
        )
        return sent(done)

    @routes.get(
        "/corrections/",
        summary="Corrections in any state, newest first",
        openapi_extra=described(WHO, a_list=True, rows=CorrectionShape),
    )
    async def listed(request: Request, scope: CurrentScope) -> Response:
        orders = ("asked_at", "date", "employee_id", "state")
        asked = window(request, filters=WHO, orders=orders, default="-asked_at", limit=1000)
        on, since, until = date_of(request, "date"), date_of(request, "date_from"), date_of(request, "date_to")
        if on and (since or until):
            raise bad("date", "stands against date_from and date_to; give one or the other")
        if since and until and until < since:
            raise bad("date_to", "lies before date_from")
        wanted = WantedCorrections(
            employee=text_of(request, "employee"),
            state=choice_of(request, "state", list(State)),
            kind=choice_of(request, "kind", list(Kind)),
            since=on or since,
            until=on or until,
            search=asked.search,
        )
        found = await correcting.listed(wanted, scope, asked)
        rows = [correction_shape(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/corrections/", summary="Ask for a correction, which somebody else approves", status_code=201)
    async def ask(body: AskBody, request: Request, who: CurrentCaller) -> Response:
        known(request)
        once = await _once(request, who, 201)
        return sent(
            await correcting.ask(body.employee, body.date, draft_of(body), reason=body.reason, who=who, once=once)
        )

    @routes.get("/corrections/{correction_id}/", summary="One correction")
    async def one(correction_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        found = await correcting.one(_id(correction_id), scope)
        return json_response(correction_shape(found), headers={"ETag": f'"{found.n}"'})

    @routes.post("/corrections/{correction_id}/approve/", summary="Let a correction count")
    async def approve(correction_id: str, request: Request, who: Heads, body: DecisionBody | None = None) -> Response:
        return await act(correction_id, Act.APPROVE, body, request, who)

    @routes.post("/corrections/{correction_id}/reject/", summary="Decline a correction, with the reason")
    async def reject(correction_id: str, request: Request, who: Heads, body: DecisionBody | None = None) -> Response:
        if body is None or body.reason is None:
            raise bad("reason", "is missing; say why it is rejected")
        return await act(correction_id, Act.REJECT, body, request, who)

    @routes.post("/corrections/{correction_id}/withdraw/", summary="Take a correction back, as if it had never been")
    async def withdraw(
        correction_id: str, request: Request, who: CurrentCaller, body: DecisionBody | None = None
    ) -> Response:
        return await act(correction_id, Act.WITHDRAW, body, request, who)

    async def act(correction_id: str, what: Act, body: DecisionBody | None, request: Request, who: Caller) -> Response:
        known(request)
        reason = None if body is None else body.reason
        once = await _once(request, who, 200)
        version = if_match(request)
        return sent(await correcting.act(_id(correction_id), what, reason, who, once, if_version=version))

    return routes


def correction_shape(facts: CorrectionFacts) -> CorrectionShape:
    """A correction with all that is kept of it."""
    decided, withdrawn = facts.decided, facts.withdrawn
    return {
        "id": facts.id,
        "employee": facts.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "day": id_of_day(facts.date, facts.person_id),
        "date": facts.date,
        "kind": facts.kind,
        "values": values_of(facts.said),
        "reason": facts.asked.reason,
        "state": facts.state,
        "asked_by": facts.asked.user,
        "asked_by_name": facts.asked.name,
        "asked_at": facts.asked.at,
        "decided_by": decided.user if decided else None,
        "decided_by_name": decided.name if decided else None,
        "decided_at": decided.at if decided else None,
        "decision_reason": decided.reason if decided else None,
        "withdrawn_by": withdrawn.user if withdrawn else None,
        "withdrawn_by_name": withdrawn.name if withdrawn else None,
        "withdrawn_at": withdrawn.at if withdrawn else None,
        "withdrawal_reason": withdrawn.reason if withdrawn else None,
        "before": None if facts.before is None else dict(facts.before),
        "after": None if facts.after is None else dict(facts.after),
    }


def _step(step: Step) -> dict[str, Any]:
    arrival = step.scan
    scan = None
    if arrival is not None:
        scan = {
            "id": arrival.scan.id,
            "at": arrival.scan.instant,
            "type": arrival.scan.type,
            "machine_id": arrival.machine,
        }
    return {
        "at": step.at,
        "what": step.what,
        "by_name": step.by,
        "reason": step.reason,
        "scan": scan,
        "correction": None if step.correction is None else correction_shape(step.correction),
        "changed": {name: list(values) for name, values in step.changed.items()},
        "kept": step.kept,
    }


async def _once(request: Request, who: Caller, status: int) -> Once[CorrectionFacts]:
    return Once(await key_from(request, who), lambda facts: answered(dict(correction_shape(facts)), status))


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound(f"there is no correction {text[:40]!r}: a correction's id is a number")
    return int(text)
