"""The consents of a mentorado's contacts, in the real window."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton

from app.domain.consent import Purpose
from app.settings import Settings
from app.text.status import texts
from app.ui.consents.page import ConsentsPage
from tests.core.outbound.harness import phone
from tests.e2e.conftest import TYPED, conecta
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


async def test_the_pane_leads_to_the_consents_and_what_is_recorded_is_there_at_once(settings: Settings) -> None:
    async with conecta(settings) as session:
        await session.fill_in("Ana Prates", TYPED, texts("dialog.add"))
        ana = session.only()
        window = session.window
        name = texts("detail.consents")
        await until(lambda: any(each.accessibleName() == name for each in window.findChildren(QPushButton)))
        next(each for each in window.findChildren(QPushButton) if each.accessibleName() == name).click()
        page = window.places.page
        assert isinstance(page, ConsentsPage)
        await until(lambda: page.mentorado == ana and page.empty.isVisible())
        await session.core.consent.ledger.grant(ana.id, phone(1), Purpose.CAMPAIGN, wording="Aceito", version="1")
        await until(lambda: page.view.name.isVisible() and page.view.name.text() == "+55 11 90000-0001")
