"""cut the terms of every establishment anew: two initials are enough now

Revision ID: 0011
Revises: 0010
"""
from alembic import op

revision = '0011'
down_revision = '0010'


def upgrade() -> None:
    op.execute("UPDATE folded SET terms = ''")
