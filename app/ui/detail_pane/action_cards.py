"""What can be done to a mentorado, as cards; the rarely needed ones are folded away."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from app.domain.actions import ActionName, UnavailableReason
from app.text.signs import ACTION_ICON, Tone
from app.text.status import action, refusal, texts
from app.ui.theme.icons import icon
from app.ui.theme.theme import (
    ACTION_CARD_HEIGHT,
    RADIUS_CONTROL,
    RADIUS_ROW,
    SPACE_1,
    SPACE_2,
    SPACE_3,
    Theme,
)
from app.ui.widgets.accessibility import announce
from app.ui.widgets.action_menu import CARDS, MORE, RISKY, Availability, Slot, SlotState, resolve_slots
from app.ui.widgets.labels import plain_tip
from app.ui.widgets.layouts import vbox
from app.ui.widgets.radio_card import WRAPPED, CardButton

_TILE = 36
_CARD_ICON = 18
_MARK = 16


class ActionCard(CardButton):
    """Shows an action, or with a lock why it is not available. The rules are the caller's.

    A locked one can have the focus, so that its reason can be heard; pressed, it says the reason and does nothing.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._name = ActionName.CONNECT
        self._locked = False
        self._shown: tuple[ActionName, str, str, bool, bool] | None = None
        theme.changed.connect(self.update)

    @property
    def name(self) -> ActionName:
        return self._name

    @property
    def locked(self) -> bool:
        """Whether the action does not fit now."""
        return self._locked

    def show_reason(self) -> None:
        """Say why it is locked."""
        QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), plain_tip(self._line), self)
        announce(self, self.accessibleDescription())

    def show_action(self, name: ActionName, refused: UnavailableReason | None, *, busy: bool = False) -> None:
        label, line = action(name)
        content = (name, label, refusal(refused) if refused else line, refused is not None, busy)
        if content == self._shown:
            return  # measuring words is what costs
        self._shown = content
        self._name = name
        self._line, self._locked = content[2:4]
        self.setText(label)
        self.setEnabled(not busy)
        self.setCursor(Qt.CursorShape.ArrowCursor if refused else Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(label)
        self.setAccessibleDescription(texts("detail.locked", why=self._line) if refused else line)
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        room = width - self._around_words
        words = self._height(self._name_font, self.text(), room) + self._height(self._line_font, self._line, room)
        return max(ACTION_CARD_HEIGHT, words + 2 * SPACE_3)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._around_words + self._theme.px(80), ACTION_CARD_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        locked = self._locked or not self.isEnabled()
        warm = not locked and self.underMouse()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = QPen(QColor(tokens.focus), 2) if self.hasFocus() else QPen(QColor(tokens.border), 1)
        painter.setPen(edge)
        painter.setBrush(QColor(tokens.bg if locked else tokens.hover if warm else tokens.raised))
        inset = edge.widthF() / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS_ROW, RADIUS_ROW)

        side, drawn, small = (self._theme.px(size) for size in (_TILE, _CARD_ICON, _MARK))
        tile = QRect(SPACE_3, (self.height() - side) // 2, side, side)
        painter.setPen(Qt.PenStyle.NoPen)
        risky = tokens.badge[Tone.ERROR] if self._name in RISKY else None
        ground, drawing_colour = (risky.bg, risky.fg) if risky else (tokens.accent_soft, tokens.on_accent_soft)
        painter.setBrush(QColor(tokens.border if locked else ground))
        painter.drawRoundedRect(tile, RADIUS_CONTROL, RADIUS_CONTROL)
        drawing = icon(ACTION_ICON[self._name], tokens.text3 if locked else drawing_colour, drawn)
        drawing.paint(painter, _middle(tile, drawn))
        edge_of_card = QRect(self.width() - SPACE_3 - small, 0, small, self.height())
        mark = icon("lock" if locked else "chevron-right", tokens.text3 if locked else tokens.text2, small)
        mark.paint(painter, _middle(edge_of_card, small))
        self._paint_words(painter, tokens.text2 if locked else tokens.text, tokens.text3)
        painter.end()

    def _paint_words(self, painter: QPainter, strong: str, soft: str) -> None:
        left, room = 2 * SPACE_3 + self._theme.px(_TILE), self.width() - self._around_words
        upper = self._height(self._name_font, self.text(), room)
        lower = self._height(self._line_font, self._line, room)
        top = (self.height() - upper - lower) // 2
        for font, words, colour, at in (
            (self._name_font, self.text(), strong, QRect(left, top, room, upper)),
            (self._line_font, self._line, soft, QRect(left, top + upper, room, lower)),
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            painter.drawText(at, WRAPPED, words)

    @property
    def _around_words(self) -> int:
        """What the width spends on the picture, the mark and the gaps."""
        return 3 * SPACE_3 + self._theme.px(_TILE) + SPACE_2 + self._theme.px(_MARK)


def _middle(rect: QRect, side: int) -> QRect:
    return QRect(rect.left() + (rect.width() - side) // 2, rect.top() + (rect.height() - side) // 2, side, side)


_ICON = 14


class _Place(QWidget):
    """A card, and below it the way past the lock of an incident while there is one."""

    def __init__(self, theme: Theme, slot: Slot, request: Callable[[ActionName], None]) -> None:
        super().__init__()
        self.slot = slot
        self.card = ActionCard(theme)
        self.override = QPushButton()
        self.override.setProperty("role", "link")
        self.override.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        vbox(self.card, self.override, inside=self, spacing=SPACE_1)
        self._request = request
        self.card.clicked.connect(self._on_card)
        self.override.clicked.connect(lambda _checked=False: request(self.card.name))

    def _on_card(self, _checked: bool = False) -> None:
        if self.card.locked:
            self.card.show_reason()
        else:
            self._request(self.card.name)

    def show_fitting(self, shown: SlotState | None, *, busy: bool, offered: ActionName | None) -> None:
        self.setVisible(shown is not None)
        if shown is None:
            return
        self.card.show_action(shown.name, shown.refused, busy=busy)
        locked = shown.refused is UnavailableReason.INCIDENT and shown.name is not offered
        self.override.setVisible(locked)
        if locked:
            show_override(self.override, shown.name)
            self.override.setEnabled(not busy)


def show_override(button: QPushButton, name: ActionName) -> None:
    """Let *button* offer to run *name* in spite of the incident."""
    words = texts("override.go_on")
    button.setText(words)
    button.setAccessibleName(f"{words} {action(name)[0]}")


class ActionCards(QWidget):
    """The cards of all actions. Emits which one was pressed."""

    action_requested = Signal(object)  # an ActionName

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._first = [_Place(theme, slot, self.action_requested.emit) for slot in CARDS]
        self._rare = [_Place(theme, slot, self.action_requested.emit) for slot in MORE]
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.setCheckable(True)
        self.more.toggled.connect(self._fold)
        self._more_actions = QWidget()
        rare = QVBoxLayout(self._more_actions)
        column = QVBoxLayout(self)
        for layout in (rare, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(SPACE_2 + 2)
        for place in self._first:
            column.addWidget(place)
        for place in self._rare:
            rare.addWidget(place)
        column.addWidget(self.more)
        column.addWidget(self._more_actions)
        theme.changed.connect(self.retranslate)
        self._fold(False)

    @property
    def cards(self) -> list[ActionCard]:
        """All there are for this mentorado's provider, those that are folded away too."""
        return [place.card for place in (*self._first, *self._rare) if not place.isHidden()]

    def show_actions(
        self, availability: Availability, *, busy: bool, cancellable: bool, offered: ActionName | None
    ) -> None:
        """*offered* is the recommended one; *cancellable* unless giving up a connection is offered elsewhere."""
        places = (*self._first, *self._rare)
        elsewhere = () if cancellable else (ActionName.CANCEL,)
        slots = [tuple(name for name in place.slot if name not in elsewhere) for place in places]
        for place, shown in zip(places, resolve_slots(slots, availability), strict=True):
            place.show_fitting(shown, busy=busy, offered=offered)

    def retranslate(self) -> None:
        self._fold(self.more.isChecked())

    def _fold(self, shown: bool) -> None:
        self._more_actions.setVisible(shown)
        words = texts("detail.less" if shown else "detail.more")
        self.more.setText(words)
        self.more.setAccessibleName(words)
        side = self._theme.px(_ICON)
        name = "chevron-down" if not shown else "chevron-right"
        self.more.setIcon(icon(name, self._theme.tokens.on_accent_soft, side))
        self.more.setIconSize(QSize(side, side))
        self.more.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
