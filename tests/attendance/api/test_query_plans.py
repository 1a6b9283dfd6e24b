"""Whatever is read often is read by an index, and of no more months than it is about.

The planner is forced to choose: on a small set it would rather read a table as a whole. So what is found here is
whether there is an index that serves; `make bench ARGS=plans` shows what is chosen with millions of rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

import asyncpg
import pytest

from deploy.catalogue import history_of
from tests.attendance import bulk
from tests.attendance.api.office import office_on
from tests.attendance.hot_reads import LARGE, Place, callers, reads, works
from tests.attendance.plans_of import Plan, Statement, listening, planner
from tests.servers import PostgresServer
from tests.servers.postgres import blocking

PLACE = Place(last=date(2024, 1, 18))
FIRST = date(2023, 11, 20)
PEOPLE = 60
WALK = "days by their flags"
USES = [*reads(PLACE), *works(PLACE)]

Plans = Mapping[str, Sequence[Plan]]


@pytest.fixture(scope="module")
def plans(postgres_server: PostgresServer) -> Iterator[Plans]:
    """How each statement of each use is answered where there are two months of 60 people."""
    name = postgres_server.migrated([history_of("attendance")])
    yield blocking(_asked(postgres_server.url_of(name)))
    postgres_server.drop(name)


async def _asked(url: str) -> Plans:
    async with office_on(url) as office:
        office.clock.time = datetime(2024, 1, 18, 15, tzinfo=UTC)
        await office.settle()
        pg = await asyncpg.connect(url, server_settings={"search_path": "attendance", "timezone": "UTC"})
        try:
            await bulk.hire(pg, PEOPLE)
            await bulk.worked(office.database, FIRST, PLACE.last)
            await bulk.scanned(office.database, FIRST, PLACE.last)
            await bulk.ruled(pg, 25)
            await pg.execute("VACUUM ANALYZE")
            unit = await pg.fetchval("SELECT unit_id FROM assignments WHERE person_id = $1", PLACE.person)
            office.callers |= callers(unit, PLACE.person)
            ask = await planner(pg)
            found = {}
            async with listening(office.database) as ear:
                for use in USES:
                    await use.do(office)
                    sent = {one.query: one for one in await ear.take()}
                    found[use.name] = [await ask.forced(one, LARGE) for one in sent.values()]
            found[WALK] = [await ask.forced(Statement("SELECT count(*) FROM days WHERE flags = $1", ("",)), LARGE)]
            return found
        finally:
            await pg.close()


@pytest.mark.parametrize("use", [use.name for use in USES])
def test_no_table_that_grows_is_walked_through(plans: Plans, use: str) -> None:
    assert plans[use], "nothing was asked"
    walked = [(str(walk), plan.query) for plan in plans[use] for walk in plan.walks_of(LARGE)]
    assert walked == []


@pytest.mark.parametrize(("use", "months"), [(use.name, use.months) for use in USES if use.months is not None])
def test_only_the_months_are_read_that_it_is_about(plans: Plans, use: str, months: int) -> None:
    for plan in plans[use]:
        for table in ("scans", "days"):
            pieces = plan.pieces_of(table)
            assert len(pieces) <= months, (pieces, plan.query)


def test_a_walk_is_seen_where_no_index_serves(plans: Plans) -> None:
    (plan,) = plans[WALK]
    assert {walk.table for walk in plan.walks_of(LARGE)} == plan.pieces_of("days") > {"days_202401"}
