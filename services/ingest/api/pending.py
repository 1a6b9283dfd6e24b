"""Machines that called and are not registered: to be accepted, refused or forgotten."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator

from services.ingest.api.models import Code, MachineBody, shown
from services.ingest.application.accepting import Accepting
from services.ingest.application.machines import Machines
from services.ingest.domain.pending import PendingMachine
from shared.web.callers import HR
from shared.web.lists import json_response, known


class AcceptBody(MachineBody):
    """Which machine it is: a new one, whose values may be given, or `same_as` one that is registered."""

    same_as: Code | None = Field(default=None, description="the id or machine_id of a machine that is registered")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "AcceptBody":
        if self.same_as is not None and len(self.model_fields_set) > 1:
            raise ValueError("same_as stands alone: the machine that is there keeps its values")
        return self


def pending_router(accepting: Accepting, machines: Machines) -> APIRouter:
    """The routes of `/api/ingest/pending-machines/`."""
    router = APIRouter(prefix="/api/ingest/pending-machines", tags=["machines"])

    @router.get("/", summary="Machines that called and are not registered; what they have, they keep")
    async def find(request: Request, who: HR) -> Response:
        known(request)
        return json_response([_shown(machine) for machine in await accepting.all()])

    @router.post("/{kind}/{serial}/accept/", status_code=201, summary="It is a machine of ours")
    async def accept(request: Request, kind: str, serial: str, who: HR, body: AcceptBody | None = None) -> Response:
        known(request)
        if body is not None and body.same_as is not None:
            machine = await accepting.accept_as(kind, serial, body.same_as)
            return json_response(shown(machine, machines))
        machine = await accepting.accept(kind, serial, body.changes() if body is not None else {})
        headers = {"ETag": f'"{machine.revision}"', "Location": f"/api/attendance/machines/{machine.id}/"}
        return json_response(shown(machine, machines), status=201, headers=headers)

    @router.post("/{kind}/{serial}/refuse/", status_code=204, summary="It is none of ours, and is not to ask again")
    async def refuse(request: Request, kind: str, serial: str, who: HR) -> Response:
        known(request)
        await accepting.refuse(kind, serial)
        return Response(status_code=204)

    @router.delete("/{kind}/{serial}/", status_code=204, summary="Forget it; if it calls again, it asks again")
    async def forget(request: Request, kind: str, serial: str, who: HR) -> Response:
        known(request)
        await accepting.forget(kind, serial)
        return Response(status_code=204)

    return router


def _shown(machine: PendingMachine) -> dict[str, Any]:
    return {
        "machine_type": machine.kind,
        "serial": machine.serial,
        "source": machine.source,
        "about": dict(machine.about),
        "first_seen_at": machine.first_seen_at,
        "last_seen_at": machine.last_seen_at,
        "calls": machine.calls,
        "refused": machine.refused,
    }
