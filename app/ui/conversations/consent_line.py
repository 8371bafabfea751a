"""Whether the contact of the open conversation agreed to be written to, in one line that leads to the ledger."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.core.outbound.consents import ConsentService
from app.domain.consent import ConsentEntry
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, ConversationId, Correspondent
from app.domain.repositories import Clock, MessageRepository
from app.text import consent as consent_text
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme

_ICON = 14


class ConsentLine(QPushButton):
    """Hidden until it is known, and in groups. *show_consents* is called with whose contact it is, and the contact."""

    def __init__(
        self,
        theme: Theme,
        history: MessageRepository,
        ledger: ConsentService,
        clock: Clock,
        show_consents: Callable[[MentoradoId, Address], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._history = history
        self._ledger = ledger
        self._clock = clock
        self._conversation_id: ConversationId | None = None
        self._found: Correspondent | None = None
        self._entries: list[ConsentEntry] = []
        self.setProperty("role", "link")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: self._lead(show_consents))
        self.hide()

    def open(self, conversation_id: ConversationId | None) -> None:
        """Show the consent of that conversation's contact from now on."""
        self._conversation_id, self._found = conversation_id, None
        self.hide()
        if conversation_id is not None:
            self.refresh()

    @async_slot
    async def refresh(self) -> None:
        """Read the ledger anew."""
        if (asked := self._conversation_id) is None:
            return
        found = await self._history.correspondent(asked)
        if found is None or found.is_group or not found.addresses:
            return
        entries = await self._ledger.history(found.mentorado_id, found.addresses[0])
        if asked == self._conversation_id:
            self._found, self._entries = found, list(entries)
            self.retranslate()

    def retranslate(self) -> None:
        if self._found is None:
            return
        today = self._clock.now().astimezone().date()
        words, sign, tone = consent_text.summary(self._entries, today)
        side = self._theme.px(_ICON)
        self.setText(words)
        self.setIcon(icon(sign, self._theme.tokens.badge[tone].fg, side))
        self.setIconSize(QSize(side, side))
        self.setAccessibleName(f"{words}. {texts('consent.line.see')}")
        self.setToolTip(texts("consent.line.see"))
        self.show()

    def _lead(self, show_consents: Callable[[MentoradoId, Address], None]) -> None:
        if self._found is not None:
            show_consents(self._found.mentorado_id, self._found.addresses[0])
