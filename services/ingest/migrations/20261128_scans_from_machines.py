"""scans that machines handed over themselves, and logs that were cleared"""

import sqlalchemy as sa
from alembic import op

revision = 'b7d94f1e60a2'
down_revision = 'b6d4a91e5c37'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # False for the rows that are there: nobody knows which of them files brought. Those that come again are marked.
    op.add_column('ledger', sa.Column('from_machine', sa.Boolean(), server_default=sa.false(), nullable=False, comment='the machine handed it over itself; else a file did, as far as anybody knows'), schema='ingest')
    op.add_column('days_received', sa.Column('from_machine', sa.BigInteger(), server_default='0', nullable=False, comment='of the scans, those that the machine is known to have handed over itself'), schema='ingest')
    op.add_column('machines', sa.Column('log_cleared_at', sa.DateTime(timezone=True), nullable=True, comment='when that was noticed last'), schema='ingest')
    op.add_column('machines', sa.Column('records_cleared', sa.BigInteger(), server_default='0', nullable=False, comment='that it held each time before its log was cleared, together'), schema='ingest')
    op.alter_column('unreadable', 'source', existing_type=sa.Text(), existing_nullable=False, comment='file, session, or contact: said in one that failed, no record', existing_comment='file or session', schema='ingest')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column('unreadable', 'source', existing_type=sa.Text(), existing_nullable=False, comment='file or session', existing_comment='file, session, or contact: said in one that failed, no record', schema='ingest')
    op.drop_column('machines', 'records_cleared', schema='ingest')
    op.drop_column('machines', 'log_cleared_at', schema='ingest')
    op.drop_column('days_received', 'from_machine', schema='ingest')
    op.drop_column('ledger', 'from_machine', schema='ingest')
