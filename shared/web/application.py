"""The FastAPI application of a service: callers, problems, request ids, health and metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.clock import Clock
from shared.kernel.errors import MusterError
from shared.observability import metrics
from shared.web.lists import json_response
from shared.web.problems import PROBLEM, PROBLEMS, add_problem_handlers, bug, problem
from shared.web.tokens import Tokens

READY_WITHIN = 2.0
"""Seconds that one dependency has to answer."""

Check = Callable[[], Awaitable[None]]
"""Raises where what it checks is away."""


def create_app(
    name: str,
    *,
    routers: Sequence[APIRouter],
    tokens: Tokens,
    clock: Clock,
    checks: Mapping[str, Check],
    metrics_for: Sequence[Any] = (),
    says: Mapping[str, Callable[[], str]] | None = None,
    version: str = "0.1.0",
) -> FastAPI:
    """An application whose routes can rely on `app.state.tokens` and `app.state.clock`.

    `checks` names what the service needs; `/health/ready` asks each and says which is away, and beside that
    what `says` tells of the process. `metrics_for` are FastAPI dependencies that let only some read `/metrics`:
    without them it is anybody who reaches us. Interactive documentation is the gateway's: here there is only
    `/openapi.json`.
    """
    app = _Application(title=f"Muster {name}", version=version, docs_url=None, redoc_url=None, responses=PROBLEMS)
    app.state.tokens = tokens
    app.state.clock = clock
    add_problem_handlers(app)
    app.add_middleware(RequestContext)
    app.include_router(_health(name, checks, metrics_for, says or {}))
    for router in routers:
        app.include_router(router)
    return app


class _Application(FastAPI):
    """Its document has the schema that `PROBLEMS` refers to."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
        return document


def _health(
    name: str, checks: Mapping[str, Check], metrics_for: Sequence[Any], says: Mapping[str, Callable[[], str]]
) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", summary="Whether the process runs")
    async def live() -> Response:
        return json_response({"status": "ok", "service": name})

    @router.get("/health/ready", summary="Whether it can do its work, and what is away if not")
    async def ready() -> Response:
        answers = dict(zip(checks, await asyncio.gather(*map(_asked, checks.values())), strict=True))
        well = all(answer == "ok" for answer in answers.values())
        body = {"status": "ok" if well else "unavailable", "service": name, "checks": answers}
        body |= {about: say() for about, say in says.items()}
        return json_response(body, status=200 if well else 503, headers={} if well else {"Retry-After": "2"})

    @router.get(
        "/metrics", summary="Figures in Prometheus' form", include_in_schema=False, dependencies=list(metrics_for)
    )
    async def figures() -> Response:
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return router


async def _asked(check: Check) -> str:
    try:
        async with asyncio.timeout(READY_WITHIN):
            await check()
    except MusterError as error:
        return error.message
    except TimeoutError:
        return f"no answer within {READY_WITHIN:g} s"
    except Exception as error:  # noqa: BLE001 - whatever a check raises is its answer
        return f"{type(error).__name__}: {error}"
    return "ok"


class RequestContext:
    """Gives each request an id, which its logs, its problems and its answer carry, that to a bug of ours too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if 0 < len(given) <= 64 and given.isprintable() else uuid4().hex

        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
                refusal = problem(400, "the address holds the character U+0000, which no name or value can")
                await refusal(scope, receive, send_with_id)
                return
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                return  # nobody is there to be told
            except Exception as error:
                if scope["type"] != "http" or started:
                    raise  # the server breaks off the connection, which says that the answer is not whole
                await bug(scope["method"], scope["path"], error)(scope, receive, send_with_id)
