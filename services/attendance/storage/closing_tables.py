"""The tables of the close of days."""

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Index, Integer, MetaData, Table, Text


def add_closing(metadata: MetaData) -> None:
    """Into the schema `attendance`."""
    Table(
        "closings",
        metadata,
        Column("site_id", Integer, ForeignKey("attendance.sites.id", ondelete="CASCADE"), primary_key=True),
        Column("begins", Date, nullable=False, comment="the first date that is closed; older ones never are"),
        Column("next", Date, nullable=False, comment="the date that is to be closed next"),
        Column("set_by", Integer, comment="a user of the gateway's who moved the beginning back; NULL: nobody did"),
        Column("set_by_name", Text),
        Column("set_at", DateTime(timezone=True)),
        comment="How far the dates of each site are closed.",
    )
    Table(
        "closed_dates",
        metadata,
        Column("site_id", Integer, ForeignKey("attendance.sites.id", ondelete="CASCADE"), primary_key=True),
        Column("date", Date, primary_key=True),
        Column("closed_at", DateTime(timezone=True), nullable=False),
        Index("closed_dates_date", "date"),
        comment="Dates of sites on which everybody employed there has a day, seen or not.",
    )
    Table(
        "gone_days",
        metadata,
        Column("date", Date, primary_key=True),
        Column("person_id", Integer, primary_key=True),
        Column("n", BigInteger, nullable=False, comment="the version that the removal was told with"),
        comment="Days that had a row and lost it: should they get one again, its versions follow this one.",
    )
