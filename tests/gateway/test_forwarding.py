"""Requests pass through to the services behind, in this process and over a wire."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from services.gateway.api import forwarding
from services.gateway.wiring import HISTORY
from shared.runtime.serving import served
from tests.gateway.fakes import Gateway, Seen, fake_attendance, fake_ingest, running_gateway, until
from tests.gateway.live_clients import listening


@asynccontextmanager
async def in_process(url: str) -> AsyncIterator[Gateway]:
    async with running_gateway(url) as gateway:
        yield gateway


@asynccontextmanager
async def over_a_wire(url: str) -> AsyncIterator[Gateway]:
    async with (
        served(fake_attendance(), host="127.0.0.1", port=0) as attendance,
        served(fake_ingest(), host="127.0.0.1", port=0) as ingest,
    ):
        remote = {"attendance": f"http://127.0.0.1:{attendance}", "ingest": f"http://127.0.0.1:{ingest}"}
        async with running_gateway(url, local={}, remote=remote) as gateway:
            yield gateway


@pytest.fixture(params=[in_process, over_a_wire], ids=["in process", "over a wire"])
async def gateway(request: pytest.FixtureRequest, migrated: Callable[..., str]) -> AsyncIterator[Gateway]:
    async with request.param(migrated(HISTORY)) as running:
        yield running


@pytest.fixture
async def admin(gateway: Gateway) -> dict[str, str]:
    return await gateway.bearer()


async def test_method_path_query_and_body_arrive_as_they_were_sent(gateway: Gateway, admin: dict[str, str]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await gateway.http.request(
            method, "/api/attendance/echo/a%20b/ü/?x=1&x=2&y=%2F", content=b"\x00body\xff", headers=admin
        )
        said = answer.json()
        assert (said["method"], said["path"]) == (method, "/api/attendance/echo/a b/ü/")
        assert said["query"] == "x=1&x=2&y=%2F"
        assert said["body"].encode("latin-1") == b"\x00body\xff"


async def test_headers_that_matter_pass_both_ways_and_those_of_the_hop_do_not(
    gateway: Gateway, admin: dict[str, str]
) -> None:
    sent = {
        **admin,
        "X-Request-ID": "abc-1",
        "If-Match": '"1"',
        "If-None-Match": '"2"',
        "Idempotency-Key": "k",
        "Range": "bytes=0-1",
        "Accept-Language": "bn",
        "Cookie": "muster_access=x; other=1",
        "Connection": "X-Mine",
        "X-Mine": "1",
        "TE": "trailers",
        "X-Forwarded-For": "192.0.2.9",  # counts, because a proxy on this machine may say it
        "Proxy-Authorization": "Basic x",
    }
    answer = await gateway.http.get("/api/attendance/echo/x/", headers=sent)
    heard = answer.json()["headers"]
    for name in ("Authorization", "X-Request-ID", "If-Match", "If-None-Match", "Idempotency-Key", "Range"):
        assert heard[name.lower()] == sent[name]
    assert heard["accept-language"] == "bn"
    assert heard["x-forwarded-for"] == "192.0.2.9"
    assert not {"cookie", "x-mine", "te", "proxy-authorization", "transfer-encoding"} & set(heard)
    assert answer.headers["x-total-count"] == "3"
    assert answer.headers["link"] == '</next>; rel="next"'
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["x-request-id"] == "abc-1"
    assert "x-hop" not in answer.headers
    assert len(answer.headers.get_list("date")) == 1


async def test_a_head_has_no_body(gateway: Gateway, admin: dict[str, str]) -> None:
    answer = await gateway.http.head("/api/attendance/echo/x/", headers=admin)
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize(
    "path", ["/api/attendance/system-status", "/api/attendance/daily-attendance/summary?date=2024-01-15"]
)
async def test_a_missing_slash_is_tolerated_without_a_redirect(
    gateway: Gateway, admin: dict[str, str], path: str
) -> None:
    assert (await gateway.http.get(path, headers=admin)).status_code == 200


async def test_a_redirect_never_tells_what_a_service_is_called_inside(gateway: Gateway, admin: dict[str, str]) -> None:
    answer = await gateway.http.get("/api/attendance/no-slash/?x=1", headers=admin)
    assert (answer.status_code, answer.headers["location"]) == (307, "/api/attendance/no-slash?x=1")


async def test_a_large_body_streams_through(gateway: Gateway, admin: dict[str, str]) -> None:
    async def megabytes() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 2**18

    answer = await gateway.http.post("/api/attendance/count/", content=megabytes(), headers=admin)
    assert answer.json()["size"] == 2**24
    assert answer.json()["chunks"] > 32


async def test_an_answer_is_passed_on_before_it_is_complete(gateway: Gateway, admin: dict[str, str]) -> None:
    async with asyncio.timeout(5), gateway.http.stream("GET", "/api/attendance/drip/", headers=admin) as answer:
        assert await anext(answer.aiter_bytes()) == b"first"


async def test_a_service_that_does_not_answer_is_a_504_that_names_it(
    gateway: Gateway, admin: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "ANSWER_WITHIN", 0.3)
    answer = await gateway.http.get("/api/attendance/stuck/", headers=admin)
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"
    assert "attendance" in answer.json()["error"]
    assert answer.headers["retry-after"]


async def test_a_bug_behind_is_a_500_and_the_next_request_works(gateway: Gateway, admin: dict[str, str]) -> None:
    assert (await gateway.http.get("/api/attendance/bug/", headers=admin)).status_code == 500
    assert (await gateway.http.get("/api/attendance/echo/x/", headers=admin)).status_code == 200


async def test_a_client_that_leaves_is_not_waited_for(gateway: Gateway, admin: dict[str, str]) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await gateway.http.get("/api/attendance/stuck/", headers=admin, timeout=0.2)
    assert (await gateway.http.get("/api/attendance/echo/x/", headers=admin)).status_code == 200


@pytest.mark.parametrize("path", ["/api/leave/policies/", "/api/attendance/leave-requests/", "/api/reports/runs/"])
async def test_a_service_that_is_not_there_is_a_503_that_names_it(
    gateway: Gateway, admin: dict[str, str], path: str
) -> None:
    answer = await gateway.http.get(path, headers=admin)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert ("reports" if "reports" in path else "leave") in answer.json()["error"]


async def test_a_service_that_goes_away_and_comes_back(migrated: Any) -> None:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    async with running_gateway(
        migrated(HISTORY), local={"ingest": fake_ingest()}, remote={"attendance": f"http://127.0.0.1:{port}"}
    ) as gateway:
        admin = await gateway.bearer()
        away = await gateway.http.get("/api/attendance/echo/x/", headers=admin)
        assert away.status_code == 503
        ready = await gateway.http.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["checks"]["attendance"] != "ok"
        seen = Seen()
        async with served(fake_attendance(seen), host="127.0.0.1", port=port):
            assert (await gateway.http.get("/api/attendance/echo/x/", headers=admin)).status_code == 200
            assert (await gateway.http.get("/health/ready")).status_code == 200
        assert (await gateway.http.get("/api/attendance/echo/x/", headers=admin)).status_code == 503
        assert len(seen.requests) == 1


async def test_the_state_of_the_system_names_every_service_and_counts_live_clients(
    gateway: Gateway, admin: dict[str, str]
) -> None:
    async def said() -> dict[str, Any]:
        status: dict[str, Any] = (await gateway.http.get("/api/attendance/system-status/", headers=admin)).json()
        return {**status, "services": {entry["name"]: entry["status"] for entry in status["services"]}}

    async def leave_is_known_to_be_away() -> bool:
        return bool((await said())["services"]["leave"] == "away")

    await until(leave_is_known_to_be_away)
    async with listening(gateway, admin["Authorization"].removeprefix("Bearer ")):
        status = await said()
    assert status["business_date"] == "2024-01-15"
    assert status["total_clients"] == 1
    assert status["services"] == {
        "ingest": "ok", "attendance": "ok", "leave": "away", "reports": "away", "gateway": "ok"
    }  # fmt: skip


async def test_the_documents_of_all_services_become_one(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()
    assert document["info"]["title"] == "Muster"
    assert set(document["info"]["x-missing"]) == {"leave", "reports"}
    assert {"/api/auth/token/", "/api/attendance/system-status/", "/api/attendance/machines/"} <= set(document["paths"])
    assert document["components"]["securitySchemes"]
    signing_in = document["paths"]["/api/auth/token/"]["post"]
    assert signing_in["security"] == []
    assert "application/problem+json" in signing_in["responses"]["default"]["content"]
    assert "422" not in signing_in["responses"]
    assert "security" not in document["paths"]["/api/attendance/machines/"]["get"]
    assert (await gateway.http.get("/docs")).headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "docs.js", "favicon.svg"):
        assert (await gateway.http.get(f"/docs/assets/{name}")).status_code == 200
