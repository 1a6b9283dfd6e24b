"""Live connections: who may open one, and how long it lasts."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Message, Receive, Scope, Send

from services.gateway.application.signing_in import SigningIn
from services.gateway.application.withdrawals import Withdrawals
from services.gateway.domain.origins import allowed
from services.gateway.live.client import Client
from services.gateway.live.frames import Frame, encoded, notice
from services.gateway.live.hub import Hub
from services.gateway.settings import Settings
from shared.kernel.clock import Clock
from shared.kernel.errors import MusterError, TooMany, Unauthenticated, Unavailable
from shared.observability.logs import get_logger
from shared.web import scope as scopes
from shared.web.tokens import Tokens, caller_of

NO_CALLER, TRY_LATER = 4401, 1013
WAIT_FOR_CALLER = 5.0
"""Seconds."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether those who listen still may."""
MOST_BEHIND = 30.0
"""Seconds that a client may be behind; then it is dropped."""
COOKIE = "muster_access"

log = get_logger(__name__)


class Sockets:
    """The ASGI application of live connections: at `/ws`, and at `/` on the live port."""

    def __init__(
        self,
        hub: Hub,
        signing_in: SigningIn,
        withdrawals: Withdrawals,
        *,
        tokens: Tokens,
        clock: Clock,
        settings: Settings,
        greeting: Callable[[str], Frame],
    ) -> None:
        self._hub = hub
        self._signing_in = signing_in
        self._withdrawals = withdrawals
        self._tokens = tokens
        self._clock = clock
        self._settings = settings
        self._greeting = greeting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await _upgrade_required(send)
            return
        await receive()  # websocket.connect
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and not allowed(origin, headers.get("host", ""), self._settings.origins, any_port=True):
            log.warning("live.origin_refused", origin=origin[:200])
            await send({"type": "websocket.close", "code": NO_CALLER})  # before accepting: HTTP 403
            return
        protocols = scope.get("subprotocols", [])
        await send({"type": "websocket.accept", "subprotocol": "bearer" if "bearer" in protocols else None})
        try:
            async with asyncio.timeout(WAIT_FOR_CALLER):
                claims = await self._who(scope, headers, receive)
        except (MusterError, TimeoutError) as error:
            said = error.message if isinstance(error, MusterError) else "nobody signed in within 5 s"
            code = TRY_LATER if isinstance(error, Unavailable) else NO_CALLER
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": code, "reason": said[:100]})
            return
        except _Gone:
            return
        await self._serve(claims, receive, send)

    async def watch(self) -> None:
        """End the connections of those who may listen no longer, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now = asyncio.get_running_loop().time()
            for client in self._hub:
                if client.behind_since is not None and now - client.behind_since > MOST_BEHIND:
                    log.warning("live.dropped_slow_client", skipped=client.skipped)
                    client.end(TRY_LATER, "too slow")
                elif client.claims is not None:
                    try:
                        self._still_good(client.claims)
                    except Unauthenticated as error:
                        client.end(NO_CALLER, error.message)

    def _still_good(self, claims: Mapping[str, Any]) -> None:
        """A connection outlives its token for as long as we know that its session lasts."""
        self._withdrawals.check(claims)
        if self._withdrawals.stale() and self._clock.now().timestamp() > float(claims["exp"]):
            raise Unauthenticated("the token has run out, and whether the session lasts cannot be asked")

    async def _serve(self, claims: dict[str, Any] | None, receive: Receive, send: Send) -> None:
        scope = caller_of(claims).scope if claims else scopes.Scope.everything()
        client = Client(send, scope, claims, resync=self._resync)
        client.serving = asyncio.current_task()
        try:
            self._hub.join(client)
        except TooMany as error:
            await send({"type": "websocket.close", "code": TRY_LATER, "reason": error.message})
            return
        try:
            client.push(encoded(self._greeting("Connected: what happens from now on is shown here")))
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    return
        except asyncio.CancelledError:
            if not client.dropped or client.serving is None:
                raise
            client.serving.uncancel()
        finally:
            self._hub.part(client)
            await client.leave()

    def _resync(self) -> str:
        said = "this connection was too slow for a while; read everything again"
        return encoded(notice("resync", said, at=self._clock.now()))

    async def _who(self, scope: Scope, headers: Headers, receive: Receive) -> dict[str, Any] | None:
        """The claims of whoever it is; None where anybody may listen."""
        protocols = list(scope.get("subprotocols", []))
        if "bearer" in protocols:
            rest = [word for word in protocols if word != "bearer"]
            if rest:
                return await self._claims(rest[0])
        if authorization := headers.get("authorization"):  # no browser can send it here; programs can
            return await self._claims(_token_in(authorization))
        if ticket := parse_qs(scope.get("query_string", b"").decode("latin-1")).get("ticket"):
            return await self._redeemed(ticket[0])
        if token := cookie_parser(headers.get("cookie", "")).get(COOKIE):
            with contextlib.suppress(Unauthenticated):  # an old cookie does not forbid to say who one is
                return self._checked(self._tokens.claims(token, now=self._clock.now()))
        if self._settings.live_open and _over_loopback(scope, headers):
            return None
        return await self._claims(_token_in(await _next_text(receive)))

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of an access token or of a ticket."""
        try:
            return self._checked(self._tokens.claims(token, now=self._clock.now()))
        except Unauthenticated:
            if self._withdrawn_access(token):
                raise
            return await self._redeemed(token)

    def _withdrawn_access(self, token: str) -> bool:
        try:
            self._tokens.claims(token, now=self._clock.now(), kind="ticket")
        except Unauthenticated:
            return True
        return False

    async def _redeemed(self, ticket: str) -> dict[str, Any]:
        return self._checked(await self._signing_in.redeem(ticket))

    def _checked(self, claims: dict[str, Any]) -> dict[str, Any]:
        self._withdrawals.check(claims)
        return claims


class _Gone(Exception):
    """The client left before it had said who it is."""


async def _next_text(receive: Receive) -> str:
    message: Message = await receive()
    if message["type"] != "websocket.receive":
        raise _Gone
    return message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")


def _token_in(text: str) -> str:
    """The token of a first message: alone, as `bearer <token>`, or as the member `token` of an object."""
    text = text.strip()
    if text.startswith("{"):
        try:
            return msgspec.json.decode(text, type=_First).token
        except msgspec.MsgspecError as error:
            raise Unauthenticated('the first message has to be a token, or {"token": "…"}') from error
    return text[7:].strip() if text.lower().startswith("bearer ") else text


class _First(msgspec.Struct):
    token: str


def _over_loopback(scope: Scope, headers: Headers) -> bool:
    """True for a program on this very machine that no proxy speaks for."""
    proxied = any(name in headers for name in ("x-forwarded-for", "forwarded", "x-real-ip"))
    try:
        return not proxied and ipaddress.ip_address(scope["client"][0]).is_loopback
    except (TypeError, ValueError):
        return False


async def _upgrade_required(send: Send) -> None:
    body = b"This port speaks WebSocket.\n"
    headers = [(b"content-type", b"text/plain"), (b"upgrade", b"websocket"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})
