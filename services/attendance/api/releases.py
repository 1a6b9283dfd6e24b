"""Letting quarantined scans count: one, many of one machine whose clock was wrong, and taking that back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime

from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import bad, known
from services.attendance.api.people_bodies import visible
from services.attendance.api.scan_shapes import release_shape, scan_shape
from services.attendance.application.people_ports import Once
from services.attendance.application.release_ports import Order, Outcome, Result
from services.attendance.application.releasing import Releasing
from services.attendance.application.scan_list import ScanFacts
from services.attendance.domain.releases import AS_SAID, Correction
from shared.kernel.errors import NotFound
from shared.web.callers import HR

MOST_AT_ONCE = 1_000
A_CENTURY = 100 * 366 * 24 * 3600

Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(visible)]


class ReleaseBody(BaseModel):
    """Why the scan counts, and when it was: without `at` and `local_time`, when the machine said."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Reason
    at: AwareDatetime | None = Field(default=None, description="the instant, with its zone")
    local_time: NaiveDatetime | None = Field(default=None, description="the wall clock in the machine's zone")


class ReleasesBody(BaseModel):
    """Why the scans count, and by how much their machine's clock was behind: without that, it was right."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]
    reason: Reason
    offset_seconds: Annotated[int, Field(ge=-A_CENTURY, le=A_CENTURY)] | None = Field(
        default=None, description="added to each machine's wall clock"
    )


def router(releasing: Releasing) -> APIRouter:
    """The routes of releases."""
    routes = APIRouter(prefix="/api/attendance/scans", tags=["scans"])

    @routes.post("/release/", summary="Let many quarantined scans count; the answer says of each what became of it")
    async def release_many(body: ReleasesBody, request: Request, who: HR) -> Response:
        known(request)
        offset = body.offset_seconds
        order = Order(
            reason=body.reason,
            correction=AS_SAID if offset is None else Correction(offset=timedelta(seconds=offset)),
        )
        once: Once[Sequence[Outcome]] = Once(await key_from(request, who), lambda done: answered(_outcomes(done), 200))
        return sent(await releasing.release_many(body.ids, order, who, once))

    @routes.post("/{scan_id}/release/", summary="Let a quarantined scan count, as the machine said it or set right")
    async def release(scan_id: str, body: ReleaseBody, request: Request, who: HR) -> Response:
        known(request)
        if body.at is not None and body.local_time is not None:
            raise bad("local_time", "stands against at; give one or the other")
        order = Order(reason=body.reason, correction=Correction(at=body.at, local_time=body.local_time))
        once: Once[ScanFacts] = Once(await key_from(request, who), lambda facts: answered(scan_shape(facts), 200))
        return sent(await releasing.release(_id(scan_id), order, who, once))

    @routes.delete("/{scan_id}/release/", summary="Let a scan be quarantined again", status_code=204)
    async def withdraw(scan_id: str, request: Request, who: HR) -> Response:
        known(request)
        await releasing.withdraw(_id(scan_id), who)
        return Response(status_code=204)

    return routes


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"there is no scan {text[:40]!r}: a scan's id is a UUID") from error


def _outcomes(done: Sequence[Outcome]) -> dict[str, Any]:
    counts = {str(result): sum(one.result is result for one in done) for result in Result}
    return {"read": len(done), **counts, "results": [_outcome(one) for one in done]}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.scan_id,
        "result": outcome.result,
        "error": outcome.error,
        "release": None if outcome.release is None else release_shape(outcome.release),
    }
