"""Matters for a person, what they wrote about them, and a provider's own words of why a number is stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("outbound_stop", sa.Column("detail", sa.String, nullable=False, server_default=""))
    op.create_table(
        "support_case",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("due_at", sa.String(32), nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("closed_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_support_case"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_support_case_mentorado_id"),
    )
    op.create_index(
        "uq_support_case_open",
        "support_case",
        ["mentorado_id", "kind", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "case_note",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_case_note"),
        sa.ForeignKeyConstraint(["case_id"], ["support_case.id"], name="fk_case_note_case_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_case_note_case_id", "case_note", ["case_id"])
    if op.get_context().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER case_note_no_{change.lower()} BEFORE {change} ON case_note"
                " BEGIN SELECT RAISE(ABORT, 'notes are only added'); END"
            )
