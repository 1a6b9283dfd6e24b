"""Each service says how it is; the whole says what is away, and that it is back."""

import signal
import time

import httpx
import pytest

from tests.acceptance.conftest import Starting
from tests.acceptance.shapes import Compose, Embedded, System, until

REPOSITORY_DOCS = ("/docs", "/openapi.json")


def test_every_service_is_live_and_ready(system: System) -> None:
    for url in system.urls.values() if isinstance(system, Compose) else [system.url]:
        live = httpx.get(f"{url}/health/live", trust_env=False)
        assert (live.status_code, live.json()["status"]) == (200, "ok")
        ready = httpx.get(f"{url}/health/ready", trust_env=False)
        assert (ready.status_code, ready.json()["status"]) == (200, "ok")
        assert set(ready.json()["checks"].values()) == {"ok"}
        assert "python_info" in httpx.get(f"{url}/metrics", trust_env=False).text or url == system.url


def test_the_whole_is_ready_only_with_its_parts(system: System) -> None:
    checks = httpx.get(f"{system.url}/health/ready", trust_env=False).json()["checks"]
    assert {"database", "bus", "ingest", "attendance"} <= set(checks)


@pytest.mark.parametrize("path", ["/", *REPOSITORY_DOCS])
def test_the_page_and_the_docs_are_there_without_signing_in(system: System, path: str) -> None:
    answer = httpx.get(f"{system.url}{path}", trust_env=False, follow_redirects=True)
    assert answer.status_code == 200
    assert "https://" not in answer.text.replace("https://hr.example.com", "").partition("<body")[0], "from elsewhere"


def test_a_frozen_database_stops_no_answer_and_is_told(start: Starting) -> None:
    system = start("embedded")
    assert isinstance(system, Embedded)
    assert system.token(), "later nobody can sign in"
    system.kill("postgres", signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert httpx.get(f"{system.url}/health/live", timeout=2, trust_env=False).status_code == 200
        ready = httpx.get(f"{system.url}/health/ready", timeout=10, trust_env=False)
        assert time.monotonic() - began < 4
        assert ready.status_code == 503
        assert ready.json()["checks"]["database"] != "ok"
        began = time.monotonic()
        asked = system.admin.call("GET", "/api/attendance/statistics/", timeout=30)
        assert asked.status_code == 503
        assert time.monotonic() - began < 15
    finally:
        system.kill("postgres", signal.SIGCONT)
    until(system.is_ready, "it is ready again", within=60)
    assert system.admin.call("GET", "/api/attendance/statistics/").status_code == 200
