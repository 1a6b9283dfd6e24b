"""heads of units, employee groups"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'b7e2f4a90c13'
down_revision = 'e81b64f0c9d7'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column('units', sa.Column('head_id', sa.Integer(), nullable=True, comment="who leads it; what they may see is the user's"), schema='attendance')
    op.create_foreign_key(op.f('units_head_id_fkey'), 'units', 'people', ['head_id'], ['id'],
                          source_schema='attendance', referent_schema='attendance')
    op.create_table('groups',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('groups_pkey')),
    schema='attendance',
    comment='Of people, across units.'
    )
    op.create_index('groups_name', 'groups', [sa.literal_column('lower(name)')], unique=True, schema='attendance')
    op.create_table('group_members',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('group_id'), '='), (sa.column('person_id'), '='), (sa.column('during'), '&&'), using='gist', name='group_members_once_at_a_time'),
    sa.ForeignKeyConstraint(['group_id'], ['attendance.groups.id'], name=op.f('group_members_group_id_fkey')),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('group_members_person_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('group_members_pkey')),
    schema='attendance',
    comment='Who is in a group, from when to when.'
    )
    op.create_index(op.f('group_members_person_id_idx'), 'group_members', ['person_id'], unique=False, schema='attendance')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f('group_members_person_id_idx'), table_name='group_members', schema='attendance')
    op.drop_table('group_members', schema='attendance')
    op.drop_index('groups_name', table_name='groups', schema='attendance')
    op.drop_table('groups', schema='attendance')
    op.drop_constraint(op.f('units_head_id_fkey'), 'units', schema='attendance', type_='foreignkey')
    op.drop_column('units', 'head_id', schema='attendance')
