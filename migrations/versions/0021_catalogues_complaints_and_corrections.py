"""catalogues complaints and corrections

Revision ID: 0021
Revises: 0020
"""
import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0021'
down_revision = '0020'


def upgrade() -> None:
    op.create_table('catalogue',
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
    sa.Column('version', sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
    sa.Column('title_en', sqlmodel.sql.sqltypes.AutoString(length=600), nullable=False),
    sa.Column('title_zh', sqlmodel.sql.sqltypes.AutoString(length=600), nullable=False),
    sa.Column('body', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('released_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_catalogue')),
    sa.UniqueConstraint('code', 'version', name=op.f('uq_catalogue_code_version'))
    )
    op.create_table('replaced',
    sa.Column('inspection_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('published_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('replaced_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('body', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.PrimaryKeyConstraint('inspection_id', 'n', name=op.f('pk_replaced'))
    )
    op.create_table('complaint',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('number', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
    sa.Column('division', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('place', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
    sa.Column('matter', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('accepted_on', sa.Date(), nullable=True),
    sa.Column('extended_for', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('answer', sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
    sa.Column('entered_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('entered_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['entered_by'], ['account.id'], name=op.f('fk_complaint_entered_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_complaint')),
    sa.UniqueConstraint('number', name=op.f('uq_complaint_number'))
    )
    with op.batch_alter_table('complaint', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_complaint_code'), ['code'], unique=False)
        batch_op.create_index(batch_op.f('ix_complaint_division'), ['division'], unique=False)

    with op.batch_alter_table('conclusion', schema=None) as batch_op:
        batch_op.add_column(sa.Column('result_list', sqlmodel.sql.sqltypes.AutoString(length=40), server_default='national 2026.1', nullable=False))
        batch_op.add_column(sa.Column('follow_ups', sqlmodel.sql.sqltypes.AutoString(), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('findings', sqlmodel.sql.sqltypes.AutoString(), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('n', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('correction', sqlmodel.sql.sqltypes.AutoString(length=300), server_default='', nullable=False))

    with op.batch_alter_table('publication', schema=None) as batch_op:
        batch_op.add_column(sa.Column('n', sa.Integer(), server_default='1', nullable=False))

