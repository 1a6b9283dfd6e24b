"""Importing a file of a machine: the body is the file itself, read as it comes."""

from fastapi import APIRouter, Request, Response

from services.ingest.api.parameters import bad, flag
from services.ingest.application.import_run import Import
from services.ingest.application.importing import Importer
from shared.kernel.errors import Malformed
from shared.web.callers import HR
from shared.web.lists import json_response, known

PARAMETERS = ("machine", "timezone", "format", "day_first", "dry_run", "force")


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
        known(request, *PARAMETERS)
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise Malformed("send the file itself as the body, not a form that holds it")
        parameters = request.query_params
        machine = parameters.get("machine", "").strip()
        if not machine or len(machine) > 100 or "/" in machine or not machine.isprintable():
            raise bad("machine", "the code of the machine that the file is of, without a slash")
        asked = Import(
            machine=machine,
            timezone=parameters.get("timezone") or None,
            format=parameters.get("format") or None,
            day_first=flag(request, "day_first"),
            dry_run=flag(request, "dry_run") or False,
            force=flag(request, "force") or False,
        )
        return json_response(await importer.run(asked, request.stream(), who.scope))

    return router
