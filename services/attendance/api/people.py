"""People and departments: lists, records, changes, the CSV import, and badges that find their person."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.attendance.api.parameters import bad, choice_of, described, known, read_date, text_of
from services.attendance.application.announce import PersonState
from services.attendance.application.directory import Span
from services.attendance.application.people import Department, Import, People, WantedPeople
from services.attendance.application.people_csv import read_email, read_gender
from services.attendance.application.person import UNSET, BadgeSpan, Draft, Unset, with_level
from shared.kernel.errors import Invalid, Malformed, NotFound, Stale
from shared.web.callers import HR, CurrentScope
from shared.web.lists import answer, json_response, window

MOST_BYTES = 20_000_000
"""Of a file of people: some 200,000 of them."""

PEOPLE = {
    "department": "a department's name or id; those below it belong to it",
    "level_of_work": "Worker or Staff",
    "active": "`true` for those employed today, `false` for the others",
}
SINCE = {"effective_from": "the date from which the change holds: today, unless another, or `always`, is named"}
IMPORT = {"dry_run": "`true` only says what would be done", **SINCE}


def _visible(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a character that cannot be seen")
    return text


def _unless_invalid(read: Any) -> Any:
    def validate(text: str) -> str | None:
        try:
            found: str | None = read(text)
        except Invalid as error:
            raise ValueError(error.message) from error
        return found

    return validate


Line = Annotated[str, Field(max_length=200), AfterValidator(_visible)]
Filled = Annotated[Line, Field(min_length=1)]
Email = Annotated[Line, AfterValidator(_unless_invalid(read_email))]
Gender = Annotated[Line, AfterValidator(_unless_invalid(read_gender))]
Id = Annotated[int, Field(ge=1, le=2_147_483_647)]
PlausibleDate = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]


class BadgeBody(BaseModel):
    """A badge, and when it is the person's. A missing bound means always; `until` is exclusive."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    badge: Filled
    since: PlausibleDate | None = None
    until: PlausibleDate | None = None


class EmployeeChange(BaseModel):
    """What may be said of an employee. What is not mentioned stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employee_id: Filled | None = None
    name: Filled | None = None
    email: Email | None = None
    phone: Line | None = None
    gender: Gender | None = None
    joined_on: PlausibleDate | None = None
    left_on: PlausibleDate | None = None
    department: Id | Filled | None = None
    designation: Line | None = None
    level_of_work: Filled | None = None
    site: Id | Filled | None = None
    badges: list[BadgeBody | Filled] | None = None


class EmployeeBody(EmployeeChange):
    """An employee as a whole. What is not mentioned is empty; but badges stay, as months of scans hang on them."""

    employee_id: Filled
    name: Filled


class LinkBody(BaseModel):
    """Whose badge it is, and when; without dates, always."""

    model_config = ConfigDict(extra="forbid")

    employee: Id
    since: PlausibleDate | None = None
    until: PlausibleDate | None = None


def router(people: People) -> APIRouter:
    """The routes of people."""
    routes = APIRouter(prefix="/api/attendance", tags=["people"])

    @routes.get("/employees/", summary="Employees as they are today", openapi_extra=described(PEOPLE, a_list=True))
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
    async def create(body: EmployeeBody, request: Request, _: HR) -> Response:
        known(request)
        made = await people.create(_draft(body, _whole(body)))
        return _record(made, status=201, headers={"Location": f"/api/attendance/employees/{made.id}/"})

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
    async def import_csv(request: Request, _: HR) -> Response:
        known(request, *IMPORT)
        dry_run = choice_of(request, "dry_run", ("true", "false", "1", "0")) in ("true", "1")
        since = _since(request)
        return json_response(_imported(await people.import_csv(await _file(request), dry_run=dry_run, since=since)))

    @routes.get("/employees/{person_id}/", summary="One employee")
    async def one(person_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        return _record(await people.one(_id(person_id), scope))

    @routes.put("/employees/{person_id}/", summary="Change all of an employee", openapi_extra=described(SINCE))
    async def replace(person_id: str, body: EmployeeBody, request: Request, _: HR) -> Response:
        known(request, *SINCE)
        return await update(person_id, body, _whole(body), request)

    @routes.patch("/employees/{person_id}/", summary="Change some of an employee", openapi_extra=described(SINCE))
    async def change(person_id: str, body: EmployeeChange, request: Request, _: HR) -> Response:
        known(request, *SINCE)
        return await update(person_id, body, body.model_fields_set, request)

    @routes.delete("/employees/{person_id}/", summary="Take an employee away, as if never there", status_code=204)
    async def remove(person_id: str, request: Request, _: HR) -> Response:
        known(request)
        await people.remove(_id(person_id), if_version=_if_match(request))
        return Response(status_code=204)

    async def update(person_id: str, body: EmployeeChange, mentioned: set[str], request: Request) -> Response:
        draft = _draft(body, mentioned)
        changed = await people.update(_id(person_id), draft, since=_since(request), if_version=_if_match(request))
        return _record(changed)

    @routes.get("/departments/", summary="Departments", openapi_extra=described({}, a_list=True))
    async def departments(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=(), orders=("name", "id"), default="name", limit=10_000)
        found = await people.departments(scope, asked)
        rows = [_department(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/unknown-badges/{badge:path}/link/", summary="Say whose badge it is; its past scans count at once")
    async def link(badge: str, body: Annotated[LinkBody, Body()], request: Request, _: HR) -> Response:
        known(request)
        span = _span(body.since, body.until)
        return _record(await people.link(badge, body.employee, span))

    return routes


def _whole(body: EmployeeBody) -> set[str]:
    return set(EmployeeBody.model_fields) - ({"badges"} - body.model_fields_set)


def _draft(body: EmployeeChange, mentioned: set[str]) -> Draft:
    """What the body says of the fields that are mentioned."""
    given: dict[str, Any] = {name: getattr(body, name) for name in mentioned - {"employee_id", "badges"}}
    for name in ("name", "level_of_work", "site"):
        # These have no value of "none": who changes everything and leaves them out leaves them as they are.
        if given.get(name, "") is None:
            del given[name]
    if level := given.get("level_of_work"):
        given["level_of_work"] = with_level(level)
    for name in ("email", "phone", "gender", "designation"):
        if given.get(name) == "":
            given[name] = None
    if body.employee_id is not None:
        given["code"] = body.employee_id
    if "badges" in mentioned:
        given["badges"] = [_badge(badge) for badge in body.badges or ()]
    return Draft(**given)


def _badge(badge: BadgeBody | str) -> BadgeSpan:
    if isinstance(badge, str):
        return BadgeSpan(badge=badge)
    return BadgeSpan(badge=badge.badge, span=_span(badge.since, badge.until))


def _span(since: date | None, until: date | None) -> Span:
    if since and until and until <= since:
        raise Invalid(f"until: {until} is not after since, {since}", fields={"until": "is not after since"})
    return Span(since, until)


def _since(request: Request) -> date | Unset | None:
    text = text_of(request, "effective_from")
    if text is None:
        return UNSET
    return None if text == "always" else read_date(text, "effective_from")


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(f"there is no employee {text[:40]!r}: an employee's id is a number")
    return int(text)


def _if_match(request: Request) -> int | None:
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    version = given.strip().removeprefix("W/").strip('"')
    if not (version.isascii() and version.isdigit()):
        raise Stale("the If-Match header is none that this record ever had; read it again")
    return int(version)


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


def _record(person: PersonState, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_response(_employee(person), status=status, headers={"ETag": f'"{person.n}"', **(headers or {})})


def _employee(person: PersonState) -> dict[str, Any]:
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
