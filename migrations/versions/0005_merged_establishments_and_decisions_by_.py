"""merged establishments and decisions by code

Revision ID: 0005
Revises: 0004
"""
import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    with op.batch_alter_table('establishment', schema=None) as batch_op:
        batch_op.create_index('ix_establishment_merged', ['successor_code'], unique=False, sqlite_where=sa.text("successor_code <> ''"), postgresql_where=sa.text("successor_code <> ''"))

    with op.batch_alter_table('lookalike', schema=None) as batch_op:
        batch_op.add_column(sa.Column('first_code', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('second_code', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('revision_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True))

    for side in ('first', 'second'):
        op.execute(
            f"UPDATE lookalike SET {side}_code = coalesce("
            f"(SELECT code FROM establishment WHERE id = {side}_id), "
            f"(SELECT min(code) FROM version WHERE establishment_id = {side}_id), '')"
        )
    byte_order = ' COLLATE "C"' if op.get_bind().dialect.name == 'postgresql' else ''
    op.execute("DELETE FROM lookalike WHERE first_code = '' OR second_code = '' OR first_code = second_code")
    op.execute(
        "UPDATE lookalike SET first_code = second_code, second_code = first_code "
        f"WHERE first_code{byte_order} > second_code"
    )
    # An establishment that was removed and came back had two ids: what was decided stays.
    op.execute(
        "DELETE FROM lookalike WHERE EXISTS (SELECT 1 FROM lookalike AS other "
        "WHERE other.first_code = lookalike.first_code AND other.second_code = lookalike.second_code "
        "AND other.id <> lookalike.id AND (other.decision > lookalike.decision "
        "OR (other.decision = lookalike.decision AND other.id < lookalike.id)))"
    )

    with op.batch_alter_table('lookalike', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lookalike_second_id'))
        batch_op.drop_constraint(batch_op.f('uq_lookalike_first_id_second_id'), type_='unique')
        batch_op.create_index(batch_op.f('ix_lookalike_second_code'), ['second_code'], unique=False)
        batch_op.create_unique_constraint(batch_op.f('uq_lookalike_first_code_second_code'), ['first_code', 'second_code'])
        batch_op.create_foreign_key(batch_op.f('fk_lookalike_revision_id'), 'revision', ['revision_id'], ['id'])
        batch_op.drop_column('first_id')
        batch_op.drop_column('second_id')

    op.execute("UPDATE lookalike SET decision = '' WHERE decision = 'same'")  # nothing was merged yet
    op.execute("UPDATE folded SET terms = ''")  # licences, lists and status join the terms
