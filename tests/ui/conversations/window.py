"""The whole window with conversations in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.ui.conversations.panel import ConversationsPanel
from app.ui.detail_pane.pane import DetailPane
from app.ui.theme.theme import Theme
from tests.ui.conversations.harness import PanelHarness
from tests.ui.conversations.talk import DORA, NOW, HistoryHarness, a_message, grouped, library, many, vivid
from tests.ui.window_harness import WindowHarness, person, status

TALKER, OTHER = person(22), person(3)


@dataclass
class ConversationWindow(WindowHarness):
    """The window, with conversations in its pane."""

    kept: HistoryHarness | None = None

    def _make_pane(self) -> DetailPane:
        return DetailPane(
            theme=self.theme,
            bus=self.bus,
            mentorados=self.mentorados,
            supervisor=self.supervisor,
            actions=self.actions,
            runner=self.runner,
            history=self.log,
            clock=self.clock,
            make_conversations=self._make_conversations,
        )

    def _make_conversations(self) -> ConversationsPanel:
        assert self.kept is not None
        return ConversationsPanel(
            theme=self.theme,
            bus=self.bus,
            history=self.kept.history,
            mentorados=self.mentorados,
            clock=self.clock,
        )

    @property
    def pane(self) -> DetailPane:
        pane = self.window._pane
        assert pane is not None
        return pane

    async def conversations(self) -> PanelHarness:
        """Choose the tab, and wait for the list."""
        assert self.kept is not None
        self.pane._pages.tabs.setCurrentIndex(1)
        side = self.pane._pages.conversations
        assert side is not None
        assert side.panel is not None
        open_panel = PanelHarness(self.kept, side.panel, TALKER, OTHER)
        await open_panel.settle()
        await asyncio.sleep(0)
        return open_panel


@asynccontextmanager
async def open_conversation_window(theme: Theme, folder: Path) -> AsyncIterator[ConversationWindow]:
    people = [person(number) for number in range(128)]
    async with library(folder / "conecta.db") as kept:
        for mentorado in people:
            await kept.mentorado_repository.add(mentorado)
        await kept.history.store(TALKER, [*many(200, DORA), *grouped(), *vivid()], NOW)
        await kept.history.store(OTHER, [a_message("O1", "Até o próximo encontro!", sender_name="Rita")], NOW)
        harness = ConversationWindow(folder, people, theme, kept=kept)
        harness.clock.time = NOW
        await harness.load(*(status(number) for number in range(128)))
        harness.window.resize(1240, 860)
        await harness.show()
        harness.window.choose(TALKER.id)
        try:
            yield harness
        finally:
            await harness.close()
