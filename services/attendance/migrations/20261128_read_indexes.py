"""indexes of hot reads"""

import sqlalchemy as sa
from alembic import op

revision = 'f4a2c96d81b3'
down_revision = 'd2b96f4e17a3'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Histories tell of withdrawn releases, too; they are few, so that one index serves both.
    op.drop_index('releases_in_force', table_name='releases', schema='attendance')
    op.create_index('releases_badge_at', 'releases', ['badge', 'at'], unique=False, schema='attendance')
    op.create_index('scans_machine_local_at', 'scans', ['machine_id', 'local_at'], unique=False, schema='attendance')
    op.create_index('corrections_state', 'corrections', ['state', 'asked_at', 'id'], unique=False, schema='attendance')
    op.create_index('corrections_date', 'corrections', ['date', 'id'], unique=False, schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index('corrections_date', table_name='corrections', schema='attendance')
    op.drop_index('corrections_state', table_name='corrections', schema='attendance')
    op.drop_index('scans_machine_local_at', table_name='scans', schema='attendance')
    op.drop_index('releases_badge_at', table_name='releases', schema='attendance')
    op.create_index('releases_in_force', 'releases', ['badge', 'at'], unique=False, schema='attendance',
                    postgresql_where=sa.text('withdrawn_at IS NULL'))
