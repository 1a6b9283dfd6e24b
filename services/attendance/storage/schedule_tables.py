"""The tables of who works when."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, ExcludeConstraint


def add_schedules(metadata: MetaData) -> None:
    """Into the schema `attendance`."""
    Table(
        "shifts",
        metadata,
        Column("id", Integer, Identity(), primary_key=True),
        Column("code", Text, nullable=False, unique=True, comment="short, as on a plan: N1"),
    )
    Table(
        "shift_versions",
        metadata,
        Column("id", Integer, Identity(), primary_key=True),
        Column("shift_id", Integer, ForeignKey("attendance.shifts.id", ondelete="CASCADE"), nullable=False),
        Column("values", JSONB, nullable=False, comment="by the names of the API"),
        Column("during", DATERANGE, nullable=False),
        ExcludeConstraint(("shift_id", "="), ("during", "&&"), name="shift_versions_one_at_a_time", using="gist"),
    )
    Table(
        "schedules",
        metadata,
        Column("id", Integer, Identity(), primary_key=True),
        Column("name", Text, nullable=False, unique=True),
    )
    Table(
        "schedule_versions",
        metadata,
        Column("id", Integer, Identity(), primary_key=True),
        Column("schedule_id", Integer, ForeignKey("attendance.schedules.id", ondelete="CASCADE"), nullable=False),
        Column("values", JSONB, nullable=False, comment="one shift, or a cycle of shifts and null with its anchor"),
        Column("during", DATERANGE, nullable=False),
        ExcludeConstraint(("schedule_id", "="), ("during", "&&"), name="schedule_versions_one_at_a_time", using="gist"),
    )
    Table(
        "schedule_assignments",
        metadata,
        Column("id", Integer, Identity(), primary_key=True),
        Column("schedule_id", Integer, ForeignKey("attendance.schedules.id"), nullable=False, index=True),
        Column("site_id", Integer, ForeignKey("attendance.sites.id")),
        Column("unit_id", Integer, ForeignKey("attendance.units.id")),
        Column("group_id", Integer, ForeignKey("attendance.groups.id")),
        Column("person_id", Integer, ForeignKey("attendance.people.id")),
        Column("during", DATERANGE, nullable=False),
        CheckConstraint("num_nonnulls(site_id, unit_id, group_id, person_id) = 1", name="one_owner"),
        ExcludeConstraint(("site_id", "="), ("during", "&&"), name="schedules_of_a_site", using="gist"),
        ExcludeConstraint(("unit_id", "="), ("during", "&&"), name="schedules_of_a_unit", using="gist"),
        ExcludeConstraint(("group_id", "="), ("during", "&&"), name="schedules_of_a_group", using="gist"),
        ExcludeConstraint(("person_id", "="), ("during", "&&"), name="schedules_of_a_person", using="gist"),
        comment="Whose days go by which schedule: the person's own, else a group's, the nearest unit's, the site's.",
    )
    Table(
        "roster",
        metadata,
        Column("person_id", Integer, ForeignKey("attendance.people.id"), primary_key=True),
        Column("date", Date, primary_key=True),
        Column("shift_id", Integer, ForeignKey("attendance.shifts.id"), index=True, comment="NULL: off"),
        comment="Single dates; they win over every schedule.",
    )
