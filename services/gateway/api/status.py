"""`/api/attendance/system-status/`: what attendance says, and what only the gateway can know."""

from collections.abc import Callable
from typing import Any

import httpx
from fastapi import APIRouter, Request, Response

from shared.kernel.errors import Unavailable
from shared.web.callers import CurrentCaller
from shared.web.lists import json_response

ASK_WITHIN = 10.0


def status_routes(peers: httpx.AsyncClient, figures: Callable[[], dict[str, Any]]) -> APIRouter:
    """One route. `figures` are `services`, by name, and `total_clients`."""
    router = APIRouter(tags=["operations"])

    @router.get("/api/attendance/system-status/", include_in_schema=False)
    async def system_status(_: CurrentCaller, request: Request) -> Response:
        passed_on = {
            name: request.headers[name] for name in ("authorization", "x-request-id") if name in request.headers
        }
        try:
            answer = await peers.get(
                f"http://attendance{request.url.path}",
                params=request.query_params,
                headers=passed_on,
                timeout=ASK_WITHIN,
            )
        except httpx.HTTPError as error:
            raise Unavailable("attendance is away; try again in a moment", retry_after=3) from error
        if answer.status_code != 200:
            return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))
        return json_response(merged(answer.json(), figures()))

    return router


def merged(said: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """One entry a service: its own where it gave one, else whether it answers."""
    entries = list(said.get("services", ()))
    named = {entry["name"] for entry in entries}
    entries += [{"name": name, "status": state} for name, state in known["services"].items() if name not in named]
    return {**said, "services": entries, "total_clients": known["total_clients"]}
