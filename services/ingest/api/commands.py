"""What a machine that calls us is asked to do, and what became of it."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, field_validator

from services.ingest.application.commanding import Commanding
from services.ingest.application.ports import Command, Registry
from services.ingest.domain.machine import Machine
from shared.kernel.errors import NotFound
from shared.web.callers import HR
from shared.web.lists import json_response, known
from shared.web.scope import Scope


class CommandBody(BaseModel):
    """A command. `first` and `last` are wall times of the machine, without a zone."""

    model_config = ConfigDict(extra="forbid")

    command: str
    first: datetime | None = None
    last: datetime | None = None

    @field_validator("first", "last")
    @classmethod
    def _wall_time(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("is to be a wall time of the machine, without a zone: 2026-01-31T08:00:00")
        return value


def commands_router(registry: Registry, commanding: Commanding) -> APIRouter:
    """The routes of `/api/attendance/machines/{key}/commands/`."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    async def found(key: str, scope: Scope) -> Machine:
        machine = await registry.one(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        return machine

    @router.post("/{key}/commands/", status_code=202, summary="Ask it to do something when it calls next")
    async def ask(request: Request, key: str, body: CommandBody, who: HR) -> Response:
        known(request)
        machine = await found(key, who.scope)
        command = await commanding.ask(machine, body.command, body.first, body.last, by=who.user)
        return json_response(_shown(command), status=202)

    @router.get("/{key}/commands/", summary="The latest hundred, newest first")
    async def latest(request: Request, key: str, who: HR) -> Response:
        known(request)
        machine = await found(key, who.scope)
        return json_response([_shown(command) for command in await commanding.of(machine)])

    @router.get("/{key}/commands/{number}/", summary="One of them, and what the machine answered")
    async def one(request: Request, key: str, number: int, who: HR) -> Response:
        known(request)
        command = await commanding.one(await found(key, who.scope), number) if 0 < number < 2**63 else None
        if command is None:
            raise NotFound(f"{key} has no command {number}")
        return json_response(_shown(command))

    return router


def _shown(command: Command) -> dict[str, Any]:
    return {
        "id": command.id,
        "command": command.name,
        "text": command.text,
        "state": _state(command),
        "by": command.by,
        "queued_at": command.queued_at,
        "sent_at": command.sent_at,
        "sends": command.sends,
        "answered_at": command.answered_at,
        "code": command.code,
        "result": command.result,
    }


def _state(command: Command) -> str:
    if command.answered_at is None:
        return "sent" if command.sent_at is not None else "queued"
    return "done" if command.code is not None and command.code >= 0 else "failed"
