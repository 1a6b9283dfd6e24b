"""the close of days"""

import sqlalchemy as sa
from alembic import op

revision = 'd90b3c6e5a21'
down_revision = '0c8be5a1f7d4'
branch_labels = None
depends_on = None

BEFORE = 'Computed, never the truth: every row can be computed again from scans. Days without scans have none.'
NOW = 'Computed, never the truth: every row can be computed again. Without scans: once closed or locked.'


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('closings',
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('begins', sa.Date(), nullable=False, comment='the first date that is closed; older ones never are'),
    sa.Column('next', sa.Date(), nullable=False, comment='the date that is to be closed next'),
    sa.Column('set_by', sa.Integer(), nullable=True, comment="a user of the gateway's who moved the beginning back; NULL: nobody did"),
    sa.Column('set_by_name', sa.Text(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('closings_site_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('site_id', name=op.f('closings_pkey')),
    schema='attendance',
    comment='How far the dates of each site are closed.'
    )
    op.create_table('closed_dates',
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('closed_dates_site_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('site_id', 'date', name=op.f('closed_dates_pkey')),
    schema='attendance',
    comment='Dates of sites on which everybody employed there has a day, seen or not.'
    )
    op.create_index('closed_dates_date', 'closed_dates', ['date'], unique=False, schema='attendance')
    op.create_table('gone_days',
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False, comment='the version that the removal was told with'),
    sa.PrimaryKeyConstraint('date', 'person_id', name=op.f('gone_days_pkey')),
    schema='attendance',
    comment='Days that had a row and lost it: should they get one again, its versions follow this one.'
    )
    op.create_table_comment('days', NOW, existing_comment=BEFORE, schema='attendance')
    op.create_index('adjustments_date', 'adjustments', ['date'], unique=False, schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table_comment('days', BEFORE, existing_comment=NOW, schema='attendance')
    op.drop_index('adjustments_date', table_name='adjustments', schema='attendance')
    op.drop_table('gone_days', schema='attendance')
    op.drop_table('closed_dates', schema='attendance')
    op.drop_table('closings', schema='attendance')
