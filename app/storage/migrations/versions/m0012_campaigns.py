"""Campaigns and their recipients; one message that may have left for each."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("outbound_message", sa.Column("campaign_number", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "uq_outbound_message_campaign",
        "outbound_message",
        ["campaign", "campaign_number"],
        unique=True,
        sqlite_where=sa.text("campaign <> '' AND state <> 'not_sent'"),
        postgresql_where=sa.text("campaign <> '' AND state <> 'not_sent'"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("draft", sa.String, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("approved_at", sa.String(32), nullable=False),
        sa.Column("approved_by", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("pause_reason", sa.String),
        sa.Column("ended_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
    )
    op.create_table(
        "campaign_recipient",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("at", sa.String(32)),
        sa.PrimaryKeyConstraint("campaign_id", "number", name="pk_campaign_recipient"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_campaign_recipient_campaign_id"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_campaign_recipient_mentorado_id"),
    )
    op.create_index("ix_campaign_recipient_mentorado_id", "campaign_recipient", ["mentorado_id", "contact"])
