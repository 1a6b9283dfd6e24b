"""The people of a terminal, a part at a time, with their cards and without what nobody should know."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.ingest.application.drivers import (
    Garbled,
    MachineTrouble,
    NotOffered,
    OtherMachine,
    Unreachable,
    WrongCredentials,
)
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.hikvision.simulator import Device, Faults, Person, Running, simulator
from services.ingest.vendors.hikvision.users import person_of
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import device, following, machine
from tests.ingest.vendors.listing import SECRET, users_told

ROW = {"employeeNo": "007", "name": "Asha", "localUIRight": False, "numOfCard": 1, "password": SECRET}
AS_READ = MachineUser(badge="007", name="Asha")


@pytest.mark.parametrize(
    ("row", "read"),
    [
        (ROW, AS_READ),
        ({**ROW, "employeeNo": 7}, MachineUser(badge="7", name="Asha")),
        ({**ROW, "localUIRight": True}, MachineUser(badge="007", name="Asha", is_admin=True)),
        ({**ROW, "localUIRight": "true"}, MachineUser(badge="007", name="Asha", is_admin=True)),
        ({"employeeNo": "007"}, MachineUser(badge="007")),
        ({**ROW, "employeeNo": " "}, None),
        ({"name": "Asha"}, None),
    ],
    ids=["usual", "a number", "administrator", "in XML", "nothing else", "blank", "nobody"],
)
def test_a_row_is_read(row: Mapping[str, Any], read: MachineUser | None) -> None:
    person = person_of(row)
    assert (person.with_card("") if person is not None else None) == read
    assert SECRET not in repr(person)


def populated(people: int = 95, **how: Any) -> Device:
    made = device(0, **how)
    for number in range(people):
        cards = tuple(f"{number:04}{card}" for card in range(number % 4))
        made.enrol(
            Person(number=f"{1000 + number}", name=f"User {number}", admin=number == 0, password=SECRET, cards=cards)
        )
    return made


def searches(running: Running, name: str) -> int:
    return sum(name in one.path and "authorization" in one.headers for one in running.received)


async def test_people_are_listed_in_parts_with_their_first_card() -> None:
    async with simulator(populated()) as running:
        users = await users_told(Hikvision(SystemClock()), machine(running.port))
        await until(lambda: not running.connections)
        assert (searches(running, "UserInfo/Search"), searches(running, "CardInfo/Search")) == (4, 7)
    assert [user.badge for user in users] == [str(1000 + number) for number in range(95)]
    assert users[0] == MachineUser(badge="1000", name="User 0", is_admin=True)
    assert users[5] == MachineUser(badge="1005", name="User 5", card="00050")
    assert SECRET not in repr(users)


async def test_where_cards_are_not_told_people_are_and_cards_are_asked_for_once() -> None:
    async with simulator(populated(), faults=Faults(no_cards=True)) as running:
        users = await users_told(Hikvision(SystemClock()), machine(running.port))
        assert searches(running, "CardInfo/Search") == 1
    assert (len(users), {user.card for user in users}) == (95, {""})


async def test_a_terminal_without_people_has_none() -> None:
    async with simulator(Device()) as running:
        assert await users_told(Hikvision(SystemClock()), machine(running.port)) == []


@pytest.mark.parametrize(
    ("faults", "of", "kind", "sentence"),
    [
        (Faults(no_users=True), {}, NotOffered, "does not tell who its users are: notSupport"),
        (Faults(same_page=True), {}, Garbled, "the same people again and again"),
        (Faults(silent=4), {}, Unreachable, "does not answer"),
        (Faults(), {"serial": "another"}, OtherMachine, "another machine answers"),
        (Faults(), {"config": {"password": "wrong"}}, WrongCredentials, "refuses our user"),
    ],
    ids=["not told", "the same part", "silence", "another machine", "a wrong password"],
)
async def test_where_they_cannot_be_had_a_sentence_says_why(
    faults: Faults, of: dict[str, Any], kind: type[MachineTrouble], sentence: str
) -> None:
    async with simulator(populated(), faults=faults) as running:
        with pytest.raises(kind, match=sentence) as refused:
            await users_told(Hikvision(SystemClock()), machine(running.port, **of))
        assert refused.value.evidence == b""


async def test_a_password_that_was_refused_is_not_tried_again_for_a_list() -> None:
    terminal, driver = populated(), Hikvision(SystemClock())
    async with simulator(terminal) as running:
        wrong = machine(running.port, config={"password": "wrong"})
        for _ in range(3):
            with pytest.raises(WrongCredentials):
                await users_told(driver, wrong)
        assert terminal.wrong_passwords == 1


async def test_a_contact_goes_on_while_users_are_listed() -> None:
    terminal, driver = populated(), Hikvision(SystemClock())
    async with simulator(terminal) as running, following(machine(running.port), driver) as what:
        await until(lambda: what.caught_up and running.listeners)
        assert len(await users_told(driver, machine(running.port))) == 95
        await running.scan("1001")
        await until(lambda: what.live)
        assert what.trouble is None
