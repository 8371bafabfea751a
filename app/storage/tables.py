"""Today's shape of the database. Rows stay in this package; the rest sees domain values."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from app.storage.columns import UtcTime, metadata
from app.storage.figure_tables import figure as figure
from app.storage.figure_tables import link_activity as link_activity
from app.storage.staff_tables import handling as handling
from app.storage.staff_tables import mentorado_note as mentorado_note

mentorado = Table(
    "mentorado",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String, nullable=False),
    Column("phone", String(16), nullable=False),
    Column("phone_key", String(16), nullable=False),  # as numbers are compared: app.domain.phone.comparison_key
    Column("cohort", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("archived_at", UtcTime),
)
# The migrations say `postgresql_where` too; here it would load that dialect at every start of the program (0.1 s).
Index(
    "uq_mentorado_active_phone",
    mentorado.c.phone_key,
    unique=True,
    sqlite_where=text("archived_at IS NULL"),
)

link = Table(
    "link",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("provider", String, nullable=False),
    Column("active", Boolean, nullable=False),  # the link in use; a provider switch prepares the next one beside it
    Column("wanted", Boolean, nullable=False),
    Column("account", String(16)),
    Column("accepted_account", String(16)),
)
Index("ix_link_mentorado_id", link.c.mentorado_id)
Index(
    "uq_link_active",
    link.c.mentorado_id,
    unique=True,
    sqlite_where=text("active"),
)

# Append-only: the migration that creates it adds triggers that refuse UPDATE and DELETE.
transition = Table(
    "transition",
    metadata,
    Column("id", Integer, primary_key=True),  # the order of events; `at` is what the clock said and may step back
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("trigger", String, nullable=False),
    Column("before_state", String, nullable=False),
    Column("before_reason", String, nullable=False),
    Column("before_since", UtcTime, nullable=False),
    Column("after_state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("capability", String, nullable=False),
    Column("until", UtcTime),
    Column("account", String(16)),
    Column("detail", String, nullable=False),
)
Index("ix_transition_link_id", transition.c.link_id)

# --- history: who ----------------------------------------------------------------------------------------------------

contact = Table(
    "contact",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("many", Boolean, nullable=False),  # a group, broadcast list or channel: several speak in it
    Column("name", String, nullable=False),  # as they called themselves last, at `named_at`
    Column("named_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("merged_into", String(32), ForeignKey("contact.id")),  # always one that is not merged itself
)
Index("ix_contact_mentorado_id", contact.c.mentorado_id)

contact_address = Table(
    "contact_address",
    metadata,
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), primary_key=True),
    Column("key", String, primary_key=True),  # as addresses are compared: app.domain.messages.Address.key
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
    Column("contact_id", String(32), ForeignKey("contact.id"), nullable=False),
)
Index("ix_contact_address_contact_id", contact_address.c.contact_id)

conversation = Table(
    "conversation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("contact_id", String(32), ForeignKey("contact.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("merged_into", String(32), ForeignKey("conversation.id")),
)
Index("ix_conversation_mentorado_id", conversation.c.mentorado_id)
Index("ix_conversation_contact_id", conversation.c.contact_id)

# --- history: what ---------------------------------------------------------------------------------------------------

message = Table(
    "message",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("conversation_id", String(32), ForeignKey("conversation.id"), nullable=False),
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("provider", String, nullable=False),
    Column("provider_id", String, nullable=False),
    Column("from_me", Boolean, nullable=False),
    Column(
        "sender_id", String(32), ForeignKey("contact.id")
    ),  # only where several speak; else the conversation says it
    Column("sender_name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("shown", Boolean, nullable=False),  # false for the kinds that only change how another message is shown
    Column("text", String, nullable=False),
    Column("has_media", Boolean, nullable=False),
    Column("media_mime", String, nullable=False),
    Column("media_name", String, nullable=False),
    Column("media_size", BigInteger),
    Column("media_seconds", Integer),
    Column("refers_to", String),
    Column("sent_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    Column("delivery", String),
    # What the referring messages come to; app/storage/history_folding.py.
    Column("edited_text", String),
    Column("edited_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("failure", String),  # the provider's code and words of why it failed; null also where nothing was said
    UniqueConstraint("link_id", "provider_id", name="uq_message_link_id_provider_id"),
    sqlite_autoincrement=True,  # the number of an erased message never comes back
)
# `sent_at` is in it so that counting and "kept since" never touch the messages themselves.
Index("ix_message_conversation_id", message.c.conversation_id, message.c.shown, message.c.number, message.c.sent_at)
Index("ix_message_refers_to", message.c.refers_to, sqlite_where=text("refers_to IS NOT NULL"))
Index("ix_message_sender_id", message.c.sender_id, sqlite_where=text("sender_id IS NOT NULL"))

# Receipts that came before their message.
early_receipt = Table(
    "early_receipt",
    metadata,
    Column("link_id", String(32), ForeignKey("link.id"), primary_key=True),
    Column("provider_id", String, primary_key=True),
    Column("delivery", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("failure", String),
)

# The ids under which other links of the mentorado told of a message that is stored already. It is named by its link and
# id: its number changes when a late message is put in its place.
message_alias = Table(
    "message_alias",
    metadata,
    Column("link_id", String(32), ForeignKey("link.id"), primary_key=True),
    Column("provider_id", String, primary_key=True),
    Column("of_link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("of_provider_id", String, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
)
Index("ix_message_alias_of_link_id", message_alias.c.of_link_id, message_alias.c.of_provider_id)

# One row: messages up to this number are in the index `message_fts`, which only the migration speaks of.
search_mark = Table(
    "search_mark",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)

# Whom nothing older may be stored of again, by the hash of each address they had.
suppression = Table(
    "suppression",
    metadata,
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("erased_at", UtcTime, nullable=False),
)

# Deliveries that were not taken into the history.
set_aside = Table(
    "set_aside",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("provider", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("about", String, nullable=False),  # JSON: the keys of the addresses it is about
    Column("digest", String(64), nullable=False),  # of kind and whole payload: what is delivered again is one
    Column("payload_size", BigInteger, nullable=False),  # characters of the whole; `payload` may be less
    Column("payload", String, nullable=False),
    UniqueConstraint("link_id", "digest", name="uq_set_aside_link_id_digest"),
    sqlite_autoincrement=True,
)

# --- audit: append-only, as `transition` is; a trigger keeps the head ------------------------------------------------

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("user", String, nullable=False),
    Column("operator", String, nullable=False),
    Column("action", String, nullable=False),
    Column("mentorado_id", String(32)),  # points nowhere by rule: what was done outlives whom it was done to
    Column("subject", String, nullable=False),
    Column("before", String, nullable=False),  # JSON
    Column("after", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("mac", String),  # see `app.domain.audit.seal`; none where no place kept a key
)
Index("ix_audit_mentorado_id", audit.c.mentorado_id)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

# --- what operators decided ------------------------------------------------------------------------------------------

setting = Table(
    "setting",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),  # JSON
    Column("changed_at", UtcTime, nullable=False),
)

# --- procedures: append-only, as `transition` is; an entry can only be the next one -----------------------------------

procedure = Table(
    "procedure",
    metadata,
    Column("number", Integer, primary_key=True),  # the order in which they were begun
    Column("id", String(32), nullable=False),
    Column("kind", String, nullable=False),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("user", String, nullable=False),
    Column("operator", String, nullable=False),
    Column("began_at", UtcTime, nullable=False),
    Column("facts", String, nullable=False),  # JSON
    UniqueConstraint("id", name="uq_procedure_id"),
)
Index("ix_procedure_mentorado_id", procedure.c.mentorado_id)

procedure_entry = Table(
    "procedure_entry",
    metadata,
    Column("procedure_id", String(32), ForeignKey("procedure.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", String, nullable=False),
    Column("step", String),
    Column("facts", String, nullable=False),  # JSON
)

# --- tries to register a number, which its provider counts too: too many lock it for days ----------------------------

registration_try = Table(
    "registration_try",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("ix_registration_try_link_id_at", registration_try.c.link_id, registration_try.c.at)

# --- what goes out --------------------------------------------------------------------------------------------------

# A row is there before its provider is asked, so that a crash leaves it behind as uncertain.
outbound_message = Table(
    "outbound_message",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("reference", String(32), nullable=False),
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("recipient", String(64), nullable=False),  # app.storage.history.suppressions.hashed_key
    Column("purpose", String, nullable=False),
    Column("campaign", String(32), nullable=False),
    Column("reserved_at", UtcTime, nullable=False),
    Column("state", String, nullable=False),
    Column("provider_id", String, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("new_contact", Boolean, nullable=False),
    Column("trouble", String),
    Column("code", String, nullable=False),
    Column("campaign_number", Integer, nullable=False, server_default="0"),  # of the campaign's recipient
    UniqueConstraint("reference", name="uq_outbound_message_reference"),
    sqlite_autoincrement=True,
)
Index("ix_outbound_message_link_id_reserved_at", outbound_message.c.link_id, outbound_message.c.reserved_at)
Index("ix_outbound_message_reserved_at", outbound_message.c.reserved_at)

Index(  # nobody is written to twice by one campaign
    "uq_outbound_message_campaign",
    outbound_message.c.campaign,
    outbound_message.c.campaign_number,
    unique=True,
    sqlite_where=text("campaign <> '' AND state <> 'not_sent'"),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("draft", String, nullable=False),  # JSON: app.storage.campaigns
    Column("digest", String(64), nullable=False),
    Column("approved_at", UtcTime, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("state", String, nullable=False),
    Column("pause_reason", String),
    Column("ended_at", UtcTime),
)

# Erased contacts have neither address nor name.
campaign_recipient = Table(
    "campaign_recipient",
    metadata,
    Column("campaign_id", String(32), ForeignKey("campaign.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("contact", String(64), nullable=False),  # app.storage.history.suppressions.hashed_key
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("code", String, nullable=False),
    Column("at", UtcTime),
)
Index("ix_campaign_recipient_mentorado_id", campaign_recipient.c.mentorado_id, campaign_recipient.c.contact)

# Links from which nothing is sent until a person releases them.
outbound_stop = Table(
    "outbound_stop",
    metadata,
    Column("link_id", String(32), ForeignKey("link.id"), primary_key=True),
    Column("trouble", String, nullable=False),
    Column("code", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("detail", String, nullable=False, server_default=""),
)

# Append-only, by triggers. A contact is a hash here, so that an opt-out outlives an erasure.
consent_entry = Table(
    "consent_entry",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("contact", String(64), nullable=False),
    Column("change", String, nullable=False),
    Column("purpose", String),
    Column("source", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("wording", String, nullable=False),
    Column("version", String, nullable=False),
    Column("note", String),
    Column("import_id", String(32)),
    sqlite_autoincrement=True,
)
Index("ix_consent_entry_mentorado_id_contact", consent_entry.c.mentorado_id, consent_entry.c.contact)

# Whom a hash in the ledger stands for; removed with the contact.
consent_contact = Table(
    "consent_contact",
    metadata,
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), primary_key=True),
    Column("contact", String(64), primary_key=True),
    Column("kind", String, nullable=False),
    Column("value", String, nullable=False),
)

# Opt-outs that were not confirmed to their contact: who removes the row has the only right to.
opt_out_confirmation = Table(
    "opt_out_confirmation",
    metadata,
    Column("number", Integer, ForeignKey("consent_entry.number"), primary_key=True),
)

smoke_test = Table(
    "smoke_test",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("reference", String(32), nullable=False),  # of its outbound message; empty when none was sent
    Column("began_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("outcome", String, nullable=False),
    Column("trouble", String, nullable=False),
    Column("stages", String, nullable=False),  # JSON: when each stage was seen
    sqlite_autoincrement=True,
)
Index("ix_smoke_test_link_id", smoke_test.c.link_id, smoke_test.c.number)

# Matters for a person; one of a kind and subject is open at a time.
support_case = Table(
    "support_case",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String(64), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("evidence", String, nullable=False),  # JSON
    Column("owner", String, nullable=False),
    Column("closed_at", UtcTime),
)
Index(
    "uq_support_case_open",
    support_case.c.mentorado_id,
    support_case.c.kind,
    support_case.c.subject,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
)

# Append-only, by triggers.
case_note = Table(
    "case_note",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("case_id", String(32), ForeignKey("support_case.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("author", String, nullable=False),
    Column("text", String, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_case_note_case_id", case_note.c.case_id)

# --- provider switches -----------------------------------------------------------------------------------------------

switch_run = Table(
    "switch_run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("target", String, nullable=False),
    Column("plan", String, nullable=False),  # JSON: app.storage.switches
    Column("digest", String(64), nullable=False),
    Column("approved_at", UtcTime, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("second_approver", String, nullable=False),
    Column("state", String, nullable=False),
    Column("pause", String),
    Column("pause_until", UtcTime),
    Column("wave", Integer, nullable=False),
    Column("ended_at", UtcTime),
)

switch_item = Table(
    "switch_item",
    metadata,
    Column("run_id", String(32), ForeignKey("switch_run.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("wave", Integer, nullable=False),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("source", String, nullable=False),
    Column("target", String, nullable=False),
    Column("from_link", String(32), ForeignKey("link.id"), nullable=False),
    Column("basis", String, nullable=False),  # what the approval relied on, a line each
    Column("to_link", String(32), ForeignKey("link.id")),
    Column("state", String, nullable=False),
    Column("procedure_id", String(32)),  # stored before the procedure is
    Column("reason", String, nullable=False),
    Column("at", UtcTime),
    Column("switched_at", UtcTime),
)
Index("ix_switch_item_mentorado_id", switch_item.c.mentorado_id)
