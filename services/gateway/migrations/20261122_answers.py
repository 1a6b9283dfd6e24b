"""answers"""

import sqlalchemy as sa
from alembic import op

revision = '279f17c45624'
down_revision = 'e7d9ec0f3d69'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('answers',
    sa.Column('caller', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('request', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('caller', 'key', name=op.f('answers_pkey')),
    schema='gateway',
    comment='What POSTs with an Idempotency-Key were answered.'
    )
    op.create_index(op.f('answers_at_idx'), 'answers', ['at'], unique=False, schema='gateway')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f('answers_at_idx'), table_name='answers', schema='gateway')
    op.drop_table('answers', schema='gateway')
