"""The people of a BioStar server, a part at a time, without what nobody should know."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.ingest.application.drivers import (
    Garbled,
    MachineTrouble,
    NotOffered,
    NotSetUp,
    Unreachable,
    WrongCredentials,
)
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.suprema.driver import Suprema
from services.ingest.vendors.suprema.simulator import Faults, Person, Store, simulator
from services.ingest.vendors.suprema.users import user_of
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.listing import SECRET, users_told
from tests.ingest.vendors.suprema.contact import following, machine, store

ROW = {"user_id": "007", "name": "Asha", "pin": SECRET, "card_count": "1", "cards": [{"id": "1", "card_id": "4711"}]}


@pytest.mark.parametrize(
    ("row", "read"),
    [
        (ROW, MachineUser(badge="007", name="Asha", card="4711")),
        ({**ROW, "user_id": 7}, MachineUser(badge="7", name="Asha", card="4711")),
        ({**ROW, "permission": {"id": "1"}}, MachineUser(badge="007", name="Asha", is_admin=True, card="4711")),
        ({**ROW, "permission": {"id": "4"}}, MachineUser(badge="007", name="Asha", card="4711")),
        ({**ROW, "cards": [None, {"id": "1"}, {"card_id": "8"}]}, MachineUser(badge="007", name="Asha", card="8")),
        ({"user_id": "007", "cards": "none"}, MachineUser(badge="007")),
        ({**ROW, "user_id": "0"}, None),
        ({"name": "Asha"}, None),
    ],
    ids=["usual", "a number", "administrator", "another role", "odd cards", "nothing else", "0", "nobody"],
)
def test_a_row_is_read(row: Mapping[str, Any], read: MachineUser | None) -> None:
    user = user_of(row)
    assert user == read
    assert SECRET not in repr(user)


def populated(people: int = 450) -> Store:
    made = store(0)
    for number in range(people):
        made.enrol(Person(number=str(1000 + number), name=f"User {number}", pin=SECRET, cards=(f"9{number}",)))
    return made


@pytest.mark.parametrize("people", [0, 199, 399, 450])
async def test_people_are_listed_in_parts(people: int) -> None:
    """Beside them there is the server's own administrator."""
    async with simulator(populated(people)) as running:
        users = await users_told(Suprema(SystemClock()), machine(running.port))
        assert running.answered["/api/users"] == (people + 1) // 200 + 1
        await until(lambda: not running.connections)
    assert [user.badge for user in users] == ["1", *(str(1000 + number) for number in range(people))]
    assert [user.badge for user in users if user.is_admin] == ["1"]
    assert all(user.card for user in users[1:])
    assert SECRET not in repr(users)


@pytest.mark.parametrize(
    ("faults", "of", "kind", "sentence"),
    [
        (Faults(no_users=True), {}, NotOffered, "does not tell who its users are: Bad request"),
        (Faults(ignores_offset=True), {}, Garbled, "the same people again and again"),
        (Faults(silent=1), {}, Unreachable, "does not answer /api/users within"),
        (Faults(forbidden=True), {}, WrongCredentials, "does not let our user 'admin' ask"),
        (Faults(), {"config": {"password": "wrong"}}, WrongCredentials, "refuses our user"),
        (Faults(), {"config": {"password": ""}}, NotSetUp, "has no password"),
    ],
    ids=["not told", "the same part", "silence", "not allowed", "a wrong password", "no password"],
)
async def test_where_they_cannot_be_had_a_sentence_says_why(
    faults: Faults, of: dict[str, Any], kind: type[MachineTrouble], sentence: str
) -> None:
    async with simulator(populated(), faults=faults) as running:
        with pytest.raises(kind, match=sentence) as refused:
            await users_told(Suprema(SystemClock()), machine(running.port, **of))
        assert refused.value.evidence == b""


async def test_a_contact_goes_on_while_users_are_listed_and_shares_its_login() -> None:
    held, driver = populated(), Suprema(SystemClock())
    async with simulator(held) as running, following(machine(running.port), driver) as what:
        await until(lambda: what.caught_up and running.listeners)
        assert len(await users_told(driver, machine(running.port))) == 451
        await running.scan("1001")
        await until(lambda: what.live)
        assert (what.trouble, held.logins) == (None, 1)


async def test_a_session_that_has_expired_is_begun_anew_in_the_middle_of_a_list() -> None:
    async with simulator(populated(), faults=Faults(expires=2)) as running:
        assert len(await users_told(Suprema(SystemClock()), machine(running.port))) == 451
        assert running.store.logins == 2
