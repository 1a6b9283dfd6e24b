"""shifts, schedules, the roster, and settings of units and people"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'c41e7f0b92d8'
down_revision = 'b7e2f4a90c13'
branch_labels = None
depends_on = None


def _one_at_a_time(owner, name):
    return postgresql.ExcludeConstraint((sa.column(owner), '='), (sa.column('during'), '&&'), using='gist', name=name)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('shifts',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('code', sa.Text(), nullable=False, comment='short, as on a plan: N1'),
    sa.PrimaryKeyConstraint('id', name=op.f('shifts_pkey')),
    sa.UniqueConstraint('code', name=op.f('shifts_code_key')),
    schema='attendance'
    )
    op.create_table('schedules',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('schedules_pkey')),
    sa.UniqueConstraint('name', name=op.f('schedules_name_key')),
    schema='attendance'
    )
    op.create_table('shift_versions',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('shift_id', sa.Integer(), nullable=False),
    sa.Column('values', postgresql.JSONB(), nullable=False, comment='by the names of the API'),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    _one_at_a_time('shift_id', 'shift_versions_one_at_a_time'),
    sa.ForeignKeyConstraint(['shift_id'], ['attendance.shifts.id'], name=op.f('shift_versions_shift_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('shift_versions_pkey')),
    schema='attendance'
    )
    op.create_table('schedule_versions',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('schedule_id', sa.Integer(), nullable=False),
    sa.Column('values', postgresql.JSONB(), nullable=False, comment='one shift, or a cycle of shifts and null with its anchor'),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    _one_at_a_time('schedule_id', 'schedule_versions_one_at_a_time'),
    sa.ForeignKeyConstraint(['schedule_id'], ['attendance.schedules.id'], name=op.f('schedule_versions_schedule_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('schedule_versions_pkey')),
    schema='attendance'
    )
    op.create_table('schedule_assignments',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('schedule_id', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=True),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    sa.CheckConstraint('num_nonnulls(site_id, unit_id, person_id) = 1', name=op.f('schedule_assignments_one_owner_check')),
    _one_at_a_time('site_id', 'schedules_of_a_site'),
    _one_at_a_time('unit_id', 'schedules_of_a_unit'),
    _one_at_a_time('person_id', 'schedules_of_a_person'),
    sa.ForeignKeyConstraint(['schedule_id'], ['attendance.schedules.id'], name=op.f('schedule_assignments_schedule_id_fkey')),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('schedule_assignments_site_id_fkey')),
    sa.ForeignKeyConstraint(['unit_id'], ['attendance.units.id'], name=op.f('schedule_assignments_unit_id_fkey')),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('schedule_assignments_person_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('schedule_assignments_pkey')),
    schema='attendance',
    comment="Whose days go by which schedule: the person's own, else the nearest unit's, else the site's."
    )
    op.create_index(op.f('schedule_assignments_schedule_id_idx'), 'schedule_assignments', ['schedule_id'], unique=False, schema='attendance')
    op.create_table('roster',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('shift_id', sa.Integer(), nullable=True, comment='NULL: off'),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('roster_person_id_fkey')),
    sa.ForeignKeyConstraint(['shift_id'], ['attendance.shifts.id'], name=op.f('roster_shift_id_fkey')),
    sa.PrimaryKeyConstraint('person_id', 'date', name=op.f('roster_pkey')),
    schema='attendance',
    comment='Single dates; they win over every schedule.'
    )
    op.create_index(op.f('roster_shift_id_idx'), 'roster', ['shift_id'], unique=False, schema='attendance')
    op.alter_column('settings', 'site_id', nullable=True, schema='attendance')
    op.alter_column('settings', 'values', schema='attendance',
                    comment='only what differs from what lies above, by the names of the API')
    op.add_column('settings', sa.Column('unit_id', sa.Integer(), nullable=True), schema='attendance')
    op.add_column('settings', sa.Column('person_id', sa.Integer(), nullable=True), schema='attendance')
    op.create_foreign_key(op.f('settings_unit_id_fkey'), 'settings', 'units', ['unit_id'], ['id'],
                          source_schema='attendance', referent_schema='attendance')
    op.create_foreign_key(op.f('settings_person_id_fkey'), 'settings', 'people', ['person_id'], ['id'],
                          source_schema='attendance', referent_schema='attendance')
    op.create_check_constraint(op.f('settings_one_owner_check'), 'settings',
                               'num_nonnulls(site_id, unit_id, person_id) = 1', schema='attendance')
    for owner in ('unit', 'person'):
        op.execute(f"ALTER TABLE attendance.settings ADD CONSTRAINT settings_of_a_{owner} "
                   f"EXCLUDE USING gist ({owner}_id WITH =, during WITH &&)")
    op.create_table_comment('settings', 'Of a site, over them those of units from the top down, over them a person\'s. '
                            'Rows are never changed.', schema='attendance')
    op.add_column('recomputations', sa.Column('people', postgresql.ARRAY(sa.Integer()), nullable=True, comment='of many'),
                  schema='attendance')
    op.alter_column('recomputations', 'person_id', comment='NULL: everybody, or whoever is in people', schema='attendance')
    # Without a value, or with one that is the same for all: no row is written.
    op.add_column('days', sa.Column('raw_worked', sa.Integer(), nullable=True, comment='before rounding; NULL: as worked'),
                  schema='attendance')
    op.add_column('days', sa.Column('expected', sa.Integer(), nullable=True,
                                    comment='minutes of work; NULL: as the rules of the date say'), schema='attendance')
    op.add_column('days', sa.Column('overtime_unapproved', sa.Boolean(), server_default='false', nullable=False),
                  schema='attendance')
    op.add_column('days', sa.Column('shift', sa.Text(), nullable=True, comment='as sentences call it'), schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in ('shift', 'overtime_unapproved', 'expected', 'raw_worked'):
        op.drop_column('days', column, schema='attendance')
    op.alter_column('recomputations', 'person_id', comment='NULL: everybody', schema='attendance')
    op.drop_column('recomputations', 'people', schema='attendance')
    op.execute("DELETE FROM attendance.settings WHERE site_id IS NULL")
    op.drop_table_comment('settings', schema='attendance')
    op.drop_constraint(op.f('settings_one_owner_check'), 'settings', schema='attendance')
    op.drop_column('settings', 'person_id', schema='attendance')
    op.drop_column('settings', 'unit_id', schema='attendance')
    op.alter_column('settings', 'values', schema='attendance',
                    comment='only what differs from the defaults, by the names of the API')
    op.alter_column('settings', 'site_id', nullable=False, schema='attendance')
    for table in ('roster', 'schedule_assignments', 'schedule_versions', 'shift_versions', 'schedules', 'shifts'):
        op.drop_table(table, schema='attendance')
