"""How far each role sees, and what a caller must not be able to make of it."""

import pytest

from shared.web.scope import ROLES, Caller, Scope


def caller(*roles: str, **facts) -> Caller:
    return Caller(user=1, username="x", roles=frozenset(roles), **facts)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (caller("super_admin"), Scope(reach="all")),
        (caller("hr", person=5), Scope(reach="all", person=5)),
        (caller("hr", "department_head", "employee", person=5, units=(3,)), Scope(reach="all", person=5)),
        (caller("department_head", person=5, units=(3, 4)), Scope(reach="units", units=(3, 4), person=5)),
        (caller("department_head"), Scope(reach="units", units=())),
        (caller("department_head", "trainer", person=5, units=(3,)), Scope(reach="units", units=(3,), person=5)),
        (caller("trainer", "employee", person=5), Scope(reach="sessions", person=5)),
        (caller("employee", person=5), Scope(reach="own", person=5)),
        (caller(person=5), Scope(reach="own", person=5)),
        (caller("employee"), Scope(reach="none")),
        (caller("device"), Scope(reach="none")),
        (caller(), Scope(reach="none")),
        (caller("employee", units=(3,)), Scope(reach="none")),
    ],
    ids=lambda value: "+".join(sorted(value.roles)) or "nobody" if isinstance(value, Caller) else value.reach,
)
def test_the_widest_role_decides(who, expected):
    assert who.scope == expected


def test_units_count_only_for_a_head():
    assert caller("employee", "trainer", person=5, units=(1, 2, 3)).scope.units == ()


def test_a_person_whose_number_is_zero_is_somebody():
    assert caller("employee", person=0).scope == Scope(reach="own", person=0)


def test_work_on_nobodys_behalf_sees_everything():
    assert Scope.everything() == Scope(reach="all")


@pytest.mark.parametrize("role", ROLES)
def test_no_role_alone_reaches_further_than_the_table_says(role):
    everyone = {"super_admin": "all", "hr": "all", "department_head": "units", "trainer": "sessions"}
    assert caller(role).scope.reach == everyone.get(role, "none")
