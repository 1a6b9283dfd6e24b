"""The tables of holidays and leave as attendance knows them, and of what is expected of people."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY


def add_time_off(metadata: MetaData) -> None:
    """Into the schema `attendance`."""
    Table(
        "holidays",
        metadata,
        Column("id", Integer, primary_key=True, comment="that of leave"),
        Column("name", Text, nullable=False),
        Column("start_date", Date, nullable=False),
        Column("end_date", Date, nullable=False, comment="inclusive"),
        Column("sites", ARRAY(Integer), comment="NULL: all"),
        Column("is_recurring", Boolean, nullable=False),
        Column("is_observed", Boolean, nullable=False),
        Column("removed", Boolean, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("n", BigInteger, nullable=False),
        comment="A copy of those of leave, kept by events.",
    )
    Table(
        "leave_requests",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("person_id", Integer, nullable=False),
        Column("status", Text, nullable=False),
        Column("removed", Boolean, nullable=False),
        Column("charged", Boolean, nullable=False, comment="it charges dates, or did once"),
        Column("epoch", Integer, nullable=False),
        Column("n", BigInteger, nullable=False),
        comment="Which state of each request of leave is known, kept by events.",
    )
    Table(
        "leave_days",
        metadata,
        Column("request_id", Uuid, ForeignKey("attendance.leave_requests.id"), primary_key=True),
        Column("date", Date, primary_key=True),
        Column("person_id", Integer, nullable=False),
        Column("part", Text, nullable=False, comment="full, morning or afternoon"),
        Column("type", Text, nullable=False, comment="of leave: casual, sick, …"),
        Index("leave_days_person_date", "person_id", "date"),
        Index("leave_days_date", "date"),
        comment="The dates that approved requests charge.",
    )
    Table(
        "expected_days",
        metadata,
        Column("person_id", Integer, ForeignKey("attendance.people.id"), primary_key=True),
        Column("month", Date, primary_key=True, comment="its first"),
        Column("minutes", ARRAY(SmallInteger), nullable=False, comment="expected on each of its dates"),
        Column("n", BigInteger, nullable=False, comment="version of the state that events carry"),
        comment="What was last told of a person's month; told again only where it differs.",
    )
    Table(
        "expected_months",
        metadata,
        Column("id", SmallInteger, primary_key=True, server_default="1"),
        Column("first", Date, nullable=False, comment="the first month that was ever told"),
        Column("last", Date, nullable=False),
        CheckConstraint("id = 1", name="one_row"),
        comment="One row, once any were told: the months that are told of everybody.",
    )
    Table(
        "expected_notes",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("people", ARRAY(Integer), comment="NULL: everybody"),
        Column("since", Date, comment="NULL: always"),
        Column("until", Date, comment="inclusive; NULL: for ever"),
        comment="Whose expected days may have changed, and when; looked at in the background.",
    )
