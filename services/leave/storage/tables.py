"""The tables of the schema `leave`."""

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Integer, MetaData, Table, Text

from shared.outbox.tables import add_inbox, add_outbox
from shared.web.idempotency import add_answers

metadata = MetaData(
    schema="leave",
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

people = Table(
    "people",
    metadata,
    Column("person_id", Integer, primary_key=True, autoincrement=False, comment="attendance's"),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
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
    comment="What leave needs to know of attendance's people, kept by events.",
)
