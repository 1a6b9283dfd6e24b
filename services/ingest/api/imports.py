"""Importing a file of a machine: the body is the file itself, read as it comes."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from services.ingest.api.parameters import bad, flag
from services.ingest.application.file_form import TEXTS, FileForm
from services.ingest.application.import_run import Import
from services.ingest.application.importing import Importer
from shared.kernel.errors import Malformed, MusterError
from shared.web.callers import HR
from shared.web.lists import json_response, known

PARAMETERS = ("machine", "timezone", *TEXTS, "day_first", "dry_run", "force")
READ_ON_FOR = 30.0
"""Seconds for which the rest of a refused file is read and thrown away."""


def imports_router(importer: Importer) -> APIRouter:
    """The route `/api/attendance/scans/import/`."""
    router = APIRouter(prefix="/api/attendance/scans/import", tags=["scans"])

    @router.post(
        "/",
        summary="Import a file of a machine",
        openapi_extra={
            "parameters": [
                {"name": name, "in": "query", "required": name == "machine", "schema": {"type": "string"}}
                for name in PARAMETERS
            ],
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def import_file(request: Request, who: HR) -> Response:
        content = request.stream()
        try:
            return json_response(await importer.run(_asked(request), content, who.scope))
        except MusterError:
            # A client that is still sending would not read the answer, only that the connection broke.
            await _read_to_the_end(content)
            raise

    return router


def _asked(request: Request) -> Import:
    known(request, *PARAMETERS)
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise Malformed("send the file itself as the body, not a form that holds it")
    parameters = request.query_params
    machine = parameters.get("machine", "").strip()
    if not machine or len(machine) > 100 or "/" in machine or not machine.isprintable():
        raise bad("machine", "the code of the machine that the file is of, without a slash")
    return Import(
        machine=machine,
        timezone=parameters.get("timezone") or None,
        form=FileForm(day_first=flag(request, "day_first"), **{name: parameters.get(name) or None for name in TEXTS}),
        dry_run=flag(request, "dry_run") or False,
        force=flag(request, "force") or False,
    )


async def _read_to_the_end(content: AsyncGenerator[bytes, None]) -> None:
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(READ_ON_FOR):
            async for _ in content:
                pass
