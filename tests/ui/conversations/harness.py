"""The panel over a real history, to play with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.mentorado import Mentorado
from app.ui.async_slots import cancel_slots
from app.ui.conversations.panel import ConversationsPanel
from app.ui.conversations.thread_page import ThreadPage
from app.ui.theme.theme import Theme
from tests.ui.conversations.talk import CAIO, DORA, HistoryHarness, a_message, grouped, library, many, phone, vivid
from tests.waiting import until

HOSTILE = (
    "<b>negrito</b> <img src='file:///etc/passwd'> <script>alert(1)</script> &amp; fim",
    "documento\u202efdp.exe",
    "\u200b\u200bsenha\u200b: 1\u2060234\ufeff",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320a\u0336lgo",
    "مرحبا بك في كونكتا، كيف حالك اليوم؟",
    "palavra" * 60,
    "linha\n" * 400,
    "x" * 64_000,
    "👩‍👩‍👧‍👦👍🏽🇧🇷",
    "\ud800 e \x00\x07 e \uffff",
    "   \n\n\t ",
)


@dataclass
class PanelHarness:
    """A panel that is on the screen, and what is behind it."""

    library: HistoryHarness
    panel: ConversationsPanel
    ana: Mentorado
    lonely: Mentorado

    @property
    def page(self) -> ThreadPage:
        return self.panel.page

    async def until(self, true: Callable[[], object]) -> None:
        await until(true, within=5, every=0.002)

    async def settle(self) -> None:
        """Wait until the list, and the conversation that is open, are read."""
        await self.until(lambda: self.panel.home.extent is not None)
        await self.until(lambda: not self.page.reader.busy and not self.panel.home.results._busy)

    async def open(self, title: str) -> None:
        """Open the conversation whose title begins so."""
        rows = self.panel.home.conversations
        await self.until(rows.rowCount)
        place = next(n for n in range(rows.rowCount()) if str(rows.data(rows.index(n))).startswith(title))
        self.panel.home.list.opened.emit(place)
        await self.settle()

    async def search(self, typed: str) -> None:
        self.panel.home.search.field.setText(typed)
        self.panel.home.search.field.returnPressed.emit()
        await self.settle()


@asynccontextmanager
async def open_panel(theme: Theme, path: Path) -> AsyncIterator[PanelHarness]:
    """Ana has talked a lot, Bruno little, Clara never."""
    async with library(path) as kept:
        ana = await kept.add_mentorado("Thiago Torquato", "+5511987650001")
        bruno = await kept.add_mentorado("Luíza Prates", "+5511987650002")
        lonely = await kept.add_mentorado("Inês Galvão", "+5511987650003")
        strange = phone("+5571900000004")
        await kept.tell(
            ana,
            *many(300, DORA, minutes=60),
            *(
                a_message(f"H{n}", text, strange, ago=900 - n, sender_name="Estranho")
                for n, text in enumerate(HOSTILE)
                if "\ud800" not in text
            ),
            a_message("C1", "Amanhã te ligo.", CAIO, ago=3000, sender_name="Caio Figueirêdo"),
            *grouped(),
            *vivid(),
        )
        await kept.tell(bruno, a_message("L1", "O próximo encontro é na terça?", CAIO, ago=500, sender_name="Caio"))
        panel = ConversationsPanel(
            theme=theme, bus=kept.bus, history=kept.history, mentorados=kept.mentorados, clock=kept.clock
        )
        panel.resize(364, 700)
        panel.show_mentorado(ana.id)
        panel.show()
        harness = PanelHarness(kept, panel, ana, lonely)
        try:
            await harness.settle()
            yield harness
        finally:
            await cancel_slots()
            panel.hide()
            panel.deleteLater()
