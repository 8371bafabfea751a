"""What staff keep about a mentorado: who is on it, and their notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.note_service import NoteService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.handling import Handling
from app.domain.mentorado import MentoradoId
from app.domain.names import without_steering
from app.domain.notes import Note
from app.domain.repositories import Clock
from app.text.signs import Tone
from app.text.staff import handled, note_caption, shortened
from app.text.status import action, texts
from app.text.status import problem as words_of
from app.ui.async_slots import async_slot
from app.ui.detail_pane.inline_error import InlineError
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, TEXT_SMALL, Theme
from app.ui.widgets.accessibility import follow_reading_order
from app.ui.widgets.labels import ScaledLabel, WrappingLabel, plain_tip
from app.ui.widgets.layouts import FlowLayout, hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_CIRCLE, _SIGN, _ICON = 22, 13, 16
_SHOWN: Final = 3
"""Notes that are shown before all of them are asked for, and so many characters of each."""
_LENGTH: Final = 280
_LINES: Final = 4


class HandlingLine(QWidget):
    """Who is on it and since when, or that nobody is, with the way to change that. Hidden while it needs nobody."""

    action_requested = Signal(object)  # an ActionName

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._sign = IconCircle(theme, "user-check", _CIRCLE, _SIGN, scales=True)
        self.wanted = False
        """Whether there is something to show."""
        self.words = ScaledLabel(theme, TEXT_SMALL, QFont.Weight.Medium)
        self.handle, self.give_up = QPushButton(), QPushButton()
        buttons = QWidget()
        row = FlowLayout(buttons, spacing=SPACE_3)
        for button, name in ((self.handle, ActionName.HANDLE), (self.give_up, ActionName.GIVE_UP)):
            button.setProperty("role", "link")
            button.clicked.connect(partial(self._ask, name))
            row.addWidget(button)
        column = vbox(self.words, buttons)
        both = hbox(inside=self, spacing=SPACE_2)
        both.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        both.addLayout(column, 1)
        self.hide()

    def show_handling(
        self, handling: Handling | None, why_not: UnavailableReason | None, now: datetime, *, busy: bool
    ) -> None:
        """*why_not* says why the person at the keyboard cannot say that they are on it."""
        mine = why_not is UnavailableReason.ALREADY_HANDLED
        self._sign.show_icon("user-check" if handling else "users", Tone.CONNECTED if handling else Tone.IDLE)
        self.words.setText(handled(handling, now) if handling else texts("handling.nobody"))
        self.setAccessibleName(self.words.text())
        for button, name, shown in (
            (self.handle, ActionName.HANDLE, why_not is None),
            (self.give_up, ActionName.GIVE_UP, mine),
        ):
            label, line = action(name)
            button.setText(label)
            button.setAccessibleName(label)
            button.setAccessibleDescription(line)
            button.setToolTip(plain_tip(line))
            button.setVisible(shown)
            button.setEnabled(not busy)

    def _ask(self, name: ActionName, _checked: bool = False) -> None:
        self.action_requested.emit(name)


class _NoteItem(QFrame):
    """One note: its text, who wrote it and when, and what can be done to it."""

    edit_requested = Signal()
    remove_requested = Signal()

    def __init__(self, theme: Theme, note: Note, now: datetime, *, whole: bool) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self.note = note
        self.text = WrappingLabel()
        self.text.setText(without_steering(note.text if whole else shortened(note.text, _LENGTH)))
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.caption = WrappingLabel(note_caption(note, now))
        self.caption.setProperty("role", "caption")
        self.text.setAccessibleName(f"{self.text.text()} {self.caption.text()}")
        self.edit, self.remove = QPushButton(), QPushButton()
        self.parts: list[QWidget] = [self.text, self.edit, self.remove]
        self.edit.clicked.connect(self.edit_requested)
        self.remove.clicked.connect(self.remove_requested)
        below = hbox((self.caption, 1), spacing=SPACE_1)
        for button, name, key in ((self.edit, "edit", "notes.edit"), (self.remove, "trash", "notes.remove")):
            button.setProperty("role", "quiet")
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.setIcon(icon(name, theme.tokens.text2, theme.px(_ICON)))
            button.setIconSize(QSize(theme.px(_ICON), theme.px(_ICON)))
            button.setAccessibleName(texts(key))
            button.setToolTip(texts(key))
            below.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        vbox(self.text, below, inside=self, margins=(SPACE_3, SPACE_2, SPACE_1, SPACE_1), spacing=SPACE_1)


class NoteEditor(QWidget):
    """Where a note is written or changed. Ctrl+Enter saves; Esc closes it, or leaves its field while that would lose
    something."""

    saved = Signal()
    cancelled = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._before = ""
        self.field = QPlainTextEdit(tabChangesFocus=True)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._on_typed)
        self.save, self.cancel = QPushButton(), QPushButton()
        self.save.setProperty("role", "primary")
        self.save.clicked.connect(lambda _checked=False: self.saved.emit())
        self.cancel.clicked.connect(lambda _checked=False: self.cancelled.emit())
        buttons = QWidget()
        row = FlowLayout(buttons, spacing=SPACE_2)
        row.addWidget(self.save)
        row.addWidget(self.cancel)
        vbox(self.field, buttons, inside=self, spacing=SPACE_2)
        self.hide()

    def open(self, before: str, typed: str) -> None:
        """Show *typed* in place of *before*, which is what is stored."""
        self._before = before
        self.field.setPlainText(typed)
        self.field.moveCursor(QTextCursor.MoveOperation.End)
        self.show()

    @property
    def changed(self) -> bool:
        """Whether closing it would lose something."""
        return self.field.toPlainText().strip() != self._before

    def show_busy(self, busy: bool) -> None:
        """While it is stored nothing can be typed or pressed."""
        if busy and (self.save.hasFocus() or self.cancel.hasFocus()):
            self.field.setFocus()  # a button that is locked would hand the keyboard on to anything
        self.field.setReadOnly(busy)
        self._on_typed()
        self.save.setEnabled(self.save.isEnabled() and not busy)
        self.cancel.setEnabled(not busy)

    def retranslate(self) -> None:
        self.field.setPlaceholderText(texts("notes.write"))
        self.field.setAccessibleName(texts("notes.write"))
        self.field.setToolTip(texts("notes.keys"))
        self.field.setFixedHeight(self.field.fontMetrics().lineSpacing() * _LINES + 2 * SPACE_3)
        self.save.setText(texts("notes.save"))
        self.cancel.setText(texts("notes.cancel"))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self.field or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        if event.type() is QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
            event.accept()  # else a narrow window takes it to close its side panel
            return True
        if event.type() is QEvent.Type.KeyPress:
            held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and held:
                if self.save.isEnabled():
                    self.saved.emit()
                return True
            if event.key() == Qt.Key.Key_Escape:
                (self.save.setFocus if self.changed else self.cancelled.emit)()
                return True
        return super().eventFilter(watched, event)

    def _on_typed(self) -> None:
        self.save.setEnabled(bool(self.field.toPlainText().strip()))


@dataclass(slots=True)
class _Draft:
    """What is being typed: a new note, or *note* in other words."""

    note: Note | None = None
    typed: str = ""
    warning: Callable[[], tuple[str, str]] | None = None  # says that somebody else changed *note* meanwhile

    @property
    def text(self) -> str:
        """What is stored where this is typed."""
        return self.note.text if self.note else ""


class NotesSection(QWidget):
    """The notes about one mentorado, the latest first, and a place to write one. What is being typed about somebody
    stays with them until it is saved or given up."""

    removed = Signal(object)  # a Note
    discarded = Signal(str, object)
    """What was typed about this mentorado was given up; calling the object brings it back."""

    def __init__(self, theme: Theme, notes: NoteService, clock: Clock) -> None:
        super().__init__()
        self._theme = theme
        self._notes = notes
        self._clock = clock
        self._mentorado_id: MentoradoId | None = None
        self._drafts: dict[MentoradoId, _Draft] = {}
        self._whole = False
        self._busy = False
        self._waiting: list[Callable[[], None]] = []  # what was taken back while something is stored
        self.heading = ScaledLabel(theme, TEXT_SMALL, QFont.Weight.DemiBold)
        self.add = QPushButton()
        self.add.setProperty("role", "link")
        self.add.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.add.clicked.connect(lambda _checked=False: self._begin(None))
        self.editor = NoteEditor(theme)
        self.editor.saved.connect(self._save)
        self.editor.cancelled.connect(self._give_up)
        self.trouble = InlineError(theme)
        self.trouble.dismissed.connect(self.trouble.hide)
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.clicked.connect(lambda _checked=False: self._show_whole())
        self.items: list[_NoteItem] = []
        self._rows = vbox(spacing=SPACE_2)
        head = QHBoxLayout()
        head.addWidget(self.heading, 1)
        head.addWidget(self.add)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_2, 0, 0)
        column.setSpacing(SPACE_2)
        column.addLayout(head)
        column.addWidget(self.editor)
        column.addWidget(self.trouble)
        column.addLayout(self._rows)
        column.addWidget(self.more)
        theme.changed.connect(self.retranslate)
        self.retranslate()

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        """Show the notes about this one from now on, and what was being typed about them."""
        if mentorado_id == self._mentorado_id:
            return
        self._keep_typed()
        self._mentorado_id, self._whole = mentorado_id, False
        self.trouble.hide()
        draft = self._drafts.get(mentorado_id) if mentorado_id else None
        self.editor.setVisible(draft is not None)
        if draft is not None:
            self._open(draft)
        self.refresh()
        self._warn()

    def refresh(self) -> None:
        """Show the notes as they are stored now."""
        notes = self._notes.notes_of(self._mentorado_id) if self._mentorado_id else ()
        now, draft = self._clock.now(), self._draft
        if draft is not None and draft.note is not None and not self._busy:
            self._compare(draft, notes)
        stale = draft.note if draft is not None and draft.warning else None
        shown = notes if self._whole else [note for at, note in enumerate(notes) if at < _SHOWN or note == stale]
        before, self.items = self.items, []
        self.add.setVisible(draft is None)
        for note in shown:
            item = _NoteItem(self._theme, note, now, whole=self._whole or note == stale)
            item.edit_requested.connect(partial(self._begin, note))
            item.remove_requested.connect(partial(self._remove, note))
            self.items.append(item)
            self._rows.addWidget(item)  # before it is shown: without a parent it would be a window
            changing = draft is not None and draft.note is not None and draft.note.id == note.id
            item.setVisible(not changing or stale is not None)
        self._keep_focus(before)
        for item in before:
            self._rows.removeWidget(item)
            item.hide()
            item.deleteLater()
        follow_reading_order(self._column)
        cut = len(notes) > _SHOWN or any(len(note.text) > _LENGTH for note in notes)
        self.more.setVisible(cut and not self._whole)
        self.more.setText(texts.plural("notes.all", len(notes)))

    def _keep_focus(self, before: Sequence[_NoteItem]) -> None:
        """Whoever is on a button of a note stays there when the notes are shown anew, or goes to the one to write: what
        is taken away would hand the keyboard on to anything."""
        focused = self.focusWidget()
        left = next((item for item in before if focused is not None and item.isAncestorOf(focused)), None)
        if focused is None or left is None or not focused.hasFocus():
            return
        same = next((item for item in self.items if item.note.id == left.note.id and not item.isHidden()), None)
        if same is not None:
            same.parts[left.parts.index(focused)].setFocus()
        else:
            (self.add if self._draft is None else self.editor.field).setFocus()

    def _compare(self, draft: _Draft, notes: Sequence[Note]) -> None:
        """Somebody else may have changed the note that is being changed, or deleted it: say so, and show it as it is.
        What is saved next replaces what can be read now."""
        before, now = draft.note, next((note for note in notes if draft.note and note.id == draft.note.id), None)
        if now == before:
            return
        draft.note, draft.warning = now, partial(_changed_meanwhile, now)
        self._warn()

    def _warn(self) -> None:
        """Say what somebody else did to the note that is being changed, also to who comes back to it."""
        if (draft := self._draft) is not None and draft.warning is not None:
            self.trouble.show_trouble(*draft.warning())

    def retranslate(self) -> None:
        self.heading.setText(texts("notes.heading"))
        self.add.setText(texts("notes.add"))
        self.editor.retranslate()
        self.trouble.retranslate()
        self.refresh()

    def write(self) -> None:
        """Open the place to write a note."""
        self._begin(None)

    @property
    def _draft(self) -> _Draft | None:
        return self._drafts.get(self._mentorado_id) if self._mentorado_id else None

    def unsaved(self) -> list[MentoradoId]:
        """About whom something is being typed that is not stored."""
        self._keep_typed()
        return [whose for whose, each in self._drafts.items() if each.typed.strip() != each.text]

    def _keep_typed(self) -> None:
        if (draft := self._draft) is not None:
            draft.typed = self.editor.field.toPlainText()

    def _begin(self, note: Note | None) -> None:
        """One at a time: what is being typed already stays until it is saved or given up."""
        if self._mentorado_id is None:
            return
        if self._draft is None:
            self._drafts[self._mentorado_id] = draft = _Draft(note, note.text if note else "")
            self._open(draft)
            self.editor.field.setFocus()  # before what was pressed goes, which would hand the keyboard on to anything
            self.refresh()
        self.editor.field.setFocus()

    def _give_up(self) -> None:
        mentorado_id, draft = self._mentorado_id, self._draft
        if mentorado_id is None or draft is None:
            return
        self._keep_typed()
        lost = self.editor.changed
        self._close(mentorado_id)
        if lost:
            self.discarded.emit(mentorado_id, partial(self._take_up, mentorado_id, draft))

    def _take_up(self, mentorado_id: MentoradoId, draft: _Draft) -> None:
        """Have *draft* again, above what is being typed about them by now."""
        if self._busy:
            self._waiting.append(partial(self._take_up, mentorado_id, draft))
            return
        self._keep_typed()
        here = self._drafts.get(mentorado_id)
        if replaces := here is None or here.typed.strip() in ("", here.text):
            self._drafts[mentorado_id] = draft
        else:
            here.typed = f"{draft.typed.strip()}\n\n{here.typed.strip()}"
        if mentorado_id == self._mentorado_id:
            if replaces:
                self.trouble.hide()  # it was about what is replaced
            self._open(self._drafts[mentorado_id])
            self.editor.field.setFocus()
            self.refresh()
            self._warn()

    def _open(self, draft: _Draft) -> None:
        self.editor.open(draft.text, draft.typed)

    @async_slot
    async def _save(self) -> None:
        mentorado_id, draft = self._mentorado_id, self._draft
        if mentorado_id is None or draft is None or self._busy:
            return
        typed = self.editor.field.toPlainText()
        self._busy = True
        self.trouble.hide()
        self.editor.show_busy(True)
        try:
            if draft.note is None:
                await self._notes.write(mentorado_id, typed)
            else:
                await self._notes.edit(draft.note, typed)
        except Problem as problem:
            if problem.code is ProblemCode.NOTE_CHANGED:
                draft.warning = partial(words_of, problem)
            if mentorado_id == self._mentorado_id:
                self.trouble.show_trouble(*words_of(problem))
        else:
            self._close(mentorado_id)
        finally:
            self._busy = False
            self.editor.show_busy(False)
            waiting, self._waiting = self._waiting, []
            for take_up in waiting:
                take_up()

    @async_slot
    async def _remove(self, note: Note) -> None:
        self.trouble.hide()
        try:
            await self._notes.remove(note)
        except Problem as problem:
            if note.mentorado_id == self._mentorado_id:
                self.trouble.show_trouble(*words_of(problem))
            return
        self.removed.emit(note)
        if self.isVisible():
            (self.add if self._draft is None else self.editor.field).setFocus()

    def _close(self, mentorado_id: MentoradoId) -> None:
        self._drafts.pop(mentorado_id, None)
        if mentorado_id == self._mentorado_id:
            focused = self.focusWidget()
            was_inside = focused is not None and self.editor.isAncestorOf(focused)
            self.refresh()
            if was_inside:
                self.add.setFocus()  # before the editor goes, which would hand the keyboard on to anything
            self.editor.hide()
            self.trouble.hide()

    def _show_whole(self) -> None:
        self._whole = True
        self.refresh()
        if self.items:
            self.items[0].edit.setFocus()


def _changed_meanwhile(now: Note | None) -> tuple[str, str]:
    """That the note which is being changed is *now* as somebody else left it, and what saving does to it."""
    who = (now.edited_by or now.author) if now else ""
    key = "changed_meanwhile" if now else "removed_meanwhile"
    return texts(f"notes.{key}", who=without_steering(who)), texts(f"notes.{key}_next")
