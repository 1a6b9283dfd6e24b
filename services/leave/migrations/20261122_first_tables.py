"""first tables"""

import sqlalchemy as sa
from alembic import op


revision = '0c87cecd02ee'
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
    schema='leave',
    comment='What POSTs with an Idempotency-Key were answered.'
    )
    op.create_index(op.f('answers_at_idx'), 'answers', ['at'], unique=False, schema='leave')
    op.create_table('epoch',
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', name=op.f('epoch_pkey')),
    schema='leave'
    )
    op.create_table('inbox',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('message_id', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('consumer', 'message_id', name=op.f('inbox_pkey')),
    schema='leave'
    )
    op.create_index(op.f('inbox_at_idx'), 'inbox', ['at'], unique=False, schema='leave')
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
    schema='leave'
    )
    op.create_index('outbox_seq', 'outbox', ['seq'], unique=False, schema='leave')
    op.create_table('people',
    sa.Column('person_id', sa.Integer(), autoincrement=False, nullable=False, comment="attendance's"),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
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
    schema='leave',
    comment="What leave needs to know of attendance's people, kept by events."
    )
    op.execute("INSERT INTO leave.epoch VALUES (1)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('people', schema='leave')
    op.drop_index('outbox_seq', table_name='outbox', schema='leave')
    op.drop_table('outbox', schema='leave')
    op.drop_index(op.f('inbox_at_idx'), table_name='inbox', schema='leave')
    op.drop_table('inbox', schema='leave')
    op.drop_table('epoch', schema='leave')
    op.drop_index(op.f('answers_at_idx'), table_name='answers', schema='leave')
    op.drop_table('answers', schema='leave')
