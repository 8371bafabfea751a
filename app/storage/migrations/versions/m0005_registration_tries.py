"""How often a number was registered, which its provider limits."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "registration_try",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registration_try"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_registration_try_link_id"),
    )
    op.create_index("ix_registration_try_link_id_at", "registration_try", ["link_id", "at"])
