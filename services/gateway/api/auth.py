"""`/api/auth/`: coming in, staying, going."""

from fastapi import APIRouter, Request, Response

from services.gateway.api.cookies import REFRESH, clear_cookies, set_cookies
from services.gateway.api.models import ChangePassword, Login, Refresh, granted_body, said
from services.gateway.application.signing_in import TICKET_LASTS, Granted, SigningIn
from services.gateway.application.withdrawals import Withdrawals
from services.gateway.domain.origins import allowed
from services.gateway.settings import Settings
from shared.kernel.errors import Denied, Unauthenticated
from shared.web.callers import CurrentCaller
from shared.web.lists import json_response


def auth_routes(signing_in: SigningIn, withdrawals: Withdrawals, settings: Settings) -> APIRouter:
    """The routes of `/api/auth/`."""
    router = APIRouter(prefix="/api/auth", tags=["auth"])

    @router.post("/token/", summary="Sign in: a pair of tokens, and cookies for a browser")
    @router.post("/login/", summary="Sign in; another name of /api/auth/token/")
    async def sign_in(body: Login, request: Request) -> Response:
        return _answer(await signing_in.sign_in(body.username, body.password, address=_address(request)), request)

    @router.post("/token/refresh/", summary="The next pair for a refresh token, which is used up")
    @router.post("/refresh/", summary="The next pair; another name of /api/auth/token/refresh/")
    async def refresh(request: Request, body: Refresh | None = None) -> Response:
        token = body.refresh if body and body.refresh else _refresh_cookie(request, settings)
        return _answer(await signing_in.refresh(token), request)

    @router.post("/logout/", summary="End the session", status_code=204)
    async def sign_out(request: Request) -> Response:
        await signing_in.sign_out(request.state.claims)
        withdrawals.look_again()
        response = Response(status_code=204)
        clear_cookies(response)
        return response

    @router.get("/me/", summary="Who is signed in")
    async def me(who: CurrentCaller) -> Response:
        return json_response(said(*await signing_in.me(who)), headers=_NOT_KEPT)

    @router.post("/change-password/", summary="Change one's own password; all other sessions end")
    async def change_password(body: ChangePassword, request: Request) -> Response:
        granted = await signing_in.change_password(
            request.state.claims, old=body.old_password, new=body.new_password, address=_address(request)
        )
        withdrawals.look_again()
        return _answer(granted, request)

    @router.post("/ticket/", summary="A ticket for one live connection: once, within 30 s")
    async def ticket(who: CurrentCaller, request: Request) -> Response:
        made = await signing_in.ticket(request.state.claims, who)
        body = {"ticket": made, "expires_in": int(TICKET_LASTS.total_seconds())}
        return json_response(body, headers=_NOT_KEPT)

    def _answer(granted: Granted, request: Request) -> Response:
        response = json_response(granted_body(granted), headers=_NOT_KEPT)
        set_cookies(response, granted, request, settings)
        return response

    return router


_NOT_KEPT = {"Cache-Control": "no-store"}


def _refresh_cookie(request: Request, settings: Settings) -> str:
    token = request.cookies.get(REFRESH)
    if not token:
        raise Unauthenticated("there is no refresh token; sign in")
    origin = request.headers.get("origin")
    if origin is not None and not allowed(origin, request.headers.get("host", ""), settings.origins, any_port=False):
        raise Denied("pages of this origin may not refresh a session")
    return token


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
