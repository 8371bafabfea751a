"""Contacts, conversations and messages, the index to search them, and the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _who()
    _what()
    _audit()
    if op.get_context().dialect.name == "sqlite":  # a server has its own search, and rights instead of triggers
        _search()
        _audit_guards()
    op.execute("INSERT INTO search_mark (id, number) VALUES (1, 0)")
    op.bulk_insert(
        sa.table(
            "audit_head", sa.column("id", sa.Integer), sa.column("number", sa.Integer), sa.column("hash", sa.String)
        ),
        [{"id": 1, "number": 0, "hash": "0" * 64}],
    )


def _who() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("many", sa.Boolean, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("named_at", sa.String(32)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("merged_into", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_contact_mentorado_id"),
        sa.ForeignKeyConstraint(["merged_into"], ["contact.id"], name="fk_contact_merged_into"),
    )
    op.create_index("ix_contact_mentorado_id", "contact", ["mentorado_id"])

    op.create_table(
        "contact_address",
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("contact_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("mentorado_id", "key", name="pk_contact_address"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_contact_address_mentorado_id"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_contact_address_contact_id"),
    )
    op.create_index("ix_contact_address_contact_id", "contact_address", ["contact_id"])

    op.create_table(
        "conversation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("contact_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("merged_into", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_conversation_mentorado_id"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_conversation_contact_id"),
        sa.ForeignKeyConstraint(["merged_into"], ["conversation.id"], name="fk_conversation_merged_into"),
    )
    op.create_index("ix_conversation_mentorado_id", "conversation", ["mentorado_id"])
    op.create_index("ix_conversation_contact_id", "conversation", ["contact_id"])

    op.create_table(
        "suppression",
        sa.Column("mentorado_id", sa.String(32), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("erased_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("mentorado_id", "hash", name="pk_suppression"),
        sa.ForeignKeyConstraint(["mentorado_id"], ["mentorado.id"], name="fk_suppression_mentorado_id"),
    )


def _what() -> None:
    op.create_table(
        "message",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("provider_id", sa.String, nullable=False),
        sa.Column("from_me", sa.Boolean, nullable=False),
        sa.Column("sender_id", sa.String(32)),
        sa.Column("sender_name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("shown", sa.Boolean, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("has_media", sa.Boolean, nullable=False),
        sa.Column("media_mime", sa.String, nullable=False),
        sa.Column("media_name", sa.String, nullable=False),
        sa.Column("media_size", sa.BigInteger),
        sa.Column("media_seconds", sa.Integer),
        sa.Column("refers_to", sa.String),
        sa.Column("sent_at", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("stored_at", sa.String(32), nullable=False),
        sa.Column("delivery", sa.String),
        sa.Column("edited_text", sa.String),
        sa.Column("edited_at", sa.String(32)),
        sa.Column("revoked_at", sa.String(32)),
        sa.PrimaryKeyConstraint("number", name="pk_message"),
        sa.UniqueConstraint("link_id", "provider_id", name="uq_message_link_id_provider_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_message_conversation_id"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_message_link_id"),
        sa.ForeignKeyConstraint(["sender_id"], ["contact.id"], name="fk_message_sender_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_conversation_id", "message", ["conversation_id", "shown", "number", "sent_at"])
    for column in ("refers_to", "sender_id"):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_message_{column}", "message", [column], sqlite_where=given, postgresql_where=given)

    op.create_table(
        "early_receipt",
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("provider_id", sa.String, nullable=False),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "provider_id", name="pk_early_receipt"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name="fk_early_receipt_link_id"),
    )
    op.create_table(
        "search_mark",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_mark"),
    )


def _search() -> None:
    # The owner is a word of its own in each entry: the index finds one mentorado's messages without visiting those of
    # all others. It begins with a sign that nobody types (U+E000, private use).
    op.execute(
        "CREATE VIEW message_words AS SELECT number, coalesce(edited_text, text) AS text, media_name AS file,"
        " char(57344) || mentorado_id AS owner FROM message JOIN conversation ON conversation.id = conversation_id"
        " WHERE shown"
    )
    op.execute(
        "CREATE VIRTUAL TABLE message_fts USING fts5(text, file, owner, content='message_words',"
        " content_rowid='number', detail='none', prefix='1 2 3 4', tokenize='unicode61 remove_diacritics 2')"
    )
    # Messages are indexed a little after they are stored; from then on these keep the index true to them.
    indexed = "old.number <= (SELECT number FROM search_mark)"
    words = "coalesce({0}.edited_text, {0}.text), {0}.media_name, char(57344) || mentorado_id FROM conversation"
    out = (
        "INSERT INTO message_fts (message_fts, rowid, text, file, owner)"
        f" SELECT 'delete', old.number, {words.format('old')} WHERE id = old.conversation_id AND old.shown;"
    )
    into = (
        "INSERT INTO message_fts (rowid, text, file, owner)"
        f" SELECT new.number, {words.format('new')} WHERE id = new.conversation_id AND new.shown;"
    )
    op.execute(f"CREATE TRIGGER message_words_go AFTER DELETE ON message WHEN {indexed} BEGIN {out} END")
    op.execute(
        "CREATE TRIGGER message_words_change AFTER UPDATE OF text, edited_text, media_name, shown ON message"
        f" WHEN {indexed} BEGIN {out} {into} END"
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("mentorado_id", sa.String(32)),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("before", sa.String, nullable=False),
        sa.Column("after", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_mentorado_id", "audit", ["mentorado_id"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )


def _audit_guards() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit"
            " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        )
    # INSERT OR REPLACE removes a row without asking the trigger on DELETE; an entry can only be the next one.
    op.execute(
        "CREATE TRIGGER audit_next_only BEFORE INSERT ON audit WHEN NOT EXISTS"
        " (SELECT 1 FROM audit_head WHERE number + 1 = new.number AND hash = new.previous_hash)"
        " BEGIN SELECT RAISE(ABORT, 'an audit entry comes after the last one'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_head_moves AFTER INSERT ON audit"
        " BEGIN UPDATE audit_head SET number = new.number, hash = new.hash; END"
    )
    op.execute(
        "CREATE TRIGGER audit_head_forward_only BEFORE UPDATE ON audit_head WHEN NOT EXISTS"
        " (SELECT 1 FROM audit WHERE audit.number = new.number AND audit.hash = new.hash AND new.number > old.number)"
        " BEGIN SELECT RAISE(ABORT, 'the head of the audit only moves forward'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head"
        " BEGIN SELECT RAISE(ABORT, 'the head of the audit stays'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_head_alone BEFORE INSERT ON audit_head WHEN EXISTS (SELECT 1 FROM audit_head)"
        " BEGIN SELECT RAISE(ABORT, 'the audit has one head'); END"
    )
