import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.audience import EVERYONE, OVERSEERS, Audience, about, may_see
from services.gateway.live.client import Client
from services.gateway.live.hub import Hub
from shared.web.scope import ROLES, Caller, Scope

ANN = about(1, (11, 10))
"""A person in unit 11, which is below 10."""


@pytest.mark.parametrize(
    ("role", "person", "units", "everyone", "overseers", "ann"),
    [
        ("super_admin", None, (), True, True, True),
        ("hr", None, (), True, True, True),
        ("department_head", None, (10,), True, False, True),
        ("department_head", None, (11,), True, False, True),
        ("department_head", None, (12,), True, False, False),
        ("department_head", 1, (), True, False, True),
        ("trainer", 1, (10,), True, False, True),
        ("trainer", 2, (10,), True, False, False),
        ("employee", 1, (), True, False, True),
        ("employee", 2, (10,), True, False, False),
        ("employee", None, (), True, False, False),
        ("device", None, (), True, False, False),
    ],
)
def test_each_role_sees_what_it_may(
    role: str, person: int | None, units: tuple[int, ...], everyone: bool, overseers: bool, ann: bool
) -> None:
    scope = Caller(user=9, username="x", roles=frozenset({role}), person=person, units=units).scope
    assert [may_see(scope, audience) for audience in (EVERYONE, OVERSEERS, ANN)] == [everyone, overseers, ann]


def test_somebody_without_a_person_does_not_see_what_is_about_nobody() -> None:
    assert not may_see(Scope(reach="units", units=(1,)), Audience(kind="person"))


numbers = st.integers(1, 4)
scopes = st.builds(
    lambda roles, person, units: Caller(user=1, username="x", roles=roles, person=person, units=tuple(units)).scope,
    st.frozensets(st.sampled_from(ROLES), max_size=2),
    st.none() | numbers,
    st.lists(numbers, max_size=3),
)
audiences = st.sampled_from([EVERYONE, OVERSEERS]) | st.builds(about, numbers, st.lists(numbers, max_size=3))


async def _nowhere(_message: object) -> None:
    return


@given(st.lists(scopes, max_size=8), audiences)
def test_the_hub_finds_exactly_those_who_may_see(who: list[Scope], audience: Audience) -> None:
    hub = Hub(most=100)
    clients = [Client(_nowhere, scope, None, resync=str) for scope in who]
    for client in clients:
        hub.join(client)
    assert set(hub.listeners(audience)) == {client for client in clients if may_see(client.scope, audience)}
    for client in clients:
        hub.part(client)
    assert not hub.listeners(audience)
    assert not hub._filed
