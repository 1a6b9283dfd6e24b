"""inferred shifts"""

import sqlalchemy as sa
from alembic import op

revision = '0c8be5a1f7d4'
down_revision = 'f2a9d3b6c851'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('days', sa.Column('shift_confidence', sa.SmallInteger(), nullable=True,
                                    comment='hundredths, where the shift was inferred; NULL: somebody said it'), schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column('days', 'shift_confidence', schema='attendance')
