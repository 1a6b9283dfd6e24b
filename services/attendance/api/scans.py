"""Raw scans, and badges that nobody holds."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import bad, choice_of, date_of, text_of
from services.attendance.application.scan_list import ScanFacts, Scans, UnknownBadge, WantedScans
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
    "unknown": "`true` for scans of badges that nobody held, `false` for the others",
}


def router(scans: Scans) -> APIRouter:
    """The routes of scans."""
    routes = APIRouter(prefix="/api/attendance", tags=["scans"])

    @routes.get(
        "/scans/", summary="Raw scans with every field kept, newest first", openapi_extra=described(SCANS, a_list=True)
    )
    async def listed(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=SCANS, orders=("scan_time",), default="-scan_time", limit=1000)
        on, since, until = date_of(request, "date"), date_of(request, "date_from"), date_of(request, "date_to")
        if on and (since or until):
            raise bad("date", "stands against date_from and date_to; give one or the other")
        unknown = choice_of(request, "unknown", ("true", "false"))
        wanted = WantedScans(
            machine=text_of(request, "machine"),
            badge=text_of(request, "badge"),
            employee=text_of(request, "employee"),
            since=on or since,
            until=on or until,
            quality=choice_of(request, "quality", list(QUALITIES)),
            unknown=None if unknown is None else unknown == "true",
            search=asked.search,
        )
        found = await scans.listed(wanted, scope, asked)
        rows = [_scan(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.get(
        "/unknown-badges/",
        summary="Badges that nobody held when they were seen",
        openapi_extra=described({}, a_list=True),
    )
    async def unknown_badges(request: Request, who: HR) -> Response:
        orders = ("badge", "scans", "first_at", "last_at")
        asked = window(request, filters=(), orders=orders, default="-last_at", limit=1000)
        found = await scans.unknown_badges(who.scope, asked)
        rows = [_unknown(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    return routes


def _scan(facts: ScanFacts) -> dict[str, Any]:
    return {
        "id": facts.id,
        "machine": facts.machine,
        "machine_id": facts.machine_code,
        "machine_name": facts.machine_name,
        "site": facts.site,
        "badge": facts.badge,
        "employee": facts.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "scan_time": facts.at,
        "local_time": facts.local_at,
        "device_time": facts.device_time,
        "timezone": facts.zone,
        "scan_type": facts.type,
        "state": facts.state,
        "verify": facts.verify,
        "work_code": facts.work_code,
        "record_no": facts.record_no,
        "quality": facts.quality,
        "is_processed": facts.person_id is not None and QUALITIES[facts.quality].counts,
        "mode": facts.mode,
        "received_at": facts.received_at,
        "raw_data": _NOTHING if facts.raw is None else msgspec.Raw(facts.raw.encode()),
    }


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


_NOTHING = msgspec.Raw(b"{}")
