"""runs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'd2b96f4e17a3'
down_revision = 'd93a5e17c806'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('recompute_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='dry_run, recompute, sandbox or preview'),
    sa.Column('state', sa.Text(), nullable=False, comment='waiting, running, done, cancelled or failed'),
    sa.Column('selection', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='whose days, as they were asked for'),
    sa.Column('draft', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='what is tried, of a sandbox or a preview'),
    sa.Column('people', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=False, comment='inclusive'),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('asked_by', sa.Integer(), nullable=False, comment="a user of the gateway's"),
    sa.Column('asked_by_name', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rules_n', sa.BigInteger(), nullable=True, comment='rules.n when it was begun'),
    sa.Column('rules_changed', sa.Boolean(), server_default='false', nullable=False, comment='while it was under way'),
    sa.Column('people_done', sa.Integer(), server_default='0', nullable=False),
    sa.Column('days_looked_at', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('days_changed', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('totals', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='of what only looks'),
    sa.Column('problem', sa.Text(), nullable=True, comment='why it failed'),
    sa.Column('of_run', sa.Uuid(), nullable=True, comment='the dry run'),
    sa.Column('n', sa.BigInteger(), server_default='1', nullable=False, comment='version of the state that events carry'),
    sa.CheckConstraint("kind IN ('dry_run', 'recompute', 'sandbox', 'preview')", name=op.f('recompute_runs_kind_check')),
    sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'cancelled', 'failed')", name=op.f('recompute_runs_state_check')),
    sa.ForeignKeyConstraint(['of_run'], ['attendance.recompute_runs.id'], name=op.f('recompute_runs_of_run_fkey'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('recompute_runs_pkey')),
    schema='attendance',
    comment='Computing again that somebody asked for, and trying; those that changed nothing go after some days.'
    )
    op.create_index('recompute_runs_asked_at', 'recompute_runs', ['asked_at', 'id'], unique=False, schema='attendance')
    op.create_index('recompute_runs_of_run', 'recompute_runs', ['of_run'], unique=False, schema='attendance')
    op.create_table('run_changes',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment='only what differs, by the names of the columns of days; NULL: there is no day'),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('locked', sa.Boolean(), nullable=False, comment='the day stays, and this would be an adjustment'),
    sa.ForeignKeyConstraint(['run_id'], ['attendance.recompute_runs.id'], name=op.f('run_changes_run_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'date', 'person_id', name=op.f('run_changes_pkey')),
    schema='attendance',
    comment='Days that a run which only looks found to come out otherwise.'
    )
    op.add_column('recomputations', sa.Column('done', postgresql.ARRAY(sa.Integer()), nullable=True, comment='of each lane: how many of its people are done; NULL: nobody has begun'), schema='attendance')
    op.add_column('recomputations', sa.Column('run_id', sa.Uuid(), nullable=True, comment='that somebody follows'), schema='attendance')
    op.create_foreign_key(op.f('recomputations_run_id_fkey'), 'recomputations', 'recompute_runs', ['run_id'], ['id'], source_schema='attendance', referent_schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column('recomputations', 'run_id', schema='attendance')
    op.drop_column('recomputations', 'done', schema='attendance')
    op.drop_table('run_changes', schema='attendance')
    op.drop_table('recompute_runs', schema='attendance')
