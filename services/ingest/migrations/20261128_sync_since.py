"""a sync from a time on"""

import sqlalchemy as sa
from alembic import op

revision = 'e2b75a10c9d4'
down_revision = 'a94e3f7b1d20'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('machines', sa.Column('sync_since', sa.DateTime(), nullable=True, comment='wall time of its clock from which on that is wanted; null is all of it'), schema='ingest')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column('machines', 'sync_since', schema='ingest')
