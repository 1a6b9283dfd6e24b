"""The gate: nothing behind it is reached without a valid token, except what is listed here."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api.cookies import ACCESS
from services.gateway.application.withdrawals import Withdrawals
from services.gateway.domain.origins import allowed
from services.gateway.domain.routing import with_slash
from shared.kernel.clock import Clock
from shared.kernel.errors import Denied, MusterError, Unauthenticated
from shared.web.problems import respond
from shared.web.tokens import Tokens

OPEN = frozenset(
    {
        "/",
        "/favicon.ico",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs",
        "/docs/",
        "/api/auth/token/",
        "/api/auth/token/refresh/",
        "/api/auth/login/",
        "/api/auth/refresh/",
    }
)
"""Paths for everybody."""
OPEN_BELOW = ("/console/", "/docs/assets/")
"""And all that is below these: files of the pages."""

KEYED = frozenset({"/api/ingest/scans/"})
"""Paths whose callers have a key of their own instead of a token. The service behind asks for it."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Middleware that denies by default.

    A browser's cookie is turned into the `Authorization` that everything behind understands. It counts for safe
    methods, and for others only from a page of the very same origin or of a configured one: a foreign page can make
    a browser send a cookie, but not say that it comes from here.
    """

    def __init__(
        self, app: ASGIApp, *, tokens: Tokens, withdrawals: Withdrawals, clock: Clock, origins: Sequence[str]
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._withdrawals = withdrawals
        self._clock = clock
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the live hub has its own way of asking who is there
            await self._app(scope, receive, send)
            return
        path = with_slash(scope["path"])
        if path != scope["path"]:
            scope = {**scope, "path": path, "raw_path": scope.get("raw_path", b"") + b"/"}
        answer = with_safety_headers(send)
        if path in OPEN or path in KEYED or path.startswith(OPEN_BELOW):
            await self._app(scope, receive, answer)
            return
        try:
            scope = self._admitted(scope)
        except MusterError as error:
            await respond(error)(scope, receive, answer)
            return
        await self._app(scope, receive, answer)

    def _admitted(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        token, by_cookie = _presented(headers)
        if by_cookie and scope["method"] not in SAFE:
            origin = headers.get("origin")
            if origin is None or not allowed(origin, headers.get("host", ""), self._origins, any_port=False):
                raise Denied("a change needs `Authorization: Bearer <token>`, or a page of this gateway")
        claims = self._tokens.claims(token, now=self._clock.now())
        self._withdrawals.check(claims)
        admitted = {**scope, "state": {**scope.get("state", {}), "claims": claims}}
        if by_cookie:
            admitted["headers"] = [*scope["headers"], (b"authorization", f"Bearer {token}".encode("latin-1"))]
        return admitted


def _presented(headers: Headers) -> tuple[str, bool]:
    """The token, and whether it is from the cookie."""
    given = headers.get("authorization")
    if given is not None:
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the header has to be `Authorization: Bearer <token>`")
        return token.strip(), False
    if kept := cookie_parser(headers.get("cookie", "")).get(ACCESS):
        return kept, True
    raise Unauthenticated("sign in first: this needs the header `Authorization: Bearer <token>`")


def with_safety_headers(send: Send) -> Send:
    """Browsers are told to guess nothing and to tell others nothing."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.setdefault("headers", [])
            there = {name for name, _ in headers}
            headers.extend(pair for pair in _SAFETY if pair[0] not in there)
        await send(message)

    return sending


_SAFETY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
