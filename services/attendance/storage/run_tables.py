"""The tables of what somebody asked to be computed again, or to be tried."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


def add_runs(metadata: MetaData) -> None:
    """Into the schema `attendance`."""
    Table(
        "recompute_runs",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False, comment="dry_run, recompute, sandbox or preview"),
        Column("state", Text, nullable=False, comment="waiting, running, done, cancelled or failed"),
        Column("selection", JSONB, nullable=False, comment="whose days, as they were asked for"),
        Column("draft", JSONB, comment="what is tried, of a sandbox or a preview"),
        Column("people", ARRAY(Integer), nullable=False),
        Column("since", Date, nullable=False),
        Column("until", Date, nullable=False, comment="inclusive"),
        Column("reason", Text),
        Column("asked_by", Integer, nullable=False, comment="a user of the gateway's"),
        Column("asked_by_name", Text, nullable=False),
        Column("asked_at", DateTime(timezone=True), nullable=False),
        Column("started_at", DateTime(timezone=True)),
        Column("finished_at", DateTime(timezone=True)),
        Column("rules_n", BigInteger, comment="rules.n when it was begun"),
        Column("rules_changed", Boolean, nullable=False, server_default="false", comment="while it was under way"),
        Column("people_done", Integer, nullable=False, server_default="0"),
        Column("days_looked_at", BigInteger, nullable=False, server_default="0"),
        Column("days_changed", BigInteger, nullable=False, server_default="0"),
        Column("totals", JSONB, comment="of what only looks"),
        Column("problem", Text, comment="why it failed"),
        Column("of_run", Uuid, ForeignKey("attendance.recompute_runs.id", ondelete="SET NULL"), comment="the dry run"),
        Column("n", BigInteger, nullable=False, server_default="1", comment="version of the state that events carry"),
        CheckConstraint("kind IN ('dry_run', 'recompute', 'sandbox', 'preview')", name="kind"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'cancelled', 'failed')", name="state"),
        Index("recompute_runs_asked_at", "asked_at", "id"),
        Index("recompute_runs_of_run", "of_run"),
        comment="Computing again that somebody asked for, and trying; those that changed nothing go after some days.",
    )
    Table(
        "run_changes",
        metadata,
        Column("run_id", Uuid, ForeignKey("attendance.recompute_runs.id", ondelete="CASCADE"), primary_key=True),
        Column("date", Date, primary_key=True),
        Column("person_id", Integer, primary_key=True),
        Column(
            "before", JSONB, comment="only what differs, by the names of the columns of days; NULL: there is no day"
        ),
        Column("after", JSONB, nullable=False),
        Column("why", Text, nullable=False),
        Column("locked", Boolean, nullable=False, comment="the day stays, and this would be an adjustment"),
        comment="Days that a run which only looks found to come out otherwise.",
    )
