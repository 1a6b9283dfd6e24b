"""health of machines"""

import sqlalchemy as sa
from alembic import op

revision = '5b1c7de20f43'
down_revision = 'db869e34ef96'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('machines', sa.Column('state', sa.Text(), server_default='connecting', nullable=False, comment='of contact with it'), schema='ingest')
    op.add_column('machines', sa.Column('last_contact_at', sa.DateTime(timezone=True), nullable=True), schema='ingest')
    op.add_column('machines', sa.Column('clock_offset_seconds', sa.Double(), nullable=True, comment='its clock minus ours; null where it was never measured'), schema='ingest')
    op.add_column('machines', sa.Column('clock_measured_at', sa.DateTime(timezone=True), nullable=True), schema='ingest')
    op.add_column('machines', sa.Column('records_on_machine', sa.BigInteger(), nullable=True, comment='as it says itself'), schema='ingest')
    op.add_column('machines', sa.Column('record_capacity', sa.BigInteger(), nullable=True), schema='ingest')
    op.add_column('machines', sa.Column('records_received', sa.BigInteger(), nullable=True, comment='of those on the machine'), schema='ingest')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column('machines', 'records_received', schema='ingest')
    op.drop_column('machines', 'record_capacity', schema='ingest')
    op.drop_column('machines', 'records_on_machine', schema='ingest')
    op.drop_column('machines', 'clock_measured_at', schema='ingest')
    op.drop_column('machines', 'clock_offset_seconds', schema='ingest')
    op.drop_column('machines', 'last_contact_at', schema='ingest')
    op.drop_column('machines', 'state', schema='ingest')
