"""The queue gate: what waits at the provider is shown, and a person says whether it is sent, removed or left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from app.core.action import ActionName, Refusal
from app.core.actions import Actions
from app.core.hosted.queue_desk import QueueDesk
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment
from app.domain.ports import Clock
from app.domain.sending import QueuedMessage
from app.ui.credentials.queued import QueuedList
from app.ui.dialogs.question import plain_name
from app.ui.dialogs.tall_sheet import TallSheet
from app.ui.loop import asked
from app.ui.text import age, provider, refusal, texts
from app.ui.text import problem as words_of
from app.ui.theme import SPACE_2, Theme

_WIDTH = 560


class QueueSheet(TallSheet):
    """Leaving all as it is has the focus. Removing cannot be undone, so the name is typed before."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        enrolment: Enrolment,
        desk: QueueDesk,
        actions: Actions,
        clock: Clock,
        messages: Sequence[QueuedMessage],
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._enrolment = enrolment
        self._desk = desk
        self._actions = actions
        self._clock = clock
        self._removing = False
        self.messages: Sequence[QueuedMessage] = ()
        self.decided = False
        self._about = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.trouble = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.trouble.setProperty("role", "danger")
        self.trouble.hide()
        self.listed = QueuedList(theme)
        self._removal = QWidget()
        removal = QVBoxLayout(self._removal)
        removal.setContentsMargins(0, 0, 0, 0)
        removal.setSpacing(SPACE_2)
        label = QLabel(
            texts("question.type_name", name=enrolment.mentorado.name),
            wordWrap=True,
            textFormat=Qt.TextFormat.PlainText,
        )
        label.setProperty("role", "secondary")
        self.typed = QLineEdit()
        self.typed.setAccessibleName(label.text())
        self.typed.textChanged.connect(self._arrange)
        label.setBuddy(self.typed)
        removal.addWidget(label)
        removal.addWidget(self.typed)
        for part in (self._about, self.trouble, self.listed, self._removal):
            self.inside.addWidget(part)

        self.leave = self.add_button("")
        self.leave.setAutoDefault(True)  # Enter answers with what has the focus
        self.leave.clicked.connect(self._leave)
        self.remove = self.add_button("")
        self.remove.clicked.connect(self._remove)
        self.send = self.add_button("")
        self.send.clicked.connect(self._send)
        self._show(messages)
        self.leave.setFocus()

    def show_problem(self, problem: Problem) -> None:
        """When more waits than was shown, show what waits now: the decision is taken again."""
        self.trouble.setText(" ".join(words_of(problem)))
        self.trouble.show()
        if problem.code is Code.QUEUE_CHANGED:
            self._look_again()

    def show_crash(self, _error: Exception) -> None:
        self.trouble.setText(f"{texts('detail.crash')} {texts('detail.crash_next')}")
        self.trouble.show()

    @asked
    async def _look_again(self) -> None:
        waiting = await self._desk.waiting(self._enrolment.mentorado.id)
        if not self.over:
            self._show(waiting)

    @asked
    async def _send(self, _checked: bool = False) -> None:
        with self._working():
            await self._desk.send(self._enrolment.mentorado.id, self.messages)
        self._end()

    @asked
    async def _remove(self, _checked: bool = False) -> None:
        if not self._removing:
            self._removing = True
            self._arrange()
            self.typed.setFocus()
            return
        with self._working():
            await self._desk.purge(self._enrolment.mentorado.id, self.messages)
        self._end()

    def _leave(self, _checked: bool = False) -> None:
        if self._removing:  # one step back, not all the way
            self._removing = False
            self.typed.clear()
            self._arrange()
            self.leave.setFocus()
        else:
            self.reject()

    def _show(self, messages: Sequence[QueuedMessage]) -> None:
        self.messages = messages
        self._removing = False
        self.listed.show_messages(messages, self._clock.now())
        self.listed.setVisible(bool(messages))
        self._arrange()

    def _arrange(self, _written: str = "") -> None:
        """Every button says what it does to how many."""
        name, count = self._enrolment.mentorado.name, len(self.messages)
        why = self._actions.refusal(ActionName.CONNECT, self._enrolment.mentorado.id)
        if self._removing:
            self.set_title(texts.plural("queue.remove_title", count, name=name))
            self._about.setText(texts("queue.remove_about", provider=provider(self._enrolment.link.provider)))
        else:
            self.set_title(texts.plural("queue.title", count, name=name))
            self._about.setText(self._said(why))
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
        meant = plain_name(self.typed.text()) == plain_name(name)
        self.remove.setEnabled(not self.busy and (meant or not self._removing))
        self.send.setEnabled(not self.busy)
        self.leave.setEnabled(not self.busy)
        self._dress()

    def _said(self, why: Refusal | None) -> str:
        kind = provider(self._enrolment.link.provider)
        if not self.messages:
            return texts("queue.nothing", provider=kind)
        since = [message.since for message in self.messages if message.since is not None]
        oldest = texts("queue.oldest", age=age(self._clock.now() - min(since))) if since else ""
        rest = texts("queue.about", provider=kind) if why is None else texts("queue.running", why=refusal(why))
        return " ".join(filter(None, (rest, oldest)))

    def _dress(self) -> None:
        roles = ((self.remove, "danger" if self._removing else ""), (self.send, "" if self.messages else "primary"))
        for button, role in roles:
            if button.property("role") != role:
                button.setProperty("role", role)
                button.style().unpolish(button)
                button.style().polish(button)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """While a decision is carried out, no other is taken."""
        self.trouble.hide()
        self.busy = True
        self._arrange()
        try:
            yield
        finally:
            self.busy = False
            if not self.over:
                self._arrange()

    def _end(self) -> None:
        self.decided = True
        self.accept()
