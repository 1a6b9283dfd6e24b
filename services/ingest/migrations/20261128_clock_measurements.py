"""what clocks of machines were off by"""

import sqlalchemy as sa
from alembic import op

revision = '3f8ad61c9b27'
down_revision = 'e2b75a10c9d4'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('clock_measurements',
    sa.Column('machine_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('measured_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='measured, or set: by us, just then'),
    sa.Column('offset_seconds', sa.Double(), nullable=False, comment='its clock minus ours; of one that was set, before that'),
    sa.Column('by', sa.Text(), server_default='', nullable=False, comment='who wanted it set; empty where nobody had to'),
    sa.PrimaryKeyConstraint('machine_id', 'measured_at', 'kind', name=op.f('clock_measurements_pkey')),
    schema='ingest',
    comment='What clocks were off by: one an hour, and both sides of each jump. Forgotten after some weeks.'
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('clock_measurements', schema='ingest')
