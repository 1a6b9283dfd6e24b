"""pauses, reading again, and what is counted of scans"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'a94e3f7b1d20'
down_revision = '7d20b6c8e3f1'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('machines', sa.Column('read_mark', sa.Text(), server_default='', nullable=False, comment="how far its log was read, in its driver's words"), schema='ingest')
    op.add_column('machines', sa.Column('sync_asked_at', sa.DateTime(timezone=True), nullable=True, comment='its log is to be read again; null once it was'), schema='ingest')
    op.add_column('machines', sa.Column('paused_at', sa.DateTime(timezone=True), nullable=True), schema='ingest')
    op.add_column('machines', sa.Column('paused_until', sa.DateTime(timezone=True), nullable=True, comment='null is until somebody resumes'), schema='ingest')
    op.add_column('machines', sa.Column('paused_by', sa.Text(), server_default='', nullable=False), schema='ingest')
    op.add_column('machines', sa.Column('pause_reason', sa.Text(), server_default='', nullable=False), schema='ingest')
    op.create_table('days_received',
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False, comment="on the machine's clock"),
    sa.Column('scans', sa.BigInteger(), nullable=False),
    sa.Column('quarantined', sa.BigInteger(), nullable=False, comment='of those'),
    sa.PrimaryKeyConstraint('machine_id', 'day', name=op.f('days_received_pkey')),
    schema='ingest',
    comment='How many scans of the ledger are of which day. Counted as they are entered.'
    )
    op.create_table('arrivals',
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False, comment='in which they came'),
    sa.Column('scans', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('machine_id', 'hour', name=op.f('arrivals_pkey')),
    schema='ingest',
    comment='When scans of machines came of late, which files do not count in. Forgotten after some weeks.'
    )
    op.create_table('log_readings',
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('on_machine', sa.BigInteger(), nullable=True, comment='records, as it said then; null where it says nothing'),
    sa.Column('read', sa.BigInteger(), nullable=False, comment='records, of which the others are parts'),
    sa.Column('new', sa.BigInteger(), nullable=False),
    sa.Column('repeated', sa.BigInteger(), nullable=False, comment='the same scan as one just before'),
    sa.Column('quarantined', sa.BigInteger(), nullable=False),
    sa.Column('unreadable', sa.BigInteger(), nullable=False),
    sa.Column('days', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="different scans of each day on the machine's clock"),
    sa.PrimaryKeyConstraint('machine_id', name=op.f('log_readings_pkey')),
    schema='ingest',
    comment="The last reading of each machine's whole log that came to its end."
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('log_readings', schema='ingest')
    op.drop_table('arrivals', schema='ingest')
    op.drop_table('days_received', schema='ingest')
    op.drop_column('machines', 'pause_reason', schema='ingest')
    op.drop_column('machines', 'paused_by', schema='ingest')
    op.drop_column('machines', 'paused_until', schema='ingest')
    op.drop_column('machines', 'paused_at', schema='ingest')
    op.drop_column('machines', 'sync_asked_at', schema='ingest')
    op.drop_column('machines', 'read_mark', schema='ingest')
