"""How leave is: what it holds, and what waits for it."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.leave.application.ports import People
from shared.web.callers import CurrentScope
from shared.web.lists import json_response, known

Waiting = Callable[[], Awaitable[int | None]]
"""Messages in its queues; None where the bus does not say."""


def router(people: People, waiting: Waiting) -> APIRouter:
    """The route of the state."""
    routes = APIRouter(prefix="/api/leave", tags=["operations"])

    @routes.get("/status/", summary="What leave holds, as far as the caller may see, and what waits for it")
    async def status(request: Request, scope: CurrentScope) -> Response:
        known(request)
        held = await people.held(scope)
        body = {"service": "leave", "people": held.people, "people_who_left": held.left, "waiting": await waiting()}
        return json_response(body)

    return routes
