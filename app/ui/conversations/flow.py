"""Breaks plain text into lines. Strangers' text goes through here only, so none of it is ever taken for markup."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QTextCharFormat, QTextLayout, QTextOption

from app.ui.conversations.found import Span

_RTL = Qt.LayoutDirection.RightToLeft
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute


@dataclass(frozen=True, slots=True)
class Flow:
    """Lines, and the room they take; *reach* is where the last one ends, from the left."""

    layout: QTextLayout
    width: float
    height: float
    reach: float


def flow(
    text: str,
    font: QFont,
    room: float,
    *,
    lines: int | None = None,
    marked: QTextCharFormat | None = None,
    spans: Sequence[Span] = (),
) -> Flow:
    """*text* in lines no wider than *room*, at most *lines* of them; a word that is too long breaks anywhere."""
    shown = text.replace("\n", "\u2028").replace("\t", " ")  # a sign for a sign: places stay what they are
    backwards = not text.isascii() and is_rtl(text)
    formats = _formats(shown, spans, marked) if marked is not None and spans else []
    layout, width, height = _break(shown, font, room, lines, formats, backwards=backwards)
    if backwards and width < room:
        layout, width, height = _break(shown, font, width, lines, formats, backwards=backwards)
    last = layout.lineAt(layout.lineCount() - 1)
    return Flow(layout, width, height, width if backwards else last.naturalTextWidth())


def mark(ground: str, colour: str) -> QTextCharFormat:
    """How words look that were found: on a ground of their own, and heavier too."""
    found = QTextCharFormat()
    found.setBackground(QColor(ground))
    found.setForeground(QColor(colour))
    found.setFontWeight(QFont.Weight.DemiBold)
    return found


def is_rtl(text: str) -> bool:
    """Whether the first letter that has a direction is read from the right."""
    for sign in text[:200]:
        direction = unicodedata.bidirectional(sign)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def _break(
    shown: str,
    font: QFont,
    room: float,
    most: int | None,
    formats: list[QTextLayout.FormatRange],
    *,
    backwards: bool,
) -> tuple[QTextLayout, float, float]:
    layout = QTextLayout(shown, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    if backwards:
        option.setTextDirection(_RTL)
        option.setAlignment(_RIGHT)
    layout.setTextOption(option)
    layout.setCacheEnabled(True)
    if formats:
        layout.setFormats(formats)
    height = width = 0.0
    layout.beginLayout()
    while (most is None or layout.lineCount() < most) and (line := layout.createLine()).isValid():
        line.setLineWidth(room)
        line.setPosition(QPointF(0, height))
        height += line.height()
        width = max(width, line.naturalTextWidth())
    layout.endLayout()
    return layout, min(width + 1, room), height  # the last fraction of a pixel must not break a word


def _formats(shown: str, spans: Sequence[Span], marked: QTextCharFormat) -> list[QTextLayout.FormatRange]:
    """Qt counts in UTF-16: what lies beyond its first plane counts twice there."""
    found = []
    for start, stop in spans:
        each = QTextLayout.FormatRange()
        each.start = _units(shown[:start])
        each.length = _units(shown[start:stop])
        each.format = marked
        found.append(each)
    return found


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
