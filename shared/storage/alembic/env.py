"""The one Alembic environment. `shared.storage.migrations` runs it with a connection and a history."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

config = context.config
metadata = config.attributes["metadata"]
schema = metadata.schema
connection: Connection = config.attributes["connection"]


def own(name: str | None, type_: str, _parents: Any) -> bool:
    """Admit this schema alone, and of its tables no month of a partitioned one (they come and go by themselves)."""
    if type_ == "schema":
        return bool(name == schema)
    if type_ == "table":
        return name in {table.name for table in metadata.tables.values()} or not str(name).startswith(
            tuple(f"{table.name}_" for table in metadata.tables.values() if table.info.get("partitioned"))
        )
    return True


# Two processes that start together must not both create the schema.
connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('muster-migrate-' || :schema))"), {"schema": schema})
connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="alembic_version",
    version_table_schema=schema,
    include_schemas=True,
    include_name=own,
    compare_type=True,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
