"""The tables of the schema `ingest`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    false,
    func,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.outbox.tables import add_outbox
from shared.web.idempotency import add_answers

metadata = MetaData(
    schema="ingest",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
    },
)

outbox = add_outbox(metadata)
answers = add_answers(metadata)

machines = Table(
    "machines",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("machine_id", Text, nullable=False, unique=True, comment="the code that people use"),
    Column("name", Text, nullable=False),
    Column("machine_type", Text, nullable=False),
    Column("ip_address", Text),
    Column("port", Integer),
    Column("location", Text, nullable=False, server_default=""),
    Column("department", Integer, comment="a unit of attendance"),
    Column("department_name", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False),
    Column("direction", Text, nullable=False, server_default="both"),
    Column("site_id", Integer, nullable=False),
    Column("zone", Text, nullable=False, comment="IANA, of its clock"),
    Column("serial", Text, unique=True),
    Column("aliases", ARRAY(Text), nullable=False, server_default="{}"),
    Column("installed_on", Date, comment="scans before this day come from a wrong clock"),
    Column("config", JSONB, nullable=False, server_default="{}", comment="holds secrets"),
    Column("is_connected", Boolean, nullable=False, server_default="false"),
    Column("status_text", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False, server_default="connecting", comment="of contact with it"),
    Column("last_contact_at", DateTime(timezone=True)),
    Column("last_sync", DateTime(timezone=True)),
    Column("last_scan_at", DateTime(timezone=True)),
    Column("reported_until", DateTime(timezone=True)),
    Column("clock_offset_seconds", Double, comment="its clock minus ours; null where it was never measured"),
    Column("clock_measured_at", DateTime(timezone=True)),
    Column("records_on_machine", BigInteger, comment="as it says itself"),
    Column("record_capacity", BigInteger),
    Column("records_received", BigInteger, comment="of those on the machine"),
    Column("log_cleared_at", DateTime(timezone=True), comment="when that was noticed last"),
    Column(
        "records_cleared",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="that it held each time before its log was cleared, together",
    ),
    Column(
        "read_mark", Text, nullable=False, server_default="", comment="how far its log was read, in its driver's words"
    ),
    Column("sync_asked_at", DateTime(timezone=True), comment="its log is to be read again; null once it was"),
    Column("sync_since", DateTime, comment="wall time of its clock from which on that is wanted; null is all of it"),
    Column(
        "clock_asked_at",
        DateTime(timezone=True),
        comment="its clock is to be set, by whoever holds it; null once it was",
    ),
    Column("clock_asked_by", Text, nullable=False, server_default=""),
    Column("paused_at", DateTime(timezone=True)),
    Column("paused_until", DateTime(timezone=True), comment="null is until somebody resumes"),
    Column("paused_by", Text, nullable=False, server_default=""),
    Column("pause_reason", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="1", comment="of what people set"),
    Column("version", BigInteger, nullable=False, server_default="1", comment="of the state that events carry"),
    Column("removed", Boolean, nullable=False, server_default="false"),
    comment="Never deleted: an id is part of the id of every scan of its machine.",
)

ledger = Table(
    "ledger",
    metadata,
    Column("machine_id", Integer, primary_key=True),
    Column("scan_id", Uuid, primary_key=True),
    Column("counted", Boolean, nullable=False, server_default=true(), comment="in days_received"),
    Column(
        "from_machine",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the machine handed it over itself; else a file did, as far as anybody knows",
    ),
    comment="Scans that cannot be lost any more. It makes reading a log again cheap; losing a row only repeats a scan.",
)

days_received = Table(
    "days_received",
    metadata,
    Column("machine_id", Integer, primary_key=True),
    Column("day", Date, primary_key=True, comment="on the machine's clock"),
    Column("scans", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False, comment="of those"),
    Column(
        "from_machine",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="of the scans, those that the machine is known to have handed over itself",
    ),
    comment="How many scans of the ledger are of which day. Counted as they are entered.",
)

uncounted = Table(
    "uncounted",
    metadata,
    Column("machine_id", Integer, primary_key=True, autoincrement=False),
    Column("scans", BigInteger, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, comment="days are counted"),
    comment="How many scans of the ledger are not in days_received: they were entered before days were counted.",
)

arrivals = Table(
    "arrivals",
    metadata,
    Column("machine_id", Integer, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True, comment="in which they came"),
    Column("scans", BigInteger, nullable=False),
    comment="When scans of machines came of late, which files do not count in. Forgotten after some weeks.",
)

log_readings = Table(
    "log_readings",
    metadata,
    Column("machine_id", Integer, primary_key=True, autoincrement=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("on_machine", BigInteger, comment="records, as it said then; null where it says nothing"),
    Column("read", BigInteger, nullable=False, comment="records, of which the others are parts"),
    Column("new", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False, comment="the same scan as one just before"),
    Column("quarantined", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("days", JSONB, nullable=False, comment="different scans of each day on the machine's clock"),
    comment="The last reading of each machine's whole log that came to its end.",
)

unreadable = Table(
    "unreadable",
    metadata,
    Column("machine_id", Integer, primary_key=True),
    Column("digest", LargeBinary, primary_key=True, comment="of the bytes, and of which of equal ones it is"),
    Column("position", BigInteger, comment="line or index where it was first seen"),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("source", Text, nullable=False, comment="file, session, or contact: said in one that failed, no record"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    comment="Records that cannot be understood, kept as evidence.",
)

spool = Table(
    "spool",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("machine_id", Integer, nullable=False, comment="0 where the message holds scans of several"),
    Column("message_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("spooled_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    comment="Scans that were acknowledged while the bus was away, in the order in which they are to be published.",
)

pending_machines = Table(
    "pending_machines",
    metadata,
    Column("kind", Text, primary_key=True, comment="the machine_type that it would have"),
    Column("serial", Text, primary_key=True),
    Column("source", Text, nullable=False, comment="address that it called from last"),
    Column("about", JSONB, nullable=False, server_default="{}", comment="what it says of itself"),
    Column("first_seen_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("calls", BigInteger, nullable=False, server_default="1"),
    Column("refused", Boolean, nullable=False, server_default="false", comment="a person said no"),
    comment="Machines that called and are not registered. Nothing of theirs was taken.",
)

bookmarks = Table(
    "bookmarks",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("log", Text, primary_key=True, comment="which of its logs"),
    Column("mark", Text, nullable=False, comment="in the machine's own words"),
    comment="How far machines that call were taken. Losing a row only has a log sent again.",
)

commands = Table(
    "commands",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("machine_id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False, comment="as the machine reads it"),
    Column("by", Integer, nullable=False, comment="the user who wants it"),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True), comment="last"),
    Column("sends", Integer, nullable=False, server_default="0"),
    Column("answered_at", DateTime(timezone=True)),
    Column("code", Integer, comment="as the machine answered; 0 is well"),
    Column("result", Text, nullable=False, server_default=""),
    comment="What machines that call us are asked to do.",
)

clock_measurements = Table(
    "clock_measurements",
    metadata,
    Column("machine_id", Integer, primary_key=True, autoincrement=False),
    Column("measured_at", DateTime(timezone=True), primary_key=True),
    Column("kind", Text, primary_key=True, comment="measured, or set: by us, just then"),
    Column("offset_seconds", Double, nullable=False, comment="its clock minus ours; of one that was set, before that"),
    Column("by", Text, nullable=False, server_default="", comment="who wanted it set; empty where nobody had to"),
    comment="What clocks were off by: one an hour, and both sides of each jump. Forgotten after some weeks.",
)

Index("commands_machine", commands.c.machine_id, commands.c.id)
Index("commands_open", commands.c.machine_id, postgresql_where=commands.c.answered_at.is_(None))
Index("machines_name", func.lower(machines.c.name))
