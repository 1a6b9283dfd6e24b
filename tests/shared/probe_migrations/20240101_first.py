"""The first step of the probe."""

from alembic import op

from tests.shared import probe

revision = "probe_1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    probe.metadata.create_all(op.get_bind())
    op.execute("CREATE TABLE probe.reading_default PARTITION OF probe.reading DEFAULT")
    op.execute("INSERT INTO probe.epoch VALUES (1)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    probe.metadata.drop_all(op.get_bind())
