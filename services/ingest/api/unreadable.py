"""What machines said that could not be understood, for a person to look at."""

from fastapi import APIRouter, Request, Response

from services.ingest.application.ports import Evidence, KeptWanted, Registry
from shared.kernel.errors import NotFound
from shared.web.callers import HR
from shared.web.lists import answer, described, window

ORDERS = {"received_at": (str, str), "position": (int, str)}
"""What the list may be ordered by, and what its cursors are made of."""


def unreadable_router(registry: Registry, evidence: Evidence) -> APIRouter:
    """The route `/api/attendance/machines/{key}/unreadable/`."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    @router.get(
        "/{key}/unreadable/",
        summary="Records of a machine that could not be understood, with their bytes",
        openapi_extra=described({}, a_list=True),
    )
    async def unreadable(request: Request, key: str, who: HR) -> Response:
        asked = window(request, filters=(), orders=ORDERS, default="-received_at", limit=100)
        machine = await registry.one(key, who.scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        found = await evidence.find(
            KeptWanted(
                machine_id=machine.id,
                search=asked.search,
                order=asked.order,
                descending=asked.descending,
                limit=asked.limit,
                offset=asked.offset,
                after=asked.after,
            )
        )
        rows = [
            {
                "position": record.position,
                "reason": record.reason,
                "raw": record.raw.hex(),
                "size": record.size,
                "source": record.source,
                "received_at": record.received_at,
            }
            for record in found.records
        ]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after)

    return router
