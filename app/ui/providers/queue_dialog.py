"""Reviews the provider's queue: send, remove or leave the waiting messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from app.core.actions import ActionService
from app.core.provider_setup.queue import OutboundQueueService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.names import visible
from app.domain.repositories import Clock
from app.domain.sending import QueuedMessage
from app.text.status import (
    age,
    provider,
    refusal,
    texts,
)
from app.text.status import problem as words_of
from app.ui.async_slots import async_slot
from app.ui.dialogs.base import ScrollDialog
from app.ui.dialogs.confirm import normalize_name
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_2,
    SPACE_3,
    SPACE_4,
    TEXT_BODY,
    Theme,
)
from app.ui.widgets.labels import ScaledLabel, set_role, text_label
from app.ui.widgets.layouts import hbox, vbox

MOST: Final = 30
"""So many are shown; the rest is counted."""
_LONGEST = 180
_SHOWN_DIGITS = 4


def masked_recipient(to: str) -> str:
    """Mask *to*: country, area and the last digits remain."""
    digits, _at, kind = to.partition("@")
    digits, last = digits.lstrip("+"), digits[-_SHOWN_DIGITS:]
    if kind == "g.us" or "-" in digits:
        return texts("queue.group", digits=last.removeprefix("-"))
    if kind == "lid" or not digits.isdecimal() or len(digits) < 2 * _SHOWN_DIGITS + 2:
        return texts("queue.contact", digits=last)
    if digits.startswith("55") and len(digits) in (12, 13):
        return f"+55\u00a0{digits[2:4]}\u00a0•••••\u2011{last}"
    return f"+{digits[:2]}\u00a0•••••{last}"


def shorten(text: str) -> str:
    """The words of *text* on as few lines as they need, cut where there are too many."""
    words = " ".join(visible(text).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}…"


class QueueList(QFrame):
    """The queued messages; one without text shows its kind."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("role", "sunken")
        self._column = vbox(inside=self, margins=(SPACE_4, SPACE_2, SPACE_4, SPACE_2))

    def show_messages(self, messages: Sequence[QueuedMessage], now: datetime) -> None:
        while item := self._column.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for place, message in enumerate(messages[:MOST]):
            if place:
                line = QFrame()
                line.setProperty("role", "line")
                self._column.addWidget(line)
            self._column.addWidget(self._row(message, now))
        if len(messages) > MOST:
            more = text_label(texts.plural("queue.more", len(messages) - MOST), "secondary")
            more.setContentsMargins(0, SPACE_2, 0, SPACE_2)
            self._column.addWidget(more)

    def _row(self, message: QueuedMessage, now: datetime) -> QFrame:
        row = QFrame()
        to = ScaledLabel(self._theme, TEXT_BODY, QFont.Weight.DemiBold, wraps=False)
        to.setText(masked_recipient(message.to))
        since = text_label(age(now - message.since) if message.since else "", "caption", wraps=False)
        text = text_label(shorten(message.text) or texts("queue.no_text"), "secondary")
        head = hbox((to, 1), spacing=SPACE_3)
        head.addWidget(since, 0, Qt.AlignmentFlag.AlignVCenter)
        vbox(head, text, inside=row, margins=(0, SPACE_2, 0, SPACE_2), spacing=SPACE_1 // 2)
        row.setAccessibleName(f"{to.text()}, {since.text()}: {text.text()}")
        return row


_WIDTH = 560


class QueueDialog(ScrollDialog):
    """Leaving the queue unchanged has the focus. Removing cannot be undone, so the name must be typed."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        mentorado: Mentorado,
        service: OutboundQueueService,
        actions: ActionService,
        clock: Clock,
        messages: Sequence[QueuedMessage],
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._mentorado = mentorado
        self._service = service
        self._actions = actions
        self._clock = clock
        self._removing = False
        self.messages: Sequence[QueuedMessage] = ()
        self.decided = False
        self._about = text_label()
        self.trouble = text_label(role="danger")
        self.trouble.hide()
        self.listed = QueueList(theme)
        self._removal = QWidget()
        removal = vbox(inside=self._removal, spacing=SPACE_2)
        label = text_label(texts("question.type_name", name=mentorado.name), "secondary")
        self.typed = QLineEdit()
        self.typed.setAccessibleName(label.text())
        self.typed.textChanged.connect(self._update_buttons)
        self.typed.returnPressed.connect(self._on_enter)
        label.setBuddy(self.typed)
        removal.addWidget(label)
        removal.addWidget(self.typed)
        for part in (self._about, self.trouble, self.listed, self._removal):
            self.inside.addWidget(part)

        self.leave = self.add_button("")
        self.leave.clicked.connect(self._leave)
        self.remove = self.add_button("")
        self.remove.clicked.connect(self._remove)
        self.send = self.add_button("")
        self.send.clicked.connect(self._send)
        self._show(messages)
        self.leave.setFocus()

    def show_problem(self, problem: Problem) -> None:
        """When the queue has grown, show it again for a new decision."""
        self.show_trouble(*words_of(problem))
        if problem.code is ProblemCode.QUEUE_CHANGED:
            self._look_again()

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.trouble.setText(f"{sentence} {next_step}")
        self.trouble.show()

    @async_slot
    async def _look_again(self) -> None:
        waiting = await self._service.list(self._mentorado.id)
        if not self.over:
            self._show(waiting)

    @async_slot
    async def _send(self, _checked: bool = False) -> None:
        with self._deciding():
            await self._service.send(self._mentorado.id, self.messages)
        self._end()

    @async_slot
    async def _remove(self, _checked: bool = False) -> None:
        if not self._removing:
            self._removing = True
            self._update_buttons()
            self.typed.setFocus()
            return
        with self._deciding():
            await self._service.purge(self._mentorado.id, self.messages)
        self._end()

    def _on_enter(self) -> None:
        if self.remove.isEnabled():
            self.remove.setFocus()  # it is pressed on its own

    def _leave(self, _checked: bool = False) -> None:
        if self._removing:  # one step back, not all the way
            self._removing = False
            self.typed.clear()
            self._update_buttons()
            self.leave.setFocus()
        else:
            self.reject()

    def _show(self, messages: Sequence[QueuedMessage]) -> None:
        self.messages = messages
        self._removing = False
        self.listed.show_messages(messages, self._clock.now())
        self.listed.setVisible(bool(messages))
        self._update_buttons()

    def _update_buttons(self, _written: str = "") -> None:
        """Update the buttons' labels with the number of messages."""
        name, count = self._mentorado.name, len(self.messages)
        why = self._actions.unavailable_reason(ActionName.CONNECT, self._mentorado.id)
        if self._removing:
            self.set_title(texts.plural("queue.remove_title", count, name=name))
            self._about.setText(texts("queue.remove_about", provider=provider(self._mentorado.link.provider)))
        else:
            self.set_title(texts.plural("queue.title", count, name=name))
            self._about.setText(self._about_text(why))
        self._removal.setVisible(self._removing)
        self.leave.setText(texts("queue.back" if self._removing else "queue.leave" if count else "dialog.close"))
        self.send.setText(texts("queue.send" if count else "queue.connect"))
        self.send.setVisible(not self._removing and why is None)
        self.remove.setText(
            texts.plural("queue.remove_now", count)
            if self._removing
            else texts("queue.remove" if why is None else "queue.remove_only")
        )
        self.remove.setVisible(bool(count))
        meant = normalize_name(self.typed.text()) == normalize_name(name)
        self.remove.setEnabled(not self.busy and (meant or not self._removing))
        self.send.setEnabled(not self.busy)
        self.leave.setEnabled(not self.busy)
        self._update_style()

    def _about_text(self, why: UnavailableReason | None) -> str:
        kind = provider(self._mentorado.link.provider)
        if not self.messages:
            return texts("queue.nothing", provider=kind)
        since = [message.since for message in self.messages if message.since is not None]
        oldest = texts("queue.oldest", age=age(self._clock.now() - min(since))) if since else ""
        rest = texts("queue.about", provider=kind) if why is None else texts("queue.running", why=refusal(why))
        return " ".join(filter(None, (rest, oldest)))

    def _update_style(self) -> None:
        roles = ((self.remove, "danger" if self._removing else ""), (self.send, "" if self.messages else "primary"))
        for button, role in roles:
            if button.property("role") != role:
                set_role(button, role)

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """Disable the buttons while a decision is carried out."""
        self.trouble.hide()
        self.busy = True
        self._update_buttons()
        try:
            yield
        finally:
            self.busy = False
            if not self.over:
                self._update_buttons()

    def _end(self) -> None:
        self.decided = True
        self.accept()
