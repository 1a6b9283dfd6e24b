"""Sites and units over REST."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypedDict
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict

from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import bad, choice_of, known, text_of
from services.attendance.api.people_bodies import Filled, Id
from services.attendance.api.versions import stale, with_version
from services.attendance.application.people_ports import Once
from services.attendance.application.structure import (
    SiteDraft,
    SiteRecord,
    Structure,
    UnitDraft,
    UnitRecord,
    WantedUnits,
)
from services.attendance.domain.units import KINDS
from shared.kernel.errors import NotFound
from shared.web.callers import HR, CurrentScope
from shared.web.lists import answer, described, window

UNITS = {
    "kind": "school, department, programme, class_group or course",
    "parent": "a unit's id: those directly below it",
    "below": "a unit's id: it and all below it",
}


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError("is not a time zone such as Asia/Dhaka") from error
    return name


class SiteChange(BaseModel):
    """What may be said of a site. What is not mentioned stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Filled | None = None
    timezone: Annotated[Filled, AfterValidator(_zone)] | None = None


class SiteBody(SiteChange):
    """A site as a whole. Without a zone it takes that of its first machine."""

    name: Filled


class UnitChange(BaseModel):
    """What may be said of a unit. What is not mentioned stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: Literal["school", "department", "programme", "class_group", "course"] | None = None
    name: Filled | None = None
    parent: Id | None = None
    head: Id | None = None


class UnitBody(UnitChange):
    """A unit as a whole."""

    kind: Literal["school", "department", "programme", "class_group", "course"] = "department"
    name: Filled


class SiteShape(TypedDict):
    """A site in an answer."""

    id: int
    name: str
    timezone: str | None
    employees: int
    machines: int


class UnitShape(TypedDict):
    """A unit in an answer."""

    id: int
    kind: str
    name: str
    parent: int | None
    head: int | None
    head_name: str | None
    employees: int
    children: int


def router(structure: Structure) -> APIRouter:
    """The routes of sites and units."""
    routes = APIRouter(prefix="/api/attendance", tags=["structure"])
    _add_sites(routes, structure)
    _add_units(routes, structure)
    return routes


def _add_sites(routes: APIRouter, structure: Structure) -> None:
    @routes.get("/sites/", summary="Sites and their zones", openapi_extra=described({}, a_list=True, rows=SiteShape))
    async def sites(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=(), orders=("name", "id"), default="id", limit=10_000)
        found = await structure.sites(scope, asked)
        rows = [_site(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/sites/", summary="Make a site", status_code=201)
    async def make(body: SiteBody, request: Request, who: HR) -> Response:
        known(request)
        once: Once[SiteRecord] = Once(await key_from(request, who), lambda made: answered(_site(made), 201))
        return sent(await structure.make_site(SiteDraft(body.name, body.timezone), once))

    @routes.get("/sites/{site_id}/", summary="One site")
    async def one(site_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        return with_version(_site(await structure.site(_id(site_id, "site"), scope)))

    @routes.put("/sites/{site_id}/", summary="Change all of a site; another zone has its days computed again")
    async def replace(site_id: str, body: SiteBody, request: Request, _: HR) -> Response:
        known(request)
        return await change_site(site_id, {"name": body.name, "timezone": body.timezone}, request)

    @routes.patch("/sites/{site_id}/", summary="Change some of a site; another zone has its days computed again")
    async def change(site_id: str, body: SiteChange, request: Request, _: HR) -> Response:
        known(request)
        return await change_site(site_id, body.model_dump(exclude_unset=True), request)

    @routes.delete("/sites/{site_id}/", summary="Take away a site that nothing belongs to", status_code=204)
    async def remove(site_id: str, request: Request, _: HR) -> Response:
        known(request)
        await structure.remove_site(_id(site_id, "site"))
        return Response(status_code=204)

    async def change_site(site_id: str, given: Mapping[str, Any], request: Request) -> Response:
        if given.get("name", "") is None:
            raise bad("name", "is empty")
        changed = await structure.change_site(
            _id(site_id, "site"),
            lambda site: SiteDraft(given.get("name", site.name), given.get("timezone", site.zone)),
            stale(request, _site),
        )
        return with_version(_site(changed))


def _add_units(routes: APIRouter, structure: Structure) -> None:
    @routes.get(
        "/units/",
        summary="Units, each with the one above it",
        openapi_extra=described(UNITS, a_list=True, rows=UnitShape),
    )
    async def units(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=UNITS, orders=("name", "id", "kind"), default="name", limit=10_000)
        wanted = WantedUnits(
            kind=choice_of(request, "kind", KINDS),
            parent_id=_filter(request, "parent"),
            below=_filter(request, "below"),
            search=asked.search,
        )
        found = await structure.units(wanted, scope, asked)
        rows = [_unit(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/units/", summary="Make a unit", status_code=201)
    async def make(body: UnitBody, request: Request, who: HR) -> Response:
        known(request)
        once: Once[UnitRecord] = Once(await key_from(request, who), lambda made: answered(_unit(made), 201))
        return sent(await structure.make_unit(UnitDraft(body.kind, body.name, body.parent, body.head), once))

    @routes.get("/units/{unit_id}/", summary="One unit")
    async def one(unit_id: str, request: Request, scope: CurrentScope) -> Response:
        known(request)
        return with_version(_unit(await structure.unit(_id(unit_id, "unit"), scope)))

    @routes.put("/units/{unit_id}/", summary="Change all of a unit, or move it with all below it")
    async def replace(unit_id: str, body: UnitBody, request: Request, _: HR) -> Response:
        known(request)
        return await change_unit(unit_id, body.model_dump(), request)

    @routes.patch("/units/{unit_id}/", summary="Change some of a unit, or move it with all below it")
    async def change(unit_id: str, body: UnitChange, request: Request, _: HR) -> Response:
        known(request)
        return await change_unit(unit_id, body.model_dump(exclude_unset=True), request)

    @routes.delete("/units/{unit_id}/", summary="Take away a unit that nobody ever belonged to", status_code=204)
    async def remove(unit_id: str, request: Request, _: HR) -> Response:
        known(request)
        await structure.remove_unit(_id(unit_id, "unit"))
        return Response(status_code=204)

    async def change_unit(unit_id: str, given: Mapping[str, Any], request: Request) -> Response:
        for name in ("kind", "name"):
            if given.get(name, "") is None:
                raise bad(name, "is empty")
        changed = await structure.change_unit(
            _id(unit_id, "unit"),
            lambda unit: UnitDraft(
                given.get("kind", unit.kind),
                given.get("name", unit.name),
                given.get("parent", unit.parent_id),
                given.get("head", unit.head_id),
            ),
            stale(request, _unit),
        )
        return with_version(_unit(changed))


def _site(site: SiteRecord) -> SiteShape:
    return {
        "id": site.id,
        "name": site.name,
        "timezone": site.zone,
        "employees": site.people,
        "machines": site.machines,
    }


def _unit(unit: UnitRecord) -> UnitShape:
    return {
        "id": unit.id,
        "kind": unit.kind,
        "name": unit.name,
        "parent": unit.parent_id,
        "head": unit.head_id,
        "head_name": unit.head_name,
        "employees": unit.people,
        "children": unit.children,
    }


def _id(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(f"there is no {what} {text[:40]!r}: its id is a number")
    return int(text)


def _filter(request: Request, name: str) -> int | None:
    text = text_of(request, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise bad(name, f"{text[:20]!r} is not a unit's id")
    return int(text)
