"""The state of reports, over HTTP."""

from datetime import date, timedelta

import pytest

from shared.runtime.peers import connect_peers
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.fakes.clock import FakeClock
from tests.fakes.events import day, deliveries, message, person
from tests.reports.conftest import SECRET


@pytest.fixture
async def client(service):
    async with connect_peers({"reports": service.app}, {}) as peers:
        peers.base_url = "http://reports"
        yield peers


def as_(*roles: str, **facts) -> dict[str, str]:
    who = Caller(user=1, username="x", roles=frozenset(roles), **facts)
    return {"authorization": f"Bearer {Tokens(SECRET).sign(who, now=FakeClock().now(), lasts=timedelta(hours=1))}"}


async def fill(service) -> None:
    facts, people = service.subscriptions
    await people.handle(deliveries(message(person(1, unit_path=[5]), person(2, unit_path=[6]))))
    days = [day(n, date(2024, 1, d), unit_path=[4 + n]) for n in (1, 2) for d in range(1, 11)]
    await facts.handle(deliveries(message(*days, day(1, date(2022, 5, 5), unit_path=[5]))))


@pytest.mark.parametrize(
    ("headers", "people", "days"),
    [
        (as_("hr"), 2, 20),
        (as_("department_head", units=(5,)), 1, 10),
        (as_("department_head", units=(5,), person=2), 2, 20),
        (as_("employee", person=2), 1, 10),
        (as_("employee"), 0, 0),
    ],
    ids=["hr", "head of 5", "head of 5, and oneself", "own", "no person"],
)
async def test_a_caller_is_told_of_as_much_as_they_may_see(client, service, headers, people, days):
    await fill(service)
    body = (await client.get("/api/reports/status/", headers=headers)).json()
    assert (body["people"], body["days_of_last_month"], body["waiting"]) == (people, days, 0)
    assert body["last_day"] == ("2024-01-10" if days else None)


async def test_days_that_are_no_more_are_not_counted_whatever_comes_late(client, service):
    await fill(service)
    facts = service.subscriptions[0]
    gone = [day(n, date(2024, 1, 10), n=3, status="", removed=True) for n in (1, 2)]
    await facts.handle(deliveries(message(*gone, day(1, date(2024, 1, 10), n=2))))
    body = (await client.get("/api/reports/status/", headers=as_("hr"))).json()
    assert (body["last_day"], body["days_of_last_month"]) == ("2024-01-09", 18)


async def test_without_any_facts_it_says_so(client):
    body = (await client.get("/api/reports/status/", headers=as_("hr"))).json()
    assert (body["last_day"], body["days_of_last_month"], body["computed_at"]) == (None, 0, None)


async def test_nobody_gets_in_without_a_token_and_a_parameter_that_does_not_exist_is_named(client):
    assert (await client.get("/api/reports/status/")).status_code == 401
    response = await client.get("/api/reports/status/?x=7", headers=as_("hr"))
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "x")


async def test_it_is_ready_with_a_database(client):
    assert (await client.get("/health/ready")).json()["checks"] == {"database": "ok", "bus": "ok"}
