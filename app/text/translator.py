"""Translations of one language at a time, read from a JSON catalogue (i18next v4)."""

from __future__ import annotations

import json
import os
import string
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.domain.names import visible

LANGUAGES: Final = ("pt-BR", "en")

_NO_COUNTS: Final = frozenset(["year", "port", "code"])
"""The placeholders whose numbers say which, and not how many: their digits are never grouped."""


def system_language() -> str:
    """Return Portuguese where it is the system's language, else English."""
    asked = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    spoken = next(filter(None, asked), "")
    if not spoken and sys.platform == "win32":
        import ctypes
        import locale

        spoken = locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return "pt-BR" if spoken.casefold().startswith("pt") else "en"


def load(language: str, folder: Path | None = None) -> dict[str, str]:
    """Load the catalogue of *language*, flat: ``section.sub.key`` to its text."""
    file = (folder or resources_folder() / "translations") / f"{language}.json"
    flat: dict[str, str] = {}
    _flatten(json.loads(file.read_bytes()), "", flat)
    return flat


def _flatten(node: Mapping[str, Any], above: str, flat: dict[str, str]) -> None:
    for name, value in node.items():
        if isinstance(value, str):
            flat[above + name] = value
        else:
            _flatten(value, f"{above}{name}.", flat)


class Translator:
    """Looks up texts in the current language, and notifies listeners when it changes."""

    def __init__(self, language: str | None = None) -> None:
        self._language = language or system_language()
        self._words: dict[str, str] | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def language(self) -> str:
        return self._language

    def set_language(self, language: str) -> None:
        """Switch to *language*. Raises `ValueError` when there is no such catalogue."""
        if language not in LANGUAGES:
            raise ValueError(language)
        if language == self._language:
            return
        self._language, self._words = language, None
        for listener in tuple(self._listeners):
            listener()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* after each change of language; the returned function stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def __call__(self, key: str, **context: object) -> str:
        """Return the text for *key*. Raises `KeyError` when the key or a placeholder's value is missing."""
        words = self._catalogue()[key]
        if not context and "{" not in words:
            return words
        for name, count in context.items():
            if isinstance(count, int) and abs(count) >= 1000 and name not in _NO_COUNTS:
                context[name] = self.number(count)
        return visible(words.format_map(context))

    def number(self, count: int) -> str:
        """``12.431``, as the language groups digits."""
        return f"{count:,}".replace(",", self._catalogue()["app.thousands"])

    def decimal(self, value: float, digits: int = 1) -> str:
        """``1.234,5``, with the decimal sign of the language."""
        whole, _, part = f"{value:.{digits}f}".partition(".")
        sign = "-" if whole.startswith("-") else ""
        words = f"{sign}{self.number(abs(int(whole)))}"
        return f"{words}{self._catalogue()['app.decimal']}{part}" if part else words

    def plural(self, key: str, count: int, **context: object) -> str:
        """Return the text for *count* things: ``key_zero`` where there is one, else ``key_one`` or ``key_other``."""
        zero = f"{key}_zero"
        form = zero if count == 0 and zero in self._catalogue() else f"{key}_one" if count == 1 else f"{key}_other"
        return self(form, count=count, **context)

    def template(self, key: str) -> str:
        """Return the text for *key* with its placeholders."""
        return self._catalogue()[key]

    def has(self, key: str) -> bool:
        return key in self._catalogue()

    def _catalogue(self) -> dict[str, str]:
        if self._words is None:
            self._words = load(self._language)
        return self._words


def placeholders(words: str) -> set[str]:
    """Return the placeholder names in *words*."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(words) if name is not None}


_APP = Path(__file__).resolve().parent.parent


@cache
def resources_folder() -> Path:
    """Return the folder that holds ``icons`` and ``translations``."""
    packaged = _APP / "_resources"
    return packaged if packaged.is_dir() else _APP.parent / "resources"
