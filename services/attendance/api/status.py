"""The state of attendance, and its settings."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import bad, date_of, known, text_of
from services.attendance.application.status import Status
from services.attendance.domain.settings import settings_values
from shared.web.callers import CurrentCaller
from shared.web.lists import described, json_response

SETTINGS = {"site": "a site's id; the main site, unless another is named", "date": "today, unless another is named"}


def router(status: Status) -> APIRouter:
    """The routes of the state and of settings."""
    routes = APIRouter(prefix="/api/attendance", tags=["operations"])

    @routes.get("/system-status/", summary="The business date, machines, and how much waits to be done")
    async def system_status(request: Request, _: CurrentCaller) -> Response:
        known(request)
        now = await status.now()
        queue = {"queue_size": now.queue_size, "recomputations_waiting": now.recomputations}
        body = {
            "business_date": now.business_date,
            "timezone": now.zone,
            "is_running": True,
            "total_machines": now.machines.total,
            "connected_machines": now.machines.connected,
            "total_clients": 0,  # the gateway knows, and puts its figure here
            "queue_size": (now.queue_size or 0) + now.recomputations,  # all that days wait for
            "last_health_check": now.at,
            "services": [{"name": "attendance", "status": "ok" if now.queue_size is not None else "bus away", **queue}],
        }
        return json_response(body)

    @routes.get("/settings/", summary="The settings that hold on a date", openapi_extra=described(SETTINGS))
    async def settings(request: Request, _: CurrentCaller) -> Response:
        known(request, *SETTINGS)
        site = text_of(request, "site")
        if site is not None and not (site.isascii() and site.isdigit() and len(site) <= 9):
            raise bad("site", f"{site[:20]!r} is not a site's id")
        found = await status.settings(None if site is None else int(site), date_of(request, "date"))
        body = {
            **settings_values(found.settings),
            "site": found.site,
            "timezone": found.zone,
            "valid_from": found.since,
            "valid_until": found.until,
        }
        return json_response(body)

    return routes
