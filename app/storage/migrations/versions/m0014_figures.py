"""Figures of all links by the hour, and what is known of each link's messages and phone."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "figure",
        sa.Column("hour", sa.String(32), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hour", "name", "provider", "detail", name="pk_figure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link_activity",
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(32)),
        sa.Column("phone_seen_at", sa.String(32)),
        sa.PrimaryKeyConstraint("link_id", name="pk_link_activity"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_link_activity_link_id"),
    )
