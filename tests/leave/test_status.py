"""The state of leave, over HTTP."""

from datetime import timedelta

import pytest

from services.leave.settings import Settings
from services.leave.wiring import build
from shared.runtime.peers import connect_peers
from shared.storage.database import Database
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.fakes.bus import FakeBus
from tests.fakes.clock import FakeClock
from tests.fakes.events import deliveries, message, person
from tests.leave.conftest import SECRET

CLOCK = FakeClock()


@pytest.fixture
async def client(service):
    async with connect_peers({"leave": service.app}, {}) as peers:
        peers.base_url = "http://leave"
        yield peers


def as_(*roles: str, **facts) -> dict[str, str]:
    who = Caller(user=1, username="x", roles=frozenset(roles), **facts)
    return {"authorization": f"Bearer {Tokens(SECRET).sign(who, now=CLOCK.now(), lasts=timedelta(hours=1))}"}


@pytest.mark.parametrize(
    ("headers", "people"),
    [
        (as_("hr"), 4),
        (as_("super_admin"), 4),
        (as_("department_head", units=(5,)), 2),
        (as_("department_head", units=(1,)), 3),
        (as_("department_head", units=(5,), person=9), 3),
        (as_("department_head", units=(99,)), 0),
        (as_("employee", person=9), 1),
        (as_("trainer", person=9), 1),
        (as_("employee"), 0),
        (as_("device", person=None), 0),
    ],
    ids=["hr", "admin", "head of 5", "head of 1", "head of 5, and oneself", "head of nothing", "own", "trainer",
         "no person", "device"],
)  # fmt: skip
async def test_a_caller_is_told_of_as_many_people_as_they_may_see(client, service, headers, people):
    everybody = [
        person(1, unit_path=[5, 1]),
        person(2, unit_path=[5, 1]),
        person(3, unit_path=[6, 1]),
        person(9, unit_path=[]),
        person(10, removed=True),
    ]
    await service.subscriptions[0].handle(deliveries(message(*everybody)))
    response = await client.get("/api/leave/status/", headers=headers)
    assert response.status_code == 200
    assert response.json() == {"service": "leave", "people": people, "people_who_left": 0, "waiting": 0}


async def test_nobody_gets_in_without_a_token(client):
    assert (await client.get("/api/leave/status/")).status_code == 401


async def test_a_parameter_that_does_not_exist_is_named(client):
    response = await client.get("/api/leave/status/?people=7", headers=as_("hr"))
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "people")


async def test_it_is_ready_with_a_database_and_says_what_is_away_without_one(client):
    assert (await client.get("/health/ready")).status_code == 200
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing", schema="leave")
    async with connect_peers({}, {}) as peers:
        alone = build(Settings(), database=nowhere, bus=FakeBus(), peers=peers, clock=CLOCK, tokens=Tokens(SECRET))
    async with connect_peers({"leave": alone.app}, {}) as peers:
        response = await peers.get("http://leave/health/ready")
        assert response.status_code == 503
        assert response.json()["checks"]["bus"] == "ok"
        assert "database is away" in response.json()["checks"]["database"]
        status = await peers.get("http://leave/api/leave/status/", headers=as_("hr"))
        assert (status.status_code, "retry-after" in status.headers) == (503, True)
