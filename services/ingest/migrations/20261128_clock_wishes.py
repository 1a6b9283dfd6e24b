"""a wish to have a clock set is kept with its machine"""

import sqlalchemy as sa
from alembic import op

revision = 'b6d4a91e5c37'
down_revision = 'e3b75c0a9d14'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('machines', sa.Column('clock_asked_at', sa.DateTime(timezone=True), nullable=True, comment='its clock is to be set, by whoever holds it; null once it was'), schema='ingest')
    op.add_column('machines', sa.Column('clock_asked_by', sa.Text(), server_default='', nullable=False), schema='ingest')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column('machines', 'clock_asked_by', schema='ingest')
    op.drop_column('machines', 'clock_asked_at', schema='ingest')
