"""what follows from an inspection

Revision ID: 0020
Revises: 0019
"""
import json

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0020'
down_revision = '0019'

PORTION = 1000  # orders that are read at a time


def upgrade() -> None:
    op.create_table('remedy',
    sa.Column('order_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('item', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('text_en', sqlmodel.sql.sqltypes.AutoString(length=600), nullable=False),
    sa.Column('text_zh', sqlmodel.sql.sqltypes.AutoString(length=600), nullable=False),
    sa.Column('working_days', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('status', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('checked_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('failed_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('proof_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['rectification.id'], name=op.f('fk_remedy_order_id')),
    sa.PrimaryKeyConstraint('order_id', 'item', name=op.f('pk_remedy'))
    )
    op.create_table('reminder',
    sa.Column('subject_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('step', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('inspection_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('establishment_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('written_on', sa.Date(), nullable=False),
    sa.Column('detail', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.Column('cleared_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['establishment_id'], ['establishment.id'], name=op.f('fk_reminder_establishment_id')),
    sa.PrimaryKeyConstraint('subject_id', 'due_on', 'step', name=op.f('pk_reminder'))
    )
    with op.batch_alter_table('reminder', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reminder_establishment_id'), ['establishment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reminder_inspection_id'), ['inspection_id'], unique=False)

    op.create_table('extension',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('order_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('items', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('working_days', sa.Integer(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.Column('granted_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['granted_by'], ['account.id'], name=op.f('fk_extension_granted_by')),
    sa.ForeignKeyConstraint(['order_id'], ['rectification.id'], name=op.f('fk_extension_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_extension'))
    )
    with op.batch_alter_table('extension', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_extension_order_id'), ['order_id'], unique=False)

    op.create_table('measure',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('inspection_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('status', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('who', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(length=4000), nullable=False),
    sa.Column('items', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(length=4000), nullable=False),
    sa.Column('taken_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['taken_by'], ['account.id'], name=op.f('fk_measure_taken_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measure'))
    )
    with op.batch_alter_table('measure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_measure_inspection_id'), ['inspection_id'], unique=False)

    op.create_table('risk',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('establishment_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('inspection_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('item', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('level', sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
    sa.Column('owner', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('measure', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('closed_with', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.Column('proof_sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('entered_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['entered_by'], ['account.id'], name=op.f('fk_risk_entered_by')),
    sa.ForeignKeyConstraint(['establishment_id'], ['establishment.id'], name=op.f('fk_risk_establishment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk'))
    )
    with op.batch_alter_table('risk', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_risk_establishment_id'), ['establishment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_risk_inspection_id'), ['inspection_id'], unique=False)

    with op.batch_alter_table('rectification', schema=None) as batch_op:
        batch_op.add_column(sa.Column('closed_on', sa.Date(), nullable=True))

    _itemise()


def _itemise() -> None:
    """Give every order so far its items, each with the order's term and the text of its checklist.

    An office may have very many orders of few checklists: these are read once, those in portions.
    """
    connection = op.get_bind()
    asked = {
        digest: _texts(json.loads(body))
        for digest, body in connection.execute(sa.text('SELECT digest, body FROM checklist'))
    }
    query = sa.text(
        'SELECT rectification.id, rectification.items, rectification.due_on, '
        'rectification.working_days, rectification.status, task.checklist_digest '
        'FROM rectification LEFT JOIN task ON task.id = rectification.inspection_id '
        'WHERE rectification.id > :after ORDER BY rectification.id LIMIT :portion'
    )
    insert = sa.text(
        'INSERT INTO remedy (order_id, item, text_en, text_zh, working_days, due_on, '
        'status, checked_id, failed_id, proof_sha256, note) VALUES (:order, :item, '
        ":en, :zh, :days, :due_on, :status, '', '', '', '')"
    )
    after = ''
    while orders := connection.execute(query, {'after': after, 'portion': PORTION}).all():
        after = orders[-1][0]
        rows = [
            {'order': order, 'item': item, 'days': working_days, 'due_on': due_on, 'status': status}
            | asked.get(digest, {}).get(item, {'en': item, 'zh': item})
            for order, items, due_on, working_days, status, digest in orders
            for item in _names(items)
        ]
        if rows:
            connection.execute(insert, rows)


def _names(items: str) -> list[str]:
    named = json.loads(items)
    return named if isinstance(named, list) else []


def _texts(checklist: object) -> dict[str, dict[str, str]]:
    if not isinstance(checklist, dict):
        return {}
    return {
        item['ref']: item['text']
        for section in checklist.get('sections', ())
        for item in section['items']
    }
