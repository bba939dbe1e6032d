"""photos of a publication

Revision ID: 0023
Revises: 0022
"""
import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0023'
down_revision = '0022'


def upgrade() -> None:
    with op.batch_alter_table('publication', schema=None) as batch_op:
        batch_op.add_column(sa.Column('photos', sqlmodel.sql.sqltypes.AutoString(), server_default='[]', nullable=False))
    op.execute(
        'UPDATE publication SET photos = COALESCE((SELECT conclusion.photos FROM conclusion '
        "WHERE conclusion.inspection_id = publication.inspection_id), '[]')"
    )
