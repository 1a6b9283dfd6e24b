"""Nothing is reached without a valid token, and what is reached with which."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from starlette.routing import BaseRoute, Mount

from services.gateway.api.cookies import ACCESS
from services.gateway.api.gate import KEYED, OPEN, OPEN_BELOW
from services.gateway.domain.routing import ROUTES
from services.gateway.settings import Settings
from services.gateway.wiring import HISTORY
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.gateway.fakes import PASSWORD, SECRET, Gateway, running_gateway

FOR_EVERYBODY = {
    "/",
    "/favicon.ico",
    "/console/{name}",
    "/docs",
    "/docs/",
    "/docs/assets/{name}",
    "/openapi.json",
    "/health/live",
    "/health/ready",
    "/api/auth/token/",
    "/api/auth/token/refresh/",
    "/api/auth/login/",
    "/api/auth/refresh/",
}


def _paths(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if isinstance(route, Mount) or (inner and not hasattr(route, "path")):
            yield from _paths(list(inner or ()), prefix + getattr(route, "path", ""))
        else:
            yield prefix + route.path  # type: ignore[attr-defined]


async def test_every_route_but_the_listed_ones_is_closed(gateway: Gateway) -> None:
    paths = sorted(set(_paths(gateway.service.app.routes)) - {"/ws"})  # type: ignore[attr-defined]
    assert {"/api/auth/me/", "/api/users/{user_id}/", "/api/attendance/{rest:path}", "/metrics"} <= set(paths)
    assert set(paths) >= FOR_EVERYBODY
    for path in set(paths) - FOR_EVERYBODY:
        asked = path.replace("{user_id}", "1").replace("{rest:path}", "x/")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
            answer = await gateway.http.request(method, asked)
            assert answer.status_code == 401, f"{method} {asked}: {answer.status_code}"
            if method != "HEAD":
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["error"]
                assert answer.json()["request_id"] == answer.headers["x-request-id"]
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_open_is_only_what_the_list_of_routes_says(gateway: Gateway) -> None:
    assert {path for path in FOR_EVERYBODY if "{" not in path} == OPEN
    assert OPEN_BELOW == ("/console/", "/docs/assets/")
    for path in ("/console/../wiring.py", "/console/%2e%2e/wiring.py", "/docs/assets/..%2f..%2fsettings.py"):
        assert (await gateway.http.get(path)).status_code in (401, 404)


@pytest.mark.parametrize("prefix", [prefix for prefix, _ in ROUTES])
async def test_a_path_that_leads_nowhere_says_nothing_to_strangers(gateway: Gateway, prefix: str) -> None:
    assert (await gateway.http.get(f"{prefix}nowhere/")).status_code == 401


async def test_scans_of_other_systems_pass_with_the_key_that_only_ingest_knows(gateway: Gateway) -> None:
    assert {"/api/ingest/scans/"} == KEYED
    for path, header, key in (
        ("/api/ingest/scans/", "authorization", "Bearer a-key-that-is-no-token"),
        ("/api/ingest/scans", "x-api-key", "another"),
    ):
        answer = await gateway.http.post(path, json=[], headers={header: key, "cookie": f"{ACCESS}=a-token"})
        assert answer.json()["headers"][header] == key
        assert "cookie" not in answer.json()["headers"]
        assert header == "authorization" or "authorization" not in answer.json()["headers"]
    for path in ("/api/ingest/scans/x/", "/api/ingest/pending-machines/"):
        assert (await gateway.http.post(path, headers={"authorization": "Bearer a-key"})).status_code == 401


def _forged(**changed: Any) -> dict[str, Any]:
    claims = {
        "iss": "muster", "aud": "muster", "typ": "access", "sub": "1", "iat": 1700000000, "exp": 4102444800, "jti": "",
        "username": "admin", "roles": ["super_admin"], "person": None, "units": [],
    }  # fmt: skip
    return {name: value for name, value in {**claims, **changed}.items() if value is not ...}


BAD_TOKENS = {
    "alg none": jwt.encode(_forged(), None, algorithm="none"),
    "another algorithm": jwt.encode(_forged(), SECRET * 2, algorithm="HS512"),
    "the same secret, another algorithm": jwt.encode(_forged(), SECRET, algorithm="HS384"),
    "another secret": jwt.encode(_forged(), "another secret that is long enough too", algorithm="HS256"),
    "a key that the token brings along": jwt.encode(
        _forged(), "k" * 32, algorithm="HS256", headers={"kid": "../../dev/null", "jwk": {"kty": "oct", "k": "a2s"}}
    ),
    "run out": jwt.encode(_forged(exp=1700000001), SECRET, algorithm="HS256"),
    "without an end": jwt.encode(_forged(exp=...), SECRET, algorithm="HS256"),
    "another audience": jwt.encode(_forged(aud="else"), SECRET, algorithm="HS256"),
    "no audience": jwt.encode(_forged(aud=...), SECRET, algorithm="HS256"),
    "another issuer": jwt.encode(_forged(iss="else"), SECRET, algorithm="HS256"),
    "a refresh token": jwt.encode(_forged(typ="refresh"), SECRET, algorithm="HS256"),
    "no type": jwt.encode(_forged(typ=...), SECRET, algorithm="HS256"),
    "rubbish": "rubbish",
    "two words": "a b",
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_bad_token_opens_nothing(gateway: Gateway, token: str) -> None:
    for path in ("/api/auth/me/", "/api/attendance/daily-attendance/summary/?date=2024-01-15"):
        answer = await gateway.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, answer.text


async def test_the_good_token_of_that_table_is_good(gateway: Gateway) -> None:
    token = jwt.encode(_forged(), SECRET, algorithm="HS256")
    answer = await gateway.http.get("/api/auth/me/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ({"super_admin"}, 200),
        ({"hr"}, 403),
        ({"department_head"}, 403),
        ({"trainer"}, 403),
        ({"employee"}, 403),
        ({"device"}, 403),
        (set(), 403),
    ],
)
async def test_users_are_for_super_admins(gateway: Gateway, roles: set[str], status: int) -> None:
    me = await gateway.users.list(search=None, order="id", descending=False, limit=1, offset=0, after=None)
    caller = Caller(user=0, username="x", roles=frozenset(roles))
    token = gateway.tokens.sign(caller, now=gateway.clock.now(), lasts=timedelta(minutes=1))
    headers = {"Authorization": f"Bearer {token}"}
    user = me.users[0].id
    for method, path in (("GET", "/api/users/"), ("GET", f"/api/users/{user}/")):
        assert (await gateway.http.request(method, path, headers=headers)).status_code == status
    changing = await gateway.http.patch(f"/api/users/{user}/", json={}, headers=headers)
    assert changing.status_code == status
    body = {"username": f"made{len(roles)}", "password": PASSWORD}
    making = await gateway.http.post("/api/users/", json=body, headers=headers)
    assert making.status_code == (201 if status == 200 else status)


@pytest.mark.parametrize(
    ("role", "status"),
    [("super_admin", 200), ("hr", 200), ("department_head", 403), ("trainer", 403), ("employee", 403), ("device", 403)],
)
async def test_figures_are_for_those_who_see_to_the_system(gateway: Gateway, role: str, status: int) -> None:
    caller = Caller(user=0, username="x", roles=frozenset({role}))
    token = gateway.tokens.sign(caller, now=gateway.clock.now(), lasts=timedelta(minutes=1))
    answer = await gateway.http.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, "python_info" in answer.text) == (status, status == 200)


class Browser:
    """Sends what a browser sends: a cookie, and where its page came from."""

    def __init__(self, gateway: Gateway, access: str) -> None:
        self._gateway = gateway
        # Cookies of other programs of the same host may look like anything.
        self._cookie = {"Cookie": f'odd[1]={{"a":"b"}}; =; {ACCESS}={access}; x'}

    async def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._gateway.http.request(method, path, headers={**self._cookie, **named})


async def test_a_cookie_is_enough_to_look_and_needs_a_page_of_ours_to_change(gateway: Gateway) -> None:
    browser = Browser(gateway, (await gateway.sign_in())["access"])
    own = gateway.url
    assert (await browser.ask("GET", "/api/auth/me/")).status_code == 200
    assert (await browser.ask("GET", "/api/attendance/echo/x/")).status_code == 200
    for origin in (None, "https://evil.example", "null", "http://127.0.0.1:1", own.replace("http", "ftp")):
        headers = {"origin": origin} if origin else {}
        for path in ("/api/attendance/echo/x/", "/api/auth/ticket/"):
            assert (await browser.ask("POST", path, **headers)).status_code == 403, origin
    assert (await browser.ask("POST", "/api/attendance/echo/x/", origin=own)).status_code == 200
    assert (await browser.ask("POST", "/api/auth/ticket/", origin=own)).status_code == 200


async def test_behind_the_gateway_a_cookie_has_become_an_authorization(gateway: Gateway) -> None:
    access = (await gateway.sign_in())["access"]
    heard = (await Browser(gateway, access).ask("GET", "/api/attendance/echo/x/")).json()["headers"]
    assert heard["authorization"] == f"Bearer {access}"
    assert "cookie" not in heard


async def test_only_configured_origins_may_read_answers(migrated: Any) -> None:
    settings = Settings(origins=("https://hr.example.com",))
    async with running_gateway(migrated(HISTORY), settings=settings) as gateway:
        asking = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        }
        ours = await gateway.http.options(
            "/api/attendance/echo/x/", headers={"Origin": "https://hr.example.com", **asking}
        )
        assert ours.status_code == 200
        assert ours.headers["access-control-allow-origin"] == "https://hr.example.com"
        assert ours.headers["access-control-allow-credentials"] == "true"
        theirs = await gateway.http.options(
            "/api/attendance/echo/x/", headers={"Origin": "https://evil.example", **asking}
        )
        assert "access-control-allow-origin" not in theirs.headers
        headers = {**(await gateway.bearer()), "Origin": "https://hr.example.com"}
        read = await gateway.http.get("/api/attendance/echo/x/", headers=headers)
        assert "X-Total-Count" in read.headers["access-control-expose-headers"]
        refused = await gateway.http.get("/api/auth/me/", headers={"Origin": "https://hr.example.com"})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://hr.example.com"


@pytest.mark.parametrize("origins", ["*", "hr.example.com", "https://a.example/path"])
def test_an_origin_has_to_be_one(origins: str) -> None:
    with pytest.raises(ValueError, match="MUSTER_ORIGINS"):
        Settings(origins=origins)  # type: ignore[arg-type]


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Tokens("short")
