"""Machines that wait to be accepted, in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, any_, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from services.ingest.domain.pending import PendingMachine
from services.ingest.storage.tables import machines, pending_machines
from shared.storage.database import Database

MOST = 1000
"""Whoever makes up serial numbers shall not fill our disk. Real machines call again and again, and so stay."""

_c = pending_machines.c
_REGISTERED = exists().where(
    machines.c.removed.is_(False),
    machines.c.machine_type == _c.kind,
    (machines.c.serial == _c.serial) | (_c.serial == any_(machines.c.aliases)),
)


class PostgresPending:
    """Implements `PendingMachines`."""

    def __init__(self, database: Database, *, most: int = MOST) -> None:
        self._database = database
        self._most = most

    async def note(self, machine: PendingMachine) -> None:
        values = {
            "kind": machine.kind,
            "serial": machine.serial,
            "source": machine.source,
            "about": dict(machine.about),
            "first_seen_at": machine.first_seen_at,
            "last_seen_at": machine.last_seen_at,
        }
        again = (
            update(pending_machines)
            .where(_c.kind == machine.kind, _c.serial == machine.serial)
            .values(
                source=machine.source,
                about=_c.about.op("||")(dict(machine.about)),
                last_seen_at=machine.last_seen_at,
                calls=_c.calls + 1,
            )
        )
        async with self._database.begin() as connection:
            if (await connection.execute(again)).rowcount:
                return
            latest = select(_c.kind, _c.serial).order_by(_c.last_seen_at.desc()).limit(self._most - 1).subquery()
            kept = exists().where(latest.c.kind == _c.kind, latest.c.serial == _c.serial)
            await connection.execute(delete(pending_machines).where(~kept))
            await connection.execute(insert(pending_machines).values(values).on_conflict_do_nothing())

    async def all(self) -> Sequence[PendingMachine]:
        query = select(pending_machines).where(~_REGISTERED).order_by(_c.last_seen_at.desc(), _c.kind, _c.serial)
        async with self._database.begin() as connection:
            return [_pending_of(row) for row in (await connection.execute(query)).mappings()]

    async def one(self, kind: str, serial: str) -> PendingMachine | None:
        query = select(pending_machines).where(_c.kind == kind, _c.serial == serial, ~_REGISTERED)
        async with self._database.begin() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _pending_of(row) if row else None

    async def refuse(self, kind: str, serial: str) -> None:
        query = update(pending_machines).where(_c.kind == kind, _c.serial == serial).values(refused=True)
        async with self._database.begin() as connection:
            await connection.execute(query)

    async def forget(self, kind: str, serial: str) -> bool:
        query = delete(pending_machines).where(_c.kind == kind, _c.serial == serial)
        async with self._database.begin() as connection:
            return bool((await connection.execute(query)).rowcount)


def _pending_of(row: RowMapping) -> PendingMachine:
    return PendingMachine(**row)
