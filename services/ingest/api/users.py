"""The users of a machine, as it tells them now."""

from fastapi import APIRouter, Request, Response

from services.ingest.api.parameters import bad
from services.ingest.application.listing_users import ListingUsers
from shared.web.callers import HR
from shared.web.lists import described, json_response, known

USUAL, MOST = 1_000, 10_000


def users_router(listing: ListingUsers) -> APIRouter:
    """The route `/api/attendance/machines/{key}/users/`."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    @router.get(
        "/{key}/users/",
        summary="The users that a machine holds: asks it, really",
        openapi_extra=described({"limit": f"at most this many, up to {MOST:,}; {USUAL:,} if left out"}),
    )
    async def users(request: Request, key: str, who: HR) -> Response:
        known(request, "limit")
        listed = await listing.of(key, who.scope, limit=_limit(request))
        return json_response({
            "machine_id": listed.machine.machine_id,
            "complete": not listed.left_out,
            "left_out": listed.left_out,
            "users": [
                {
                    "badge": user.badge,
                    "uid": user.uid,
                    "name": user.name,
                    "is_admin": user.is_admin,
                    "card": user.card,
                }
                for user in listed.users
            ],
        })  # fmt: skip

    return router


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST):
        raise bad("limit", f"{text!r} is no whole number from 1 to {MOST:,}")
    return int(text)
