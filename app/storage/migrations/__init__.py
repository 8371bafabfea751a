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


SHAPE_QUERY: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' UNION ALL SELECT owner.name || '.' || held.name"
    " FROM sqlite_master AS owner JOIN pragma_table_info(owner.name) AS held WHERE owner.type = 'table'"
)
"""Tables and columns of a database, named as in `ADDED`."""


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
