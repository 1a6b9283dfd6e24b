"""badges of one machine"""

import sqlalchemy as sa
from alembic import op

revision = '5e0b7d1c94fa'
down_revision = '279f17c45624'
branch_labels = None
depends_on = None

_COMMENT = "ingest's; NULL: on every machine where the number is nobody's by itself"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('badges', sa.Column('machine_id', sa.Integer(), nullable=True, comment=_COMMENT), schema='gateway')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM gateway.badges WHERE machine_id IS NOT NULL")
    op.drop_column('badges', 'machine_id', schema='gateway')
