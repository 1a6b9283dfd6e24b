"""People and departments: lists, records, changes, and badges that find their person."""

from datetime import date, datetime
from typing import Annotated, Any, NotRequired, TypedDict

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response

from services.attendance.api.once import answered, if_match, key_from, sent
from services.attendance.api.parameters import SINCE, choice_of, known, since_of, text_of
from services.attendance.api.people_bodies import EmployeeBody, EmployeeChange, LinkBody, draft_of, span_of, whole
from services.attendance.application.announce import BadgeState, PersonState
from services.attendance.application.people import People
from services.attendance.application.people_ports import Department, Once, WantedPeople
from services.attendance.application.person import BadgeSpan
from shared.kernel.errors import NotFound
from shared.web.callers import HR, CurrentScope
from shared.web.lists import answer, described, json_response, window

PEOPLE = {
    "department": "a department's name or id; those below it belong to it",
    "level_of_work": "Worker or Staff",
    "active": "`true` for those employed today, `false` for the others",
}


class BadgeShape(TypedDict):
    """A badge of somebody in an answer, and when it is theirs: from `since` on and before `until`.

    Where it is theirs on one machine alone, its code is there, too.
    """

    badge: str
    since: date | None
    until: date | None
    machine: NotRequired[str]


class EmployeeShape(TypedDict):
    """A person in an answer."""

    id: int
    employee_id: str
    name: str
    email: str | None
    phone: str | None
    gender: str | None
    department: str | None
    department_id: int | None
    designation: str | None
    level_of_work: str
    site: int
    site_name: str
    joined_on: date | None
    left_on: date | None
    badges: list[BadgeShape]
    created_at: datetime
    updated_at: datetime


def router(people: People) -> APIRouter:
    """The routes of people."""
    routes = APIRouter(prefix="/api/attendance", tags=["people"])

    @routes.get(
        "/employees/",
        summary="Employees as they are today",
        openapi_extra=described(PEOPLE, a_list=True, rows=EmployeeShape),
    )
    async def listed(request: Request, scope: CurrentScope) -> Response:
        orders = ("employee_id", "name", "department", "designation", "updated_at")
        asked = window(request, filters=PEOPLE, orders=orders, default="employee_id", limit=10_000)
        active = choice_of(request, "active", ("true", "false"))
        wanted = WantedPeople(
            department=text_of(request, "department"),
            level_of_work=text_of(request, "level_of_work"),
            active=None if active is None else active == "true",
            search=asked.search,
        )
        found = await people.listed(wanted, scope, asked)
        rows = [_employee(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/employees/", summary="Make an employee", status_code=201)
    async def create(body: EmployeeBody, request: Request, who: HR) -> Response:
        known(request)
        once: Once[PersonState] = Once(await key_from(request, who), lambda made: answered(_employee(made), 201))
        return sent(await people.create(draft_of(body, whole(body)), once))

    @routes.get("/employees/{person_id}/", summary="One employee")
    async def one(person_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        return _record(await people.one(_id(person_id), scope))

    @routes.put("/employees/{person_id}/", summary="Change all of an employee", openapi_extra=described(SINCE))
    async def replace(person_id: str, body: EmployeeBody, request: Request, _: HR) -> Response:
        known(request, *SINCE)
        return await update(person_id, body, whole(body), request)

    @routes.patch("/employees/{person_id}/", summary="Change some of an employee", openapi_extra=described(SINCE))
    async def change(person_id: str, body: EmployeeChange, request: Request, _: HR) -> Response:
        known(request, *SINCE)
        return await update(person_id, body, body.model_fields_set, request)

    @routes.delete("/employees/{person_id}/", summary="Take an employee away, as if never there", status_code=204)
    async def remove(person_id: str, request: Request, _: HR) -> Response:
        known(request)
        await people.remove(_id(person_id), if_version=if_match(request))
        return Response(status_code=204)

    async def update(person_id: str, body: EmployeeChange, mentioned: set[str], request: Request) -> Response:
        draft = draft_of(body, mentioned)
        changed = await people.update(_id(person_id), draft, since=since_of(request), if_version=if_match(request))
        return _record(changed)

    @routes.get("/departments/", summary="Departments", openapi_extra=described({}, a_list=True))
    async def departments(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=(), orders=("name", "id"), default="name", limit=10_000)
        found = await people.departments(scope, asked)
        rows = [_department(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/unknown-badges/{badge:path}/link/", summary="Say whose badge it is; its past scans count at once")
    async def link(badge: str, body: Annotated[LinkBody, Body()], request: Request, who: HR) -> Response:
        known(request)
        once: Once[PersonState] = Once(await key_from(request, who), lambda linked: answered(_employee(linked), 200))
        linked = BadgeSpan(badge=badge, span=span_of(body.since, body.until), machine=body.machine)
        return sent(await people.link(linked, body.employee, once))

    return routes


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(f"there is no employee {text[:40]!r}: an employee's id is a number")
    return int(text)


def _record(person: PersonState) -> Response:
    return json_response(_employee(person), headers={"ETag": f'"{person.n}"'})


def _employee(person: PersonState) -> EmployeeShape:
    return {
        "id": person.id,
        "employee_id": person.code,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "gender": person.gender,
        "department": person.department,
        "department_id": person.unit_path[0] if person.unit_path else None,
        "designation": person.designation,
        "level_of_work": person.level_of_work,
        "site": person.site_id,
        "site_name": person.site,
        "joined_on": person.joined_on,
        "left_on": person.left_on,
        "badges": [_badge(badge) for badge in person.badges],
        "created_at": person.created_at,
        "updated_at": person.updated_at,
    }


def _badge(held: BadgeState) -> BadgeShape:
    shape: BadgeShape = {"badge": held.badge, "since": held.span.since, "until": held.span.until}
    if held.machine is not None:
        shape["machine"] = held.machine
    return shape


def _department(department: Department) -> dict[str, Any]:
    return {
        "id": department.id,
        "name": department.name,
        "parent": department.parent_id,
        "employees": department.people,
    }
