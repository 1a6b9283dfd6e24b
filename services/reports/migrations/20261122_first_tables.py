"""first tables"""

import sqlalchemy as sa
from alembic import op


revision = 'c44ef98f2185'
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
    schema='reports',
    comment='What POSTs with an Idempotency-Key were answered.'
    )
    op.create_index(op.f('answers_at_idx'), 'answers', ['at'], unique=False, schema='reports')
    op.create_table('epoch',
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', name=op.f('epoch_pkey')),
    schema='reports'
    )
    op.create_table('facts',
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('person_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('department', sa.Text(), nullable=True, comment='as it was on that day, and so are the next four'),
    sa.Column('designation', sa.Text(), nullable=True),
    sa.Column('level_of_work', sa.Text(), nullable=False),
    sa.Column('unit_path', sa.ARRAY(sa.Integer()), nullable=False, comment='the unit and those above it, nearest first'),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('first_in', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_out', sa.DateTime(timezone=True), nullable=True),
    sa.Column('check_in', sa.Text(), nullable=True, comment='local, HH:MM'),
    sa.Column('check_out', sa.Text(), nullable=True),
    sa.Column('worked', sa.Integer(), nullable=False, comment='minutes, as all amounts here'),
    sa.Column('overtime', sa.Integer(), nullable=False),
    sa.Column('extra_overtime', sa.Integer(), nullable=False),
    sa.Column('late', sa.Integer(), nullable=False),
    sa.Column('early_departure', sa.Integer(), nullable=False),
    sa.Column('shortfall', sa.Integer(), nullable=False),
    sa.Column('snacks', sa.Boolean(), nullable=False),
    sa.Column('night_bill', sa.Boolean(), nullable=False),
    sa.Column('flags', sa.Text(), nullable=False, comment='words, with a space between them'),
    sa.Column('scans', sa.SmallInteger(), nullable=False, comment="how many; the scans themselves are attendance's"),
    sa.Column('computed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('date', 'person_id', name=op.f('facts_pkey')),
    schema='reports',
    comment="A fact a person and day, kept by attendance's events. A day without scans has none.",
    info={'partitioned': True},
    postgresql_partition_by='RANGE (date)'
    )
    op.create_index('facts_person_date', 'facts', ['person_id', 'date'], unique=False, schema='reports')
    op.create_table('inbox',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('message_id', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('consumer', 'message_id', name=op.f('inbox_pkey')),
    schema='reports'
    )
    op.create_index(op.f('inbox_at_idx'), 'inbox', ['at'], unique=False, schema='reports')
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
    schema='reports'
    )
    op.create_index('outbox_seq', 'outbox', ['seq'], unique=False, schema='reports')
    op.create_table('people',
    sa.Column('person_id', sa.Integer(), autoincrement=False, nullable=False, comment="attendance's"),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('unit_path', sa.ARRAY(sa.Integer()), nullable=False, comment='the unit and those above it, nearest first'),
    sa.Column('designation', sa.Text(), nullable=True),
    sa.Column('level_of_work', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('joined_on', sa.Date(), nullable=True),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('removed', sa.Boolean(), nullable=False, comment='a tombstone: what is older must not bring the person back'),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('person_id', name=op.f('people_pkey')),
    schema='reports',
    comment="What reports needs to know of attendance's people, kept by events."
    )
    op.execute("INSERT INTO reports.epoch VALUES (1)")
    # Days that no monthly piece is made for, such as those of broken clocks.
    op.execute("CREATE TABLE reports.facts_default PARTITION OF reports.facts DEFAULT")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('people', schema='reports')
    op.drop_index('outbox_seq', table_name='outbox', schema='reports')
    op.drop_table('outbox', schema='reports')
    op.drop_index(op.f('inbox_at_idx'), table_name='inbox', schema='reports')
    op.drop_table('inbox', schema='reports')
    op.drop_index('facts_person_date', table_name='facts', schema='reports')
    op.drop_table('facts', schema='reports')
    op.drop_table('epoch', schema='reports')
    op.drop_index(op.f('answers_at_idx'), table_name='answers', schema='reports')
    op.drop_table('answers', schema='reports')
