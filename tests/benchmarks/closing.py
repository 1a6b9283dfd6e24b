"""The close of a date on which nobody came: everybody gets a row and is told of, in how long."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.attendance.application.closing import Closing
from services.attendance.storage.closing import PostgresClosing
from services.attendance.storage.recording import PostgresRecordings
from shared.storage.database import Database
from tests.benchmarks.company import PEOPLE, ZONE, hire
from tests.benchmarks.report import heading, line, paired, rate
from tests.servers import PostgresServer

MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)
A_DAY = timedelta(days=1)


@dataclass
class _Clock:
    time: datetime

    def now(self) -> datetime:
        return self.time


async def bench_closing(postgres: PostgresServer, *, rounds: int) -> None:
    """Prints people a second, and the ratio to a plain INSERT of the same rows."""
    from deploy.catalogue import histories

    heading(f"Closing a date of {PEOPLE:,} people who were absent, {rounds} dates")
    name = postgres.migrated(histories())
    database = Database(postgres.url_of(name), schema="attendance")
    try:
        await hire(postgres.url_of(name))
        clock = _Clock(MONDAY)
        closing = Closing(PostgresClosing(database), PostgresRecordings(database), clock)
        await closing.once()
        clock.time += A_DAY
        ours, plain = [], []
        for number in range(rounds):
            clock.time += A_DAY
            began = time.perf_counter()
            closed = await closing.once()
            ours.append(PEOPLE / (time.perf_counter() - began))
            assert closed == 1, f"{closed} dates were closed in {ZONE}"
            plain.append(await _plain(database, MONDAY.date() + number * A_DAY))
        line("closed: computed, stored, told", rate(ours, "people/s"), f"{paired(ours, plain):.2f} of the rows alone")
        line("a plain INSERT of the same rows", rate(plain, "rows/s"))
    finally:
        await database.close()
        postgres.drop(name)


async def _plain(database: Database, day: date) -> float:
    async with database.fast() as pg:
        await pg.execute("CREATE TABLE plain (LIKE days INCLUDING ALL)")
        began = time.perf_counter()
        await pg.execute("INSERT INTO plain SELECT * FROM days WHERE date = $1", day)
        seconds = time.perf_counter() - began
        await pg.execute("DROP TABLE plain")
    return PEOPLE / seconds
