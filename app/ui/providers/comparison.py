"""Compares the providers: sign-in, features, limits, risks and costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from app.domain.mentorado import ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS
from app.text.signs import Tone
from app.text.status import provider, texts
from app.ui.dialogs.base import ScrollDialog
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import (
    RADIUS_CARD,
    RADIUS_CONTROL,
    SPACE_1,
    SPACE_2,
    SPACE_3,
    SPACE_4,
    TEXT_CAPTION,
    TEXT_HEADING,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.labels import Badge, ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox

_BESIDE = 760
_TILE, _ICON, _MARK = 36, 18, 14


@dataclass(frozen=True, slots=True)
class Aspect:
    """One band of the comparison. With *many* it is a list, marked by *icon*."""

    name: str
    icon: str = ""
    many: bool = True


ASPECTS: Final = (
    Aspect("signs_in", many=False),
    Aspect("does", "check"),
    Aspect("limits", "info"),
    Aspect("risks", "triangle-alert"),
    Aspect("costs", many=False),
)


def points(kind: ProviderKind, aspect: Aspect) -> Iterator[str]:
    """The sentences about *kind* under *aspect*."""
    if not aspect.many:
        yield texts(f"comparison.{kind}.{aspect.name}")
        return
    number = 1
    while texts.has(key := f"comparison.{kind}.{aspect.name}.{number}"):
        yield texts(key)
        number += 1


class _Card(QWidget):
    """The card behind a provider's column; the selected one has a strong border."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.chosen = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, width = self._theme.tokens, 2.0 if self.chosen else 1.0
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent if self.chosen else colours.border), width))
        painter.setBrush(QColor(colours.surface if colours.dark else colours.raised))
        ground = self.rect().toRectF().adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(ground, RADIUS_CARD, RADIUS_CARD)
        painter.end()


class _Mark(QWidget):
    """A drawing, on a soft tile when it stands for a provider: decoration."""

    def __init__(self, theme: Theme, name: str, tone: Tone | None = None) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._tone = tone
        theme.changed.connect(self._rescale)
        self._rescale()

    def _rescale(self) -> None:
        side = self._theme.px(_TILE if self._tone is None else _MARK)
        self.setFixedSize(side, side)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, painter = self._theme.tokens, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._tone is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_soft))
            painter.drawRoundedRect(self.rect(), RADIUS_CONTROL, RADIUS_CONTROL)
        colour = colours.on_accent_soft if self._tone is None else colours.badge[self._tone].fg
        side = self._theme.px(_ICON if self._tone is None else _MARK)
        at = (self.width() - side) // 2
        painter.drawPixmap(at, at, pixmap(self._name, colour, side, self.devicePixelRatioF()))
        painter.end()


_TONES: Final = MappingProxyType({"check": Tone.CONNECTED, "info": Tone.IDLE, "triangle-alert": Tone.WAITING})


class Comparison(QWidget):
    """Columns whose bands stand at one height, or one card below the other where it is narrow."""

    picked = Signal(object)  # a ProviderKind

    def __init__(
        self, theme: Theme, kinds: Sequence[ProviderKind], *, chosen: ProviderKind | None = None, choosing: bool = False
    ) -> None:
        super().__init__()
        self._theme = theme
        self._kinds = tuple(kinds)
        self._cards = {kind: _Card(theme) for kind in kinds}
        self.buttons: dict[ProviderKind, QPushButton] = {}
        self._cells: dict[ProviderKind, list[QWidget]] = {}
        for kind in kinds:
            self._cards[kind].chosen = kind is chosen
            self._cells[kind] = [self._head(kind), self._kind_of(kind)]
            if choosing:
                self._cells[kind].append(self._choice(kind, kind is chosen))
            self._cells[kind].extend(self._band(kind, aspect) for aspect in ASPECTS)
            self._cells[kind][-1].setContentsMargins(0, 0, 0, SPACE_3)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(0)
        self._grid.setHorizontalSpacing(SPACE_3)
        self._beside: bool | None = None
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        beside = self.width() >= self._theme.px(_BESIDE)
        if beside is self._beside:
            return
        self._beside = beside
        while self._grid.takeAt(0):
            pass
        height = len(next(iter(self._cells.values()), []))
        for place, kind in enumerate(self._kinds):
            top, column = (0, place) if beside else (place * (height + 1), 0)
            self._grid.addWidget(self._cards[kind], top, column, height, 1)
            self._cards[kind].lower()
            for row, cell in enumerate(self._cells[kind]):
                self._grid.addWidget(cell, top + row, column)
            self._grid.setColumnStretch(place, 1 if beside or place == 0 else 0)
            if not beside:
                self._grid.setRowMinimumHeight(top + height, SPACE_3)

    def _head(self, kind: ProviderKind) -> QWidget:
        name = ScaledLabel(self._theme, TEXT_HEADING, QFont.Weight.DemiBold)
        name.setText(provider(kind))
        what = text_label(texts(f"comparison.{kind}.what"), "secondary")
        words = vbox(name, what, spacing=SPACE_1 // 2)
        top = hbox(spacing=SPACE_3)
        top.addWidget(_Mark(self._theme, DESCRIPTORS[kind].icon), 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        head, column = _cell(SPACE_4)
        column.addLayout(top)
        column.addStretch(1)
        return head

    def _kind_of(self, kind: ProviderKind) -> QWidget:
        """Return the label for official or unofficial."""
        cell, column = _cell(SPACE_1)
        badge = Badge(self._theme)
        if DESCRIPTORS[kind].official:
            badge.show_badge(Tone.CONNECTED, "check-circle", texts("comparison.recommended_for"))
        else:
            badge.show_badge(Tone.WAITING, "info", texts("comparison.unofficial"))
        column.addWidget(badge, 0, Qt.AlignmentFlag.AlignLeft)
        return cell

    def _band(self, kind: ProviderKind, aspect: Aspect) -> QWidget:
        band, column = _cell(SPACE_3)
        column.setSpacing(SPACE_1 + 1)
        heading = ScaledLabel(self._theme, TEXT_CAPTION, QFont.Weight.DemiBold)
        heading.setProperty("role", "caption")
        heading.setText(texts(f"comparison.aspect.{aspect.name}"))
        column.addWidget(heading)
        for text in points(kind, aspect):
            words = ScaledLabel(self._theme, TEXT_SMALL)
            words.setText(text)
            if not aspect.icon:
                column.addWidget(words)
                continue
            row = hbox(spacing=SPACE_2)
            mark = _Mark(self._theme, aspect.icon, _TONES[aspect.icon])
            row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(words, 1)
            column.addLayout(row)
        column.addStretch(1)
        band.setAccessibleName(f"{provider(kind)}, {heading.text()}: {' '.join(points(kind, aspect))}")
        return band

    def _choice(self, kind: ProviderKind, chosen: bool) -> QWidget:
        cell, column = _cell(SPACE_3)
        button = QPushButton(texts("comparison.keep" if chosen else "comparison.choose", provider=provider(kind)))
        button.setAutoDefault(False)
        button.setProperty("role", "primary" if chosen else "")
        button.clicked.connect(lambda _checked=False: self.picked.emit(kind))
        self.buttons[kind] = button
        column.addWidget(button)
        return cell


def _cell(top: int) -> tuple[QWidget, QVBoxLayout]:
    cell = QWidget()
    column = QVBoxLayout(cell)
    column.setContentsMargins(SPACE_4, top, SPACE_4, SPACE_1)
    return cell, column


_WIDTH = 1080


class ComparisonDialog(ScrollDialog):
    """With *choosing*, `chosen` is the selected provider once the dialog is accepted."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        kinds: Sequence[ProviderKind],
        *,
        chosen: ProviderKind | None = None,
        choosing: bool = False,
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self.chosen = chosen
        self.set_title(texts("comparison.title"))
        advice = text_label(texts("comparison.advice"))
        self.comparison = Comparison(theme, kinds, chosen=chosen, choosing=choosing)
        self.comparison.picked.connect(self._select)
        for part in (advice, self.comparison):
            self.inside.addWidget(part)
        self.setAccessibleDescription(advice.text())
        self.back = self.add_button(texts("comparison.back" if choosing else "dialog.close"))
        self.back.setAutoDefault(True)
        self.back.clicked.connect(self.reject)
        self.back.setFocus()

    def _select(self, kind: ProviderKind) -> None:
        self.chosen = kind
        self.accept()
