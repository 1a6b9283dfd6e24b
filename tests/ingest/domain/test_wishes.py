"""A log that is wanted again: of all wishes the widest stands."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.machine import Machine, wants_again

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
MACHINE = Machine(id=1, machine_id="gate", name="Gate", machine_type="fake", zone="UTC", created_at=NOW, updated_at=NOW)

sinces = st.none() | st.integers(0, 20).map(lambda hours: datetime(2026, 1, 1) + timedelta(hours=hours))


@given(st.lists(sinces, min_size=1, max_size=8))
def test_the_widest_of_all_wishes_stands_and_was_asked_when_it_first_was(wishes: list[datetime | None]) -> None:
    machine = MACHINE
    for number, since in enumerate(wishes):
        before = machine
        machine = wants_again(machine, since, NOW + timedelta(minutes=number))
        covered = before.sync_asked_at is not None and _width(before.sync_since) <= _width(since)
        assert (machine is before) == covered
    widest = min(wishes, key=_width)
    assert machine.sync_since == widest
    assert machine.sync_asked_at == NOW + timedelta(minutes=wishes.index(widest))


def _width(since: datetime | None) -> datetime:
    return since or datetime.min
