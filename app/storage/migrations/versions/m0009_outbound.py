"""What went out and what holds a link back, the ledger of consent, and the results of smoke tests."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "outbound_message",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("campaign", sa.String(32), nullable=False),
        sa.Column("reserved_at", sa.String(32), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("provider_id", sa.String, nullable=False),
        sa.Column("fingerprint", sa.BigInteger, nullable=False),
        sa.Column("new_contact", sa.Boolean, nullable=False),
        sa.Column("trouble", sa.String),
        sa.Column("code", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outbound_message"),
        sa.UniqueConstraint("reference", name="uq_outbound_message_reference"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_outbound_message_link_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbound_message_link_id_reserved_at", "outbound_message", ["link_id", "reserved_at"])
    op.create_index("ix_outbound_message_reserved_at", "outbound_message", ["reserved_at"])
    op.create_table(
        "outbound_stop",
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("trouble", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name="pk_outbound_stop"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_outbound_stop_link_id"),
    )
    op.create_table(
        "consent_entry",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("change", sa.String, nullable=False),
        sa.Column("purpose", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("recorded_by", sa.String, nullable=False),
        sa.Column("wording", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_consent_entry"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_consent_entry_mentorado_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consent_entry_mentorado_id_contact", "consent_entry", ["mentorado_id", "contact"])
    if op.get_context().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER consent_no_{change.lower()} BEFORE {change} ON consent_entry"
                " BEGIN SELECT RAISE(ABORT, 'the ledger of consent is append-only'); END"
            )
        # INSERT OR REPLACE removes a row without asking the trigger on DELETE.
        op.execute(
            "CREATE TRIGGER consent_no_replace BEFORE INSERT ON consent_entry WHEN EXISTS"
            " (SELECT 1 FROM consent_entry WHERE number = new.number)"
            " BEGIN SELECT RAISE(ABORT, 'the ledger of consent is append-only'); END"
        )
    op.create_table(
        "consent_contact",
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("mentorado_id", "contact", name="pk_consent_contact"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_consent_contact_mentorado_id"),
    )
    op.create_table(
        "smoke_test",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("began_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("trouble", sa.String, nullable=False),
        sa.Column("stages", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_smoke_test"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_smoke_test_link_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_smoke_test_link_id", "smoke_test", ["link_id", "number"])
