"""The conversations of one mentorado: where they are chosen, and the one that is open."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.outbound.consents import ConsentService
from app.core.outbound.replies import ReplyService
from app.domain.events import ConsentsChanged, ContactOptedOut, MessagesStored, OutboundStopped, StatusChanged
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, Conversation
from app.domain.repositories import Clock, MessageRepository
from app.text import conversation as conversation_text
from app.text.status import texts
from app.ui.async_slots import until_destroyed
from app.ui.conversations.browser import ConversationBrowser
from app.ui.conversations.consent_line import ConsentLine
from app.ui.conversations.search import SearchHit
from app.ui.conversations.thread_model import ThreadLocation
from app.ui.conversations.thread_page import ThreadPage
from app.ui.theme.theme import Theme


class ConversationsPanel(QWidget):
    """Shows the conversations of a mentorado. The open one can be moved to a wider place."""

    wide_requested = Signal(QWidget)
    """Show this widget where there is room, until `wide_done`."""
    wide_done = Signal()
    mentorado_requested = Signal(str)
    """A conversation of another mentorado was opened: show them."""
    thread_opened = Signal(bool)
    """Whether a conversation is open here, and needs the whole panel."""

    def __init__(
        self,
        *,
        theme: Theme,
        bus: EventBus,
        history: MessageRepository,
        mentorados: MentoradoService,
        clock: Clock,
        replies: ReplyService | None = None,
        ledger: ConsentService | None = None,
        show_consents: Callable[[MentoradoId, Address], None] = lambda _mentorado_id, _contact: None,
        parent: QWidget | None = None,
    ) -> None:
        """Without *replies*, conversations can only be read; with *ledger*, the consent of their contact is shown, and
        *show_consents* leads to it."""
        super().__init__(parent)
        self._mentorado_id: MentoradoId | None = None
        self._following = False
        self.home = ConversationBrowser(theme=theme, history=history, mentorados=mentorados, clock=clock)
        consent = None if ledger is None else ConsentLine(theme, history, ledger, clock, show_consents)
        self.page = ThreadPage(theme=theme, history=history, clock=clock, replies=replies, consent=consent)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.home)
        self._pages.addWidget(self.page)
        self.home.conversation_requested.connect(self._open_conversation)
        self.home.found_requested.connect(self._open_found)
        self.home.counted.connect(self._count)
        self.page.back_requested.connect(self.leave_thread)
        self.page.search_requested.connect(self.take_search)
        self.page.wide_requested.connect(self._turn_wide)
        until_destroyed(
            self,
            bus.subscribe(MessagesStored, self._on_grew),
            bus.subscribe(StatusChanged, self._on_link),
            bus.subscribe(OutboundStopped, self._on_link),
            bus.subscribe(ConsentsChanged, self._on_consent),
            bus.subscribe(ContactOptedOut, self._on_consent),
            texts.on_change(self.retranslate),
        )
        self.retranslate()

    @property
    def in_thread(self) -> bool:
        """Whether a conversation is open in this place."""
        return self._pages.currentWidget() is self.page

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        """Show this one's conversations from now on."""
        if mentorado_id == self._mentorado_id:
            return
        self._mentorado_id = mentorado_id
        if not self._following:
            self.leave_wide()
            self.leave_thread()
        self.home.show_mentorado(mentorado_id, keep_search=self._following)

    def show_trouble(self, sentence: str, next_step: str) -> None:
        self.home.show_trouble(sentence, next_step)

    def take_search(self) -> None:
        """Put the cursor into the search; what is open in this place closes for it."""
        if not self.isVisible():  # the conversation stands where this is in a narrow window
            self.leave_wide()
        self.leave_thread()
        self.home.search.field.take_focus()

    def leave_thread(self) -> None:
        """Back to the list, unless the conversation is open elsewhere."""
        if not self.in_thread:
            return
        focused = self.focusWidget()
        within = focused is not None and self.page.isAncestorOf(focused)
        self._pages.setCurrentWidget(self.home)
        self.page.close_conversation()
        self.thread_opened.emit(False)
        if within:
            self.home.enter()

    def leave_wide(self) -> None:
        """Take the conversation back into this place."""
        if self.page.wide:
            self._turn_wide()

    def retranslate(self) -> None:
        self.setAccessibleName(texts("conversation.tab"))
        self.home.retranslate()
        self.page.retranslate()
        self._count()

    def _on_grew(self, event: MessagesStored) -> None:
        if self.page.conversation_id is not None:
            self.page.on_grew(event.conversations)
        if event.mentorado_id == self._mentorado_id:
            self.home.read_soon()

    def _on_link(self, event: StatusChanged | OutboundStopped) -> None:
        if isinstance(event, StatusChanged):
            before, after = event.before, event.after
            if (before.state, before.capability) == (after.state, after.capability):
                return
        if event.mentorado_id == self._mentorado_id and self.page.conversation_id is not None:
            self.page.recheck_reply()

    def _on_consent(self, event: ConsentsChanged | ContactOptedOut) -> None:
        if event.mentorado_id in (None, self._mentorado_id) and self.page.conversation_id is not None:
            self.page.recheck_reply()

    # --- the open conversation

    def _open_conversation(self, conversation: Conversation) -> None:
        self._open(ThreadLocation(conversation.id, conversation.title, conversation.is_group, self._line(conversation)))

    def _open_found(self, found: SearchHit) -> None:
        if found.mentorado_id != self._mentorado_id:
            self._following = True
            try:
                self.mentorado_requested.emit(found.mentorado_id)
                self.show_mentorado(found.mentorado_id)
            finally:
                self._following = False
        known = self.home.known(found.conversation_id)
        self._open(
            ThreadLocation(
                found.conversation_id,
                found.title,
                found.is_group,
                self.home.mentorado if known is None else self._line(known),
                at=found.message.number,
                searched=found.typed,
            )
        )

    def _open(self, opening: ThreadLocation) -> None:
        self.page.open(opening)
        if not self.page.wide:
            self._pages.setCurrentWidget(self.page)
            self.thread_opened.emit(True)
        self.page.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _line(self, conversation: Conversation) -> str:
        return " · ".join((self.home.mentorado, conversation_text.messages(conversation.messages)))

    def _count(self) -> None:
        if (known := self.home.known(self.page.conversation_id)) is not None:
            self.page.show_line(self._line(known))

    def _turn_wide(self) -> None:
        wide = not self.page.wide
        self.page.set_wide(wide)
        if wide:
            self._pages.setCurrentWidget(self.home)
            self.thread_opened.emit(False)
            self.wide_requested.emit(self.page)
        else:
            self._pages.addWidget(self.page)
            self._pages.setCurrentWidget(self.page)
            self.thread_opened.emit(True)
            self.wide_done.emit()
        self.page.view.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- Qt

    def event(self, event: QEvent) -> bool:
        # The window has another use for these keys; here they are meant for conversations.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and _is_find(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_find(event):
            self.take_search()
        else:
            super().keyPressEvent(event)


def _is_find(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Find)
