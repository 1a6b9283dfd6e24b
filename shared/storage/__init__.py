"""PostgreSQL: the engine, transactions, and the one Alembic environment of all schemas."""
