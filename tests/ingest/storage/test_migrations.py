from pathlib import Path

from services import ingest
from services.ingest.storage.tables import metadata
from shared.storage.migrations import History, downgrade, drift, upgrade

HISTORY = History(metadata, Path(ingest.__file__).parent / "migrations")


async def test_the_migrations_lead_to_the_tables_and_back(database: str) -> None:
    await upgrade(database, HISTORY)
    assert await drift(database, HISTORY) is None
    await downgrade(database, HISTORY)
    await upgrade(database, HISTORY)
