"""`/api/users/`: for super admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.gateway.api.models import NewUser, UserChange, said
from services.gateway.application.users import Change, Users
from services.gateway.application.withdrawals import Withdrawals
from services.gateway.domain.accounts import User, username_key
from shared.kernel.errors import Stale
from shared.web.callers import needs
from shared.web.idempotency import Answer, key_of
from shared.web.lists import answer, described, json_response, window
from shared.web.scope import Caller

ORDERS = {"id": (int, int), "username": (str, int)}
"""What the list may be ordered by, and what its cursors are made of."""

Administrator = Annotated[Caller, Depends(needs())]


def user_routes(users: Users, withdrawals: Withdrawals) -> APIRouter:
    """The routes of `/api/users/`."""
    router = APIRouter(prefix="/api/users", tags=["users"])

    @router.get(
        "/",
        summary="Users; only for super admins, as are all of these",
        openapi_extra=described({}, a_list=True),
    )
    async def list_users(_who: Administrator, request: Request) -> Response:
        asked = window(request, filters=(), orders=ORDERS, default="username", limit=1000)
        listed = await users.list(
            search=asked.search,
            order=asked.order,
            descending=asked.descending,
            limit=asked.limit + 1,
            offset=asked.offset or 0,
            after=asked.after,
        )
        shown = listed.users[: asked.limit]
        more = len(listed.users) > asked.limit
        return answer(
            request,
            [said(user) for user in shown],
            asked,
            total=listed.total,
            next_after=_place(shown[-1], asked.order) if more else None,
        )

    @router.post("/", summary="Make a user", status_code=201)
    async def create(who: Administrator, body: NewUser, request: Request) -> Response:
        key = key_of(
            request.headers.get("idempotency-key"),
            caller=who.user,
            method="POST",
            path=request.url.path,
            # Not the password: the digest that is kept of this is a quick one.
            body=body.model_dump_json(exclude={"password"}).encode(),
        )
        draft = await users.draft(body.username, body.password, roles=body.roles, units=body.units, person=body.person)
        async with users.transaction() as accounts:
            if key is not None and (before := await accounts.earlier_answer(key)) is not None:
                return Response(before.body, before.status, media_type="application/json")
            user = await users.add(accounts, draft, by=who.user)
            response = _one(user, status=201, headers={"Location": f"/api/users/{user.id}/"})
            if key is not None:
                await accounts.keep_answer(key, Answer(201, bytes(response.body)))
        return response

    @router.get("/{user_id}/", summary="One user")
    async def read(_who: Administrator, user_id: int) -> Response:
        return _one(await users.get(user_id))

    @router.patch("/{user_id}/", summary="Change roles, units, person, password, or whether the user may sign in")
    @router.put("/{user_id}/", summary="Change a user; the same as PATCH")
    async def change(who: Administrator, user_id: int, body: UserChange, request: Request) -> Response:
        wanted = Change(
            roles=body.roles,
            units=body.units,
            person=(body.person,) if "person" in body.model_fields_set else None,
            active=body.is_active,
            password=body.password,
        )
        changed = await users.change(user_id, wanted, by=who.user, expected_n=_expected(request))
        withdrawals.look_again()
        return _one(changed)

    return router


def _one(user: User, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_response(said(user), status=status, headers={**(headers or {}), "ETag": f'"{user.n}"'})


def _place(user: User, order: str) -> tuple[str | int, int]:
    return (username_key(user.username) if order == "username" else user.id), user.id


def _expected(request: Request) -> int | None:
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    text = given.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Stale("the If-Match header is none that a user ever had; read it again")
    return int(text)
