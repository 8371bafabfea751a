"""The consent of a contact is said where one reads and writes to them, and leads to the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.consent import Purpose
from app.ui.theme.theme import Theme
from tests.ui.conversations.reply_harness import BIA, CAIO, open_reply

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

WORDS = {"wording": "Aceito receber mensagens.", "version": "1"}


async def test_the_line_follows_what_is_recorded_and_leads_to_the_contact(theme: Theme, fast_dir: Path) -> None:
    async with open_reply(theme, fast_dir) as h:
        line = h.panel.page.consent
        assert line is not None
        await h.until(lambda: line.text() == "Sem consentimento registrado")
        assert line.isVisible()
        ana = h.s.ana.id
        await h.ledger.grant(ana, BIA, Purpose.CAMPAIGN, **WORDS)
        await h.until(lambda: line.text() == "Consentimento: campanha")
        await h.ledger.grant(ana, BIA, Purpose.CONVERSATION, **WORDS)
        await h.until(lambda: line.text() == "Consentimento: conversa, campanha")
        for purpose in (Purpose.CAMPAIGN, Purpose.CONVERSATION):
            await h.ledger.revoke(ana, BIA, purpose)
        await h.until(lambda: line.text() == "Consentimento retirado")
        await h.ledger.opt_out(ana, BIA)
        await h.until(lambda: line.text().startswith("Pediu para sair em "))
        line.click()
        assert h.led_to == [(ana, BIA)]

        await h.open(CAIO)
        await h.until(lambda: line.text() == "Sem consentimento registrado")
        h.panel.leave_thread()
        assert not line.isVisible()
        line.click()
        assert h.led_to == [(ana, BIA)], "nobody is open"
