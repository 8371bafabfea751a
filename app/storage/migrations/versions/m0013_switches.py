"""Provider switches, and the ids under which other links told of a message that is stored already."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "message_alias",
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("provider_id", sa.String, nullable=False),
        sa.Column("of_link_id", sa.String(32), nullable=False),
        sa.Column("of_provider_id", sa.String, nullable=False),
        sa.Column("stored_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "provider_id", name="pk_message_alias"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_message_alias_link_id"),
        sa.ForeignKeyConstraint(["of_link_id"], ["link.id"], name="fk_message_alias_of_link_id"),
    )
    op.create_index("ix_message_alias_of_link_id", "message_alias", ["of_link_id", "of_provider_id"])
    op.create_table(
        "switch_run",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("approved_at", sa.String(32), nullable=False),
        sa.Column("approved_by", sa.String, nullable=False),
        sa.Column("second_approver", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("pause", sa.String),
        sa.Column("pause_until", sa.String(32)),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_switch_run"),
    )
    op.create_table(
        "switch_item",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("from_link", sa.String(32), nullable=False),
        sa.Column("basis", sa.String, nullable=False),
        sa.Column("to_link", sa.String(32)),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("procedure_id", sa.String(32)),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("at", sa.String(32)),
        sa.Column("switched_at", sa.String(32)),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_switch_item"),
        sa.ForeignKeyConstraint(["run_id"], ["switch_run.id"], name="fk_switch_item_run_id"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_switch_item_mentorado_id"),
        sa.ForeignKeyConstraint(["from_link"], ["link.id"], name="fk_switch_item_from_link"),
        sa.ForeignKeyConstraint(["to_link"], ["link.id"], name="fk_switch_item_to_link"),
    )
    op.create_index("ix_switch_item_mentorado_id", "switch_item", ["mentorado_id"])
