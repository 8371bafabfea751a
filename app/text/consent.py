"""The ledger of consent in words. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from app.domain.consent import (
    DIGEST,
    ConsentEntry,
    Purpose,
    last_about,
    state_for,
)
from app.text.signs import Tone
from app.text.status import date_time, texts

SHOWN = (Purpose.CONVERSATION, Purpose.CAMPAIGN)
"""The purposes that staff ask for; the one of the smoke test is a setting."""


def purpose(asked_for: Purpose) -> str:
    return texts(f"consent.purpose.{asked_for}")


def change(entry: ConsentEntry) -> str:
    return texts(f"consent.change.{entry.change}")


def origin(entry: ConsentEntry, today: date) -> str:
    """Since when, how it became known, and who recorded it."""
    parts = (date_time(entry.at.astimezone(), today), texts(f"consent.source.{entry.source}"), entry.recorded_by)
    return " · ".join(filter(None, parts))


def state(entries: Sequence[ConsentEntry], asked_for: Purpose) -> tuple[str, str, Tone]:
    """The word, the icon and the mood of what holds for one purpose."""
    current, last = state_for(entries, asked_for), last_about(entries, asked_for)
    if current.granted:
        return texts("consent.change.granted"), "check-circle", Tone.CONNECTED
    if current.opted_out_at is not None:
        return texts("consent.change.opted_out"), "user-x", Tone.ERROR
    if last is None:
        return texts("consent.none"), "info", Tone.IDLE
    return texts(f"consent.change.{last.change}"), "x-circle", Tone.WAITING


def summary(entries: Sequence[ConsentEntry], today: date) -> tuple[str, str, Tone]:
    """One short line about one contact, with its icon and mood."""
    granted = [purpose(each) for each in SHOWN if state_for(entries, each).granted]
    outs = [at for each in SHOWN if (at := state_for(entries, each).opted_out_at) is not None]
    if granted:
        return texts("consent.line.granted", purposes=", ".join(granted)), "check-circle", Tone.CONNECTED
    if outs:
        day = date_time(max(outs).astimezone(), today)
        return texts("consent.line.opted_out", day=day), "user-x", Tone.ERROR
    known = any(last_about(entries, each) is not None for each in SHOWN)
    return texts("consent.line.revoked" if known else "consent.line.none"), "info", Tone.IDLE


def details(entry: ConsentEntry, today: date) -> str:
    """One entry of the ledger, whole."""
    what = change(entry) if entry.purpose is None else f"{change(entry)}: {purpose(entry.purpose)}"
    wording = texts("consent.wording_erased") if entry.wording.startswith(DIGEST) else entry.wording
    version = texts("consent.wording_version", version=entry.version) if entry.version else ""
    lines = (f"{what[:1].upper()}{what[1:]}", origin(entry, today), wording and f"“{wording}”", version, entry.note)
    return "\n".join(filter(None, lines))
