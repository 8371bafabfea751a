"""The whole program: closed in the middle of a procedure, and started again after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.application import Application
from app.core.backups import BackupService
from app.core.procedures.steps import Step, StepContext
from app.domain.actions import ActionName
from app.domain.mentorado import Mentorado
from app.domain.procedure import ProcedureKind, ProcedureState, StepData, StepName
from app.frame import Frame
from app.services import Services
from app.text.status import texts
from app.ui.crash import CrashReports
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.main_window import MainWindow
from app.ui.procedures.commands import CommandId
from app.ui.procedures.forms import BackupForm, RestoreForm
from tests.services import build_services
from tests.ui.procedures.panel_controls import buttons, words
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@dataclass
class Started:
    core: Services
    window: MainWindow
    running: asyncio.Task[None]

    async def until(self, read: Callable[[], object]) -> None:
        await until(read)

    async def question(self) -> ConfirmDialog:
        await self.until(lambda: self.questions)
        return self.questions[0]

    @property
    def questions(self) -> list[ConfirmDialog]:
        return [sheet for sheet in self.window.findChildren(ConfirmDialog) if sheet.isVisible()]


@asynccontextmanager
async def program(qapp: QApplication, folder: Path) -> AsyncIterator[Started]:
    """One run of the program; whoever leaves has closed its window."""
    core = build_services(folder)
    frame = Frame(qapp, folder / "window.ini", core.clock)
    made = Application(frame, core, CrashReports("0"))
    texts.set_language("pt-BR")
    async with asyncio.TaskGroup() as group:
        started = Started(core, frame.window, group.create_task(made.run()))
        await started.until(lambda: frame.window._pane is not None and frame.model.loaded)
        yield started
        await started.running


def hold(core: Services, name: StepName) -> None:
    """Let that step take as long as the test does."""

    async def for_ever(_run: StepContext) -> StepData:
        await asyncio.Event().wait()
        return {}

    steps = dict(core.procedures._means.steps)
    steps[name] = Step(name=name, do=for_ever)
    core.procedures._means = replace(core.procedures._means, steps=steps)


async def someone(core: Services) -> Mentorado:
    return await core.mentorados.add("Ana Prates", "11 98765-4321")


@pytest.mark.within(40)
async def test_closing_in_the_middle_asks_once_and_the_next_start_offers_to_go_on(
    qapp: QApplication, fast_dir: Path
) -> None:
    async with program(qapp, fast_dir) as first:
        ana = await someone(first.core)
        hold(first.core, StepName.COLLECT)
        await first.core.procedures.begin(ProcedureKind.BACKUP, ana.id)
        first.window.close()
        sheet = await first.question()
        assert "Há um procedimento de Ana Prates em andamento." in words(sheet)
        assert "oferece continuar quando abrir de novo" in words(sheet)
        assert sheet.cancel.hasFocus() or sheet.focusWidget() is sheet.cancel
        first.window.close()
        await asyncio.sleep(0.05)
        assert len(first.questions) == 1, "one question is enough"
        sheet.cancel.click()
        await asyncio.sleep(0.05)
        assert first.window.isVisible()
        first.window.close()
        (await first.question()).confirm.click()
    async with program(qapp, fast_dir) as second:
        await second.until(second.window.banners.isVisible)
        assert "O backup de Ana Prates foi interrompido. Nada foi perdido." in words(second.window.banners)
        (paused,) = second.core.procedures.unfinished()
        assert paused.state is ProcedureState.PAUSED, "nothing runs by itself"
        buttons(second.window.banners)["Continuar"].click()
        await second.until(lambda: not second.core.procedures.unfinished())
        assert not second.window.banners.isVisible()
        pane = second.window._pane
        assert pane is not None
        await second.until(lambda: "O backup está guardado e conferido." in words(pane))
        assert list((fast_dir / "backups").glob("*.conecta"))
        buttons(pane)["Fechar"].click()
        await second.until(lambda: "Último backup" in words(pane))
        second.window.close()


@pytest.mark.within(40)
async def test_a_protected_backup_is_made_and_restored_in_the_window(
    qapp: QApplication, fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.bootstrap.BackupService", partial(BackupService, cost=2))  # a guess takes no time here
    phrase = "cavalo certo bateria"
    async with program(qapp, fast_dir) as started:
        ana = (await someone(started.core)).id
        pane = started.window._pane
        assert pane is not None
        started.window.controller.perform(ActionName.BACK_UP, ana)
        await started.until(lambda: pane._sides.panels.get(ana))
        sheet = pane._sides.panels.get(ana)
        assert sheet is not None
        assert isinstance(sheet.form, BackupForm)
        QTest.keyClicks(sheet.form.phrase.first, phrase)
        QTest.keyClicks(sheet.form.phrase.again, phrase)
        sheet.footer.button(CommandId.CONFIRM).click()
        await started.until(lambda: "O backup está guardado e conferido." in words(pane))
        started.window.controller.perform(ActionName.RESTORE, ana)
        await started.until(lambda: isinstance(sheet.form, RestoreForm) and sheet.form._buttons)
        form = sheet.form
        assert isinstance(form, RestoreForm)
        assert "protegido" in form._buttons[0].accessibleName()
        form._buttons[0].click()
        QTest.keyClicks(form.phrase.first, "a frase de outra pessoa")
        sheet.footer.button(CommandId.CONFIRM).click()
        await started.until(sheet.view.phrase.isVisible)
        assert "não abre sem a certa" in words(sheet)
        QTest.keyClicks(sheet.view.phrase.first, phrase)
        buttons(sheet)["Tentar de novo"].click()
        await started.until(lambda: "Juntar o histórico agora?" in words(sheet))
        buttons(sheet)["Juntar o histórico"].click()
        await started.until(lambda: "O backup foi restaurado." in words(sheet))
        assert "Nenhuma mensagem era nova" in words(sheet)
        assert "Este backup não tem sessão" in words(sheet)
        started.window.close()
