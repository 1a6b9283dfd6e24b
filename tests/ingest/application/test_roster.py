from collections.abc import Sequence
from typing import Any, cast

import pytest

from services.ingest.application.ports import Registry
from services.ingest.application.roster import Roster
from services.ingest.domain.machine import Machine
from shared.kernel.errors import Unavailable
from tests.ingest.fakes import machine


class FakeRegistry:
    def __init__(self, *machines: Machine) -> None:
        self.machines: Sequence[Machine] = machines
        self.away = False
        self.read = 0

    async def all(self) -> Sequence[Machine]:
        self.read += 1
        if self.away:
            raise Unavailable("the database is away")
        return self.machines


def roster(registry: FakeRegistry) -> Roster:
    return Roster(cast(Registry, cast(Any, registry)))


async def test_a_machine_is_found_by_serial_number_and_alias_with_one_look() -> None:
    registry = FakeRegistry(machine(1, serial="S1", aliases=("OLD",)), machine(2))
    known = roster(registry)
    for serial in ("S1", "OLD", "S1"):
        found = await known.find(serial)
        assert found is not None
        assert found.id == 1
    assert registry.read == 1


async def test_a_serial_number_counts_before_the_same_alias_of_another() -> None:
    found = await roster(FakeRegistry(machine(1, serial="S1"), machine(2, aliases=("S1",)))).find("S1")
    assert found is not None
    assert found.id == 1


async def test_an_unknown_one_is_looked_for_at_most_once_a_second() -> None:
    registry = FakeRegistry()
    known = roster(registry)
    assert [await known.find("NEW") for _ in range(5)] == [None] * 5
    assert registry.read == 1


async def test_with_storage_away_who_is_known_stays_known_and_nobody_is_called_unknown() -> None:
    registry = FakeRegistry(machine(1, serial="S1"))
    known = roster(registry)
    await known.read()
    registry.away = True
    with pytest.raises(Unavailable):
        await known.read()
    assert await known.find("S1") is not None


async def test_with_storage_away_from_the_start_nobody_can_tell() -> None:
    registry = FakeRegistry(machine(1, serial="S1"))
    registry.away = True
    with pytest.raises(Unavailable, match="the registry cannot be read"):
        await roster(registry).find("S1")


async def test_a_machine_is_found_by_its_key_and_all_of_those_that_share_it() -> None:
    registry = FakeRegistry(machine(1, name="k1"), machine(2, name="k2"), machine(3, name="k2"), machine(4, name=""))
    known = Roster(cast(Registry, cast(Any, registry)), key_of=lambda machine: machine.name)
    assert [found.id for found in await known.holders("k1")] == [1]
    assert [found.id for found in await known.holders("k2")] == [2, 3]
    assert registry.read == 1
    for key in ("", "k", "k1 "):
        assert await known.holders(key) == ()


async def test_a_key_is_known_although_storage_is_away_and_an_unknown_one_is_not_refused_then() -> None:
    registry = FakeRegistry(machine(1, name="k1"))
    known = Roster(cast(Registry, cast(Any, registry)), key_of=lambda machine: machine.name)
    with pytest.raises(Unavailable):
        registry.away = True
        await known.holders("k1")
    registry.away = False
    assert len(await known.holders("k1")) == 1
    registry.away = True
    assert len(await known.holders("k1")) == 1
