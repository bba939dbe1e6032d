"""digests are worked out when asked for

Revision ID: 0031
Revises: 0030
"""
import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'

# Of a conclusion that was outdated already, nobody knows how many operations counted: -1.
COUNTED = """
UPDATE conclusion SET operations = (
    SELECT inspection.operations FROM inspection
    WHERE inspection.id = conclusion.inspection_id AND inspection.digest = conclusion.digest
) WHERE EXISTS (
    SELECT 1 FROM inspection
    WHERE inspection.id = conclusion.inspection_id AND inspection.digest = conclusion.digest
)"""


def upgrade() -> None:
    with op.batch_alter_table('conclusion', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('operations', sa.Integer(), nullable=False, server_default='-1')
        )
    op.execute(COUNTED)
    with op.batch_alter_table('conclusion', schema=None) as batch_op:
        batch_op.alter_column('operations', server_default=None)
    with op.batch_alter_table('inspection', schema=None) as batch_op:
        batch_op.drop_column('digest')
