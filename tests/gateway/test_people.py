"""The copy of people, on PostgreSQL and in memory."""

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import date

import pytest

from services.gateway.live.directory import Directory
from services.gateway.storage.people import PostgresPeople
from services.gateway.wiring import HISTORY
from shared.bus.port import Message
from shared.contracts.cloudevents import BATCH_CONTENT_TYPE, encode
from shared.contracts.event import Version
from shared.contracts.people import BadgeHeld, BadgeOnMachine, PersonChanged
from shared.storage.database import Database
from tests.gateway.fakes import NOON, TODAY, Gateway, person, until


@pytest.fixture
async def people(migrated: Callable[..., str]) -> AsyncIterator[PostgresPeople]:
    database = Database(migrated(HISTORY), schema="gateway")
    yield PostgresPeople(database)
    await database.close()


STORY = [
    person(1, badge="1", n=1),
    person(1, badge="2", n=2, unit_path=(3, 2, 1), name="Renamed"),
    person(1, badge="3", n=3, removed=True),
    person(1, badge="4", name="After the restore", version=Version(epoch=2, n=1)),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_the_newest_state_wins_in_whatever_order_and_however_often(
    people: PostgresPeople, order: tuple[int, ...]
) -> None:
    for index in (*order, order[0]):
        await people.apply([STORY[index]], now=NOON)
    known, _ = await people.changed_since(None)
    assert [(p.name, [b.badge for b in p.badges], p.version) for p in known] == [("After the restore", ["4"], (2, 1))]


async def test_one_batch_may_hold_several_states_of_one_person(people: PostgresPeople) -> None:
    await people.apply(STORY[:2], now=NOON)
    (known,), _ = await people.changed_since(None)
    assert known.name == "Renamed"
    assert known.unit_path == (3, 2, 1)


async def test_somebody_who_was_removed_holds_no_badge(people: PostgresPeople) -> None:
    await people.apply(STORY[:3], now=NOON)
    directory = Directory(people)
    directory.apply((await people.changed_since(None))[0])
    assert directory.whose("3", 1, TODAY) is None
    assert directory.whose("1", 1, TODAY) is None


async def test_only_what_changed_is_read_again(people: PostgresPeople) -> None:
    await people.apply([person(1), person(2)], now=NOON)
    _, until_then = await people.changed_since(None)
    assert not (await people.changed_since(until_then))[0]
    await people.apply([person(3)], now=until_then)
    assert [p.id for p in (await people.changed_since(until_then))[0]] == [3]


async def test_a_badge_that_changes_hands_is_whose_it_was_on_the_day(people: PostgresPeople) -> None:
    handover = date(2024, 1, 10)
    directory = Directory(people)
    directory.hear(
        [
            person(1, badges=[BadgeHeld(badge="7", until=handover)]),
            person(2, badges=[BadgeHeld(badge="7", since=handover)]),
        ]
    )
    before, after = directory.whose("7", 1, date(2024, 1, 9)), directory.whose("7", 1, handover)
    assert (before and before.id, after and after.id) == (1, 2)


async def test_a_badge_of_one_machine_is_kept_and_wins_there(people: PostgresPeople) -> None:
    there = BadgeOnMachine(badge="7", machine_id=3)
    heard = [person(1, badges=[BadgeHeld(badge="7")]), person(2, badges=[], machine_badges=[there])]
    await people.apply(heard, now=NOON)
    read, by_events = Directory(people), Directory(people)
    read.apply((await people.changed_since(None))[0])
    by_events.hear(heard)
    for directory in (read, by_events):
        found = [directory.whose("7", machine, TODAY) for machine in (3, 4)]
        assert [each and each.id for each in found] == [2, 1]


async def test_a_bad_event_is_refused_alone_and_its_neighbours_are_kept(gateway: Gateway) -> None:
    good = encode(person(1), id="a", time=NOON)
    body = b"[" + good + b', {"id": "b", "type": "attendance.person.changed.v1"}]'
    await gateway.bus.publish(Message(id="m", type=PersonChanged.wire_type, body=body, content_type=BATCH_CONTENT_TYPE))
    dead = gateway.bus._dead["gateway.people"]
    await until(lambda: len(dead) == 1)
    assert dead[0].message.id == "b"
    people, _ = await PostgresPeople(gateway.database).changed_since(None)
    assert [p.id for p in people] == [1]
