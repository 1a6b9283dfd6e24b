"""The table of pay codes."""

from sqlalchemy import Column, DateTime, ForeignKey, Identity, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, ExcludeConstraint


def add_pay_codes(metadata: MetaData) -> None:
    """Into the schema `attendance`."""
    Table(
        "pay_codes",
        metadata,
        Column("id", Integer, Identity(), primary_key=True),
        Column("site_id", Integer, ForeignKey("attendance.sites.id"), nullable=False),
        Column("values", JSONB, nullable=False, comment="by kind: code, unit and factor; null is left out on purpose"),
        Column("during", DATERANGE, nullable=False),
        Column("changed_by", Integer, nullable=False, comment="a user of the gateway's"),
        Column("changed_by_name", Text, nullable=False),
        Column("changed_at", DateTime(timezone=True), nullable=False),
        ExcludeConstraint(("site_id", "="), ("during", "&&"), name="pay_codes_one_at_a_time", using="gist"),
        comment="Under which code, in which unit and times what the days of a site go to payroll.",
    )
