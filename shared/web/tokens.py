"""Access tokens: signed by the gateway, verified again by every service."""

from datetime import datetime, timedelta
from typing import Any, Literal

import jwt

from shared.kernel.errors import Unauthenticated
from shared.web.scope import ROLES, Caller

ISSUER = AUDIENCE = "muster"
ALGORITHM = "HS256"
"""One secret for the installation: every service is ours and runs beside the others (docs/decisions)."""
LEEWAY = timedelta(seconds=5)

Kind = Literal["access", "refresh", "ticket"]


class Tokens:
    """Signs and reads tokens with the installation's secret."""

    def __init__(self, secret: str) -> None:
        """`secret` has at least 32 characters.

        Raises:
            ValueError: it is shorter.
        """
        if len(secret) < 32:
            raise ValueError("MUSTER_SECRET needs at least 32 characters, such as `openssl rand -hex 32` prints")
        self._secret = secret

    def sign(self, caller: Caller, *, now: datetime, lasts: timedelta, kind: Kind = "access", id: str = "") -> str:  # noqa: A002 - the claim's name
        """A token that says who `caller` is until `now + lasts`."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": kind,
            "sub": str(caller.user),
            "iat": now,
            "exp": now + lasts,
            "jti": id,
            "username": caller.username,
            "roles": sorted(caller.roles),
            "person": caller.person,
            "units": list(caller.units),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str, *, now: datetime, kind: Kind = "access") -> Caller:
        """Who the token says is calling.

        Raises:
            Unauthenticated: it is not ours, of another kind, or has run out.
        """
        return caller_of(self.claims(token, now=now, kind=kind))

    def claims(self, token: str, *, now: datetime, kind: Kind = "access") -> dict[str, Any]:
        """All that the token says. Raises as `read` does."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # Expiry is compared below, with the injected clock.
                options={"require": ["exp", "iat", "sub", "typ"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("the token is not valid; sign in again") from error
        if claims["typ"] != kind:
            raise Unauthenticated(f"this is not an {kind} token; sign in again")
        if now.timestamp() > float(claims["exp"]) + LEEWAY.total_seconds():
            raise Unauthenticated("the token has run out; refresh it or sign in again")
        return claims


def caller_of(claims: dict[str, Any]) -> Caller:
    """Who the claims of a token say is calling.

    Raises:
        Unauthenticated: they say it in no way that we know.
    """
    try:
        return Caller(
            user=int(claims["sub"]),
            username=str(claims.get("username", "")),
            roles=frozenset(claims.get("roles", ())) & set(ROLES),
            person=claims.get("person"),
            units=tuple(claims.get("units", ())),
        )
    except (TypeError, ValueError) as error:
        raise Unauthenticated("the token is not valid; sign in again") from error
