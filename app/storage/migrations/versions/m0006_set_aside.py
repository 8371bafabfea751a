"""Deliveries that were not taken into the history."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "set_aside",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("payload_size", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_set_aside"),
        sa.UniqueConstraint("link_id", "digest", name="uq_set_aside_link_id_digest"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_set_aside_link_id"),
        sqlite_autoincrement=True,
    )
