"""frames in order

Revision ID: 0030
Revises: 0029
"""
from alembic import op

revision = '0030'
down_revision = '0029'

# What a frame reads of an establishment, in the order of the bytes of its code.
READ = "division, category, risk, credit_class, status, successor_code, revision_id, key_object"


def upgrade() -> None:
    columns = f"(code, {READ})"
    if op.get_bind().dialect.name == "postgresql":
        columns = f'(code COLLATE "C") INCLUDE ({READ})'
    op.execute(f"CREATE INDEX ix_establishment_frame ON establishment {columns}")
