"""The filter chips above the list."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QWidget

from app.text.status import texts
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.row import GROUP_ICON, TONE_FOR, ListFilter
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme

_PADDING = 11
_GAP = 6
_BETWEEN = 8
_ICON = 14


class Chip(QAbstractButton):
    """Icon, word, count; only icon and count when *compact*. The word stays in its name and tooltip."""

    def __init__(self, group: ListFilter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stands_for = group
        self._theme = theme
        self._count: int | None = None  # until it is known
        self._compact = False
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.retranslate()

    def retranslate(self) -> None:
        self.setText(texts(f"chips.{self.stands_for}"))
        self.setToolTip(texts(f"chips.{self.stands_for}"))
        self._say_count()

    def _say_count(self) -> None:
        self.setAccessibleName(f"{self.text()}, {self._number}" if self._number else self.text())
        self.updateGeometry()
        self.update()

    def show_count(self, count: int) -> None:
        if count != self._count:
            self._count = count
            self._say_count()

    @property
    def _number(self) -> str:
        return "" if self._count is None else texts.number(self._count)

    def set_compact(self, compact: bool) -> None:
        self._compact = self._wants_compact(compact)
        self.updateGeometry()
        self.update()

    def width_when(self, *, compact: bool) -> int:
        """The width it would take."""
        was, self._compact = self._compact, self._wants_compact(compact)
        width = self.sizeHint().width()
        self._compact = was
        return width

    def _wants_compact(self, asked: bool) -> bool:
        # Without an icon the word is all there is to read; the archive is of interest to few.
        return self.stands_for is ListFilter.ARCHIVED or (asked and self.stands_for in GROUP_ICON)

    def sizeHint(self) -> QSize:
        word, number = self._fonts()
        width = 2.0 * _PADDING + QFontMetricsF(number).horizontalAdvance(self._number)
        if self.stands_for in GROUP_ICON:
            width += self._theme.px(_ICON) + _GAP
        if not self._compact:
            width += QFontMetricsF(word).horizontalAdvance(self.text()) + _GAP
        return QSize(round(width) + 1, self._theme.px(t.CHIP_HEIGHT))

    def _fonts(self) -> tuple[QFont, QFont]:
        return (
            self._theme.font(t.TEXT_SMALL, QFont.Weight.Medium),
            self._theme.font(t.TEXT_SMALL, QFont.Weight.DemiBold),
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, checked = self._theme.tokens, self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        edge, width = (colours.focus, 2.0) if self.hasFocus() else (colours.accent if checked else colours.border, 1.0)
        ground = colours.accent_soft if checked else colours.hover if self.underMouse() else colours.surface
        inset = (width - 1) / 2
        painter.setPen(QPen(QColor(edge), width))
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(frame.adjusted(inset, inset, -inset, -inset), frame.height() / 2, frame.height() / 2)
        self._paint_words(painter, colours, checked)
        painter.end()

    def _paint_words(self, painter: QPainter, colours: t.Tokens, checked: bool) -> None:
        word_font, number_font = self._fonts()
        left, height = float(_PADDING), self.height()
        if self.stands_for in GROUP_ICON:
            size = self._theme.px(_ICON)
            tone = TONE_FOR.get(self.stands_for)
            colour = colours.badge[tone].fg if tone else colours.text2
            sign = pixmap(GROUP_ICON[self.stands_for], colour, size, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, (height - size) / 2), sign)
            left += size + _GAP
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        if not self._compact:
            painter.setFont(word_font)
            painter.setPen(QColor(colours.on_accent_soft if checked else colours.text))
            painter.drawText(QRectF(left, 0, self.width(), height), middle, self.text())
            left += QFontMetricsF(word_font).horizontalAdvance(self.text()) + _GAP
        painter.setFont(number_font)
        painter.setPen(QColor(colours.on_accent_soft if checked else colours.text2))
        painter.drawText(QRectF(left, 0, self.width(), height), middle, self._number)


class ChipBar(QWidget):
    """All chips in a row; where it is narrow, words give way to icons, and then rows are added."""

    picked = Signal(ListFilter)

    def __init__(self, model: MentoradoListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons = QButtonGroup(self)  # exclusive: Tab enters it once, arrows move within
        self._chips = {group: Chip(group, theme, self) for group in ListFilter}
        for chip in self._chips.values():
            self._buttons.addButton(chip)
        self._chips[ListFilter.ALL].setChecked(True)
        self._buttons.buttonClicked.connect(self._on_clicked)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        model.counts_changed.connect(self.show_counts)
        theme.changed.connect(self._arrange)
        if model.loaded:
            self.show_counts(model.counts())
        else:
            self._chips[ListFilter.ARCHIVED].hide()

    def pick(self, group: ListFilter) -> None:
        """Check a chip, as if it had been clicked."""
        self._chips[group].setChecked(True)
        self.picked.emit(group)

    def show_counts(self, counts: Mapping[ListFilter, int]) -> None:
        """The archive has no chip while it is empty."""
        for group, chip in self._chips.items():
            chip.show_count(counts[group])
        archive = self._chips[ListFilter.ARCHIVED]
        archive.setVisible(counts[ListFilter.ARCHIVED] > 0 or archive.isChecked())
        self._arrange()

    def retranslate(self) -> None:
        self.setAccessibleName(texts("chips.name"))
        for chip in self._chips.values():
            chip.retranslate()
        self._arrange()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._arrange()

    def _on_clicked(self, chip: QAbstractButton) -> None:
        if isinstance(chip, Chip):
            self.picked.emit(chip.stands_for)

    def _arrange(self) -> None:
        chips = [chip for chip in self._chips.values() if not chip.isHidden()]
        full = sum(chip.width_when(compact=False) + _BETWEEN for chip in chips) - _BETWEEN
        left, top, height = 0, 0, self._theme.px(t.CHIP_HEIGHT)
        for chip in chips:
            chip.set_compact(full > self.width())
            width = chip.sizeHint().width()
            if left and left + width > self.width():
                left, top = 0, top + height + _BETWEEN
            chip.setGeometry(left, top, width, height)
            left += width + _BETWEEN
        self.setFixedHeight(top + height)
