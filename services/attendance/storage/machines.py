"""What attendance knows of machines, kept by ingest's events."""

from collections.abc import Sequence

from services.attendance.storage.rules import ask_recompute, change_rules
from shared.contracts.machines import MachineChanged
from shared.storage.database import Database


class PostgresMachines:
    """Applies machines' states: newer ones replace older ones, whatever the order they come in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, machines: Sequence[MachineChanged]) -> None:
        """Keep these states where they are newer. The first machine gives a site its zone, where none is configured."""
        newest = {m.machine_id: m for m in sorted(machines, key=lambda m: m.version)}
        if not newest:
            return
        async with self._database.fast() as pg:
            for machine in sorted(newest.values(), key=lambda m: m.machine_id):
                await pg.execute(
                    _APPLY,
                    machine.machine_id,
                    machine.machine,
                    machine.name,
                    machine.site_id,
                    machine.zone,
                    machine.status,
                    machine.reports_by_itself,
                    machine.is_connected,
                    machine.reported_until,
                    machine.removed,
                    machine.version.epoch,
                    machine.version.n,
                )
            zoneless = {row[0] for row in await pg.fetch("SELECT id FROM sites WHERE zone IS NULL")}
        for machine in newest.values():
            if machine.site_id in zoneless and not machine.removed:
                await adopt_zone(self._database, machine.site_id, machine.zone)
                zoneless.discard(machine.site_id)


async def adopt_zone(database: Database, site_id: int, zone: str, *, replace: bool = False) -> None:
    """Give a site a zone: where it has none, or (`replace`) another one. Its days are then computed again."""
    async with database.fast() as pg:
        await change_rules(pg)
        adopted = await pg.fetchval(_ADOPT, site_id, zone, replace)
        if adopted:
            await ask_recompute(pg, reason=f"site {site_id} is in {zone}")


_ADOPT = """
UPDATE sites SET zone = $2 WHERE id = $1 AND (zone IS NULL OR ($3 AND zone <> $2)) RETURNING 1
"""

_APPLY = """
INSERT INTO machines AS m (id, code, name, site_id, zone, status, reports_by_itself, is_connected, reported_until,
                           removed, epoch, n)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET
    (code, name, site_id, zone, status, reports_by_itself, is_connected, reported_until, removed, epoch, n) =
    ROW (excluded.code, excluded.name, excluded.site_id, excluded.zone, excluded.status, excluded.reports_by_itself,
         excluded.is_connected, excluded.reported_until, excluded.removed, excluded.epoch, excluded.n)
WHERE (excluded.epoch, excluded.n) > (m.epoch, m.n)
"""
