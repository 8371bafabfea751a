"""The pages of the pane: nobody, the summary of somebody, the conversations; and a procedure in the place of them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from app.domain.mentorado import MentoradoId
from app.ui.conversations.tabs import Tabs
from app.ui.detail_pane.content import PaneContent
from app.ui.detail_pane.conversations_side import ConversationsSide
from app.ui.detail_pane.notice import Notice
from app.ui.text import texts
from app.ui.theme import Theme

_NOBODY, _SUMMARY, _CONVERSATIONS = 0, 1, 2


class Pages(QStackedLayout):
    """The summary is *content* under a scroll bar. Its head goes along when the conversations are looked at."""

    tab_chosen = Signal()

    def __init__(
        self, pane: QWidget, content: PaneContent, theme: Theme, conversations: ConversationsSide | None
    ) -> None:
        super().__init__(pane)
        self._content = content
        self._empty = Notice(theme, "users")
        self.conversations = conversations
        self.tabs = Tabs(theme)
        self.scroll = QScrollArea(widgetResizable=True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has the focus
        self.scroll.setWidget(content)
        self.scroll.verticalScrollBar().rangeChanged.connect(self._make_room_for_bar)
        nobody = QWidget()
        centred = QVBoxLayout(nobody)
        centred.addStretch(2)
        centred.addWidget(self._empty)
        centred.addStretch(3)
        self.setContentsMargins(1, 0, 0, 0)  # the line at the left edge
        self.addWidget(nobody)
        self.addWidget(self.scroll)
        if conversations is not None:
            self.addWidget(conversations)
            self.tabs.show_words("", "")
            head = content.head.layout()
            if head is not None:
                head.addWidget(self.tabs)
            self.tabs.currentChanged.connect(self._choose_tab)

    def turn_to(self, side: QWidget | None, *, anybody: bool) -> None:
        """Show *side*, else the tab that was chosen, else that there is nobody to show."""
        if side is not None:
            self.setCurrentWidget(side)
        else:  # never by way of another page: each change moves the focus
            self.setCurrentIndex(_SUMMARY + max(0, self.tabs.currentIndex()) if anybody else _NOBODY)

    def show_mentorado(self, mentorado_id: MentoradoId | None) -> None:
        """Whose conversations there are from now on."""
        if self.conversations is not None:
            self.conversations.show_mentorado(mentorado_id)

    def leave_wide(self) -> None:
        """Have a conversation here again that was lent to a wider place."""
        if self.conversations is not None:
            self.conversations.leave_wide()

    def go_to_top(self) -> None:
        self.scroll.verticalScrollBar().setValue(0)

    def least_width(self) -> int:
        """What the summary needs, with its scroll bar when there is one."""
        bar = self.scroll.verticalScrollBar()
        return self._content.minimumSizeHint().width() + (bar.sizeHint().width() if bar.maximum() else 0)

    def retranslate(self) -> None:
        self._empty.show_notice("users", texts("detail.empty_title"), texts("detail.empty_line"))
        if self.conversations is not None:
            self.tabs.show_words(texts("conversation.tab_summary"), texts("conversation.tab"))
            self.tabs.setAccessibleName(texts("conversation.tabs"))

    def _choose_tab(self, place: int) -> None:
        """The head goes along, so that it stays where it is."""
        side = self.conversations
        if side is None:
            return
        focused = self.tabs.hasFocus()
        if place + _SUMMARY == _CONVERSATIONS:
            self.go_to_top()
            side.take_head(self._content.head)
        else:
            side.give_head()
            self._content.take_head()
        self.tab_chosen.emit()
        if focused:  # whoever is given to another parent loses the focus
            self.tabs.setFocus(Qt.FocusReason.TabFocusReason)

    def _make_room_for_bar(self, _top: int, bottom: int) -> None:
        self._content.make_room_for_bar(self.scroll.verticalScrollBar().sizeHint().width() if bottom else 0)
