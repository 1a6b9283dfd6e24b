"""releases"""

import sqlalchemy as sa
from alembic import op

revision = '5d1c0c6a7f3e'
down_revision = 'a149ec5780b2'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('releases',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('scan_id', sa.Uuid(), nullable=False),
    sa.Column('local_at', sa.DateTime(), nullable=False, comment="the machine's wall clock, as in scans"),
    sa.Column('badge', sa.Text(), nullable=False, comment="the scan's, as type and machine: so that days need not look there"),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False, comment='the instant at which the scan counts'),
    sa.Column('wall_time', sa.DateTime(), nullable=False, comment='the same in the zone of the scan'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('released_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('released_by', sa.Integer(), nullable=False, comment="a user of the gateway's"),
    sa.Column('released_by_name', sa.Text(), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True, comment='NULL: in force'),
    sa.Column('withdrawn_by', sa.Integer(), nullable=True),
    sa.Column('withdrawn_by_name', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('releases_pkey')),
    schema='attendance',
    comment='What people ruled about quarantined scans. A ruling is never changed; it is withdrawn, by whom is kept.'
    )
    op.create_index('releases_one_in_force', 'releases', ['scan_id'], unique=True, schema='attendance',
                    postgresql_where=sa.text('withdrawn_at IS NULL'))
    op.create_index('releases_in_force', 'releases', ['badge', 'at'], unique=False, schema='attendance',
                    postgresql_where=sa.text('withdrawn_at IS NULL'))
    # It holds next to nothing, but to make it every scan is read once, while workers wait: seconds for ten millions.
    op.create_index('scans_quarantined', 'scans', ['id'], unique=False, schema='attendance',
                    postgresql_where=sa.text("quality IN ('implausible_past', 'future')"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index('scans_quarantined', table_name='scans', schema='attendance')
    op.drop_index('releases_in_force', table_name='releases', schema='attendance')
    op.drop_index('releases_one_in_force', table_name='releases', schema='attendance')
    op.drop_table('releases', schema='attendance')
