"""Tables as files that spreadsheets open: campaigns, the ledger of consent, and what became of an import."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from app.domain.campaign import Campaign, DryRun, Recipient
from app.domain.consent import ContactConsents, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.names import visible
from app.platform.files import os_errors_as, write_atomic
from app.text import campaigns as campaign_text
from app.text.status import problem as problem_text
from app.text.status import texts

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # some sheets read the wide ones too
_DRY_RUN: Final = ("name", "contact", "mentorado", "state", "reason", "next")
_RECIPIENTS: Final = ("name", "contact", "mentorado", "state", "reason", "next", "code", "at")
_LEDGER: Final = (
    "contact",
    "reference",
    "change",
    "purpose",
    "at",
    "source",
    "recorded_by",
    "wording",
    "version",
    "note",
    "import_id",
)
_REPORT: Final = ("line", "contact", "purpose", "result", "reason")
NameOf = Callable[[MentoradoId], str]


def csv_line(cells: Sequence[str]) -> str:
    """Semicolons, as spreadsheets here expect; every cell quoted, so that a comma splits none where they do not."""
    line = io.StringIO()
    csv.writer(line, delimiter=texts("audit.csv_separator"), quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        cells
    )
    return line.getvalue()


def escape_formula(cell: str) -> str:
    """*cell* so that no spreadsheet calculates it: names and reasons were typed by people."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def csv_file(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A whole file, with the mark without which spreadsheets take it for the local code page."""
    lines = (csv_line([escape_formula(cell) for cell in row]) for row in rows)
    return "".join([csv_line(head), *lines]).encode("utf-8-sig")


def write_file(path: Path, content: bytes) -> None:
    """Put *content* at *path*, whole or not at all. Raises `Problem`."""
    with os_errors_as(ProblemCode.EXPORT_FOLDER_UNUSABLE, path.parent, full=ProblemCode.EXPORT_DISK_FULL):
        write_atomic(path, content)


def dry_run_csv(made: DryRun, name_of: NameOf) -> bytes:
    """One line for each contact: whether they would get it, and if not, why."""
    return csv_file(_campaign_head(_DRY_RUN), (_planned(made, place, name_of) for place in range(len(made.recipients))))


def recipients_csv(campaign: Campaign, recipients: Sequence[Recipient], name_of: NameOf, now: datetime) -> bytes:
    """One line for each recipient: what became of them, and why."""
    return csv_file(_campaign_head(_RECIPIENTS), (_recipient(campaign, each, name_of, now) for each in recipients))


def _planned(made: DryRun, place: int, name_of: NameOf) -> Sequence[str]:
    each = made.recipients[place]
    who = (visible(each.name), campaign_text.contact(each.address), name_of(each.mentorado_id))
    if each.excluded is None:
        return (*who, texts("campaign.people.gets_it"), "", "")
    return (*who, texts("campaign.people.left_out"), *campaign_text.excluded(each.excluded, made.at))


def _recipient(campaign: Campaign, each: Recipient, name_of: NameOf, now: datetime) -> Sequence[str]:
    return (
        visible(each.name),
        campaign_text.contact(each.address),
        name_of(each.mentorado_id),
        texts(f"campaign.count.{campaign_text.count_key(campaign, each.state)}"),
        *campaign_text.recipient_reason(each, now),
        each.code,
        "" if each.at is None else each.at.isoformat(),
    )


def _campaign_head(columns: Sequence[str]) -> Sequence[str]:
    return [texts(f"campaign.column.{name}") for name in columns]


def ledger_csv(contacts: Sequence[ContactConsents]) -> bytes:
    """Every entry of *contacts*; who was erased has only a hash."""
    rows = (
        (
            ", ".join(each.value for each in contact.addresses),
            contact.reference,
            entry.change.value,
            "" if entry.purpose is None else entry.purpose.value,
            entry.at.isoformat(),
            entry.source.value,
            entry.recorded_by,
            entry.wording,
            entry.version,
            entry.note,
            entry.import_id,
        )
        for contact in contacts
        for entry in contact.entries
    )
    return csv_file(_consent_head(_LEDGER), rows)


class ReportedRow(Protocol):
    """A row of an import."""

    @property
    def line(self) -> int: ...
    @property
    def contact(self) -> str: ...
    @property
    def purpose(self) -> Purpose | None: ...
    @property
    def problem(self) -> Problem | None: ...


def report_csv(rows: Sequence[ReportedRow], *, imported: bool) -> bytes:
    """One line for each row of an import: its line, contact, purpose, result and reason."""
    return csv_file(_consent_head(_REPORT), (_reported(row, imported=imported) for row in rows))


def _consent_head(columns: Sequence[str]) -> Sequence[str]:
    return [texts(f"consent.column.{name}") for name in columns]


def _reported(row: ReportedRow, *, imported: bool) -> tuple[str, ...]:
    result = "left_out" if row.problem is not None else "imported" if imported else "right"
    why = "" if row.problem is None else problem_text(row.problem)[0]
    purpose = "" if row.purpose is None else texts(f"consent.purpose.{row.purpose}")
    return str(row.line), row.contact, purpose, texts(f"consent.result.{result}"), why
