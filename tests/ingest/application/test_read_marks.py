"""How far logs were read is written down soon, together, and not over what somebody has changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.ingest.application.contact_ports import KeptMark
from services.ingest.application.read_marks import ReadMarks
from services.ingest.storage.read_marks import PostgresReadMarks
from shared.kernel.errors import Unavailable
from shared.web.scope import Scope
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import machine, until


class FakeStore:
    def __init__(self) -> None:
        self.marks: dict[int, str] = {}
        self.away = False
        self.writes = 0

    async def keep(self, marks: Sequence[KeptMark]) -> None:
        if self.away:
            raise Unavailable("the database is away")
        self.writes += 1
        self.marks |= {one.machine_id: one.mark for one in marks}


async def test_they_are_written_together_and_the_latest_of_each_counts() -> None:
    store = FakeStore()
    marks = ReadMarks(store)
    for mark in ("1", "2", "3"):
        marks.put(machine(1), mark)
        marks.put(machine(2), mark)
    await marks.write()
    await marks.write()
    assert (store.marks, store.writes) == ({1: "3", 2: "3"}, 1)


async def test_what_could_not_be_written_is_later_unless_there_is_a_newer_one() -> None:
    store = FakeStore()
    marks = ReadMarks(store)
    store.away = True
    marks.put(machine(1), "old")
    marks.put(machine(2), "old")
    with pytest.raises(Unavailable):
        await marks.write()
    marks.put(machine(1), "new")
    running = asyncio.create_task(marks.run())
    store.away = False
    await until(lambda: store.marks == {1: "new", 2: "old"})
    marks.put(machine(1), "newest")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert store.marks[1] == "newest"


async def test_a_machine_that_was_changed_meanwhile_keeps_what_it_has(ingest: Ingest) -> None:
    async with ingest.parts.machines.work() as work:
        gate = await ingest.parts.machines.register(work, {"machine_id": "gate", "machine_type": "fake", "zone": "UTC"})
        door = await ingest.parts.machines.register(work, {"machine_id": "door", "machine_type": "fake", "zone": "UTC"})
    async with ingest.parts.machines.work() as work:
        await ingest.parts.machines.change(work, "gate", {"machine_type": "simulated"}, Scope.everything())
    await PostgresReadMarks(ingest.parts.database).keep(
        [KeptMark(one.id, one.revision, "of the type that it was") for one in (gate, door)]
    )
    kept = {one.machine_id: one for one in await ingest.parts.registry.all()}
    assert (kept["gate"].read_mark, kept["door"].read_mark) == ("", "of the type that it was")
    assert replace(kept["door"], read_mark="") == door, "nothing else has changed, and nobody is told"
