"""Effects that happen once although their message arrives more than once.

State-carrying events need none of this: they are applied with `WHERE incoming.version > stored.version`. What
is left, such as a mail or a webhook, is recorded here under its key, in the transaction of its effect. It is remembered
for 90 days; what is older goes as new ones come, a few at a time.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def first_time(connection: AsyncConnection, *, consumer: str, message_id: str) -> bool:
    """Whether this consumer has not had this message yet; it has, from this transaction's commit on.

    A second delivery at the same moment waits here: if the first commits it is told False, if it rolls back, True.
    """
    inserted = await connection.execute(_RECORD, {"consumer": consumer, "message_id": message_id})
    return inserted.first() is not None


_RECORD = text("""
WITH old AS (
    DELETE FROM inbox WHERE (consumer, message_id) IN (
        SELECT consumer, message_id FROM inbox WHERE at < now() - interval '90 days'
        ORDER BY at LIMIT 4 FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO inbox (consumer, message_id) VALUES (:consumer, :message_id) ON CONFLICT DO NOTHING RETURNING 1
""")
