"""Contact with a machine, as people ask for it: what it holds once more, and a pause."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.ingest.api.models import shown
from services.ingest.application.machines import Machines
from services.ingest.application.pausing import Pause, Pausing
from services.ingest.application.syncing import Syncing
from services.ingest.domain.machine import Machine
from shared.web.callers import HR
from shared.web.lists import json_response, known

YEARS = 1990, 2200
"""From and to. Times outside of them are mistakes, and some have no instant in some zones."""


def _conceivable(value: datetime) -> datetime:
    if not YEARS[0] <= value.year <= YEARS[1]:
        raise ValueError(f"is to be of a year from {YEARS[0]} to {YEARS[1]}")
    return value


Moment = Annotated[datetime, AfterValidator(_conceivable)]


class SyncBody(BaseModel):
    """From when on."""

    model_config = ConfigDict(extra="forbid")

    since: Moment | None = Field(
        default=None, description="a wall time of the machine, or an instant; left out it is all"
    )


class PauseBody(BaseModel):
    """How long, and why. Of a machine that is paused already, what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    until: Moment | None = Field(
        default=None,
        description="a wall time of the machine, or an instant, at which it is resumed by itself; null waits for a"
        " person",
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = (
        ""
    )


def contact_router(machines: Machines, syncing: Syncing, pausing: Pausing) -> APIRouter:
    """The routes `sync/`, `pause/` and `resume/` of `/api/attendance/machines/{key}/`."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    def said(machine: Machine) -> Response:
        return json_response(shown(machine, machines), headers={"ETag": f'"{machine.revision}"'})

    @router.post("/{key}/sync/", status_code=202, summary="Take what it holds once more, from a time on or all of it")
    async def sync(request: Request, key: str, who: HR, body: SyncBody | None = None) -> Response:
        known(request)
        asked = await syncing.ask(key, body.since if body else None, who.scope, by=who.user)
        answer = {
            "machine_id": asked.machine.machine_id,
            "since": asked.since,
            "will": asked.will,
            "commands": asked.commands,
        }
        return json_response(answer, status=202)

    @router.post("/{key}/pause/", summary="End contact with it for a while; nothing is lost by that")
    async def pause(request: Request, key: str, who: HR, body: PauseBody | None = None) -> Response:
        known(request)
        given = cast("Pause", body.model_dump(exclude_unset=True) if body else {})
        return said(await pausing.pause(key, given, who.scope, by=who.username))

    @router.post("/{key}/resume/", summary="Be in contact with it again")
    async def resume(request: Request, key: str, who: HR) -> Response:
        known(request)
        return said(await pausing.resume(key, who.scope))

    return router
