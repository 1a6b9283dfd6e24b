"""A small company in a migrated database, scans for it, and what comes out."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.attendance.application.recompute import Recompute
from services.attendance.application.record_scans import RecordScans
from services.attendance.storage.recomputations import PostgresRecomputations
from services.attendance.storage.recording import PostgresRecordings
from services.attendance.storage.rules import ask_recompute, change_rules
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.storage.database import Database

ZONE = "Asia/Dhaka"
NAMESPACE = uuid.UUID("7b1f2f3e-0000-4000-8000-000000000000")


def scan(badge: str, local: datetime, **changed: Any) -> ScanReceived:
    """A scan at a wall-clock time of `ZONE`; its id is made of badge and time, as a real one's is."""
    zone = changed.get("zone", ZONE)
    facts: dict[str, Any] = {
        "scan_id": uuid.uuid5(NAMESPACE, f"{badge}|{local.isoformat()}"),
        "machine_id": 1,
        "machine": "door",
        "site_id": 1,
        "badge": badge,
        "device_time": local.isoformat(sep=" "),
        "local_time": local,
        "zone": zone,
        "at": local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC),
        "quality": "ok",
        "state": "0",
        "type": "IN",
        "received_at": datetime(2026, 1, 31, tzinfo=UTC),
    }
    return ScanReceived(**(facts | changed))


@dataclass(slots=True)
class Company:
    """People 1…n hold the badges "1"…"n" and are workers at the main site."""

    database: Database
    recordings: PostgresRecordings
    record: RecordScans
    recompute: Recompute

    async def hire(self, count: int, *, badges: bool = True) -> None:
        async with self.database.fast() as pg:
            await change_rules(pg)
            await pg.execute("INSERT INTO units (name) VALUES ('Sewing') ON CONFLICT DO NOTHING")
            await pg.execute(
                "INSERT INTO people (code, name) SELECT 'EMP' || i, 'Person ' || i FROM generate_series(1, $1::int) i",
                count,
            )
            await pg.execute(
                "INSERT INTO assignments (person_id, unit_id, site_id, during) SELECT id, 1, 1, '(,)' FROM people"
            )
            if badges:
                await pg.execute("INSERT INTO badges (badge, person_id, during) SELECT id::text, id, '(,)' FROM people")

    async def link(self, badge: str, person: int, during: str = "(,)", *, machine: int | None = None) -> None:
        async with self.database.fast() as pg:
            await change_rules(pg)
            await pg.execute(
                f"INSERT INTO badges (badge, person_id, during, machine_id) VALUES ($1, $2, '{during}', $3)",
                badge,
                person,
                machine,
            )
            await ask_recompute(pg, reason="a badge was linked", person_id=person)

    async def settle(self) -> None:
        """Do all recomputations that wait."""
        while await self.recompute.next():
            pass

    async def days(self) -> list[dict[str, Any]]:
        """All days without what differs between two runs that mean the same."""
        async with self.database.fast() as pg:
            rows = await pg.fetch("SELECT * FROM days ORDER BY date, person_id")
        return [{k: v for k, v in dict(row).items() if k not in ("n", "created_at", "updated_at")} for row in rows]

    async def value(self, query: str, *arguments: object) -> Any:
        async with self.database.fast() as pg:
            return await pg.fetchval(query, *arguments)


def company(url: str) -> Company:
    """The use cases of the worker on this database."""
    database = Database(url, schema="attendance")
    recordings = PostgresRecordings(database)
    clock = SystemClock()
    return Company(
        database,
        recordings,
        RecordScans(recordings, clock),
        Recompute(PostgresRecomputations(database), recordings, clock),
    )


def month_of_scans(people: int, days: int, *, seed: int = 7) -> list[ScanReceived]:
    """Two to four scans a person and day, some of them within a minute of another, some past midnight."""
    rnd = random.Random(seed)
    found = []
    for number in range(days):
        day = date(2026, 1, 1) + timedelta(days=number)
        for person in range(1, people + 1):
            if rnd.random() < 0.1:
                continue
            arrival = datetime.combine(day, time(8)) + timedelta(seconds=rnd.randrange(-1800, 3600))
            departure = arrival + timedelta(seconds=rnd.randrange(4 * 3600, 18 * 3600))
            moments = [arrival, departure]
            if rnd.random() < 0.3:
                moments.append(arrival + timedelta(seconds=rnd.randrange(1, 90)))
            found.extend(scan(str(person), moment) for moment in moments)
    return found


def torn(scans: Sequence[ScanReceived], *, seed: int, size: int = 40) -> list[list[ScanReceived]]:
    """The same scans as a bus may bring them: shuffled, in batches, a fifth of them twice."""
    rnd = random.Random(seed)
    delivered = list(scans) + rnd.sample(list(scans), len(scans) // 5)
    rnd.shuffle(delivered)
    return [delivered[start : start + size] for start in range(0, len(delivered), size)]
