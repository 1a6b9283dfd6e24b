"""How far logs were read, in PostgreSQL: a column of the machine that nobody is told of."""

from collections.abc import Sequence

from services.ingest.application.contact_ports import KeptMark
from shared.storage.database import Database

_KEEP = """
UPDATE machines SET read_mark = new.mark
FROM unnest($1::int[], $2::bigint[], $3::text[]) AS new (id, revision, mark)
WHERE machines.id = new.id AND machines.revision = new.revision
"""


class PostgresReadMarks:
    """Implements `ReadMarkStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, marks: Sequence[KeptMark]) -> None:
        async with self._database.fast() as pg:
            await pg.execute(
                _KEEP, [one.machine_id for one in marks], [one.revision for one in marks], [one.mark for one in marks]
            )
