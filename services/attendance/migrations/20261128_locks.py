"""locks"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'e81b64f0c9d7'
down_revision = 'c3f0a7d25b18'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('locks',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False, comment='its first'),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('locked_by', sa.Integer(), nullable=False, comment="a user of the gateway's, as the other"),
    sa.Column('locked_by_name', sa.Text(), nullable=False),
    sa.Column('locked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('unlocked_by', sa.Integer(), nullable=True),
    sa.Column('unlocked_by_name', sa.Text(), nullable=True),
    sa.Column('unlocked_at', sa.DateTime(timezone=True), nullable=True, comment='NULL: locked'),
    sa.Column('unlock_reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('locks_site_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('locks_pkey')),
    schema='attendance',
    comment='Months of sites whose days keep their figures.'
    )
    op.create_index('locks_one_in_force', 'locks', ['site_id', 'month'], unique=True, schema='attendance',
                    postgresql_where=sa.text('unlocked_at IS NULL'))
    op.create_table('adjustments',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False, comment='the day, of a locked month'),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('period', sa.Date(), nullable=False, comment='the first of the month in which it is booked'),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='status and minutes that the day was taken for'),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='those that it would have by what is known now'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('cancelled', sa.Boolean(), nullable=False, comment='nothing is left of it, or its month was unlocked'),
    sa.Column('n', sa.BigInteger(), server_default='1', nullable=False, comment='version of the state that events carry'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('adjustments_person_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('adjustments_pkey')),
    schema='attendance',
    comment='What days of locked months would be: made anew while the month that they are booked in is open.'
    )
    op.create_index('adjustments_one_a_period', 'adjustments', ['person_id', 'date', 'period'], unique=True, schema='attendance')
    op.create_index('adjustments_period', 'adjustments', ['period', 'id'], unique=False, schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('adjustments', schema='attendance')
    op.drop_table('locks', schema='attendance')
