"""The whole program: closed in the middle of a procedure, and started again after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.bootstrap import Core, build_core
from app.core.action import ActionName
from app.core.procedure.step import Run, Step
from app.domain.mentorado import Enrolment
from app.domain.procedure import Facts, ProcedureKind, ProcedureState, StepName
from app.program import Program
from app.settings import Settings
from app.ui.crash import CrashReports
from app.ui.dialogs.question import QuestionSheet
from app.ui.frame import Frame
from app.ui.main_window import MainWindow
from app.ui.recovery.backup_form import BackupBeginning
from app.ui.recovery.offers import Control
from app.ui.recovery.restore_form import RestoreBeginning
from app.ui.text import texts
from tests.conftest import OnQt
from tests.ui.recovery.test_side_sheet import buttons, words
from tests.waiting import until


@dataclass
class Started:
    core: Core
    window: MainWindow
    running: asyncio.Task[None]

    async def until(self, told: Callable[[], object]) -> None:
        await until(told)

    async def question(self) -> QuestionSheet:
        await self.until(lambda: self.questions)
        return self.questions[0]

    @property
    def questions(self) -> list[QuestionSheet]:
        return [sheet for sheet in self.window.findChildren(QuestionSheet) if sheet.isVisible()]


@asynccontextmanager
async def program(qapp: QApplication, folder: Path) -> AsyncIterator[Started]:
    """One run of the program; whoever leaves has closed its window."""
    core = build_core(Settings(data_dir=folder, session_dir=folder / "sessions"))
    frame = Frame(qapp, folder / "window.ini", core.clock)
    made = Program(frame, core, CrashReports("0"))
    texts.set_language("pt-BR")
    async with asyncio.TaskGroup() as group:
        started = Started(core, frame.window, group.create_task(made.run()))
        await started.until(lambda: frame.window._pane is not None and frame.model.loaded)
        yield started
        await started.running


def hold(core: Core, name: StepName) -> None:
    """Let that step take as long as the test does."""

    async def for_ever(_run: Run) -> Facts:
        await asyncio.Event().wait()
        return {}

    steps = dict(core.procedures._means.steps)
    steps[name] = Step(name=name, do=for_ever)
    core.procedures._means = replace(core.procedures._means, steps=steps)


async def someone(core: Core) -> Enrolment:
    return await core.enrolments.add("Ana Prates", "11 98765-4321")


def test_closing_in_the_middle_asks_once_and_the_next_start_offers_to_go_on(
    on_qt: OnQt, qapp: QApplication, fast_dir: Path
) -> None:
    async def main() -> None:
        async with program(qapp, fast_dir) as first:
            ana = await someone(first.core)
            hold(first.core, StepName.COLLECT)
            await first.core.procedures.begin(ProcedureKind.BACKUP, ana.mentorado.id)
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

    on_qt(main, within=40)


def test_a_protected_backup_is_made_and_restored_in_the_window(on_qt: OnQt, qapp: QApplication, fast_dir: Path) -> None:
    phrase = "cavalo certo bateria"

    async def main() -> None:
        async with program(qapp, fast_dir) as started:
            ana = (await someone(started.core)).mentorado.id
            pane = started.window._pane
            assert pane is not None
            started.window.errands.perform(ActionName.BACK_UP, ana)
            await started.until(lambda: pane._sides.of(ana))
            sheet = pane._sides.of(ana)
            assert sheet is not None
            assert isinstance(sheet.form, BackupBeginning)
            QTest.keyClicks(sheet.form.phrase.first, phrase)
            QTest.keyClicks(sheet.form.phrase.again, phrase)
            sheet.footer.button(Control.CONFIRM).click()
            await started.until(lambda: "O backup está guardado e conferido." in words(pane))
            started.window.errands.perform(ActionName.RESTORE, ana)
            await started.until(lambda: isinstance(sheet.form, RestoreBeginning) and sheet.form._buttons)
            form = sheet.form
            assert isinstance(form, RestoreBeginning)
            assert "protegido" in form._buttons[0].accessibleName()
            form._buttons[0].click()
            QTest.keyClicks(form.phrase.first, "a frase de outra pessoa")
            sheet.footer.button(Control.CONFIRM).click()
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

    on_qt(main, within=40)
