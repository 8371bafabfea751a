"""The mentorados of a switch as cards, wave by wave. Only what changed is painted again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from app.domain.mentorado import MentoradoId
from app.domain.names import visible
from app.text.signs import Tone
from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import follow_where_it_stands
from app.ui.widgets.labels import ScaledLabel, plain_tip, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox

_HEIGHT, _LEAST_WIDTH, _PADDING, _ICON, _GAP = 84, 236, 14, 16, 8


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows: who, on which provider now, how far, and what is to be known about it."""

    mentorado_id: MentoradoId
    name: str
    provider: str
    moved: bool  # whether that is the target
    state: str
    line: str
    tone: Tone
    icon: str

    @property
    def spoken(self) -> str:
        here = texts("switches.card.now", provider=self.provider)
        return ". ".join(part.rstrip(".…") for part in (self.name, here, self.state, self.line) if part)


_STEPS: Final = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class CardView(QAbstractButton):
    """One card; the chosen one is checked. Space, Enter or a click choose it, arrows lead to the next."""

    left = Signal(int, int)
    """Carries the direction: columns to the right, rows down."""

    def __init__(self, theme: Theme, card: Card, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.card = card
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._describe()

    def show_card(self, card: Card) -> None:
        if card != self.card:
            self.card = card
            self._describe()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(_LEAST_WIDTH), self._theme.px(_HEIGHT))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (step := _STEPS.get(Qt.Key(event.key()))) is not None:
            self.left.emit(*step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _describe(self) -> None:
        self.setAccessibleName(self.card.spoken)
        self.setToolTip(plain_tip(f"{visible(self.card.name)}: {self.card.state}. {self.card.line}".strip()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        card, colours, px = self.card, self._theme.tokens, self._theme.px
        tone = colours.badge[card.tone]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = colours.focus if self.hasFocus() else colours.accent if self.isChecked() else colours.border
        width = 2.0 if self.hasFocus() or self.isChecked() else 1.0
        frame = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.setPen(QPen(QColor(edge), width))
        ground = colours.selected if self.isChecked() else colours.hover if self.underMouse() else colours.raised
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(frame, t.RADIUS_ROW, t.RADIUS_ROW)
        left, right = px(_PADDING), self.width() - px(_PADDING)
        first, second, third = px(22), px(43), px(62)
        provider_font = self._theme.font(t.TEXT_CAPTION, QFont.Weight.Medium)
        taken = self._chip(painter, provider_font, right, first)
        self._line(
            painter,
            visible(card.name),
            self._theme.font(t.TEXT_BODY, QFont.Weight.DemiBold),
            colours.text,
            QRect(left, first - px(10), right - left - taken - px(_GAP), px(20)),
        )
        side = px(_ICON)
        painter.drawPixmap(left, second - side // 2, pixmap(card.icon, tone.fg, side, self.devicePixelRatioF()))
        beside = left + side + px(6)
        self._line(
            painter,
            card.state,
            self._theme.font(t.TEXT_SMALL, QFont.Weight.Medium),
            tone.fg,
            QRect(beside, second - px(10), right - beside, px(20)),
        )
        self._line(
            painter,
            card.line,
            self._theme.font(t.TEXT_CAPTION),
            colours.text2,
            QRect(left, third - px(9), right - left, px(18)),
        )
        painter.end()

    def _chip(self, painter: QPainter, font: QFont, right: int, middle: int) -> int:
        """The provider in use, at the right; returns its width."""
        colours, px = self._theme.tokens, self._theme.px
        width = round(QFontMetricsF(font).horizontalAdvance(self.card.provider)) + px(16)
        frame = QRectF(right - width, middle - px(10), width, px(20))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent_soft if self.card.moved else colours.badge[Tone.IDLE].bg))
        painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2)
        painter.setFont(font)
        painter.setPen(QColor(colours.on_accent_soft if self.card.moved else colours.badge[Tone.IDLE].fg))
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, self.card.provider)
        return width

    @staticmethod
    def _line(painter: QPainter, words: str, font: QFont, colour: str, room: QRect) -> None:
        shown = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, room.width())
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


class _CardGrid(FlowLayout):
    """Cards of one width that fill each row."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, spacing=t.SPACE_2)
        self._theme = theme

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation.Horizontal

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(_LEAST_WIDTH) * 2, self.heightForWidth(self._theme.px(_LEAST_WIDTH) * 2))

    def minimumSize(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(self._theme.px(_LEAST_WIDTH) // 2, self._theme.px(_HEIGHT))

    def _arrange(self, room: QRect, *, place: bool) -> int:
        gap, height = self.spacing(), self._theme.px(_HEIGHT)
        columns = max(1, (room.width() + gap) // (self._theme.px(_LEAST_WIDTH) + gap))
        width = (room.width() - (columns - 1) * gap) // columns
        for number, item in enumerate(self._items if place else ()):
            row, column = divmod(number, columns)
            left, top = room.left() + column * (width + gap), room.top() + row * (height + gap)
            item.setGeometry(QRect(left, top, width, height))
        rows = -(-len(self._items) // columns)
        return rows * height + max(0, rows - 1) * gap


class WaveView(QWidget):
    """One wave: its heading, how far it is, and its cards."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.heading = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.DemiBold, wraps=False)
        self.summary = text_label(role="secondary", wraps=False)
        head = hbox(self.heading, (self.summary, 1), spacing=t.SPACE_3)
        cards = QWidget()
        self.grid = _CardGrid(theme, cards)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        cards.setSizePolicy(policy)
        vbox(head, cards, inside=self, spacing=t.SPACE_2)

    def show_words(self, heading: str, summary: str) -> None:
        self.heading.setText(heading)
        self.summary.setText(summary)


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave with its words and its cards."""

    heading: str
    summary: str
    cards: Sequence[Card]


class WaveBoard(QScrollArea):
    """All waves. One Tab stop; arrows walk the cards. Signals are emitted for what a person does only."""

    chosen = Signal(object)
    walked = Signal(object)
    """Each carries the id of a mentorado."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self._theme = theme
        self.waves: list[WaveView] = []
        self.cards: dict[MentoradoId, CardView] = {}
        self._buttons = QButtonGroup(self)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().setSingleStep(theme.px(_HEIGHT) // 2)
        theme.changed.connect(self._rescale)

    def show_waves(self, waves: Sequence[Wave]) -> None:
        """Show *waves*; cards that are there already are kept, and painted again where they changed."""
        placed = [[card.mentorado_id for card in wave.cards] for wave in waves]
        if placed != self._placed():
            self._build(waves)
        for view, wave in zip(self.waves, waves, strict=True):
            view.show_words(wave.heading, wave.summary)
            for card in wave.cards:
                self.cards[card.mentorado_id].show_card(card)

    def choose(self, mentorado_id: MentoradoId | None) -> None:
        """Mark this card without emitting `chosen`."""
        if mentorado_id in self.cards:
            self.cards[mentorado_id].setChecked(True)
        elif (checked := self._buttons.checkedButton()) is not None:
            self._buttons.setExclusive(False)
            checked.setChecked(False)
            self._buttons.setExclusive(True)

    def bring_into_view(self, mentorado_id: MentoradoId) -> None:
        if mentorado_id in self.cards:
            self.ensureWidgetVisible(self.cards[mentorado_id], 0, self._theme.px(_HEIGHT))

    def take_focus(self) -> None:
        button = self._buttons.checkedButton() or next(iter(self.cards.values()), None)
        if button is not None:
            button.setFocus(Qt.FocusReason.TabFocusReason)

    def _placed(self) -> list[list[MentoradoId]]:
        placed: list[list[MentoradoId]] = []
        for view in self.waves:
            items = (view.grid.itemAt(place) for place in range(view.grid.count()))
            views = (item.widget() for item in items if item is not None)
            placed.append([each.card.mentorado_id for each in views if isinstance(each, CardView)])
        return placed

    def _build(self, waves: Sequence[Wave]) -> None:
        checked = self._buttons.checkedButton()
        chosen = checked.card.mentorado_id if isinstance(checked, CardView) else None
        inside = QWidget()
        column = vbox(inside=inside, margins=(t.SPACE_6, t.SPACE_3, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_4)
        self.waves, self.cards = [], {}
        self._buttons.deleteLater()
        self._buttons = QButtonGroup(self)
        for wave in waves:
            view = WaveView(self._theme)
            for card in wave.cards:
                button = CardView(self._theme, card)
                button.clicked.connect(lambda _checked=False, whose=card.mentorado_id: self.chosen.emit(whose))
                button.left.connect(partial(self._walk, button))
                view.grid.addWidget(button)
                self._buttons.addButton(button)
                self.cards[card.mentorado_id] = button
            column.addWidget(view)
            self.waves.append(view)
        column.addStretch(1)
        focused = self.focusWidget()
        held = focused.card.mentorado_id if isinstance(focused, CardView) and focused.hasFocus() else None
        self.setWidget(inside)  # the one before is deleted
        follow_where_it_stands(self, list(self.cards.values()))
        self.choose(chosen)
        if held is not None and (same := self.cards.get(held)) is not None:
            same.setFocus(Qt.FocusReason.OtherFocusReason)

    def _walk(self, at: CardView, right: int, down: int) -> None:
        """Lead from *at* to the next card in that direction."""
        cards = list(self.cards.values())
        if right:
            place = cards.index(at) + right
            found = cards[place] if 0 <= place < len(cards) else None
        else:
            found = self._beyond(cards, at, down)
        if found is not None:
            found.setFocus(Qt.FocusReason.TabFocusReason)
            self.ensureWidgetVisible(found, 0, self._theme.px(_HEIGHT) // 2)
            self.walked.emit(found.card.mentorado_id)

    def _beyond(self, cards: Sequence[CardView], at: CardView, down: int) -> CardView | None:
        """The card that is nearest in the next row, which may be of another wave."""
        here = self._corner(at)
        rows = [(each, self._corner(each)) for each in cards]
        beyond = [(each, corner) for each, corner in rows if (corner.y() - here.y()) * down > 0]
        nearest = sorted(beyond, key=lambda pair: (abs(pair[1].y() - here.y()), abs(pair[1].x() - here.x())))
        return nearest[0][0] if nearest else None

    def _corner(self, card: CardView) -> QPoint:
        return card.mapTo(self, QPoint(0, 0))

    def _rescale(self) -> None:
        for view in self.waves:
            view.grid.invalidate()
            view.updateGeometry()
