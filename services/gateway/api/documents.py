"""`/openapi.json`: one document of the gateway and all services behind; `/docs`: Swagger UI from files of ours."""

import asyncio
from collections.abc import Callable
from importlib import resources
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from services.gateway.api.gate import OPEN
from services.gateway.domain.routing import SERVICES, service_of
from shared.kernel.errors import NotFound
from shared.observability.logs import get_logger
from shared.web.lists import json_response

KEPT_FOR = 60.0
"""Seconds that a merged document is good; 5 where a service was away."""
ASK_WITHIN = 3.0

log = get_logger(__name__)


def document_routes(app: FastAPI, peers: httpx.AsyncClient) -> APIRouter:
    """The document, and the page that shows it."""
    router = APIRouter(include_in_schema=False)
    document = MergedDocument(app.openapi, peers)
    swagger = resources.files("fastapi_swagger.resources")
    own = resources.files("services.gateway.console")
    files = {
        "swagger-ui-bundle.js": (swagger / "swagger-ui-bundle.js", "text/javascript"),
        "swagger-ui.css": (swagger / "swagger-ui.css", "text/css"),
        "docs.js": (own / "static" / "docs.js", "text/javascript"),
        "favicon.svg": (own / "static" / "favicon.svg", "image/svg+xml"),
    }

    @router.get("/openapi.json")
    async def openapi() -> Response:
        return json_response(await document.get(), headers={"Cache-Control": "no-cache"})

    @router.get("/docs/")
    @router.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})

    @router.get("/docs/assets/{name}")
    async def asset(name: str, request: Request) -> Response:
        if name not in files:
            raise NotFound(f"there is nothing at {request.url.path}")
        file, media_type = files[name]
        body = await asyncio.to_thread(file.read_bytes)
        return Response(body, media_type=media_type, headers={"Cache-Control": "public, max-age=3600"})

    return router


class MergedDocument:
    """The OpenAPI document of everything, made again every minute at most."""

    def __init__(self, own: Callable[[], dict[str, Any]], peers: httpx.AsyncClient) -> None:
        self._own = own
        self._peers = peers
        self._made: dict[str, Any] | None = None
        self._good_until = 0.0
        self._making = asyncio.Lock()
        self._last: dict[str, dict[str, Any]] = {}

    async def get(self) -> dict[str, Any]:
        """The document; a service that is away is shown as it was last, or named as missing."""
        async with self._making:
            now = asyncio.get_running_loop().time()
            if self._made is None or now >= self._good_until:
                answers = await asyncio.gather(*map(self._ask, SERVICES))
                self._made = merge(self._own(), {name: self._last.get(name) for name in SERVICES})
                self._good_until = now + (KEPT_FOR if all(answers) else 5.0)
            return self._made

    async def _ask(self, service: str) -> bool:
        try:
            answer = await self._peers.get(f"http://{service}/openapi.json", timeout=ASK_WITHIN)
            answer.raise_for_status()
            self._last[service] = answer.json()
        except (httpx.HTTPError, ValueError):
            return False
        return True


def merge(own: dict[str, Any], others: dict[str, dict[str, Any] | None]) -> dict[str, Any]:
    """One document. Of each service only what the gateway really sends there is taken."""
    merged: dict[str, Any] = {
        "openapi": own.get("openapi", "3.1.0"),
        "info": {
            "title": "Muster",
            "version": own["info"]["version"],
            "description": "Scans of any biometric machine become trustworthy days, live.",
        },
        "paths": dict(own.get("paths", {})),
        "components": {
            "schemas": dict(own.get("components", {}).get("schemas", {})),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
    }
    missing = [name for name, document in others.items() if document is None]
    if missing:
        merged["info"]["x-missing"] = missing
        merged["info"]["description"] += f" Away at the moment, and so not shown: {', '.join(missing)}."
    schemas = merged["components"]["schemas"]
    for name, given in others.items():
        theirs = (given or {}).get("components", {}).get("schemas", {})
        # The same name with the same content is the same thing (FastAPI's ValidationError); otherwise it is renamed.
        renamed = {n: f"{name.title()}{n}" for n, schema in theirs.items() if schemas.get(n, schema) != schema}
        document = _with_references(given or {}, renamed)
        for schema_name, schema in document.get("components", {}).get("schemas", {}).items():
            schemas[renamed.get(schema_name, schema_name)] = schema
        for path, operations in document.get("paths", {}).items():
            if service_of(path) == name:
                merged["paths"].setdefault(path, operations)
    for path in OPEN & merged["paths"].keys():
        merged["paths"][path] = {
            method: {**operation, "security": []} for method, operation in merged["paths"][path].items()
        }
    return merged


def _with_references(document: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    if not renamed:
        return document
    prefix = "#/components/schemas/"

    def follow(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"{prefix}{renamed.get(item.removeprefix(prefix), item.removeprefix(prefix))}"
                if key == "$ref" and isinstance(item, str) and item.startswith(prefix)
                else follow(item)
                for key, item in value.items()
            }
        return [follow(item) for item in value] if isinstance(value, list) else value

    followed: dict[str, Any] = follow(document)
    return followed


_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI styles some of its elements inline; no script does."""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Muster: the API</title>
<link rel="icon" href="/docs/assets/favicon.svg">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/docs.js"></script>
</body>
</html>
"""
