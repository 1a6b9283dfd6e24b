"""People and departments: lists, records, changes, the CSV import, and badges that find their person."""

from datetime import date, datetime
from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response

from services.attendance.api.once import answered, if_match, key_from, sent
from services.attendance.api.parameters import bad, choice_of, known, read_date, text_of
from services.attendance.api.people_bodies import EmployeeBody, EmployeeChange, LinkBody, draft_of, span_of, whole
from services.attendance.application.announce import PersonState
from services.attendance.application.people import People
from services.attendance.application.people_ports import Department, Import, Once, WantedPeople
from services.attendance.application.person import UNSET, Unset
from shared.kernel.errors import Malformed, NotFound
from shared.web.callers import HR, CurrentScope
from shared.web.lists import answer, described, json_response, window

MOST_BYTES = 20_000_000
"""Of a file of people: some 200,000 of them."""

PEOPLE = {
    "department": "a department's name or id; those below it belong to it",
    "level_of_work": "Worker or Staff",
    "active": "`true` for those employed today, `false` for the others",
}
SINCE = {"effective_from": "the date from which the change holds: today, unless another, or `always`, is named"}
IMPORT = {"dry_run": "`true` only says what would be done", **SINCE}


class BadgeShape(TypedDict):
    """A badge of somebody in an answer, and when it is theirs: from `since` on and before `until`."""

    badge: str
    since: date | None
    until: date | None


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

    @routes.post(
        "/employees/import/",
        summary="Make and change employees as a CSV file says",
        description=(
            "The body is the file. The first line names the columns, in any order: employee_id, name, department, "
            "designation, level_of_work, badge; and email, phone, gender, joined_on, left_on, site, badge_from, "
            "badge_until. Lines with errors are left out and listed; all others count, in one transaction."
        ),
        openapi_extra={
            **described(IMPORT),
            "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
        },
    )
    async def import_csv(request: Request, who: HR) -> Response:
        known(request, *IMPORT)
        since, file = _since(request), await _file(request)
        if choice_of(request, "dry_run", ("true", "false", "1", "0")) in ("true", "1"):
            return json_response(_imported(await people.try_csv(file, since)))
        once: Once[Import] = Once(await key_from(request, who, file), lambda done: answered(_imported(done), 200))
        return sent(await people.import_csv(file, since, once))

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
        changed = await people.update(_id(person_id), draft, since=_since(request), if_version=if_match(request))
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
        return sent(await people.link(badge, body.employee, span_of(body.since, body.until), once))

    return routes


def _since(request: Request) -> date | Unset | None:
    text = text_of(request, "effective_from")
    if text is None:
        return UNSET
    return None if text == "always" else read_date(text, "effective_from")


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(f"there is no employee {text[:40]!r}: an employee's id is a number")
    return int(text)


async def _file(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/") or kind in ("application/json", "application/x-www-form-urlencoded"):
        raise Malformed(f"the body is {kind}; send the file itself, as text/csv")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise bad("body", f"is larger than {MOST_BYTES // 1_000_000} MB; send it in parts")
    if not body:
        raise bad("body", "is empty; send a CSV file")
    return bytes(body)


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
        "badges": [{"badge": badge, "since": span.since, "until": span.until} for badge, span in person.badges],
        "created_at": person.created_at,
        "updated_at": person.updated_at,
    }


def _department(department: Department) -> dict[str, Any]:
    return {
        "id": department.id,
        "name": department.name,
        "parent": department.parent_id,
        "employees": department.people,
    }


def _imported(done: Import) -> dict[str, Any]:
    return {
        "dry_run": done.dry_run,
        "read": done.read,
        "created": done.created,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "skipped": done.skipped,
        "errors": [error._asdict() for error in done.errors],
        "warnings": [warning._asdict() for warning in done.warnings],
        "ignored_columns": list(done.ignored_columns),
    }
