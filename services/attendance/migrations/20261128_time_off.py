"""holidays, leave and expected days"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'f2a9d3b6c851'
down_revision = 'c41e7f0b92d8'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('holidays',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False, comment='that of leave'),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('start_date', sa.Date(), nullable=False),
    sa.Column('end_date', sa.Date(), nullable=False, comment='inclusive'),
    sa.Column('sites', postgresql.ARRAY(sa.Integer()), nullable=True, comment='NULL: all'),
    sa.Column('is_recurring', sa.Boolean(), nullable=False),
    sa.Column('is_observed', sa.Boolean(), nullable=False),
    sa.Column('removed', sa.Boolean(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('holidays_pkey')),
    schema='attendance',
    comment='A copy of those of leave, kept by events.'
    )
    op.create_table('leave_requests',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('removed', sa.Boolean(), nullable=False),
    sa.Column('charged', sa.Boolean(), nullable=False, comment='it charges dates, or did once'),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('leave_requests_pkey')),
    schema='attendance',
    comment='Which state of each request of leave is known, kept by events.'
    )
    op.create_table('leave_days',
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.Text(), nullable=False, comment='full, morning or afternoon'),
    sa.Column('type', sa.Text(), nullable=False, comment='of leave: casual, sick, …'),
    sa.ForeignKeyConstraint(['request_id'], ['attendance.leave_requests.id'], name=op.f('leave_days_request_id_fkey')),
    sa.PrimaryKeyConstraint('request_id', 'date', name=op.f('leave_days_pkey')),
    schema='attendance',
    comment='The dates that approved requests charge.'
    )
    op.create_index('leave_days_date', 'leave_days', ['date'], unique=False, schema='attendance')
    op.create_index('leave_days_person_date', 'leave_days', ['person_id', 'date'], unique=False, schema='attendance')
    op.create_table('expected_days',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False, comment='its first'),
    sa.Column('minutes', postgresql.ARRAY(sa.SmallInteger()), nullable=False, comment='expected on each of its dates'),
    sa.Column('n', sa.BigInteger(), nullable=False, comment='version of the state that events carry'),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('expected_days_person_id_fkey')),
    sa.PrimaryKeyConstraint('person_id', 'month', name=op.f('expected_days_pkey')),
    schema='attendance',
    comment="What was last told of a person's month; told again only where it differs."
    )
    op.create_table('expected_months',
    sa.Column('id', sa.SmallInteger(), server_default='1', autoincrement=False, nullable=False),
    sa.Column('first', sa.Date(), nullable=False, comment='the first month that was ever told'),
    sa.Column('last', sa.Date(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('expected_months_one_row_check')),
    sa.PrimaryKeyConstraint('id', name=op.f('expected_months_pkey')),
    schema='attendance',
    comment='One row, once any were told: the months that are told of everybody.'
    )
    op.create_table('expected_notes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('people', postgresql.ARRAY(sa.Integer()), nullable=True, comment='NULL: everybody'),
    sa.Column('since', sa.Date(), nullable=True, comment='NULL: always'),
    sa.Column('until', sa.Date(), nullable=True, comment='inclusive; NULL: for ever'),
    sa.PrimaryKeyConstraint('id', name=op.f('expected_notes_pkey')),
    schema='attendance',
    comment='Whose expected days may have changed, and when; looked at in the background.'
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ('expected_notes', 'expected_months', 'expected_days', 'leave_days', 'leave_requests', 'holidays'):
        op.drop_table(table, schema='attendance')
