from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.domain.pending import PendingMachine
from services.ingest.storage.pending import PostgresPending
from shared.storage.database import Database

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def seen(serial: str, *, minute: int = 0, **more: object) -> PendingMachine:
    at = NOON + timedelta(minutes=minute)
    given = {"kind": "caller", "source": "10.0.0.7", "first_seen_at": at, "last_seen_at": at, **more}
    return PendingMachine(serial=serial, **given)  # type: ignore[arg-type]


@pytest.fixture
async def pending(migrated: Callable[..., str]) -> AsyncIterator[PostgresPending]:
    database = Database(migrated("ingest"), schema="ingest")
    yield PostgresPending(database, most=3)
    await database.close()


async def serials(pending: PostgresPending) -> list[str]:
    return [machine.serial for machine in await pending.all()]


async def test_a_machine_that_calls_again_is_one_and_what_it_says_adds_up(pending: PostgresPending) -> None:
    await pending.note(seen("A", about={"firmware": "8"}))
    await pending.note(seen("A", minute=5, source="10.0.0.9", about={"language": "69"}))
    [machine] = await pending.all()
    assert (machine.calls, machine.source) == (2, "10.0.0.9")
    assert machine.about == {"firmware": "8", "language": "69"}
    assert machine.last_seen_at - machine.first_seen_at == timedelta(minutes=5)


async def test_of_too_many_those_that_have_not_called_for_longest_are_forgotten(pending: PostgresPending) -> None:
    for minute, serial in enumerate("ABC"):
        await pending.note(seen(serial, minute=minute))
    await pending.note(seen("A", minute=10))
    await pending.note(seen("D", minute=11))
    assert await serials(pending) == ["D", "A", "C"]


async def test_one_that_was_refused_stays_so_when_it_calls_again(pending: PostgresPending) -> None:
    await pending.note(seen("A"))
    await pending.refuse("caller", "A")
    await pending.note(seen("A", minute=1))
    machine = await pending.one("caller", "A")
    assert machine is not None
    assert machine.refused


async def test_one_that_is_forgotten_asks_anew(pending: PostgresPending) -> None:
    await pending.note(seen("A"))
    assert await pending.forget("caller", "A")
    assert not await pending.forget("caller", "A")
    assert await pending.one("caller", "A") is None
