"""bookmarks of machines that call"""

import sqlalchemy as sa
from alembic import op

revision = '7d20b6c8e3f1'
down_revision = 'c41f09d2ab7e'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('bookmarks',
    sa.Column('serial', sa.Text(), nullable=False),
    sa.Column('log', sa.Text(), nullable=False, comment='which of its logs'),
    sa.Column('mark', sa.Text(), nullable=False, comment="in the machine's own words"),
    sa.PrimaryKeyConstraint('serial', 'log', name=op.f('bookmarks_pkey')),
    schema='ingest',
    comment='How far machines that call were taken. Losing a row only has a log sent again.'
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('bookmarks', schema='ingest')
