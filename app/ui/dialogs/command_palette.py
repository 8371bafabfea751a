"""The palette: a line to type on and what it finds, over the middle of the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.core.actions import ActionService
from app.domain.actions import ActionName
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import fold_accents
from app.domain.phone import readable
from app.text.signs import ACTION_ICON
from app.text.status import action as words_of
from app.text.status import refusal, texts
from app.ui.dialogs.base import BaseDialog
from app.ui.mentorado_list.query import Query, search_text
from app.ui.theme.icons import icon
from app.ui.theme.theme import (
    SPACE_2,
    SPACE_3,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.action_menu import CARDS, MORE, resolve_slots

MOST = 40
"""The number of entries shown at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the palette. *search_text* is what typing is compared with: its title, and below other words for it.
    A *locked* one says why it cannot be done now, and is shown to who looks for it.
    """

    title: str
    line: str
    icon: str
    search_text: str
    do: Callable[[], object]
    locked: bool = False

    def rank(self, query: Query, start: str) -> tuple[bool, bool, bool]:
        """What is found by its title comes before what is found by other words, and what is locked comes last."""
        title = self.search_text.partition("\n")[0]
        return self.locked, not title.startswith(start), not query.matches(title)


def found(entries: Iterable[Entry], typed: str) -> Sequence[Entry]:
    """The entries with every word of *typed*, those that begin with it first; the first of all for an empty text, which
    asks for no more of them than are shown."""
    if not typed.strip():
        return list(islice((entry for entry in entries if not entry.locked), MOST))
    query = Query.parse(typed)
    matching = [entry for entry in entries if query.matches(entry.search_text)]
    start = fold_accents(typed.strip())
    return sorted(matching, key=lambda entry: entry.rank(query, start))[:MOST]


def command(title: str, keys: str, icon: str, do: Callable[[], object], words: str = "") -> Entry:
    """Something the window does; *keys* is its shortcut, *words* what else people call it."""
    return Entry(title=title, line=keys, icon=icon, search_text=_searchable(title, words), do=do)


def _searchable(title: str, words: str) -> str:
    return "\n".join((fold_accents(title), fold_accents(words)))


def actions_on(
    mentorado: Mentorado, actions: ActionService, perform: Callable[[ActionName, MentoradoId], None]
) -> Iterator[Entry]:
    """The actions available for *mentorado* now."""
    for name, why in actions.availability(mentorado.id).items():
        if why is None:
            label, line = words_of(name)
            title = texts("palette.action", action=label, name=mentorado.name)
            yield Entry(
                title=title,
                line=line,
                icon=ACTION_ICON[name],
                search_text=_searchable(title, f"{texts(f'palette.words.action.{name}')}, {mentorado.name}"),
                do=partial(perform, name, mentorado.id),
            )


def locked_on(mentorado: Mentorado, actions: ActionService, choose: Callable[[MentoradoId], None]) -> Iterator[Entry]:
    """The actions that *mentorado* has and that cannot be done now, each with why."""
    slots = (*CARDS, *MORE)
    for shown in resolve_slots(slots, actions.availability(mentorado.id)):
        if shown is not None and shown.refused is not None:
            title = texts("palette.action", action=words_of(shown.name)[0], name=mentorado.name)
            yield Entry(
                title=title,
                line=refusal(shown.refused),
                icon="lock",
                search_text=_searchable(title, texts(f"palette.words.action.{shown.name}")),
                do=partial(choose, mentorado.id),
                locked=True,
            )


def people(everybody: Iterable[Mentorado], choose: Callable[[MentoradoId], None]) -> Iterator[Entry]:
    """An entry per active mentorado, which shows them in the pane."""
    for mentorado in everybody:
        if not mentorado.archived:
            line = " · ".join(filter(None, (readable(mentorado.phone), mentorado.cohort)))
            yield Entry(
                title=mentorado.name,
                line=line,
                icon="users",
                search_text=search_text(mentorado),
                do=partial(choose, mentorado.id),
            )


_WIDTH: Final = 560
_ROW, _ICON, _SHOWN = 48, 18, 8
_ENTRY = Qt.ItemDataRole.UserRole
_AT_ONCE, _READ_MILLISECONDS = 100, 20
"""Entries that are read at a time, once the palette is on the screen, and how often."""

_NAVIGATION_KEYS = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})

Index = QModelIndex | QPersistentModelIndex


class _Delegate(QStyledItemDelegate):
    """An icon, a title and under it a quiet line."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, self._theme.px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(_ENTRY)
        colours, side = self._theme.tokens, self._theme.px(_ICON)
        area: QRect = option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_soft))
            painter.drawRoundedRect(QRectF(area).adjusted(0, 1, 0, -1), 8, 8)
        colour = colours.on_accent_soft if chosen else colours.text2
        top = area.top() + (area.height() - side) // 2
        icon(entry.icon, colour, side).paint(painter, area.left() + SPACE_3, top, side, side)
        words = area.adjusted(SPACE_3 + side + SPACE_3, 0, -SPACE_3, 0)
        half, bottom = words.height() // 2, Qt.AlignmentFlag.AlignBottom
        above = QRect(words.left(), words.top(), words.width(), half) if entry.line else words
        painter.setPen(QColor(colours.on_accent_soft if chosen else colours.text))
        self._write(painter, above, entry.title, bottom if entry.line else Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(colours.text2))
        small = QFont(painter.font())
        small.setPixelSize(self._theme.px(TEXT_SMALL))
        painter.setFont(small)
        below = QRect(words.left(), words.top() + half, words.width(), half)
        self._write(painter, below, entry.line, Qt.AlignmentFlag.AlignTop)
        painter.restore()

    @staticmethod
    def _write(painter: QPainter, area: QRect, words: str, edge: Qt.AlignmentFlag) -> None:
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, edge | Qt.AlignmentFlag.AlignLeft, shown)


class CommandPalette(BaseDialog):
    """Typing narrows, the arrows walk, Enter does it, Esc gives up. What was picked is in `picked`."""

    def __init__(self, theme: Theme, over: QWidget, entries: Iterable[Entry], *, anybody: bool = True) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._unread = iter(entries)  # each is made when it is read
        self._entries = list(islice(self._unread, MOST))
        self._reading = QTimer(self, interval=_READ_MILLISECONDS)  # the others before the person begins to type
        self._reading.timeout.connect(lambda: self._read(_AT_ONCE))
        self.picked: Entry | None = None
        self.set_title(texts("palette.title"))
        self.line = QLineEdit(placeholderText=texts("palette.hint"))
        self.line.setAccessibleName(texts("palette.title"))
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setItemDelegate(_Delegate(theme, self.list))
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setStyleSheet("QListWidget { background: transparent; outline: none; }")
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(texts("palette.found"))
        self.nothing = QLabel(
            texts("palette.nothing" if anybody else "palette.nothing_chosen"),
            alignment=Qt.AlignmentFlag.AlignCenter,
            textFormat=Qt.TextFormat.PlainText,
            wordWrap=True,
        )
        self.nothing.setProperty("role", "secondary")
        self.results = QStackedWidget()
        for page in (self.list, self.nothing):
            self.results.addWidget(page)
        self.body.setSpacing(SPACE_2)
        self.body.addWidget(self.line)
        self.add_list(self.results, theme.px(_ROW) * _SHOWN, theme.px(_ROW))
        self.line.textChanged.connect(self._filter)
        self.line.returnPressed.connect(self._select)
        self.list.itemActivated.connect(self._select)
        self.list.itemClicked.connect(self._select)
        self._filter("")
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass arrow keys to the list while the field keeps the focus."""
        if watched is self.line and isinstance(event, QKeyEvent) and _is_navigation_key(event):
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _filter(self, typed: str) -> None:
        self.list.clear()
        if typed.strip():
            self._read()
        for entry in found(self._entries, typed):
            item = QListWidgetItem()
            item.setData(_ENTRY, entry)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {entry.line}".rstrip(", "))
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.results.setCurrentWidget(self.list if self.list.count() else self.nothing)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._reading.start()

    def _read(self, most: int | None = None) -> None:
        """Read *most* of the entries that are left; all for None."""
        before = len(self._entries)
        self._entries.extend(islice(self._unread, most))
        if most is None or len(self._entries) - before < most:
            self._reading.stop()

    def _select(self, *_signal_args: object) -> None:
        if (item := self.list.currentItem()) is not None:
            self.picked = item.data(_ENTRY)
            self.accept()


def _is_navigation_key(event: QKeyEvent) -> bool:
    return event.type() is QEvent.Type.KeyPress and event.key() in _NAVIGATION_KEYS
