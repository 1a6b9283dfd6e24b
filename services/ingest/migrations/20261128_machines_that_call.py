"""machines that call us: those that are pending, and commands"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'c41f09d2ab7e'
down_revision = '5b1c7de20f43'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('pending_machines',
    sa.Column('kind', sa.Text(), nullable=False, comment='the machine_type that it would have'),
    sa.Column('serial', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False, comment='address that it called from last'),
    sa.Column('about', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False, comment='what it says of itself'),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('calls', sa.BigInteger(), server_default='1', nullable=False),
    sa.Column('refused', sa.Boolean(), server_default='false', nullable=False, comment='a person said no'),
    sa.PrimaryKeyConstraint('kind', 'serial', name=op.f('pending_machines_pkey')),
    schema='ingest',
    comment='Machines that called and are not registered. Nothing of theirs was taken.'
    )
    op.create_table('commands',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False, comment='as the machine reads it'),
    sa.Column('by', sa.Integer(), nullable=False, comment='the user who wants it'),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True, comment='last'),
    sa.Column('sends', sa.Integer(), server_default='0', nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('code', sa.Integer(), nullable=True, comment='as the machine answered; 0 is well'),
    sa.Column('result', sa.Text(), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('commands_pkey')),
    schema='ingest',
    comment='What machines that call us are asked to do.'
    )
    op.create_index('commands_machine', 'commands', ['machine_id', 'id'], unique=False, schema='ingest')
    op.create_index('commands_open', 'commands', ['machine_id'], unique=False, schema='ingest', postgresql_where=sa.text('answered_at IS NULL'))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index('commands_open', table_name='commands', schema='ingest')
    op.drop_index('commands_machine', table_name='commands', schema='ingest')
    op.drop_table('commands', schema='ingest')
    op.drop_table('pending_machines', schema='ingest')
