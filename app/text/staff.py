"""What staff keep about a mentorado, in words: who is on it, and their notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.domain.names import visible
from app.text.status import date_time, texts

if TYPE_CHECKING:
    from app.domain.handling import Handling
    from app.domain.notes import Note

_HINT: Final = 160
"""Characters of a note in a tooltip."""


def handled(handling: Handling, now: datetime) -> str:
    """Return who is on it, since when."""
    return texts("handling.line", who=visible(handling.operator), at=_when(handling.since, now))


def handled_shortly(handling: Handling, now: datetime) -> str:
    """Return the same in the few words of a row."""
    return texts("handling.row", who=visible(handling.operator), at=_when(handling.since, now))


def note_caption(note: Note, now: datetime) -> str:
    """Return who wrote *note* and when, and who changed it last."""
    caption = f"{visible(note.author)} · {_when(note.written_at, now)}"
    if note.edited_at is None:
        return caption
    return f"{caption} · {texts('notes.changed', who=visible(note.edited_by), at=_when(note.edited_at, now))}"


def note_hint(notes: Sequence[Note], now: datetime) -> str:
    """Return how many notes there are and how the latest begins; empty where there are none."""
    if not notes:
        return ""
    latest = notes[0]
    head = f"{texts.plural('notes.count', len(notes))} · {note_caption(latest, now)}"
    return f"{head}\n{shortened(latest.text, _HINT)}"


def shortened(text: str, most: int) -> str:
    """*text* as far as *most* characters, with a sign where it goes on."""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"


def _when(moment: datetime, now: datetime) -> str:
    return date_time(moment.astimezone(), now.astimezone().date())
