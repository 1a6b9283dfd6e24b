"""corrections"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'c3f0a7d25b18'
down_revision = '5d1c0c6a7f3e'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('corrections',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False, comment='the day that it is about; moved where rules move its instant'),
    sa.Column('kind', sa.Text(), nullable=False, comment='scan, set_aside, figure or duty'),
    sa.Column('at', sa.DateTime(timezone=True), nullable=True, comment='the instant that places it on a day; NULL for figures'),
    sa.Column('values', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='what it says, by its kind'),
    sa.Column('edge', sa.Text(), nullable=True, comment='first or last: made by an edit of that end of the day'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False, comment='requested, approved, rejected or withdrawn'),
    sa.Column('asked_by', sa.Integer(), nullable=False, comment="a user of the gateway's, as the others here"),
    sa.Column('asked_by_name', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_by_name', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=True),
    sa.Column('withdrawn_by', sa.Integer(), nullable=True),
    sa.Column('withdrawn_by_name', sa.Text(), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawal_reason', sa.Text(), nullable=True),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='the figures of the day when it was approved, and what they became'),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('n', sa.BigInteger(), server_default='1', nullable=False, comment='version of the state that events carry'),
    sa.CheckConstraint("state IN ('requested', 'approved', 'rejected', 'withdrawn')", name=op.f('corrections_state_check')),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('corrections_person_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('corrections_pkey')),
    schema='attendance',
    comment='What people say about days: evidence, decided on and withdrawn, never changed or deleted otherwise.'
    )
    op.create_index('corrections_person_date', 'corrections', ['person_id', 'date'], unique=False, schema='attendance')
    op.create_index('corrections_in_force', 'corrections', ['person_id', 'date'], unique=False, schema='attendance',
                    postgresql_where=sa.text("state = 'approved'"))
    op.create_index('corrections_asked_at', 'corrections', ['asked_at', 'id'], unique=False, schema='attendance')
    op.create_table('changes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='the figures that the day had'),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('changes_pkey')),
    schema='attendance',
    comment='Days that came out otherwise when they were computed again, because of a rule, a badge or a person.'
    )
    op.create_index('changes_person_date', 'changes', ['person_id', 'date'], unique=False, schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('changes', schema='attendance')
    op.drop_table('corrections', schema='attendance')
