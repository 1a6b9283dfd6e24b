"""The tables of the schema `reports`. `facts` comes in monthly pieces."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

from shared.outbox.tables import add_inbox, add_outbox
from shared.web.idempotency import add_answers

metadata = MetaData(
    schema="reports",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
    },
)

outbox = add_outbox(metadata)
inbox = add_inbox(metadata)
answers = add_answers(metadata)

facts = Table(
    "facts",
    metadata,
    Column("date", Date, primary_key=True),
    Column("person_id", Integer, primary_key=True, autoincrement=False),
    Column("department", Text, comment="as it was on that day, and so are the next four"),
    Column("designation", Text),
    Column("level_of_work", Text, nullable=False),
    Column("unit_path", ARRAY(Integer), nullable=False, comment="the unit and those above it, nearest first"),
    Column("site_id", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("first_in", DateTime(timezone=True)),
    Column("last_out", DateTime(timezone=True)),
    Column("check_in", Text, comment="local, HH:MM"),
    Column("check_out", Text),
    Column("worked", Integer, nullable=False, comment="minutes, as all amounts here"),
    Column("overtime", Integer, nullable=False),
    Column("extra_overtime", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("early_departure", Integer, nullable=False),
    Column("shortfall", Integer, nullable=False),
    Column("snacks", Boolean, nullable=False),
    Column("night_bill", Boolean, nullable=False),
    Column("flags", Text, nullable=False, comment="words, with a space between them"),
    Column("scans", SmallInteger, nullable=False, comment="how many; the scans themselves are attendance's"),
    Column("computed_at", DateTime(timezone=True), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    Index("facts_person_date", "person_id", "date"),
    info={"partitioned": True},
    postgresql_partition_by="RANGE (date)",
    comment="A fact a person and day, kept by attendance's events. A day without scans has none.",
)

people = Table(
    "people",
    metadata,
    Column("person_id", Integer, primary_key=True, autoincrement=False, comment="attendance's"),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("department", Text),
    Column("unit_path", ARRAY(Integer), nullable=False, comment="the unit and those above it, nearest first"),
    Column("designation", Text),
    Column("level_of_work", Text, nullable=False),
    Column("site_id", Integer, nullable=False),
    Column("joined_on", Date),
    Column("left_on", Date),
    Column("removed", Boolean, nullable=False, comment="a tombstone: what is older must not bring the person back"),
    Column("epoch", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    comment="What reports needs to know of attendance's people, kept by events.",
)
