"""Counts as people read them. Qt-free."""

from __future__ import annotations

from app.ui.conversations.words import number
from app.ui.text import texts


def counted(key: str, count: int) -> str:
    """The plural words for *key*, the digits grouped."""
    return texts(f"{key}_one" if count == 1 else f"{key}_other", count=number(count))
