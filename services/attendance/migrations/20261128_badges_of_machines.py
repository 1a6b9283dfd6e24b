"""badges of one machine"""

import sqlalchemy as sa
from alembic import op

revision = 'a7c15e94b2d6'
down_revision = 'f4a2c96d81b3'
branch_labels = None
depends_on = None

_COMMENT = "ingest's; where the number is this person's. NULL: wherever it is not bound"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('badges', sa.Column('machine_id', sa.Integer(), nullable=True, comment=_COMMENT), schema='attendance')
    op.execute(
        """
        ALTER TABLE attendance.badges DROP CONSTRAINT badges_one_person_at_a_time,
            ADD CONSTRAINT badges_one_person_at_a_time
            EXCLUDE USING gist (badge WITH =, coalesce(machine_id, 0) WITH =, during WITH &&)
        """
    )
    op.create_index('badges_bound', 'badges', ['badge', 'machine_id'], unique=False, schema='attendance',
                    postgresql_where=sa.text('machine_id IS NOT NULL'))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Without machines these would be everybody's of the number; the scans stay, of nobody.
    op.execute("DELETE FROM attendance.badges WHERE machine_id IS NOT NULL")
    op.drop_index('badges_bound', table_name='badges', schema='attendance')
    op.execute(
        """
        ALTER TABLE attendance.badges DROP CONSTRAINT badges_one_person_at_a_time,
            ADD CONSTRAINT badges_one_person_at_a_time EXCLUDE USING gist (badge WITH =, during WITH &&)
        """
    )
    op.drop_column('badges', 'machine_id', schema='attendance')
