"""The tables of the schema `gateway`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.outbox.tables import add_outbox
from shared.web.idempotency import add_answers

metadata = MetaData(
    schema="gateway",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
    },
)

outbox = add_outbox(metadata)
answers = add_answers(metadata)

users = Table(
    "users",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True, comment="what names share that count as the same"),
    Column("password_hash", Text, nullable=False, comment="argon2id"),
    Column("roles", ARRAY(Text), nullable=False),
    Column("person_id", Integer, comment="the person of attendance that the user is"),
    Column("units", ARRAY(Integer), nullable=False, server_default="{}", comment="headed"),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("n", BigInteger, nullable=False, server_default="1", comment="rises with each change"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    Column("last_login_at", DateTime(timezone=True)),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Integer, ForeignKey("gateway.users.id"), nullable=False, index=True),
    Column("generation", Integer, nullable=False, comment="of the one refresh token that is good"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("revoked_at", DateTime(timezone=True), index=True),
    Column("reason", Text, comment="why it was ended"),
    comment="Signed-in sessions: each a family of refresh tokens.",
)

used_tickets = Table(
    "used_tickets",
    metadata,
    Column("once", Text, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    comment="Tickets are good once.",
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("user_id", Integer, comment="who did it; NULL is Muster itself"),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Column("request_id", Text),
    Index("audit_at", "at"),
    comment="Who did what. Rows are only ever added.",
)

people = Table(
    "people",
    metadata,
    Column("person_id", Integer, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("department", Text),
    Column("designation", Text),
    Column("unit_path", ARRAY(Integer), nullable=False, comment="the unit and those above it, nearest first"),
    Column("left_on", Date),
    Column("removed", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, index=True),
    comment="What attendance says of people: a copy, the highest (epoch, n) of each.",
)

badges = Table(
    "badges",
    metadata,
    Column(
        "person_id", Integer, ForeignKey("gateway.people.person_id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("badge", Text, nullable=False, index=True),
    Column("since", Date),
    Column("until", Date, comment="exclusive"),
    Column("machine_id", Integer, comment="ingest's; NULL: on every machine where the number is nobody's by itself"),
    comment="Which badge is whose, and when; as attendance says.",
)
