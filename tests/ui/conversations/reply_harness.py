"""A conversation that can be answered: the panel over the real services, history and database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.outbound.consents import ConsentService
from app.core.outbound.replies import ReplyService
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address
from app.ui.async_slots import cancel_slots
from app.ui.conversations.panel import ConversationsPanel
from app.ui.conversations.reply_box import ReplyBox
from app.ui.theme.theme import Theme
from tests.core.outbound.harness import Sending, phone, sending
from tests.waiting import until

BIA, CAIO = phone(1), phone(2)


@dataclass
class ReplyHarness:
    """A panel that is on the screen with Bia's conversation open."""

    s: Sending
    panel: ConversationsPanel
    ledger: ConsentService
    led_to: list[tuple[MentoradoId, Address]]

    @property
    def box(self) -> ReplyBox:
        assert self.panel.page.reply is not None
        return self.panel.page.reply

    async def until(self, true: Callable[[], object]) -> None:
        await until(true, within=5, every=0.002)

    async def open(self, who: Address = BIA) -> None:
        """Open the conversation with *who*, and wait until it is known whether it can be answered."""
        rows = self.panel.home.conversations
        await self.until(lambda: self.panel.home.extent is not None and rows.rowCount())
        digits = who.value[-4:]
        place = next(n for n in range(rows.rowCount()) if str(rows.data(rows.index(n))).endswith(digits))
        self.panel.home.list.opened.emit(place)
        await self.until(lambda: not self.panel.page.reader.busy)

    def write(self, text: str) -> None:
        self.box.field.setPlainText(text)

    def texts(self) -> list[str]:
        return [each.text for each in self.panel.page.model.messages]


@asynccontextmanager
async def open_reply(theme: Theme, folder: Path, *, talk: bool = True) -> AsyncIterator[ReplyHarness]:
    """Bia and Caio have written to Ana; Bia's conversation is open."""
    async with sending(folder) as s:
        s.provider.echoes_sent = False
        await s.receive(CAIO, text="Oi, é o Caio.")
        await s.receive(BIA, text="Oi! Consegui marcar a mentoria para quinta, pode ser às 10h?")
        led_to: list[tuple[MentoradoId, Address]] = []
        ledger = ConsentService(
            bus=s.core.bus,
            mentorados=s.core.mentorados,
            consents=s.consents,
            audit_service=s.core.audit_service,
            clock=s.clock,
        )
        panel = ConversationsPanel(
            theme=theme,
            bus=s.core.bus,
            history=s.history,
            mentorados=s.core.mentorados,
            clock=s.clock,
            replies=ReplyService(mentorados=s.core.mentorados, history=s.history, outbound=s.service),
            ledger=ledger,
            show_consents=lambda mentorado_id, contact: led_to.append((mentorado_id, contact)),
        )
        panel.resize(364, 700)
        panel.show_mentorado(s.ana.id)
        panel.show()
        harness = ReplyHarness(s, panel, ledger, led_to)
        try:
            if talk:
                await harness.open()
            yield harness
        finally:
            await cancel_slots()
            panel.hide()
            panel.deleteLater()
