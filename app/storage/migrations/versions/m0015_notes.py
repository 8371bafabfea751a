"""The notes about a mentorado, and who is on one that needs somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "mentorado_note",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("written_at", sa.String(32), nullable=False),
        sa.Column("edited_by", sa.String, nullable=False),
        sa.Column("edited_at", sa.String(32)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mentorado_note"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_mentorado_note_mentorado_id"),
    )
    op.create_index("ix_mentorado_note_mentorado_id", "mentorado_note", ["mentorado_id"])
    op.create_table(
        "handling",
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("since", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("mentorado_id", name="pk_handling"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_handling_mentorado_id"),
    )
