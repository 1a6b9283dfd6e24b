"""pay codes of sites, and groups that go by schedules"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'd93a5e17c806'
down_revision = 'd90b3c6e5a21'
branch_labels = None
depends_on = None

_OLD = "Whose days go by which schedule: the person's own, else the nearest unit's, else the site's."
_NEW = "Whose days go by which schedule: the person's own, else a group's, the nearest unit's, the site's."


def _one_at_a_time(owner, name):
    return postgresql.ExcludeConstraint((sa.column(owner), '='), (sa.column('during'), '&&'), using='gist', name=name)


def _one_owner(owners):
    op.drop_constraint(op.f('schedule_assignments_one_owner_check'), 'schedule_assignments', schema='attendance')
    op.create_check_constraint(op.f('schedule_assignments_one_owner_check'), 'schedule_assignments',
                               f'num_nonnulls({owners}) = 1', schema='attendance')


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('pay_codes',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('values', postgresql.JSONB(), nullable=False, comment='by kind: code, unit and factor; null is left out on purpose'),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    sa.Column('changed_by', sa.Integer(), nullable=False, comment="a user of the gateway's"),
    sa.Column('changed_by_name', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    _one_at_a_time('site_id', 'pay_codes_one_at_a_time'),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('pay_codes_site_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('pay_codes_pkey')),
    schema='attendance',
    comment='Under which code, in which unit and times what the days of a site go to payroll.'
    )
    op.add_column('schedule_assignments', sa.Column('group_id', sa.Integer(), nullable=True), schema='attendance')
    op.create_foreign_key(op.f('schedule_assignments_group_id_fkey'), 'schedule_assignments', 'groups',
                          ['group_id'], ['id'], source_schema='attendance', referent_schema='attendance')
    _one_owner('site_id, unit_id, group_id, person_id')
    op.create_exclude_constraint('schedules_of_a_group', 'schedule_assignments', (sa.column('group_id'), '='),
                                 (sa.column('during'), '&&'), using='gist', schema='attendance')
    op.create_table_comment('schedule_assignments', _NEW, existing_comment=_OLD, schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute('DELETE FROM attendance.schedule_assignments WHERE group_id IS NOT NULL')
    op.create_table_comment('schedule_assignments', _OLD, existing_comment=_NEW, schema='attendance')
    op.drop_constraint('schedules_of_a_group', 'schedule_assignments', schema='attendance')
    _one_owner('site_id, unit_id, person_id')
    op.drop_column('schedule_assignments', 'group_id', schema='attendance')
    op.drop_table('pay_codes', schema='attendance')
