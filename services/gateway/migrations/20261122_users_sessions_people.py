"""users sessions people"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = 'e7d9ec0f3d69'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('audit',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True, comment='who did it; NULL is Muster itself'),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('audit_pkey')),
    schema='gateway',
    comment='Who did what. Rows are only ever added.'
    )
    op.create_index('audit_at', 'audit', ['at'], unique=False, schema='gateway')
    op.create_table('epoch',
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', name=op.f('epoch_pkey')),
    schema='gateway'
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
    schema='gateway'
    )
    op.create_index('outbox_seq', 'outbox', ['seq'], unique=False, schema='gateway')
    op.create_table('people',
    sa.Column('person_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('designation', sa.Text(), nullable=True),
    sa.Column('unit_path', postgresql.ARRAY(sa.Integer()), nullable=False, comment='the unit and those above it, nearest first'),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('removed', sa.Boolean(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('person_id', name=op.f('people_pkey')),
    schema='gateway',
    comment='What attendance says of people: a copy, the highest (epoch, n) of each.'
    )
    op.create_index(op.f('people_updated_at_idx'), 'people', ['updated_at'], unique=False, schema='gateway')
    op.create_table('used_tickets',
    sa.Column('once', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('once', name=op.f('used_tickets_pkey')),
    schema='gateway',
    comment='Tickets are good once.'
    )
    op.create_index(op.f('used_tickets_expires_at_idx'), 'used_tickets', ['expires_at'], unique=False, schema='gateway')
    op.create_table('users',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('username', sa.Text(), nullable=False),
    sa.Column('username_key', sa.Text(), nullable=False, comment='what names share that count as the same'),
    sa.Column('password_hash', sa.Text(), nullable=False, comment='argon2id'),
    sa.Column('roles', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True, comment='the person of attendance that the user is'),
    sa.Column('units', postgresql.ARRAY(sa.Integer()), server_default='{}', nullable=False, comment='headed'),
    sa.Column('active', sa.Boolean(), server_default='true', nullable=False),
    sa.Column('n', sa.BigInteger(), server_default='1', nullable=False, comment='rises with each change'),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_login_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('users_pkey')),
    sa.UniqueConstraint('username_key', name=op.f('users_username_key_key')),
    schema='gateway'
    )
    op.create_index(op.f('users_updated_at_idx'), 'users', ['updated_at'], unique=False, schema='gateway')
    op.create_table('badges',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('badge', sa.Text(), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('until', sa.Date(), nullable=True, comment='exclusive'),
    sa.ForeignKeyConstraint(['person_id'], ['gateway.people.person_id'], name=op.f('badges_person_id_fkey'), ondelete='CASCADE'),
    schema='gateway',
    comment='Which badge is whose, and when; as attendance says.'
    )
    op.create_index(op.f('badges_badge_idx'), 'badges', ['badge'], unique=False, schema='gateway')
    op.create_index(op.f('badges_person_id_idx'), 'badges', ['person_id'], unique=False, schema='gateway')
    op.create_table('sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False, comment='of the one refresh token that is good'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True, comment='why it was ended'),
    sa.ForeignKeyConstraint(['user_id'], ['gateway.users.id'], name=op.f('sessions_user_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('sessions_pkey')),
    schema='gateway',
    comment='Signed-in sessions: each a family of refresh tokens.'
    )
    op.create_index(op.f('sessions_expires_at_idx'), 'sessions', ['expires_at'], unique=False, schema='gateway')
    op.create_index(op.f('sessions_revoked_at_idx'), 'sessions', ['revoked_at'], unique=False, schema='gateway')
    op.create_index(op.f('sessions_user_id_idx'), 'sessions', ['user_id'], unique=False, schema='gateway')
    op.execute('INSERT INTO gateway.epoch (epoch) VALUES (1)')


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f('sessions_user_id_idx'), table_name='sessions', schema='gateway')
    op.drop_index(op.f('sessions_revoked_at_idx'), table_name='sessions', schema='gateway')
    op.drop_index(op.f('sessions_expires_at_idx'), table_name='sessions', schema='gateway')
    op.drop_table('sessions', schema='gateway')
    op.drop_index(op.f('badges_person_id_idx'), table_name='badges', schema='gateway')
    op.drop_index(op.f('badges_badge_idx'), table_name='badges', schema='gateway')
    op.drop_table('badges', schema='gateway')
    op.drop_index(op.f('users_updated_at_idx'), table_name='users', schema='gateway')
    op.drop_table('users', schema='gateway')
    op.drop_index(op.f('used_tickets_expires_at_idx'), table_name='used_tickets', schema='gateway')
    op.drop_table('used_tickets', schema='gateway')
    op.drop_index(op.f('people_updated_at_idx'), table_name='people', schema='gateway')
    op.drop_table('people', schema='gateway')
    op.drop_index('outbox_seq', table_name='outbox', schema='gateway')
    op.drop_table('outbox', schema='gateway')
    op.drop_table('epoch', schema='gateway')
    op.drop_index('audit_at', table_name='audit', schema='gateway')
    op.drop_table('audit', schema='gateway')
