"""Groups of people over REST."""

from datetime import date
from typing import TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import bad, date_of, known
from services.attendance.api.people_bodies import Filled, Id, Line, PlausibleDate, span_of
from services.attendance.api.versions import stale, with_version
from services.attendance.application.groups import GroupRecord, Groups, Member
from services.attendance.application.people_ports import Once
from shared.kernel.errors import NotFound
from shared.web.callers import HR, CurrentScope
from shared.web.lists import answer, described, window

ON = {"date": "who is in it on this date; without it, whoever was ever"}
UNTIL = {"until": "the first date on which they are no longer in it; without it they never were"}


class GroupChange(BaseModel):
    """What may be said of a group. What is not mentioned stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Filled | None = None
    description: Line | None = None


class GroupBody(GroupChange):
    """A group as a whole."""

    name: Filled
    description: Line = ""


class MemberBody(BaseModel):
    """Who is in a group, and when. A missing bound means always; `until` is exclusive."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employee: Id | Filled = Field(description="a person's id, or their code")
    since: PlausibleDate | None = None
    until: PlausibleDate | None = None


class GroupShape(TypedDict):
    """A group in an answer."""

    id: int
    name: str
    description: str
    employees: int


class MemberShape(TypedDict):
    """Somebody in a group in an answer, from `since` on and before `until`."""

    id: int
    employee: int
    employee_id: str
    employee_name: str
    department: str | None
    since: date | None
    until: date | None


def router(groups: Groups) -> APIRouter:
    """The routes of groups."""
    routes = APIRouter(prefix="/api/attendance/groups", tags=["structure"])

    @routes.get("/", summary="Groups of people across units", openapi_extra=described({}, a_list=True, rows=GroupShape))
    async def listed(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=(), orders=("name", "id"), default="name", limit=10_000)
        found = await groups.listed(scope, asked)
        rows = [_group(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/", summary="Make a group", status_code=201)
    async def make(body: GroupBody, request: Request, who: HR) -> Response:
        known(request)
        once: Once[GroupRecord] = Once(await key_from(request, who), lambda made: answered(_group(made), 201))
        return sent(await groups.make(body.name, body.description, once))

    @routes.get("/{group_id}/", summary="One group")
    async def one(group_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        return with_version(_group(await groups.one(_id(group_id), scope)))

    @routes.put("/{group_id}/", summary="Change all of a group")
    async def replace(group_id: str, body: GroupBody, request: Request, _: HR) -> Response:
        known(request)
        changed = await groups.change(_id(group_id), body.name, body.description, stale(request, _group))
        return with_version(_group(changed))

    @routes.patch("/{group_id}/", summary="Change some of a group")
    async def change(group_id: str, body: GroupChange, request: Request, _: HR) -> Response:
        known(request)
        if "name" in body.model_fields_set and body.name is None:
            raise bad("name", "is empty")
        changed = await groups.change(_id(group_id), body.name, body.description, stale(request, _group))
        return with_version(_group(changed))

    @routes.delete("/{group_id}/", summary="Take a group away; its people stay", status_code=204)
    async def remove(group_id: str, request: Request, _: HR) -> Response:
        known(request)
        await groups.remove(_id(group_id))
        return Response(status_code=204)

    @routes.get(
        "/{group_id}/members/",
        summary="Who is in a group, from when to when",
        openapi_extra=described(ON, a_list=True, rows=MemberShape),
    )
    async def members(group_id: str, request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=ON, orders=("employee_id", "name"), default="employee_id", limit=10_000)
        found = await groups.members(_id(group_id), date_of(request, "date"), scope, asked)
        rows = [_member(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/{group_id}/members/", summary="Put somebody into a group for a time", status_code=201)
    async def add(group_id: str, body: MemberBody, request: Request, who: HR) -> Response:
        known(request)
        once: Once[Member] = Once(await key_from(request, who), lambda made: answered(_member(made), 201))
        return sent(await groups.add(_id(group_id), body.employee, span_of(body.since, body.until), once))

    @routes.delete(
        "/{group_id}/members/{member_id}/",
        summary="Take somebody out of a group",
        status_code=204,
        openapi_extra=described(UNTIL),
    )
    async def end(group_id: str, member_id: str, request: Request, _: HR) -> Response:
        known(request, *UNTIL)
        await groups.end(_id(group_id), _id(member_id), date_of(request, "until"))
        return Response(status_code=204)

    return routes


def _group(group: GroupRecord) -> GroupShape:
    return {"id": group.id, "name": group.name, "description": group.description, "employees": group.people}


def _member(member: Member) -> MemberShape:
    return {
        "id": member.id,
        "employee": member.person_id,
        "employee_id": member.code,
        "employee_name": member.name,
        "department": member.department,
        "since": member.since,
        "until": member.until,
    }


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(f"there is nothing called {text[:40]!r} here: an id is a number")
    return int(text)
