"""Bookmarks in PostgreSQL."""

from collections.abc import Mapping

from services.ingest.application.ports import Place
from shared.storage.database import Database

_KEEP = """
INSERT INTO bookmarks (serial, log, mark)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS entry (serial, log, mark) ORDER BY 1, 2
ON CONFLICT (serial, log) DO UPDATE SET mark = excluded.mark
"""


class PostgresBookmarks:
    """Implements `BookmarkStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Mapping[Place, str]:
        async with self._database.fast() as pg:
            rows = await pg.fetch("SELECT serial, log, mark FROM bookmarks")
        return {(row["serial"], row["log"]): row["mark"] for row in rows}

    async def keep(self, marks: Mapping[Place, str]) -> None:
        async with self._database.fast() as pg:
            await pg.execute(_KEEP, [serial for serial, _ in marks], [log for _, log in marks], list(marks.values()))
