"""tasks that no draw made

Revision ID: 0019
Revises: 0018
"""
import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0019'
down_revision = '0018'


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('opens_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('closes_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('origin', text(length=12), server_default='draw', nullable=False))
        batch_op.add_column(sa.Column('follows_id', text(), nullable=True))
        batch_op.add_column(sa.Column('part_of', text(), nullable=True))
        batch_op.add_column(sa.Column('must', text(), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('reason', text(length=300), server_default='', nullable=False))
        batch_op.add_column(sa.Column('reference', text(length=64), server_default='', nullable=False))
        batch_op.add_column(sa.Column('beyond_cap', text(length=300), server_default='', nullable=False))
        batch_op.add_column(sa.Column('announced', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column('agency', text(length=12), server_default='', nullable=False))
        batch_op.add_column(sa.Column('withdrawn_for', text(length=300), server_default='', nullable=False))
    # every task so far came from a draw: it is open as long as its plan
    for day in ('opens_on', 'closes_on'):
        op.execute(f'UPDATE task SET {day} = (SELECT plan.{day} FROM plan WHERE plan.id = task.plan_id)')
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.alter_column('opens_on', existing_type=sa.Date(), nullable=False)
        batch_op.alter_column('closes_on', existing_type=sa.Date(), nullable=False)
        batch_op.alter_column('plan_id', existing_type=text(), nullable=True)
        batch_op.alter_column('draw_id', existing_type=text(), nullable=True)
        batch_op.create_index(batch_op.f('ix_task_follows_id'), ['follows_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_task_part_of'), ['part_of'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_task_part_of'), 'task', ['part_of'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_task_follows_id'), 'task', ['follows_id'], ['id'])
