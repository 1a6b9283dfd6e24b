"""A schema to try the shared parts on: nobody's business, and everything that a service's own has."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Column, Date, DateTime, Integer, MetaData, Table, Text, UniqueConstraint

from shared.contracts.event import Version
from shared.contracts.machines import MachineConnected
from shared.contracts.people import PersonChanged
from shared.outbox.tables import add_inbox, add_outbox
from shared.storage.migrations import History
from shared.web.idempotency import add_answers

metadata = MetaData(schema="probe")

thing = Table(
    "thing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    UniqueConstraint("name", name="thing_name"),
)

reading = Table(
    "reading",
    metadata,
    Column("on", Date, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=True),
    info={"partitioned": True},
    postgresql_partition_by='RANGE ("on")',
)

outbox = add_outbox(metadata)
inbox = add_inbox(metadata)
answers = add_answers(metadata)

HISTORY = History(metadata, Path(__file__).parent / "probe_migrations")


def person(number: int, *, name: str = "Somebody", n: int = 1) -> PersonChanged:
    return PersonChanged(
        person_id=number,
        code=f"EMP{number:03}",
        name=name,
        email=None,
        department=None,
        unit_id=None,
        unit_path=[],
        designation=None,
        level_of_work="Worker",
        site_id=1,
        joined_on=None,
        left_on=None,
        badges=[],
        version=Version(epoch=1, n=n),
    )


def connected(machine: str, at: datetime) -> MachineConnected:
    return MachineConnected(machine_id=1, machine=machine, at=at)


__all__ = ["HISTORY", "answers", "connected", "inbox", "metadata", "outbox", "person", "reading", "thing"]
