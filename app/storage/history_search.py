"""Finds messages by their words, in SQLite's full-text index.

Storing a message must be quick, so the index is filled a moment later, in order: everything up to the mark is in it,
and triggers keep that part true. `search` in history.py fills it before it looks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import Connection

from app.domain.mentorado import MentoradoId
from app.domain.messages import StoredMessage
from app.storage.history_reading import by_numbers

_OWNER = "\ue000"  # as in the view `message_words`

_NO_LETTERS = frozenset(map(chr, (*range(0x19B0, 0x19CA), 0x1CF2, 0x1CF3)))
"""Letters to Python but not to SQLite's older table of signs; a word with one inside would be an error to it."""


def waiting(connection: Connection) -> bool:
    """Whether there are messages behind the mark."""
    behind = "SELECT coalesce(max(number), 0) > (SELECT number FROM search_mark) FROM message"
    return bool(connection.exec_driver_sql(behind).scalar_one())


def index(connection: Connection, limit: int) -> None:
    """Take the next *limit* messages into the index and move the mark."""
    mark = connection.exec_driver_sql("SELECT number FROM search_mark").scalar_one()
    last = connection.exec_driver_sql(
        "SELECT max(number) FROM (SELECT number FROM message WHERE number > ? ORDER BY number LIMIT ?)", (mark, limit)
    ).scalar_one()
    if last is None:
        return
    connection.exec_driver_sql(
        "INSERT INTO message_fts (rowid, text, file, owner) SELECT number, text, file, owner FROM message_words"
        " WHERE number > ? AND number <= ?",
        (mark, last),
    )
    connection.exec_driver_sql("UPDATE search_mark SET number = ?", (last,))


def search(
    connection: Connection, text: str, mentorado_id: MentoradoId | None, before: int | None, limit: int
) -> Sequence[StoredMessage]:
    wanted = expression(text, mentorado_id)
    if wanted is None:
        return []
    found = "SELECT rowid FROM message_fts WHERE message_fts MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
    upper = 2**62 if before is None else before
    return by_numbers(connection, connection.exec_driver_sql(found, (wanted, upper, limit)).scalars().all())


def expression(text: str, mentorado_id: MentoradoId | None = None) -> str | None:
    """What people typed, in the language of the index: all the words, the last perhaps unfinished.

    Nothing of it is taken for syntax: only letters and digits are left, in quotes. None when no word is left.
    """
    words = _words(text)
    if not words:
        return None
    terms = [f'"{word}"' for word in words]
    if text[-1:] == text[-1:].strip():  # a space after the last word ends it
        terms[-1] += " *"
    if mentorado_id is not None:
        terms.insert(0, f'"{_OWNER}{mentorado_id}"')
    return " AND ".join(terms)


def _words(text: str) -> list[str]:
    """Split as the index does: into letters and digits, whose accents it ignores."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not "\u0300" <= letter <= "\u036f")
    letters = unicodedata.normalize("NFC", plain)
    return "".join(letter if _in_words(letter) else " " for letter in letters).split()


def _in_words(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LN" and letter not in _NO_LETTERS
