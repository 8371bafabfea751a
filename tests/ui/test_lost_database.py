"""What the window offers when the database is missing beside sessions: nothing happens before a person decided."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPushButton

from app.application import Application
from app.frame import Frame
from app.storage.database import Database
from app.text.status import texts
from app.ui.crash import CrashReports
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from tests.conftest import OnQt
from tests.services import build_services

Use = Callable[[Application], Awaitable[None]]


@pytest.fixture
def with_lost_database(on_qt: OnQt, qapp: QApplication, theme: Theme, fast_dir: Path) -> Callable[[Use], None]:
    """Open the program over a folder that has a session but no database."""

    def play(use: Use) -> None:
        session = fast_dir / "data" / "sessions" / ("0" * 32) / "session-x.db"
        session.parent.mkdir(parents=True)
        session.touch()

        async def main() -> None:
            core = build_services(fast_dir / "data")
            program = Application(Frame(qapp, fast_dir / "window.ini", core.clock), core, CrashReports("0"))
            running = asyncio.get_running_loop().create_task(program.run())
            try:
                await until(lambda: "conecta.db" in shown(program))
                await use(program)
            finally:
                program.window.close()
                await running

        texts.set_language("pt-BR")
        on_qt(main, within=20)
        theme.apply(qapp)
        QApplication.processEvents()

    return play


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not is_so():
            await asyncio.sleep(0.02)


def shown(program: Application) -> str:
    return " ".join(label.text() for label in program.window.banners.findChildren(QLabel) if not label.isHidden())


def press(program: Application, key: str) -> None:
    (button,) = [each for each in program.window.banners.findChildren(QPushButton) if each.text() == texts(key)]
    button.click()


def test_it_begins_anew_only_when_that_was_confirmed(
    with_lost_database: Callable[[Use], None], fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.application.OPEN_AGAIN_SECONDS", 0.1)
    database = fast_dir / "data" / "conecta.db"

    async def use(program: Application) -> None:
        assert str(fast_dir / "data" / "sessions") in shown(program)
        assert "conecta database" not in shown(program)  # the buttons beside it do that
        for answer in ("cancel", "confirm"):
            assert not database.exists()
            press(program, "lost.anew")
            await until(lambda: bool(program.window.findChildren(ConfirmDialog)))
            (sheet,) = program.window.findChildren(ConfirmDialog)
            getattr(sheet, answer).click()
            await until(lambda: not program.window.findChildren(ConfirmDialog))
        await until(database.exists)
        await until(lambda: shown(program) == "")

    with_lost_database(use)


def test_a_copy_that_is_chosen_takes_its_place(
    with_lost_database: Callable[[Use], None], fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.application.OPEN_AGAIN_SECONDS", 0.1)
    copy = fast_dir / "carried away.db"

    async def make() -> None:
        async with Database(copy):
            pass

    asyncio.run(make())

    async def use(program: Application) -> None:
        wrong = shutil.copy(__file__, fast_dir / "wrong.db")
        for chosen in (wrong, copy):
            press(program, "lost.look")
            await until(lambda: bool(program.window.findChildren(QFileDialog)))
            (dialog,) = program.window.findChildren(QFileDialog)
            for line in dialog.findChildren(QLineEdit, "fileNameEdit"):
                line.setText(str(chosen))
            dialog.accept()
            await until(lambda: not program.window.findChildren(QFileDialog))
            if chosen is wrong:
                await until(lambda: str(wrong) in shown(program))
        await until((fast_dir / "data" / "conecta.db").exists)
        await until(lambda: texts("lost.next") not in shown(program))

    with_lost_database(use)
