"""Where a consent was given and by which import, and which opt-outs are to be confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("consent_entry", sa.Column("note", sa.String))
    op.add_column("consent_entry", sa.Column("import_id", sa.String(32)))
    op.create_table(
        "opt_out_confirmation",
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_opt_out_confirmation"),
        sa.ForeignKeyConstraint(["number"], ["consent_entry.number"], name="fk_opt_out_confirmation_number"),
    )
