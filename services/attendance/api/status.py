"""The state of attendance."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import known
from services.attendance.application.status import Status
from shared.web.callers import CurrentCaller
from shared.web.lists import json_response


def router(status: Status) -> APIRouter:
    """The routes of the state."""
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

    return routes
