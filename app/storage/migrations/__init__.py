"""How the database came to its shape, one revision after the other. To add one, see README.md beside this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Migrations:
    """A folder of Alembic scripts and their revisions, oldest first, known without loading Alembic."""

    folder: Path
    revisions: tuple[str, ...]

    @property
    def head(self) -> str:
        return self.revisions[-1]


OURS = Migrations(
    Path(__file__).parent,
    (
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
        "0011",
        "0012",
        "0013",
        "0014",
        "0015",
    ),
)

ADDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "0001": ("mentorado", "link", "transition"),
        "0002": (
            "audit",
            "audit_head",
            "contact",
            "contact_address",
            "conversation",
            "early_receipt",
            "message",
            "message_fts",
            "search_mark",
            "suppression",
        ),
        "0003": ("setting",),
        "0004": ("procedure", "procedure_entry"),
        "0005": ("registration_try",),
        "0006": ("set_aside",),
        "0007": ("early_receipt.failure", "message.failure"),
        "0008": ("audit.mac",),
        "0009": ("consent_contact", "consent_entry", "outbound_message", "outbound_stop", "smoke_test"),
        "0010": ("opt_out_confirmation", "consent_entry.note", "consent_entry.import_id"),
        "0011": ("case_note", "support_case", "outbound_stop.detail"),
        "0012": ("campaign", "campaign_recipient", "outbound_message.campaign_number"),
        "0013": ("message_alias", "switch_item", "switch_run"),
        "0014": ("figure", "link_activity"),
        "0015": ("handling", "mentorado_note"),
    }
)
"""The tables, and the columns of earlier tables (`table.column`), that each revision brought. None took one away."""

PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "0001": (
            "ix_link_mentorado_id",
            "ix_transition_link_id",
            "transition_no_delete",
            "transition_no_update",
            "uq_link_active",
            "uq_mentorado_active_phone",
        ),
        "0002": (
            "audit_head_alone",
            "audit_head_forward_only",
            "audit_head_moves",
            "audit_head_stays",
            "audit_next_only",
            "audit_no_delete",
            "audit_no_update",
            "ix_audit_mentorado_id",
            "ix_contact_address_contact_id",
            "ix_contact_mentorado_id",
            "ix_conversation_contact_id",
            "ix_conversation_mentorado_id",
            "ix_message_conversation_id",
            "ix_message_refers_to",
            "ix_message_sender_id",
            "message_words",
            "message_words_change",
            "message_words_go",
        ),
        "0004": (
            "ix_procedure_mentorado_id",
            "procedure_entry_next_only",
            "procedure_entry_no_delete",
            "procedure_entry_no_update",
            "procedure_no_delete",
            "procedure_no_update",
            "procedure_once",
        ),
        "0005": ("ix_registration_try_link_id_at",),
        "0009": (
            "consent_no_delete",
            "consent_no_replace",
            "consent_no_update",
            "ix_consent_entry_mentorado_id_contact",
            "ix_outbound_message_link_id_reserved_at",
            "ix_outbound_message_reserved_at",
            "ix_smoke_test_link_id",
        ),
        "0011": ("case_note_no_delete", "case_note_no_update", "ix_case_note_case_id", "uq_support_case_open"),
        "0012": ("ix_campaign_recipient_mentorado_id", "uq_outbound_message_campaign"),
        "0013": ("ix_message_alias_of_link_id", "ix_switch_item_mentorado_id"),
        "0015": ("ix_mentorado_note_mentorado_id",),
    }
)
"""The triggers, indices and views that each revision brought. None took one away."""

SHAPE_QUERY: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' UNION ALL SELECT owner.name || '.' || held.name"
    " FROM sqlite_master AS owner JOIN pragma_table_info(owner.name) AS held WHERE owner.type = 'table'"
    " AND owner.sql NOT LIKE 'CREATE VIRTUAL %'"
)
"""Tables and columns of a database, named as in `ADDED`. To name those of an index, SQLite would have to open it."""


_NAMED: Final = 5
"""How many tables and columns are named."""


def is_due(name: str, revision: str, migrations: Migrations) -> bool:
    """Whether a database of *revision* has the table or column *name*, as in `ADDED`."""
    return any(name in ADDED.get(each, ()) for each in migrations.revisions[: migrations.revisions.index(revision) + 1])


def shape_fault(
    found: frozenset[str], revision: str, migrations: Migrations, *, aside: frozenset[str] = frozenset()
) -> str:
    """What the tables and columns *found* say against *revision*, the stamp of their database; empty if nothing.

    Those named in *aside* are not looked at.
    """
    at = migrations.revisions.index(revision)
    due = [name for each in migrations.revisions[: at + 1] for name in ADDED.get(each, ())]
    early = [name for each in migrations.revisions[at + 1 :] for name in ADDED.get(each, ())]
    lacking, left = [name for name in due if name not in found | aside], [name for name in early if name in found]
    if lacking:
        return f"missing: {_some(lacking)}"
    return f"of a later version: {_some(left)}" if left else ""


def _some(names: Sequence[str]) -> str:
    return ", ".join((*names[:_NAMED], "…") if len(names) > _NAMED else names)
