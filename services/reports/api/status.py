"""How reports is: what it holds, and what waits for it."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.reports.application.ports import Facts, People
from shared.web.callers import CurrentScope
from shared.web.lists import json_response, known

Waiting = Callable[[], Awaitable[int | None]]
"""Messages in its queues; None where the bus does not say."""


def router(facts: Facts, people: People, waiting: Waiting) -> APIRouter:
    """The route of the state."""
    routes = APIRouter(prefix="/api/reports", tags=["operations"])

    @routes.get("/status/", summary="What reports holds, as far as the caller may see, and what waits for it")
    async def status(request: Request, scope: CurrentScope) -> Response:
        known(request)
        held = await facts.held(scope)
        body = {
            "service": "reports",
            "people": await people.count(scope),
            "last_day": held.last,
            "days_of_last_month": held.days,
            "computed_at": held.computed_at,
            "waiting": await waiting(),
        }
        return json_response(body)

    return routes
