"""Raw scans, and badges that nobody holds."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import bad, choice_of, date_of, text_of
from services.attendance.api.scan_shapes import ScanShape, scan_shape
from services.attendance.application.scan_list import Scans, UnknownBadge, WantedScans
from services.attendance.domain.scans import QUALITIES
from shared.web.callers import HR, CurrentScope
from shared.web.lists import answer, described, window

SCANS = {
    "machine": "a machine's code, or its number",
    "badge": "exactly this badge",
    "employee": "a person's id, or their code",
    "date": "one date of the machine's wall clock",
    "date_from": "the first date",
    "date_to": "the last date",
    "quality": "such as `ok`, or `implausible_past` and `future`, which are quarantined",
    "quarantined": "`true` for scans that are quarantined and not released, `false` for the others",
    "unknown": "`true` for scans of badges that nobody held, `false` for the others",
}
UNKNOWN = {"machine": "the code, or the number, of the machine that saw them last"}


def router(scans: Scans) -> APIRouter:
    """The routes of scans."""
    routes = APIRouter(prefix="/api/attendance", tags=["scans"])

    @routes.get(
        "/scans/",
        summary="Raw scans with every field kept, newest first",
        openapi_extra=described(SCANS, a_list=True, rows=ScanShape),
    )
    async def listed(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=SCANS, orders=("scan_time",), default="-scan_time", limit=1000)
        on, since, until = date_of(request, "date"), date_of(request, "date_from"), date_of(request, "date_to")
        if on and (since or until):
            raise bad("date", "stands against date_from and date_to; give one or the other")
        unknown = choice_of(request, "unknown", ("true", "false"))
        quarantined = choice_of(request, "quarantined", ("true", "false"))
        wanted = WantedScans(
            machine=text_of(request, "machine"),
            badge=text_of(request, "badge"),
            employee=text_of(request, "employee"),
            since=on or since,
            until=on or until,
            quality=choice_of(request, "quality", list(QUALITIES)),
            quarantined=None if quarantined is None else quarantined == "true",
            unknown=None if unknown is None else unknown == "true",
            search=asked.search,
        )
        found = await scans.listed(wanted, scope, asked)
        rows = [scan_shape(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.get(
        "/unknown-badges/",
        summary="Badges that nobody held when they were seen",
        openapi_extra=described(UNKNOWN, a_list=True),
    )
    async def unknown_badges(request: Request, who: HR) -> Response:
        orders = ("badge", "scans", "first_at", "last_at")
        asked = window(request, filters=UNKNOWN, orders=orders, default="-last_at", limit=1000)
        found = await scans.unknown_badges(text_of(request, "machine"), who.scope, asked)
        rows = [_unknown(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    return routes


def _unknown(facts: UnknownBadge) -> dict[str, Any]:
    return {
        "badge": facts.badge,
        "scans": facts.scans,
        "first_seen": facts.first_at,
        "last_seen": facts.last_at,
        "machine": facts.machine,
        "machine_id": facts.machine_code,
        "machine_name": facts.machine_name,
    }
