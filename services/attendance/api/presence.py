"""Who is in now, and the muster list: as JSON, as CSV, and as a page to print."""

from datetime import datetime
from typing import Any, TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api import muster_list
from services.attendance.api.parameters import choice_of, known, text_of
from services.attendance.application.presence import (
    Counts,
    MachineFreshness,
    PresentPerson,
    SiteCounts,
    WantedPresence,
    WhoIsIn,
    WhoIsInNow,
)
from services.attendance.domain.presence import WORDS, Whereabouts
from shared.kernel.errors import Unavailable
from shared.web.callers import CurrentScope
from shared.web.lists import described, json_response
from shared.web.problems import respond

FILTERS = {
    "site": "a site's name or id: who was last seen there, and who belong there and were seen nowhere else",
    "department": "a department's name or id; those below it belong to it",
    "search": "text in a code, a name or a department",
}
PRESENCE = {**FILTERS, "state": "in, out or unknown: narrows the people, not the counts"}
MUSTER = {**FILTERS, "format": "json, csv, or html: a page of A4 to print and to tick"}


class PresenceShape(TypedDict):
    """Where a person is; `since` is the scan that tells, `known_by` the rule, `machine` where they were last seen."""

    id: int
    employee_id: str
    employee_name: str
    department: str | None
    designation: str | None
    site: int
    state: str
    since: datetime | None
    known_by: str
    why: str
    machine: str | None
    machine_name: str | None


def router(who_is_in: WhoIsInNow) -> APIRouter:
    """The routes of presence."""
    routes = APIRouter(prefix="/api/attendance", tags=["presence"])

    @routes.get(
        "/presence/",
        summary="Who is in now, by site and department, and how that is known",
        openapi_extra=described(PRESENCE),
    )
    async def presence(request: Request, scope: CurrentScope) -> Response:
        known(request, *PRESENCE)
        state = choice_of(request, "state", tuple(Whereabouts))
        wanted = _wanted(request, None if state is None else Whereabouts(state))
        found = await who_is_in.now(wanted, scope)
        return json_response(
            {
                "at": found.at,
                "counts": _counts(found.counts),
                "sites": [_site(site) for site in found.sites],
                "people": [_person(each) for each in found.people],
                "machines": [_machine(machine, found.at) for machine in found.machines],
                "warning": found.trouble,
            }
        )

    @routes.get(
        "/presence/muster/",
        summary="The list for an emergency: who is in, or may be, by department; it needs the database alone",
        openapi_extra=described(MUSTER),
    )
    async def muster(request: Request, scope: CurrentScope) -> Response:
        known(request, *MUSTER)
        form = choice_of(request, "format", ("json", "csv", "html")) or "json"
        try:
            found = await who_is_in.now(_wanted(request, None), scope)
        except Unavailable as error:
            return muster_list.unavailable(error) if form == "html" else respond(error)
        if form == "html":
            return muster_list.page(found)
        if form == "csv":
            return muster_list.table(found)
        return json_response(_muster(found))

    return routes


def _wanted(request: Request, where: Whereabouts | None) -> WantedPresence:
    return WantedPresence(
        site=text_of(request, "site"),
        department=text_of(request, "department"),
        search=text_of(request, "search"),
        where=where,
    )


def _muster(found: WhoIsIn) -> dict[str, Any]:
    return {
        "at": found.at,
        "site": found.site_id,
        "place": found.place,
        "counts": _counts(found.counts),
        "groups": [
            {"department": department, "people": [{**_person(each), "phone": each.facts.phone} for each in people]}
            for department, people in muster_list.groups(found)
        ],
        "unknown_badges": [stranger._asdict() for stranger in found.strangers],
        "machines": [_machine(machine, found.at) for machine in found.machines],
        "warning": found.trouble,
    }


def _person(each: PresentPerson) -> PresenceShape:
    facts, presence = each.facts, each.presence
    return {
        "id": facts.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "department": facts.department,
        "designation": facts.designation,
        "site": each.site_id,
        "state": presence.where.value,
        "since": each.since,
        "known_by": presence.how.value,
        "why": WORDS[presence.how],
        "machine": facts.machine,
        "machine_name": facts.machine_name,
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {"in": counts.present, "out": counts.out, "unknown": counts.unknown}


def _site(site: SiteCounts) -> dict[str, Any]:
    departments = sorted(site.departments.items(), key=lambda item: (item[0] is None, item[0] or ""))
    return {
        "site": site.site_id,
        "name": site.name,
        **_counts(site.counts),
        "departments": [{"department": name, **_counts(counts)} for name, counts in departments],
    }


def _machine(machine: MachineFreshness, now: datetime) -> dict[str, Any]:
    until = machine.reported_until
    return {
        "machine_id": machine.code,
        "name": machine.name,
        "site": machine.site_id,
        "status": machine.status,
        "is_connected": machine.is_connected,
        "reported_until": until,
        "seconds_old": None if until is None else max(0, int((now - until).total_seconds())),
    }
