"""People, and scans as they come from machines: many people, each a few times a day, in the order of time."""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from shared.bus.port import BATCH, Message
from shared.contracts.cloudevents import encode_batch
from shared.contracts.scans import ScanReceived

ZONE = "Asia/Dhaka"
OFFSET = timedelta(hours=6)
PEOPLE = 5_000
IN_A_MESSAGE = 500
TYPE = ScanReceived.wire_type


async def hire(url: str, people: int = PEOPLE) -> None:
    """Workers with one badge each, at a site whose zone is known."""
    pg = await asyncpg.connect(url, server_settings={"search_path": "attendance"})
    try:
        await pg.execute("UPDATE sites SET zone = $1", ZONE)
        await pg.execute("INSERT INTO units (name) VALUES ('Sewing')")
        await pg.execute(
            "INSERT INTO people (code, name) SELECT 'EMP' || i, 'Person ' || i FROM generate_series(1, $1::int) i",
            people,
        )
        await pg.execute(
            "INSERT INTO assignments (person_id, unit_id, site_id, during) SELECT id, 1, 1, '(,)' FROM people"
        )
        await pg.execute("INSERT INTO badges (badge, person_id, during) SELECT id::text, id, '(,)' FROM people")
        await pg.execute("ANALYZE")
    finally:
        await pg.close()


def live_mix(count: int, *, start: datetime = datetime(2026, 3, 2), seed: int = 1) -> list[ScanReceived]:
    """Scans of whole days: each person comes, goes to lunch and back, and leaves; a tenth presses twice."""
    rnd = random.Random(seed)
    found: list[ScanReceived] = []
    day = start
    while len(found) < count:
        moments = []
        for person in range(1, PEOPLE + 1):
            for hour in (8, 13, 14, 17):
                at = rnd.gauss(hour * 3600, 1200)
                moments.append((at, person))
                if rnd.random() < 0.1:
                    moments.append((at + rnd.randrange(2, 40), person))
        found.extend(scan(rnd, person, day + timedelta(seconds=int(at))) for at, person in sorted(moments))
        day += timedelta(days=1)
    return found[:count]


def log_of_few(count: int, *, people: int = 200, seed: int = 2) -> list[ScanReceived]:
    """A long log of a small company, as a terminal hands it over after months: few people, many days."""
    rnd = random.Random(seed)
    found: list[ScanReceived] = []
    day = datetime(2025, 1, 1)
    while len(found) < count:
        moments = sorted(
            (rnd.gauss(hour * 3600, 1200), person) for person in range(1, people + 1) for hour in (8, 13, 14, 17)
        )
        found.extend(scan(rnd, person, day + timedelta(seconds=int(at))) for at, person in moments)
        day += timedelta(days=1)
    return found[:count]


def scan(rnd: random.Random, person: int, local: datetime) -> ScanReceived:
    return ScanReceived(
        scan_id=uuid.UUID(int=rnd.getrandbits(128), version=5),
        machine_id=1 + person % 8,
        machine=f"gate-{1 + person % 8}",
        site_id=1,
        badge=str(person),
        device_time=local.isoformat(sep=" "),
        local_time=local,
        zone=ZONE,
        at=(local - OFFSET).replace(tzinfo=UTC),
        quality="ok",
        state="0",
        type="IN",
        verify="1",
        received_at=datetime(2026, 4, 1, tzinfo=UTC),
        mode="replay",
    )


def messages(scans: Sequence[ScanReceived]) -> list[Message]:
    """As ingest sends them: 500 scans a message."""
    now = datetime.now(UTC)
    return [
        Message(
            id=str(uuid.uuid4()),
            type=TYPE,
            body=encode_batch(((str(s.scan_id), s) for s in chunk), time=now),
            content_type=BATCH,
        )
        for chunk in chunks(scans, IN_A_MESSAGE)
    ]


def chunks(scans: Sequence[ScanReceived], size: int) -> Iterator[Sequence[ScanReceived]]:
    for start in range(0, len(scans), size):
        yield scans[start : start + size]
