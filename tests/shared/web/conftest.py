"""An application as services make theirs, and a client that talks to it over the local transport."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel

from shared.kernel import errors
from shared.runtime.peers import connect_peers
from shared.web.application import create_app
from shared.web.callers import HR, CurrentCaller, CurrentScope
from shared.web.lists import answer, json_response, window
from shared.web.scope import Caller
from shared.web.tokens import Tokens

SECRET = "a secret of the installation, for tests alone"


class Still:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.present = datetime(2024, 1, 15, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return self.present


@pytest.fixture
def clock() -> Still:
    return Still()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET)


def someone(**facts: Any) -> Caller:
    return Caller(**{"user": 7, "username": "zoe", "roles": frozenset({"hr"}), **facts})


@pytest.fixture
def signed(tokens: Tokens, clock: Still):
    """`signed(roles={"hr"})` is the header of a caller."""

    def sign(**facts: Any) -> dict[str, str]:
        token = tokens.sign(someone(**facts), now=clock.now(), lasts=timedelta(minutes=15))
        return {"authorization": f"Bearer {token}"}

    return sign


class Booking(BaseModel):
    name: str
    days: int


ITEMS = [{"id": number, "name": f"item {number:02}"} for number in range(1, 46)]


def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/raise/{name}")
    async def fails(name: str) -> None:
        if name == "bug":
            raise ZeroDivisionError("division by zero, and a password: hunter2")
        raise getattr(errors, name)("what is wrong, in a sentence", fields={"month": "13 is not a month"})

    @router.get("/raise-later/{seconds}")
    async def waits(seconds: float) -> None:
        raise errors.TooMany("slow down", retry_after=seconds)

    @router.get("/me")
    async def me(who: CurrentCaller, scope: CurrentScope) -> Response:
        return json_response({"user": who.user, "roles": sorted(who.roles), "reach": scope.reach})

    @router.get("/hr")
    async def hr(who: HR) -> Response:
        return json_response({"user": who.user})

    @router.post("/bookings")
    async def book(booking: Booking) -> Response:
        return json_response(booking.model_dump(), status=201)

    @router.get("/items/")
    async def items(request: Request) -> Response:
        asked = window(request, filters=["status"], orders={"id": (int,), "name": (str,)}, default="-id", limit=10)
        found = sorted(ITEMS, key=lambda item: item[asked.order], reverse=asked.descending)
        if asked.search:
            found = [item for item in found if asked.search in item["name"]]
        total = len(found)
        if asked.after:
            key = (asked.after[0],)
            found = [i for i in found if ((i[asked.order],) < key) == asked.descending and (i[asked.order],) != key]
        start = asked.offset or 0
        part = found[start : start + asked.limit]
        more = len(found) > start + len(part)
        return answer(request, part, asked, total=total, next_after=(part[-1][asked.order],) if more else None)

    return router


@pytest.fixture
def checks() -> dict[str, Any]:
    return {}


@pytest.fixture
def app(tokens: Tokens, clock: Still, checks: dict[str, Any]) -> FastAPI:
    return create_app("tried", routers=[routes()], tokens=tokens, clock=clock, checks=checks)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with connect_peers({"tried": app}, {}) as peers:
        peers.base_url = "http://tried"
        yield peers
