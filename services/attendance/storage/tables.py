"""The tables of the schema `attendance`.

What changes over time is a row with a validity range, and an exclusion constraint sees to it that there is one
at a time; a missing bound means always. `scans` and `days` come in monthly pieces.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, ExcludeConstraint

from services.attendance.storage.closing_tables import add_closing
from services.attendance.storage.correction_tables import add_corrections
from services.attendance.storage.payroll_tables import add_pay_codes
from services.attendance.storage.run_tables import add_runs
from services.attendance.storage.schedule_tables import add_schedules
from services.attendance.storage.time_off_tables import add_time_off
from shared.outbox.tables import add_inbox, add_outbox
from shared.web.idempotency import add_answers

metadata = MetaData(
    schema="attendance",
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

rules = Table(
    "rules",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default="1"),
    Column("n", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="One row. n rises with every change of what a day is computed by: people, badges, settings, zones.",
)

sites = Table(
    "sites",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("zone", Text, comment="IANA; NULL until it is configured or the first machine tells"),
)

units = Table(
    "units",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("kind", Text, nullable=False, server_default="department"),
    Column("name", Text, nullable=False),
    Column("parent_id", Integer, ForeignKey("attendance.units.id")),
    Column(
        "head_id", Integer, ForeignKey("attendance.people.id"), comment="who leads it; what they may see is the user's"
    ),
    Index("units_kind_name", "kind", text("lower(name)"), unique=True),
)

people = Table(
    "people",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True, comment="the company's own code, EMP001"),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("gender", Text),
    Column("joined_on", Date),
    Column("left_on", Date, comment="the last day that the person belongs to the company"),
    Column("removed", Boolean, nullable=False, server_default="false"),
    Column("n", BigInteger, nullable=False, server_default="1", comment="version of the state that events carry"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("person_id", Integer, ForeignKey("attendance.people.id"), nullable=False),
    Column("unit_id", Integer, ForeignKey("attendance.units.id"), index=True),
    Column("site_id", Integer, ForeignKey("attendance.sites.id"), nullable=False),
    Column("designation", Text),
    Column("level_of_work", Text, nullable=False, server_default="Worker"),
    Column("during", DATERANGE, nullable=False),
    ExcludeConstraint(("person_id", "="), ("during", "&&"), name="assignments_one_at_a_time", using="gist"),
    comment="Where a person belongs, and as what, from when to when.",
)

badges = Table(
    "badges",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("badge", Text, nullable=False, comment="as machines know the person: opaque text"),
    Column("person_id", Integer, ForeignKey("attendance.people.id"), nullable=False, index=True),
    Column("during", DATERANGE, nullable=False),
    Column(
        "machine_id", Integer, comment="ingest's; where the number is this person's. NULL: wherever it is not bound"
    ),
    ExcludeConstraint(
        ("badge", "="),
        (func.coalesce(column("machine_id"), 0), "="),
        ("during", "&&"),
        name="badges_one_person_at_a_time",
        using="gist",
    ),
    Index("badges_bound", "badge", "machine_id", postgresql_where=text("machine_id IS NOT NULL")),
)

settings = Table(
    "settings",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("site_id", Integer, ForeignKey("attendance.sites.id")),
    Column("unit_id", Integer, ForeignKey("attendance.units.id")),
    Column("person_id", Integer, ForeignKey("attendance.people.id")),
    Column("values", JSONB, nullable=False, comment="only what differs from what lies above, by the names of the API"),
    Column("during", DATERANGE, nullable=False),
    CheckConstraint("num_nonnulls(site_id, unit_id, person_id) = 1", name="one_owner"),
    ExcludeConstraint(("site_id", "="), ("during", "&&"), name="settings_one_at_a_time", using="gist"),
    ExcludeConstraint(("unit_id", "="), ("during", "&&"), name="settings_of_a_unit", using="gist"),
    ExcludeConstraint(("person_id", "="), ("during", "&&"), name="settings_of_a_person", using="gist"),
    comment="Of a site, over them those of units from the top down, over them a person's. Rows are never changed.",
)

machines = Table(
    "machines",
    metadata,
    Column("id", Integer, primary_key=True, comment="ingest's"),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("site_id", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reports_by_itself", Boolean, nullable=False),
    Column("is_connected", Boolean, nullable=False),
    Column("reported_until", DateTime(timezone=True)),
    Column("removed", Boolean, nullable=False, server_default="false"),
    Column("epoch", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    comment="What attendance needs to know of ingest's machines, kept by events.",
)

scans = Table(
    "scans",
    metadata,
    Column("local_at", DateTime(timezone=False), primary_key=True, comment="the machine's wall clock"),
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("badge", Text, nullable=False),
    Column("machine_id", Integer, nullable=False),
    Column("site_id", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("quality", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("verify", Text),
    Column("work_code", Text),
    Column("record_no", Text),
    Column("device_time", Text, nullable=False, comment="exactly as received"),
    Column("zone", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("mode", Text, nullable=False),
    Column("raw", JSONB),
    Index("scans_badge_at", "badge", "at"),
    Index("scans_machine_local_at", "machine_id", "local_at"),
    # They are few and are looked for by id alone, which the key does not serve: it begins with the wall clock.
    Index("scans_quarantined", "id", postgresql_where=text("quality IN ('implausible_past', 'future')")),
    info={"partitioned": True},
    postgresql_partition_by="RANGE (local_at)",
    comment="Evidence: written once, never changed, never deleted by the program.",
)
# An id is made of the machine and its wall-clock second (among others), so one id is always in one piece, and the
# key over both columns makes it unique over all of them, whatever zone the machine is later said to be in.

releases = Table(
    "releases",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # With `local_at` the key of the scan; a foreign key would forbid to move scans into a piece of their month.
    Column("scan_id", Uuid, nullable=False),
    Column("local_at", DateTime(timezone=False), nullable=False, comment="the machine's wall clock, as in scans"),
    Column("badge", Text, nullable=False, comment="the scan's, as type and machine: so that days need not look there"),
    Column("type", Text, nullable=False),
    Column("machine_id", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant at which the scan counts"),
    Column("wall_time", DateTime(timezone=False), nullable=False, comment="the same in the zone of the scan"),
    Column("reason", Text, nullable=False),
    Column("released_at", DateTime(timezone=True), nullable=False),
    Column("released_by", Integer, nullable=False, comment="a user of the gateway's"),
    Column("released_by_name", Text, nullable=False),
    Column("withdrawn_at", DateTime(timezone=True), comment="NULL: in force"),
    Column("withdrawn_by", Integer),
    Column("withdrawn_by_name", Text),
    Index("releases_one_in_force", "scan_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
    Index("releases_badge_at", "badge", "at"),
    comment="What people ruled about quarantined scans. A ruling is never changed; it is withdrawn, by whom is kept.",
)

days = Table(
    "days",
    metadata,
    Column("date", Date, primary_key=True),
    Column("person_id", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("first_in", DateTime(timezone=True)),
    Column("last_out", DateTime(timezone=True)),
    Column("worked", Integer, nullable=False, comment="minutes, as all amounts here"),
    Column("overtime", Integer, nullable=False),
    Column("extra_overtime", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("early_departure", Integer, nullable=False),
    Column("shortfall", Integer, nullable=False),
    Column("snacks", Boolean, nullable=False),
    Column("night_bill", Boolean, nullable=False),
    Column("flags", Text, nullable=False, comment="words, with a space between them"),
    Column("used", SmallInteger, nullable=False),
    Column("merged", SmallInteger, nullable=False),
    Column("check_ins", SmallInteger, nullable=False),
    Column("check_outs", SmallInteger, nullable=False),
    Column("marks", Text, nullable=False, comment='the used scans in local time: "08:00 IN,17:30 OUT"'),
    Column("zone", Text, nullable=False, comment="that the day was computed in"),
    Column("digest", LargeBinary, nullable=False, comment="of all that the day was computed from"),
    Column("raw_worked", Integer, comment="before rounding; NULL: as worked"),
    Column("expected", Integer, comment="minutes of work; NULL: as the rules of the date say"),
    Column("overtime_unapproved", Boolean, nullable=False, server_default="false"),
    Column("shift", Text, comment="as sentences call it"),
    Column(
        "shift_confidence", SmallInteger, comment="hundredths, where the shift was inferred; NULL: somebody said it"
    ),
    Column("n", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("days_person_date", "person_id", "date"),
    info={"partitioned": True},
    postgresql_partition_by="RANGE (date)",
    comment="Computed, never the truth: every row can be computed again. Without scans: once closed or locked.",
)

unknown_badges = Table(
    "unknown_badges",
    metadata,
    Column("badge", Text, primary_key=True),
    Column("scans", BigInteger, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("machine_id", Integer, nullable=False, comment="where it was last seen"),
)

recomputations = Table(
    "recomputations",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", Integer, comment="NULL: everybody, or whoever is in people"),
    Column("people", ARRAY(Integer), comment="of many"),
    Column("since", Date),
    Column("until", Date, comment="inclusive"),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("done", ARRAY(Integer), comment="of each lane: how many of its people are done; NULL: nobody has begun"),
    Column("run_id", Uuid, ForeignKey("attendance.recompute_runs.id"), comment="that somebody follows"),
    comment="Days to compute again because a rule, a badge or a person changed; done in the background, oldest first.",
)

groups = Table(
    "groups",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Index("groups_name", text("lower(name)"), unique=True),
    comment="Of people, across units.",
)

group_members = Table(
    "group_members",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("group_id", Integer, ForeignKey("attendance.groups.id"), nullable=False),
    Column("person_id", Integer, ForeignKey("attendance.people.id"), nullable=False, index=True),
    Column("during", DATERANGE, nullable=False),
    ExcludeConstraint(
        ("group_id", "="), ("person_id", "="), ("during", "&&"), name="group_members_once_at_a_time", using="gist"
    ),
    comment="Who is in a group, from when to when.",
)

add_corrections(metadata)
add_schedules(metadata)
add_time_off(metadata)
add_closing(metadata)
add_pay_codes(metadata)
add_runs(metadata)
