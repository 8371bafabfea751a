"""Pictures of the page of consents and its dialogs, in every look: python -m tests.ui.consents.gallery OUT_DIR"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.domain.consent import Purpose
from app.domain.events import ConsentsChanged
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.consents.import_dialog import ConsentImportDialog
from app.ui.consents.record_dialog import RecordConsentDialog
from app.ui.theme.theme import Mode, Theme
from tests.core.outbound.harness import NOON, phone
from tests.storage.talk import a_message
from tests.ui.consents.harness import WORDS, ConsentsHarness, open_consents

SHEET = """Telefone;Finalidade;Texto;Versão;Origem;Data
11 90000-0001;campanha;Aceito receber novidades;3;formulário;15/12/2025 10:00
11 90000-0021;campanha;Aceito receber novidades;3;formulário;16/12/2025
11 90000-0022;festa;Aceito receber novidades;3;formulário;16/12/2025
123;campanha;Aceito receber novidades;3;formulário;16/12/2025
11 90000-0023;conversa;;3;evento;31/02/2026
"""


async def take_all(app: QApplication, folder: Path) -> None:
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            texts.set_language(language)
            theme.set_mode(mode)
            with tempfile.TemporaryDirectory() as home:
                async with open_consents(theme, Path(home)) as harness:
                    await take(theme, harness, folder, f"{language}-{mode}")


async def take(theme: Theme, h: ConsentsHarness, folder: Path, look: str) -> None:
    async def shot(name: str) -> None:
        await asyncio.sleep(0.4)
        picture = h.page.grab()
        for dialog in h.page.window().findChildren(ConsentImportDialog) + h.page.findChildren(RecordConsentDialog):
            if dialog.isVisible():
                picture = dialog.grab()
        picture.save(str(folder / f"{name}-{look}.png"))

    ledger, ana, core = h.p.ledger, h.ana, h.p.core
    await shot("1-empty")
    written = [
        a_message(f"M{n}", "oi", phone(n), sender_name=name) for n, name in ((1, "Bia Prado"), (2, "Caio Nunes"))
    ]
    await core.history.store(ana, written, NOON)
    for number in range(1, 14):
        h.p.clock.time += timedelta(hours=3)
        await ledger.grant(ana.id, phone(number), Purpose.CAMPAIGN, note="formulário da aula aberta", **WORDS)
    await ledger.grant(ana.id, phone(1), Purpose.CONVERSATION, note="contrato", **WORDS)
    await ledger.revoke(ana.id, phone(2), Purpose.CAMPAIGN, note="por telefone")
    now = h.p.clock.now()
    left = replace(a_message("S", "SAIR", phone(3)), sent_at=now, received_at=now)
    await core.history.store(ana, [left], now)
    core.bus.publish(ConsentsChanged(ana.id))
    await core.personal_data.erase_contact(ana.id, phone(4))
    await h.shown(13)
    h.choose(phone(1))
    await shot("2-list")
    h.choose(phone(3))
    await shot("3-opted-out")
    h.page.search.setText("Nunes")
    await h.shown(1)
    await shot("4-search")
    h.page.search.clear()
    await h.shown(13)
    dialog = RecordConsentDialog(
        theme, h.page, ledger, ana, latest=h.page.model.latest_wording, contact=phone(3), opted_out=True
    )
    dialog.open()
    dialog.save.click()
    await shot("5-record")
    dialog.close()
    importing = ConsentImportDialog(theme, h.page, core.consent.imports, ana, SHEET.encode(), "contatos.csv")
    importing.open()
    importing.read()
    await shot("6-import")
    importing.close()
    for width in (820, 580):  # the words become shorter, and then there is room to go on
        h.page.resize(width, 620)
        await asyncio.sleep(0.05)
    h.page.toast.show_message(texts("consent.done", purpose="campanha"), texts("window.undo"), lambda: None)
    await shot("7-narrow")
    h.page.split.open_side_panel()
    await shot("8-narrow-open")


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    run(application, lambda: take_all(application, Path(sys.argv[1])))
