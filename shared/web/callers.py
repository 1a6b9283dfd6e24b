"""Dependencies that say who is calling a route, and refuse who may not."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from shared.kernel.errors import Denied, Unauthenticated, sentence
from shared.web.scope import Caller, Scope
from shared.web.tokens import Tokens


async def caller(request: Request) -> Caller:
    """Whoever the bearer token names.

    Raises:
        Unauthenticated: there is no valid one.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("sign in first: this needs the header `Authorization: Bearer <token>`")
    tokens: Tokens = request.app.state.tokens
    return tokens.read(token.strip(), now=request.app.state.clock.now())


CurrentCaller = Annotated[Caller, Depends(caller)]


async def _scope(who: CurrentCaller) -> Scope:
    return who.scope


CurrentScope = Annotated[Scope, Depends(_scope)]
"""What the caller may see: hand it to every query."""


def needs(*roles: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets only these roles pass; a super admin always does."""

    async def check(who: CurrentCaller) -> Caller:
        if not who.roles & {*roles, "super_admin"}:
            raise Denied(f"this needs the role {sentence(list(roles), 'or') or 'super_admin'}; you are {_said(who)}")
        return who

    return check


def _said(who: Caller) -> str:
    return sentence(sorted(who.roles)) or "without a role"


HR = Annotated[Caller, Depends(needs("hr"))]
"""HR staff or a super admin."""
