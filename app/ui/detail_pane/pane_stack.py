"""The pages of the pane: nobody, the summary under its scroll bar, the conversations, a procedure."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from app.domain.mentorado import MentoradoId
from app.text.status import texts
from app.ui.detail_pane.conversations_tab import ConversationsTab
from app.ui.detail_pane.pairing import bring_code_into_view
from app.ui.detail_pane.summary import SummaryView
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import follow_reading_order
from app.ui.widgets.choices import Tabs
from app.ui.widgets.placeholders import Notice

_NOBODY, _SUMMARY, _CONVERSATIONS = 0, 1, 2


class PaneStack(QStackedLayout):
    """The summary is *content* under a scroll bar. Its head goes along when the conversations are looked at."""

    tab_chosen = Signal()

    def __init__(
        self, pane: QWidget, content: SummaryView, theme: Theme, conversations: ConversationsTab | None
    ) -> None:
        super().__init__(pane)
        self._content = content
        self._bar_width = 0
        self._empty = Notice(theme, "users")
        self.conversations = conversations
        self.tabs = Tabs(theme)
        self.tabs_hidden = False
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
                follow_reading_order(head)
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

    def show_conversations(self) -> None:
        """Turn to the tab of the conversations, and put the keyboard there."""
        if self.conversations is not None:
            self.tabs.setCurrentIndex(_CONVERSATIONS - _SUMMARY)
            self.tabs.setFocus(Qt.FocusReason.TabFocusReason)

    def leave_wide(self) -> None:
        """Have a conversation here again that was lent to a wider place."""
        if self.conversations is not None:
            self.conversations.leave_wide()

    def hide_tabs(self, hidden: bool) -> None:
        """Leave the room of the tabs to a code while the summary shows one; whoever reads a conversation keeps them."""
        hidden = hidden and self.tabs.currentIndex() + _SUMMARY != _CONVERSATIONS
        if hidden is self.tabs_hidden:
            return
        self.tabs_hidden = hidden
        self.tabs.setVisible(not hidden and self.conversations is not None)
        if hidden:
            self.go_to_top()
            QTimer.singleShot(0, self.scroll, self.bring_code_into_view)  # once everything has its place

    def bring_code_into_view(self) -> None:
        """Have a code whole in view, where the summary shows one."""
        if self.tabs_hidden:
            bring_code_into_view(self.scroll, self._content.pairing)

    def setGeometry(self, room: QRect) -> None:
        resized = room.size() != self.geometry().size()
        super().setGeometry(room)
        if resized:
            self.bring_code_into_view()

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
        if (width := self.scroll.verticalScrollBar().sizeHint().width() if bottom else 0) != self._bar_width:
            self._bar_width = width
            self._content.make_room_for_bar(width)
