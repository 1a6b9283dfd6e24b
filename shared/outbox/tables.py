"""The tables that a service adds to its own schema."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)


def add_outbox(metadata: MetaData) -> Table:
    """Events that wait to be published.

    Its columns bear the names that Debezium's outbox event router expects, so that an operator can let it do the
    relay's work. Beside it stands `epoch`, one row: it is raised when a backup has been restored.
    """
    Table("epoch", metadata, Column("epoch", Integer, primary_key=True))
    outbox = Table(
        "outbox",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("seq", BigInteger, Identity(always=True), nullable=False),
        Column("aggregatetype", Text, nullable=False),
        Column("aggregateid", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("content_type", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("not_before", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    Index("outbox_seq", outbox.c.seq)
    return outbox


def add_inbox(metadata: MetaData) -> Table:
    """Messages whose effect must not happen twice, remembered in the transaction of that effect."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("message_id", Text, primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )
