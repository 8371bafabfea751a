"""A dry run, or the recipients of a campaign, as a file that spreadsheets open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from app.domain.campaign import Campaign, DryRun, Recipient
from app.domain.mentorado import MentoradoId
from app.domain.names import visible
from app.formats.audit_export import csv_line, escape_formula
from app.text import campaigns as campaign_text
from app.text.status import texts

_DRY_RUN = ("name", "contact", "mentorado", "state", "reason", "next")
_RECIPIENTS = ("name", "contact", "mentorado", "state", "reason", "next", "code", "at")
NameOf = Callable[[MentoradoId], str]


def dry_run_csv(made: DryRun, name_of: NameOf) -> bytes:
    """One line for each contact: whether they would get it, and if not, why."""
    return _file(_DRY_RUN, (_planned(made, place, name_of) for place in range(len(made.recipients))))


def recipients_csv(campaign: Campaign, recipients: Sequence[Recipient], name_of: NameOf, now: datetime) -> bytes:
    """One line for each recipient: what became of them, and why."""
    return _file(_RECIPIENTS, (_recipient(campaign, each, name_of, now) for each in recipients))


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


def _file(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    head = csv_line([texts(f"campaign.column.{name}") for name in columns])
    lines = (csv_line([escape_formula(cell) for cell in row]) for row in rows)
    return "".join([head, *lines]).encode("utf-8-sig")
