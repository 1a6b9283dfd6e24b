"""One Alembic environment, a history for each schema."""

import asyncio
import sys

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from shared.storage.database import Database
from shared.storage.migrations import History, downgrade, drift, revision, upgrade
from shared.storage.partitions import Partitions
from tests.shared.probe import HISTORY
from tests.shared.storage.test_partitions import MONTHS


async def tables(url: str, schema: str = "probe") -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
        return {row["tablename"] for row in rows}
    finally:
        await connection.close()


async def test_upgrading_makes_the_schema_with_its_version_inside(database):
    await upgrade(database, HISTORY)
    assert await tables(database) >= {"thing", "outbox", "inbox", "epoch", "alembic_version"}
    assert await tables(database, "public") == set()
    assert await drift(database, HISTORY) is None


async def test_upgrading_again_changes_nothing(database):
    await upgrade(database, HISTORY)
    connection = await asyncpg.connect(database)
    await connection.execute("INSERT INTO probe.thing VALUES (1, 'kept')")
    await upgrade(database, HISTORY)
    assert await connection.fetchval("SELECT name FROM probe.thing") == "kept"
    await connection.close()


async def test_several_that_upgrade_at_once_all_succeed(database):
    await asyncio.gather(*(upgrade(database, HISTORY) for _ in range(4)))
    assert await drift(database, HISTORY) is None


async def test_two_processes_that_upgrade_at_once_both_succeed(database):
    code = (
        "import asyncio, sys; from shared.storage.migrations import upgrade; from tests.shared.probe import HISTORY; "
        "asyncio.run(upgrade(sys.argv[1], HISTORY))"
    )
    running = [await asyncio.create_subprocess_exec(sys.executable, "-c", code, database) for _ in range(2)]
    assert [await process.wait() for process in running] == [0, 0]
    assert await drift(database, HISTORY) is None


async def test_downgrading_takes_the_tables_away(database):
    await upgrade(database, HISTORY)
    await downgrade(database, HISTORY)
    assert await tables(database) <= {"alembic_version", "reading_default"}


async def test_a_table_without_a_migration_is_drift_and_named(database):
    await upgrade(database, HISTORY)
    metadata = MetaData(schema="probe")
    for table in HISTORY.metadata.tables.values():
        table.to_metadata(metadata)
    Table("forgotten", metadata, Column("id", Integer, primary_key=True))
    found = await drift(database, History(metadata, HISTORY.folder))
    assert found is not None
    assert "forgotten" in found


async def test_a_column_of_another_type_is_drift(database):
    await upgrade(database, HISTORY)
    connection = await asyncpg.connect(database)
    await connection.execute("ALTER TABLE probe.thing ALTER name TYPE varchar(10)")
    await connection.close()
    assert "name" in (await drift(database, HISTORY) or "")


async def test_months_of_a_partitioned_table_and_other_schemas_are_no_drift(database):
    await upgrade(database, HISTORY)
    db = Database(database, schema="probe")
    await Partitions(db, "reading").ensure(MONTHS)
    async with db.fast() as pg:
        await pg.execute("CREATE SCHEMA neighbour; CREATE TABLE neighbour.thing (id int)")
    await db.close()
    assert await drift(database, HISTORY) is None


async def test_a_step_that_fails_leaves_nothing_behind(database, tmp_path):
    for step in HISTORY.folder.glob("*.py"):
        (tmp_path / step.name).write_text(step.read_text())
    (tmp_path / "20240102_second.py").write_text(
        'from alembic import op\nrevision = "probe_2"\ndown_revision = "probe_1"\n'
        "def upgrade(): op.execute('CREATE TABLE probe.half (id int)'); op.execute('SELECT nonsense')\n"
    )
    with pytest.raises(Exception, match="nonsense"):
        await upgrade(database, History(HISTORY.metadata, tmp_path))
    assert await tables(database) == set(), "not even the first step: an upgrade is one transaction"


async def test_the_next_step_is_written_from_the_difference_and_sets_a_lock_timeout(database, tmp_path):
    metadata = MetaData(schema="probe")
    Table("thing", metadata, Column("id", Integer, primary_key=True))
    await revision(database, History(metadata, tmp_path), "first tables")
    (file,) = tmp_path.glob("*.py")
    assert file.name.endswith("_first_tables.py")
    assert "create_table('thing'" in file.read_text()
    assert "lock_timeout = '5s'" in file.read_text()


async def test_a_password_with_signs_in_it_is_taken_as_it_is(database):
    """In a URL they are escaped; in Alembic's settings a per cent sign would mean something."""
    await upgrade(database.replace("postgresql://postgres@", "postgresql://postgres:p%40ss%25@"), HISTORY)
    assert "thing" in await tables(database)
