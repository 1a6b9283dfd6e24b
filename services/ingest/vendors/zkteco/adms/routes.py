"""`/iclock/*`: where machines that push call. They have no token; each is known by its serial number.

An answer that is no `OK` makes a machine keep what it sent and come back with it, after 30 s, for ever. So it is
`OK` only once nothing of it can be lost, and it is never withheld for a line that cannot be read.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from services.ingest.application.bookmarks import Bookmarks
from services.ingest.application.commanding import Commanding
from services.ingest.application.desk import Desk
from services.ingest.application.pushing import Call, NotAccepted, Pushing
from services.ingest.vendors.zkteco.adms.calls import Asked, asked
from services.ingest.vendors.zkteco.adms.receiving import Receiving
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed, Unavailable
from shared.observability.logs import get_logger
from shared.observability.metrics import Counter
from shared.web.lists import json_response

KIND: Final = "zkteco"
ABOUT: Final = ("pushver", "devicetype", "language")
"""What a machine says of itself as it starts."""
OF_PANELS: Final = frozenset({"registry", "push", "querydata", "rtdata"})
"""Endpoints of access panels, which speak another protocol: their events would be lost if they were told OK."""

UNKNOWN = Counter("muster_ingest_adms_unknown_total", "Calls to endpoints that are not known")

log = get_logger(__name__)

Handler = Callable[[Receiving, Desk, Asked, Request], Awaitable[str]]


def iclock_router(pushing: Pushing, commanding: Commanding, bookmarks: Bookmarks, clock: Clock) -> APIRouter:
    """The routes. A machine with a `push_key` shows it in its path, or as the `pushcommkey` of its handshake."""
    router = APIRouter()
    receiving = Receiving(commanding, bookmarks, clock)

    async def answered(request: Request) -> Response:
        if request.method == "HEAD":  # which comes along with GET; no machine sends it, and it would count as a call
            return Response(status_code=405, headers={"Allow": "GET, POST"})
        call = asked(request.path_params["endpoint"], request.scope["query_string"])
        try:
            desk = await pushing.desk(_call(call, request, request.path_params.get("push_key")))
            return await _handled(receiving, desk, call, request)
        except NotAccepted as refused:
            return _text(refused.message, 403)
        except Malformed as refused:
            return _text(refused.message, 413)
        except Unavailable as away:
            return _text(away.message, 503, {"Retry-After": str(max(1, round(away.retry_after)))})
        except ClientDisconnect:
            return _text("", 400)  # nobody is there to read it, and nothing was taken

    # Plain routes: what FastAPI does for parameters costs a post as much as all that is done with a scan.
    for path in ("/iclock/{endpoint:path}", "/{push_key}/iclock/{endpoint:path}"):
        router.add_route(path, answered, methods=["GET", "POST"], include_in_schema=False)
    router.add_route("/UserServer/user", _server, methods=["GET"], include_in_schema=False)
    return router


async def _server(request: Request) -> Response:
    """Some machines ask a server which server is theirs: this one."""
    host, _, port = request.headers.get("host", "").partition(":")
    told = {"success": True, "server": host, "port": int(port) if port.isdecimal() else request.url.port or 80}
    return json_response(told)


HANDLERS: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", "cdata"): Receiving.handshake,
    ("POST", "cdata"): Receiving.table,
    ("GET", "getrequest"): Receiving.request,
    ("POST", "devicecmd"): Receiving.results,
    ("GET", "ping"): Receiving.ping,
    ("POST", "fdata"): Receiving.passed_over,
    ("POST", "edata"): Receiving.passed_over,
}


async def _handled(receiving: Receiving, desk: Desk, call: Asked, request: Request) -> Response:
    if call.endpoint in OF_PANELS or call.table.startswith("RT"):
        desk.contact.warn("access panel", "it is an access panel, whose events cannot be read yet")
        return _text("access panels cannot be read yet", 501)
    handler = HANDLERS.get((request.method, call.endpoint))
    if handler is None:
        UNKNOWN.inc()
        log.info("adms.unknown", machine=desk.machine.machine_id, endpoint=call.endpoint[:40])
        return _text("OK")
    return _text(await handler(receiving, desk, call, request))


def _call(call: Asked, request: Request, key: str | None) -> Call:
    return Call(
        kind=KIND,
        serial=call.serial,
        source=request.client.host if request.client else "",
        secret=key if key is not None else call.parameters.get("pushcommkey") or None,
        about={name: call.parameters[name] for name in ABOUT if call.parameters.get(name)},
    )


def _text(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, headers, media_type="text/plain")
