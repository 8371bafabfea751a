"""Mentorados, their links, and every move of every link."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "mentorado",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("phone", sa.String(16), nullable=False),
        sa.Column("phone_key", sa.String(16), nullable=False),
        sa.Column("cohort", sa.String, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("archived_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_mentorado"),
    )
    active = sa.text("archived_at IS NULL")
    op.create_index(
        "uq_mentorado_active_phone",
        "mentorado",
        ["phone_key"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )

    op.create_table(
        "link",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("wanted", sa.Boolean, nullable=False),
        sa.Column("account", sa.String(16)),
        sa.Column("accepted_account", sa.String(16)),
        sa.PrimaryKeyConstraint("id", name="pk_link"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_link_mentorado_id"),
    )
    op.create_index("ix_link_mentorado_id", "link", ["mentorado_id"])
    active = sa.text("active")
    op.create_index(
        "uq_link_active", "link", ["mentorado_id"], unique=True, sqlite_where=active, postgresql_where=active
    )

    op.create_table(
        "transition",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("trigger", sa.String, nullable=False),
        sa.Column("before_state", sa.String, nullable=False),
        sa.Column("before_reason", sa.String, nullable=False),
        sa.Column("before_since", sa.String(32), nullable=False),
        sa.Column("after_state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("capability", sa.String, nullable=False),
        sa.Column("until", sa.String(32)),
        sa.Column("account", sa.String(16)),
        sa.Column("detail", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transition"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_transition_link_id"),
    )
    op.create_index("ix_transition_link_id", "transition", ["link_id"])
    if op.get_context().dialect.name == "sqlite":  # a server would take the right to do so away instead
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER transition_no_{change.lower()} BEFORE {change} ON transition"
                " BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END"
            )
