"""Issue 11, item 5, as staff do it: the real window, services and database, over a Cloud API that is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from app.application import Application
from app.bootstrap import build_services
from app.domain.actions import ActionName
from app.domain.campaign import CampaignState, PauseReason, RecipientState
from app.domain.link_status import LinkState
from app.domain.provider_descriptor import CredentialField
from app.frame import Frame
from app.text.status import texts
from app.ui.campaigns.page import CampaignsPage
from app.ui.crash import CrashReports
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.main_window import MainWindow
from tests.acceptance.meta_cloud.harness import Harness, ProgramRun
from tests.acceptance.outbound.test_campaigns import PEOPLE, arrived, over, ready
from tests.emulators.meta_cloud.state import NUMBER_ID, TOKEN, WABA_ID
from tests.waiting import until

TYPED = {
    CredentialField.ACCESS_TOKEN: TOKEN,
    CredentialField.PHONE_NUMBER_ID: NUMBER_ID,
    CredentialField.WABA_ID: WABA_ID,
}
pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@asynccontextmanager
async def in_window(harness: Harness, qapp: QApplication) -> AsyncIterator[tuple[ProgramRun, MainWindow]]:
    """One run of the program; whoever leaves has closed its window, and said yes to that."""
    core = build_services(harness.settings, clock=harness.clock)
    await core.secrets.use_memory()
    frame = Frame(qapp, harness.settings.preferences, core.clock)
    texts.set_language("pt-BR")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(Application(frame, core, CrashReports("0")).run())
        await until(lambda: frame.window._pane is not None and frame.model.loaded)
        yield ProgramRun(harness, core), frame.window
        frame.window.close()
        await until(lambda: running.done() or questions(frame.window))
        for question in questions(frame.window):
            question.confirm.click()
        await running


def questions(window: MainWindow) -> Sequence[ConfirmDialog]:
    return [] if window.isHidden() else [each for each in window.findChildren(ConfirmDialog) if each.isVisible()]


def page_of(window: MainWindow) -> CampaignsPage:
    page = window.places.page
    assert isinstance(page, CampaignsPage)
    return page


def press(part: QWidget, words: str) -> None:
    (button,) = [each for each in part.findChildren(QAbstractButton) if each.isVisible() and each.text() == words]
    button.click()


@pytest.mark.within(20)
async def test_written_tried_approved_closed_in_the_middle_and_resumed(harness: Harness, qapp: QApplication) -> None:
    """Dry run first, typed approval, live progress; the queue survives the end of the program and doubles nobody."""
    async with in_window(harness, qapp) as (run, window):
        ana = await ready(run)
        mentorado = run.core.mentorados.get(ana.id)
        await run.core.mentorados.edit(ana.id, mentorado.name, mentorado.phone, "Turma A")
        run.core.outbound._gap = lambda _low, _high: 12.0
        window.go("campaigns")
        page = page_of(window)
        press(page, "Nova campanha")
        QTest.keyClicks(page.composer.name, "Aula extra")
        page.composer.cohort._select("Turma A")
        page.composer.template._select("typed")
        QTest.keyClicks(page.composer.template_name, "lembrete")
        QTest.keyClicks(page.composer.template_language, "pt_BR")
        page.composer.parameters.setPlainText("aluno\n{mentorado}")
        press(page, "Simular")
        await until(lambda: page.report.made)
        found = [each.text() for each in page.report.summary.findChildren(QLabel)]
        assert "US$ 0,25" in found
        assert "no máximo, pela tabela da Meta de 1/10/2026" in found
        assert arrived(run) == [], "a dry run sends nothing"
        QTest.keyClicks(page.report.field, "4")
        press(page, "Aprovar e enviar")
        await until(lambda: page.view.isVisible() and page.view.counts[RecipientState.ACCEPTED][1].text() == "1")
        assert page.view.badge.accessibleName() == "Enviando"
    assert len(arrived(run)) == 1
    async with in_window(harness, qapp) as (run, window):
        run.core.outbound._gap = lambda _low, _high: 0.0
        await until(lambda: "Uma campanha foi interrompida: Aula extra." in words_of(window.banners))
        assert run.core.campaigns.campaigns[0].pause_reason is PauseReason.INTERRUPTED
        press(window.banners, "Ver a campanha")
        page = page_of(window)
        assert page.view.badge.accessibleName() == "Pausada"
        assert not window.banners.isVisible()
        await run.core.hosted.credentials.save(ana.id, TYPED)  # they were kept for a day only
        if run.refusal(ActionName.CONNECT, ana) is None:  # else the window's own start came after they were typed
            await run.do(ActionName.CONNECT, ana)
        await until(lambda: run.status(ana).state is LinkState.CONNECTED)
        press(page, "Retomar")
        await until(lambda: page.view.badge.accessibleName() == "Enviando")
        assert await over(run) is CampaignState.FINISHED
        await until(lambda: page.view.badge.accessibleName() == "Concluída")
        assert sorted(arrived(run)) == sorted(each.value for each in PEOPLE)


def words_of(part: QWidget) -> str:
    return " ".join(each.text() for each in part.findChildren(QLabel))
