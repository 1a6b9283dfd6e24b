"""scans from before days were counted"""

import sqlalchemy as sa
from alembic import op

revision = 'e3b75c0a9d14'
down_revision = '3f8ad61c9b27'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # False for the rows that are there, which rewrites none of them, and true for all that come, whoever enters them.
    op.add_column('ledger', sa.Column('counted', sa.Boolean(), server_default=sa.false(), nullable=False, comment='in days_received'), schema='ingest')
    op.alter_column('ledger', 'counted', server_default=sa.true(), schema='ingest')
    op.create_table('uncounted',
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('scans', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False, comment='days are counted'),
    sa.PrimaryKeyConstraint('machine_id', name=op.f('uncounted_pkey')),
    schema='ingest',
    comment='How many scans of the ledger are not in days_received: they were entered before days were counted.'
    )
    op.execute("""
        INSERT INTO ingest.uncounted (machine_id, scans, since)
        SELECT machine_id, entered.scans, now()
        FROM (SELECT machine_id, count(*) AS scans FROM ingest.ledger GROUP BY 1) AS entered
        LEFT JOIN (SELECT machine_id, sum(scans) AS scans FROM ingest.days_received GROUP BY 1) AS counted
            USING (machine_id)
        WHERE entered.scans > coalesce(counted.scans, 0)
    """)
    # Where some are counted and some are not, nobody knows which: none is, so that none is counted twice.
    op.execute('DELETE FROM ingest.days_received WHERE machine_id IN (SELECT machine_id FROM ingest.uncounted)')
    op.execute('UPDATE ingest.ledger SET counted = true WHERE machine_id NOT IN (SELECT machine_id FROM ingest.uncounted)')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('uncounted', schema='ingest')
    op.drop_column('ledger', 'counted', schema='ingest')
