"""first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = 'a149ec5780b2'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Exclusion constraints over a plain column and a range; it comes with PostgreSQL, and needs no superuser.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public")
    op.create_table('answers',
    sa.Column('caller', sa.Integer(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('request', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('caller', 'key', name=op.f('answers_pkey')),
    schema='attendance',
    comment='What POSTs with an Idempotency-Key were answered.'
    )
    op.create_index(op.f('answers_at_idx'), 'answers', ['at'], unique=False, schema='attendance')
    op.create_table('days',
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('first_in', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_out', sa.DateTime(timezone=True), nullable=True),
    sa.Column('worked', sa.Integer(), nullable=False, comment='minutes, as all amounts here'),
    sa.Column('overtime', sa.Integer(), nullable=False),
    sa.Column('extra_overtime', sa.Integer(), nullable=False),
    sa.Column('late', sa.Integer(), nullable=False),
    sa.Column('early_departure', sa.Integer(), nullable=False),
    sa.Column('shortfall', sa.Integer(), nullable=False),
    sa.Column('snacks', sa.Boolean(), nullable=False),
    sa.Column('night_bill', sa.Boolean(), nullable=False),
    sa.Column('flags', sa.Text(), nullable=False, comment='words, with a space between them'),
    sa.Column('used', sa.SmallInteger(), nullable=False),
    sa.Column('merged', sa.SmallInteger(), nullable=False),
    sa.Column('check_ins', sa.SmallInteger(), nullable=False),
    sa.Column('check_outs', sa.SmallInteger(), nullable=False),
    sa.Column('marks', sa.Text(), nullable=False, comment='the used scans in local time: "08:00 IN,17:30 OUT"'),
    sa.Column('zone', sa.Text(), nullable=False, comment='that the day was computed in'),
    sa.Column('digest', sa.LargeBinary(), nullable=False, comment='of all that the day was computed from'),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('date', 'person_id', name=op.f('days_pkey')),
    schema='attendance',
    comment='Computed, never the truth: every row can be computed again from scans. Days without scans have none.',
    postgresql_partition_by='RANGE (date)'
    )
    op.create_index('days_person_date', 'days', ['person_id', 'date'], unique=False, schema='attendance')
    op.create_table('epoch',
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', name=op.f('epoch_pkey')),
    schema='attendance'
    )
    op.create_table('inbox',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('message_id', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('consumer', 'message_id', name=op.f('inbox_pkey')),
    schema='attendance'
    )
    op.create_index(op.f('inbox_at_idx'), 'inbox', ['at'], unique=False, schema='attendance')
    op.create_table('machines',
    sa.Column('id', sa.Integer(), nullable=False, comment="ingest's"),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('reports_by_itself', sa.Boolean(), nullable=False),
    sa.Column('is_connected', sa.Boolean(), nullable=False),
    sa.Column('reported_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('removed', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('machines_pkey')),
    schema='attendance',
    comment="What attendance needs to know of ingest's machines, kept by events."
    )
    op.create_table('outbox',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('aggregatetype', sa.Text(), nullable=False),
    sa.Column('aggregateid', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('outbox_pkey')),
    schema='attendance'
    )
    op.create_index('outbox_seq', 'outbox', ['seq'], unique=False, schema='attendance')
    op.create_table('people',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('code', sa.Text(), nullable=False, comment="the company's own code, EMP001"),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('gender', sa.Text(), nullable=True),
    sa.Column('joined_on', sa.Date(), nullable=True),
    sa.Column('left_on', sa.Date(), nullable=True, comment='the last day that the person belongs to the company'),
    sa.Column('removed', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('n', sa.BigInteger(), server_default='1', nullable=False, comment='version of the state that events carry'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('people_pkey')),
    sa.UniqueConstraint('code', name=op.f('people_code_key')),
    schema='attendance'
    )
    op.create_table('recomputations',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True, comment='NULL: everybody'),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('until', sa.Date(), nullable=True, comment='inclusive'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('recomputations_pkey')),
    schema='attendance',
    comment='Days to compute again because a rule, a badge or a person changed; done in the background, oldest first.'
    )
    op.create_table('rules',
    sa.Column('id', sa.SmallInteger(), server_default='1', nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('rules_one_row_check')),
    sa.PrimaryKeyConstraint('id', name=op.f('rules_pkey')),
    schema='attendance',
    comment='One row. n rises with every change of what a day is computed by: people, badges, settings, zones.'
    )
    op.create_table('scans',
    sa.Column('local_at', sa.DateTime(), nullable=False, comment="the machine's wall clock"),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('badge', sa.Text(), nullable=False),
    sa.Column('machine_id', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('quality', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('verify', sa.Text(), nullable=True),
    sa.Column('work_code', sa.Text(), nullable=True),
    sa.Column('record_no', sa.Text(), nullable=True),
    sa.Column('device_time', sa.Text(), nullable=False, comment='exactly as received'),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('raw', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('local_at', 'id', name=op.f('scans_pkey')),
    schema='attendance',
    comment='Evidence: written once, never changed, never deleted by the program.',
    postgresql_partition_by='RANGE (local_at)'
    )
    op.create_index('scans_badge_at', 'scans', ['badge', 'at'], unique=False, schema='attendance')
    op.create_table('sites',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('zone', sa.Text(), nullable=True, comment='IANA; NULL until it is configured or the first machine tells'),
    sa.PrimaryKeyConstraint('id', name=op.f('sites_pkey')),
    sa.UniqueConstraint('name', name=op.f('sites_name_key')),
    schema='attendance'
    )
    op.create_table('units',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), server_default='department', nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['parent_id'], ['attendance.units.id'], name=op.f('units_parent_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('units_pkey')),
    schema='attendance'
    )
    op.create_index('units_kind_name', 'units', ['kind', sa.literal_column("lower(name)")], unique=True, schema='attendance')
    op.create_table('unknown_badges',
    sa.Column('badge', sa.Text(), nullable=False),
    sa.Column('scans', sa.BigInteger(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('machine_id', sa.Integer(), nullable=False, comment='where it was last seen'),
    sa.PrimaryKeyConstraint('badge', name=op.f('unknown_badges_pkey')),
    schema='attendance'
    )
    op.create_table('assignments',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('designation', sa.Text(), nullable=True),
    sa.Column('level_of_work', sa.Text(), server_default='Worker', nullable=False),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('person_id'), '='), (sa.column('during'), '&&'), using='gist', name='assignments_one_at_a_time'),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('assignments_person_id_fkey')),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('assignments_site_id_fkey')),
    sa.ForeignKeyConstraint(['unit_id'], ['attendance.units.id'], name=op.f('assignments_unit_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('assignments_pkey')),
    schema='attendance',
    comment='Where a person belongs, and as what, from when to when.'
    )
    op.create_index(op.f('assignments_unit_id_idx'), 'assignments', ['unit_id'], unique=False, schema='attendance')
    op.create_table('badges',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('badge', sa.Text(), nullable=False, comment='as machines know the person: opaque text'),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('badge'), '='), (sa.column('during'), '&&'), using='gist', name='badges_one_person_at_a_time'),
    sa.ForeignKeyConstraint(['person_id'], ['attendance.people.id'], name=op.f('badges_person_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('badges_pkey')),
    schema='attendance'
    )
    op.create_index(op.f('badges_person_id_idx'), 'badges', ['person_id'], unique=False, schema='attendance')
    op.create_table('settings',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('values', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='only what differs from the defaults, by the names of the API'),
    sa.Column('during', postgresql.DATERANGE(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('site_id'), '='), (sa.column('during'), '&&'), using='gist', name='settings_one_at_a_time'),
    sa.ForeignKeyConstraint(['site_id'], ['attendance.sites.id'], name=op.f('settings_site_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('settings_pkey')),
    schema='attendance'
    )
    op.execute("INSERT INTO attendance.epoch VALUES (1)")
    # Events go in and out again within milliseconds: compressing them would cost more than it saves.
    op.execute("ALTER TABLE attendance.outbox ALTER COLUMN payload SET STORAGE EXTERNAL")
    op.execute("INSERT INTO attendance.rules (n) VALUES (1)")
    op.execute("INSERT INTO attendance.sites (name) VALUES ('Main site')")
    for table in ("scans", "days"):
        # What broken clocks say lies here; every month of our time gets a piece of its own when it is first needed.
        op.execute(f"CREATE TABLE attendance.{table}_default PARTITION OF attendance.{table} DEFAULT")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('settings', schema='attendance')
    op.drop_index(op.f('badges_person_id_idx'), table_name='badges', schema='attendance')
    op.drop_table('badges', schema='attendance')
    op.drop_index(op.f('assignments_unit_id_idx'), table_name='assignments', schema='attendance')
    op.drop_table('assignments', schema='attendance')
    op.drop_table('unknown_badges', schema='attendance')
    op.drop_index('units_kind_name', table_name='units', schema='attendance')
    op.drop_table('units', schema='attendance')
    op.drop_table('sites', schema='attendance')
    op.drop_index('scans_badge_at', table_name='scans', schema='attendance')
    op.drop_table('scans', schema='attendance')
    op.drop_table('rules', schema='attendance')
    op.drop_table('recomputations', schema='attendance')
    op.drop_table('people', schema='attendance')
    op.drop_index('outbox_seq', table_name='outbox', schema='attendance')
    op.drop_table('outbox', schema='attendance')
    op.drop_table('machines', schema='attendance')
    op.drop_index(op.f('inbox_at_idx'), table_name='inbox', schema='attendance')
    op.drop_table('inbox', schema='attendance')
    op.drop_table('epoch', schema='attendance')
    op.drop_index('days_person_date', table_name='days', schema='attendance')
    op.drop_table('days', schema='attendance')
    op.drop_index(op.f('answers_at_idx'), table_name='answers', schema='attendance')
    op.drop_table('answers', schema='attendance')
