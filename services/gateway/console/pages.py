"""The page and its files."""

import asyncio
from importlib import resources

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from shared.kernel.errors import NotFound

FILES = {
    "basics.js": "text/javascript",
    "machines.js": "text/javascript",
    "machine.js": "text/javascript",
    "app.js": "text/javascript",
    "style.css": "text/css",
    "favicon.svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def console_routes() -> APIRouter:
    """`/`, and below `/console/` what it needs."""
    router = APIRouter(include_in_schema=False)
    folder = resources.files(__package__) / "static"

    @router.get("/")
    async def page() -> Response:
        html = await asyncio.to_thread((folder / "index.html").read_text, "utf-8")
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})

    @router.get("/console/{name}")
    async def file(name: str, request: Request) -> Response:
        if name not in FILES:
            raise NotFound(f"there is nothing at {request.url.path}")
        return await _file(name)

    @router.get("/favicon.ico")
    async def icon() -> Response:
        return await _file("favicon.svg")

    async def _file(name: str) -> Response:
        body = await asyncio.to_thread((folder / name).read_bytes)
        return Response(body, media_type=FILES[name], headers={"Cache-Control": "no-cache"})

    return router
