"""Issue 14, 5: "an unexpected exception anywhere (slot, task, thread, host) is shown once with what the app did about
it, and can be added to a bundle; the app keeps working". Each exception here is a real one in the real program."""

from __future__ import annotations

import asyncio
import sys
import threading
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from app.__main__ import main
from app.application import Application
from app.bootstrap import build_services
from app.core.background import BackgroundTasks
from app.domain.crash_report import CrashEffect, CrashPlace, CrashReport
from app.domain.events import MentoradoAdded
from app.domain.link_status import LinkState
from app.domain.webhooks import WebhookSettings
from app.frame import Frame
from app.platform.crash_recorder import CrashRecorder
from app.providers.webhooks.server_process import WebhookServerProcess
from app.services import Services
from app.settings import Settings
from app.text.status import texts
from app.ui.async_slots import async_slot
from app.ui.crash import CrashReports, CrashSheet
from app.ui.dialogs.support_bundle import SupportBundleDialog
from app.ui.main_window import MainWindow
from tests.waiting import until

PLANTED = "Ana Souza, +55 11 98765-4321, token=hush-hush"


class Broken(QPushButton):
    """A button whose slots fail."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__("break", window)

    def fail(self) -> None:
        raise ValueError(PLANTED)

    @async_slot
    async def fail_later(self) -> None:
        await asyncio.sleep(0)
        raise LookupError(PLANTED)


class RunningProgram:
    """The program with its window, and the crashes that it showed."""

    def __init__(self, core: Services, window: MainWindow, reports: CrashReports) -> None:
        self.core = core
        self.window = window
        self.reports = reports

    def sheets(self) -> list[CrashSheet]:
        return [sheet for sheet in self.window.findChildren(CrashSheet) if sheet.isVisible()]

    async def shown(self) -> str:
        """The text of the one sheet."""
        await until(lambda: bool(self.sheets()))
        (sheet,) = self.sheets()
        return f"{sheet.effect.text()}\n{sheet.text.toPlainText()}"

    async def keeps_working(self) -> None:
        before = len(list(self.core.mentorados.all()))
        await self.core.mentorados.add(f"Bia {before}", f"+55119{80_000_000 + before}")
        assert len(list(self.core.mentorados.all())) == before + 1

    def recorded(self) -> tuple[CrashReport, ...]:
        return self.reports.recorder.reports()


@asynccontextmanager
async def program(settings: Settings, app: QApplication) -> AsyncIterator[RunningProgram]:
    texts.set_language("en")
    frame = Frame(app, settings.preferences, (core := build_services(settings)).clock)
    texts.set_language("en")
    reports = CrashReports("1.2.3", settings.crash_dir)
    give_back = reports.install()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(Application(frame, core, reports).run())
        try:
            await until(lambda: frame.window._pane is not None and frame.model.loaded)
            yield RunningProgram(core, frame.window, reports)
        finally:
            frame.window.close()
            await running
            give_back()
            texts.set_language("pt-BR")


@pytest.fixture
def settings(fast_dir: Path) -> Settings:
    return Settings(data_dir=fast_dir / "data", session_dir=fast_dir / "data" / "sessions")


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_in_a_slot_of_the_window(settings: Settings, qapp: QApplication) -> None:
    async with program(settings, qapp) as run:
        button = Broken(run.window)
        button.clicked.connect(button.fail)
        for _press in range(3):
            button.click()
        text = await run.shown()
        assert texts("crash.effect.went_on") in text
        assert "ValueError" in text
        await run.keeps_working()
        (report,) = run.recorded()
        assert (report.count, report.crash.place) == (3, CrashPlace.PROGRAM), "counted, not shown again"
        assert len(run.sheets()) == 1


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_in_a_slot_that_is_a_coroutine(settings: Settings, qapp: QApplication) -> None:
    async with program(settings, qapp) as run:
        button = Broken(run.window)
        button.fail_later()
        assert "LookupError" in await run.shown()
        await run.keeps_working()
        assert [report.count for report in run.recorded()] == [1]


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_in_a_task_and_in_a_thread(settings: Settings, qapp: QApplication) -> None:
    def fail() -> None:
        raise KeyError(PLANTED)

    async def fail_in_the_background() -> None:
        raise IndexError(PLANTED)

    async with program(settings, qapp) as run:
        asyncio.get_running_loop().call_soon(fail)
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        async with BackgroundTasks(fail_in_the_background):
            await until(lambda: len(run.recorded()) == 3)
        await until(lambda: run.sheets() != [] and "IndexError" in run.sheets()[0].text.toPlainText())
        assert texts("crash.effect.task_ended") in await run.shown()
        assert {report.crash.place for report in run.recorded()} == {
            CrashPlace.TASK,
            CrashPlace.THREAD,
            CrashPlace.PROGRAM,
        }
        await run.keeps_working()


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_in_who_listens_to_an_event(settings: Settings, qapp: QApplication) -> None:
    def fail(_event: MentoradoAdded) -> None:
        raise AttributeError(PLANTED)

    async with program(settings, qapp) as run:
        run.core.bus.subscribe(MentoradoAdded, fail)
        await run.keeps_working()
        assert "AttributeError" in await run.shown()


BROKEN_HOST = """
from app.providers.whatsapp_web.host import __main__ as host, session
def run(self): raise ValueError("{planted}")
session.Session.run = run
host.main()
"""


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_in_a_session_host(settings: Settings, qapp: QApplication) -> None:
    command = (sys.executable, "-c", BROKEN_HOST.format(planted=PLANTED))
    beside = Settings(data_dir=settings.data_dir, session_dir=settings.session_dir, session_host=command)
    async with program(beside, qapp) as run:
        ana = await run.core.mentorados.add("Ana", "+5511987654321")
        await run.core.supervisor.connect(ana.id)
        text = await run.shown()
        assert texts("crash.effect.link_retries") in text
        assert "app.providers.whatsapp_web.host.service" in text
        assert run.recorded()[0].crash.place is CrashPlace.CHILD_PROCESS
        assert run.core.supervisor.status(ana.link.id).state in (LinkState.RECONNECTING, LinkState.CONNECTING)
        await run.keeps_working()
        await run.core.supervisor.disconnect(ana.id)


@pytest.mark.usefixtures("caplog")
async def test_at_the_start_of_a_session_host_and_of_the_webhook_server(settings: Settings) -> None:
    broken = """
from app.providers.webhooks.host import __main__ as host, main_loop
async def serve(*_): raise ValueError("{planted}")
host.serve = serve
host.run({{}})
"""
    command = [sys.executable, "-c", broken.format(planted=PLANTED)]
    recorder = CrashRecorder(settings.crash_dir, "1.2.3")
    undo = recorder.install()
    try:
        server = WebhookServerProcess(settings.data_dir, command=command)
        with pytest.raises(Exception, match="webhook_host_ended"):
            async with server.open(WebhookSettings(address="127.0.0.1", port=0)):
                pass
        (report,) = recorder.reports()
    finally:
        undo()
    assert report.crash.effect is CrashEffect.CHILD_RESTARTED
    assert report.crash.lines[-1] == "ValueError"


def test_on_the_command_line(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_given: object, **_options: object) -> int:
        raise ZeroDivisionError(PLANTED)

    monkeypatch.setenv("CONECTA_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.setattr("app.cli.main.status", fail)
    assert main(["status"]) == 70
    printed = capsys.readouterr().err
    assert "conecta support-bundle" in printed
    assert "ZeroDivisionError" in printed
    assert "Ana" not in printed
    (report,) = CrashRecorder(settings.crash_dir, "1.2.3").reports()
    assert (report.crash.place, report.crash.effect) == (CrashPlace.COMMAND, CrashEffect.COMMAND_ENDED)
    monkeypatch.undo()
    monkeypatch.setenv("CONECTA_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    assert main(["status"]) == 0


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_a_report_from_before_a_restart_is_still_there_and_gives_nobody_away(
    settings: Settings, qapp: QApplication
) -> None:
    for _run in range(2):
        async with program(settings, qapp) as run:
            button = Broken(run.window)
            button.clicked.connect(button.fail)
            button.click()
            assert "Ana" not in await run.shown()
    (report,) = CrashRecorder(settings.crash_dir, "1.2.3").reports()
    assert report.count == 2
    (file,) = settings.crash_dir.iterdir()
    written = file.read_text()
    for private in ("Ana", "98765", "4321", "hush"):
        assert private not in written


@pytest.mark.usefixtures("on_qt", "caplog")
async def test_a_report_is_added_to_a_bundle_from_where_it_is_shown(
    settings: Settings, qapp: QApplication, tmp_path: Path
) -> None:
    async with program(settings, qapp) as run:
        await run.core.mentorados.add("Ana Souza", "+5511987654321")
        button = Broken(run.window)
        button.clicked.connect(button.fail)
        button.click()
        await run.shown()
        run.sheets()[0].bundle_button.click()
        (dialog,) = run.window.findChildren(SupportBundleDialog)
        await until(lambda: dialog.bundle is not None)
        (name,) = [each for each in dialog.chosen if each.startswith("crash-")]
        assert dialog.bundle is not None
        await dialog.write_to(tmp_path / "bundle.zip", dialog.bundle)
        dialog.close()
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        report = archive.read(name).decode()
        whole = "".join(archive.read(each).decode() for each in archive.namelist())
    assert "ValueError" in report
    for private in ("Ana", "Souza", "98765", "hush"):
        assert private not in whole
