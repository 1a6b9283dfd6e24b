"""first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = 'db869e34ef96'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('answers',
    sa.Column('caller', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('request', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('caller', 'key', name=op.f('answers_pkey')),
    schema='ingest',
    comment='What POSTs with an Idempotency-Key were answered.'
    )
    op.create_index(op.f('answers_at_idx'), 'answers', ['at'], unique=False, schema='ingest')
    op.create_table('epoch',
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', name=op.f('epoch_pkey')),
    schema='ingest'
    )
    op.create_table('ledger',
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('scan_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('machine_id', 'scan_id', name=op.f('ledger_pkey')),
    schema='ingest',
    comment='Scans that cannot be lost any more. It makes reading a log again cheap; losing a row only repeats a scan.'
    )
    op.create_table('machines',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('machine_id', sa.Text(), nullable=False, comment='the code that people use'),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('machine_type', sa.Text(), nullable=False),
    sa.Column('ip_address', sa.Text(), nullable=True),
    sa.Column('port', sa.Integer(), nullable=True),
    sa.Column('location', sa.Text(), server_default='', nullable=False),
    sa.Column('department', sa.Integer(), nullable=True, comment='a unit of attendance'),
    sa.Column('department_name', sa.Text(), server_default='', nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), server_default='both', nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False, comment='IANA, of its clock'),
    sa.Column('serial', sa.Text(), nullable=True),
    sa.Column('aliases', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('installed_on', sa.Date(), nullable=True, comment='scans before this day come from a wrong clock'),
    sa.Column('config', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False, comment='holds secrets'),
    sa.Column('is_connected', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('status_text', sa.Text(), server_default='', nullable=False),
    sa.Column('last_sync', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_scan_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reported_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revision', sa.BigInteger(), server_default='1', nullable=False, comment='of what people set'),
    sa.Column('version', sa.BigInteger(), server_default='1', nullable=False, comment='of the state that events carry'),
    sa.Column('removed', sa.Boolean(), server_default='false', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('machines_pkey')),
    sa.UniqueConstraint('machine_id', name=op.f('machines_machine_id_key')),
    sa.UniqueConstraint('serial', name=op.f('machines_serial_key')),
    schema='ingest',
    comment='Never deleted: an id is part of the id of every scan of its machine.'
    )
    op.create_index('machines_name', 'machines', [sa.literal_column('lower(name)')], unique=False, schema='ingest')
    op.create_table('outbox',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('aggregatetype', sa.Text(), nullable=False),
    sa.Column('aggregateid', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('outbox_pkey')),
    schema='ingest'
    )
    op.create_index('outbox_seq', 'outbox', ['seq'], unique=False, schema='ingest')
    op.create_table('spool',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('machine_id', sa.Integer(), nullable=False, comment='0 where the message holds scans of several'),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('spooled_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('spool_pkey')),
    schema='ingest',
    comment='Scans that were acknowledged while the bus was away, in the order in which they are to be published.'
    )
    op.create_table('unreadable',
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False, comment='of the bytes, and of which of equal ones it is'),
    sa.Column('position', sa.BigInteger(), nullable=True, comment='line or index where it was first seen'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False, comment='file or session'),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('machine_id', 'digest', name=op.f('unreadable_pkey')),
    schema='ingest',
    comment='Records that cannot be understood, kept as evidence.'
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('unreadable', schema='ingest')
    op.drop_table('spool', schema='ingest')
    op.drop_index('outbox_seq', table_name='outbox', schema='ingest')
    op.drop_table('outbox', schema='ingest')
    op.drop_index('machines_name', table_name='machines', schema='ingest')
    op.drop_table('machines', schema='ingest')
    op.drop_table('ledger', schema='ingest')
    op.drop_table('epoch', schema='ingest')
    op.drop_index(op.f('answers_at_idx'), table_name='answers', schema='ingest')
    op.drop_table('answers', schema='ingest')
