"""The journal of operators' long procedures."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "procedure",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("began_at", sa.String(32), nullable=False),
        sa.Column("facts", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_procedure"),
        sa.UniqueConstraint("id", name="uq_procedure_id"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_procedure_mentorado_id"),
    )
    op.create_index("ix_procedure_mentorado_id", "procedure", ["mentorado_id"])
    op.create_table(
        "procedure_entry",
        sa.Column("procedure_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("step", sa.String),
        sa.Column("facts", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("procedure_id", "number", name="pk_procedure_entry"),
        sa.ForeignKeyConstraint(["procedure_id"], ["procedure.id"], name="fk_procedure_entry_procedure_id"),
    )
    if op.get_context().dialect.name == "sqlite":  # a server would take the right to do so away instead
        _guards()


def _guards() -> None:
    for table in ("procedure", "procedure_entry"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
            )
    # INSERT OR REPLACE removes a row without asking the trigger on DELETE.
    op.execute(
        "CREATE TRIGGER procedure_once BEFORE INSERT ON procedure WHEN EXISTS"
        " (SELECT 1 FROM procedure WHERE id = new.id OR number = new.number)"
        " BEGIN SELECT RAISE(ABORT, 'a procedure begins once'); END"
    )
    op.execute(
        "CREATE TRIGGER procedure_entry_next_only BEFORE INSERT ON procedure_entry WHEN new.number <>"
        " (SELECT coalesce(max(number), 0) + 1 FROM procedure_entry WHERE procedure_id = new.procedure_id)"
        " OR EXISTS (SELECT 1 FROM procedure_entry WHERE procedure_id = new.procedure_id AND kind = 'ended')"
        " BEGIN SELECT RAISE(ABORT, 'an entry comes after the last one'); END"
    )
