"""The two cookies of a signed-in browser. Scripts can read neither."""

from fastapi import Request, Response

from services.gateway.application.signing_in import Granted
from services.gateway.settings import Settings

ACCESS, REFRESH = "muster_access", "muster_refresh"
_REFRESH_PATH = "/api/auth/"


def set_cookies(response: Response, granted: Granted, request: Request, settings: Settings) -> None:
    """Let the browser come back as this user, on any port of the host."""
    secure = settings.secure_cookies or request.url.scheme == "https"
    response.set_cookie(
        ACCESS,
        granted.access,
        max_age=int(settings.access_lasts.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    response.set_cookie(
        REFRESH,
        granted.refresh,
        max_age=int(settings.refresh_lasts.total_seconds()),
        path=_REFRESH_PATH,
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def clear_cookies(response: Response) -> None:
    """Make the browser forget."""
    response.delete_cookie(ACCESS, httponly=True, samesite="lax")
    response.delete_cookie(REFRESH, path=_REFRESH_PATH, httponly=True, samesite="strict")
