"""what a recheck asks

Revision ID: 0026
Revises: 0025
"""
import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0026'
down_revision = '0025'


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('asks', text(length=8), server_default='whole', nullable=False))
