"""The real window, the real core, the real session hosts; only the far end of the wire is played."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QDialog, QLineEdit, QWidget
from shiboken6 import isValid

from app.application import Application
from app.bootstrap import build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.crash_report import CrashReport
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.loop_block import LoopBlock, block_text
from app.domain.mentorado import Mentorado
from app.frame import Frame
from app.platform.loop_watchdog import BEAT_SECONDS, LIMIT_SECONDS
from app.services import Services
from app.settings import Settings
from app.text.status import texts
from app.ui.crash import CrashReports
from app.ui.main_window import MainWindow
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.migrated import migrated_quickly as migrated_quickly
from tests.waiting import until

KNOWS_STARVED = Path("/proc/self/schedstat").exists()
"""Elsewhere a machine that is busy with something else would be taken for a program that is."""

STARTS = (" Thread.start", " Popen._execute_child")
"""What waits until a new thread or process gets a processor: on a machine that is busy, for as long as others want."""

PHONE, TYPED = "5511987654321", "11 98765-4321"


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as running:
        yield running


@pytest.fixture
def settings(emulator: EmulatorProcess, fast_dir: Path) -> Settings:
    data = fast_dir / "data"
    data.mkdir(mode=0o700)
    return Settings(
        data_dir=data,
        session_dir=data / "sessions",
        session_host=tuple(shlex.split(emulator.host_command())),
    )


@dataclass
class Session:
    """A running window, and what a person can see and do in it."""

    core: Services
    window: MainWindow
    badges: list[str] = field(default_factory=list)
    actions: int = 0
    """What a person did: a click, a key that decides, or a field that was filled in."""

    def __post_init__(self) -> None:
        self.core.bus.subscribe(StatusChanged, self._on_status)

    def _on_status(self, event: StatusChanged) -> None:
        if not self.badges or self.badges[-1] != event.after.state:
            self.badges.append(event.after.state)

    def status(self, mentorado: Mentorado) -> LinkStatus:
        return self.core.supervisor.status(mentorado.link.id)

    def only(self) -> Mentorado:
        """The one mentorado there is."""
        (mentorado,) = self.core.mentorados.all()
        return mentorado

    def button(self, words: str, under: QWidget | None = None) -> QAbstractButton:
        """The first visible button that says *words*."""
        words = words.replace("&", "")
        buttons = (under or self.window).findChildren(QAbstractButton)
        found = [
            b for b in buttons if b.isVisible() and words in (b.text().replace("&", "").strip(), b.accessibleName())
        ]
        assert found, (words, [b.text() or b.accessibleName() for b in buttons if b.isVisible()])
        return found[0]

    def click(self, words: str, under: QWidget | None = None) -> None:
        self.actions += 1
        QTest.mouseClick(self.button(words, under), Qt.MouseButton.LeftButton)

    def press(self, key: Qt.Key) -> None:
        """Press *key* where the keyboard is."""
        self.actions += 1
        QTest.keyClick(self.focused, key)

    def write(self, text: str) -> None:
        """Fill in the field where the keyboard is, and go on to the next one."""
        self.actions += 1
        QTest.keyClicks(self.focused, text)
        QTest.keyClick(self.focused, Qt.Key.Key_Tab)

    @property
    def focused(self) -> QWidget:
        return next((each for each in self.dialogs()), self.window).focusWidget() or self.window

    async def sheet(self) -> QDialog:
        """The sheet that is open, once it is."""
        await until(self.dialogs, within=20)
        return self.dialogs()[0]

    def dialogs(self) -> list[QDialog]:
        return [dialog for dialog in self.window.findChildren(QDialog) if dialog.isVisible()]

    async def fill_in(self, name: str, phone: str, verb: str) -> None:
        """Add somebody through the form, by the keyboard."""
        QTest.keyClick(self.window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        sheet = await self.sheet()
        QTest.keyClicks(sheet.focusWidget() or sheet, name)
        fields = [edit for edit in sheet.findChildren(QLineEdit) if edit.isVisible()]
        QTest.keyClicks(fields[1], phone)
        self.click(verb, sheet)
        await until(lambda: not self.dialogs(), within=20)

    def codes_in_pixels(self) -> list[str]:
        """What a phone's camera would read from the window."""
        return decode(self.window.grab().toImage())

    async def code_in_pixels(self) -> str:
        """Wait until the window shows a code that can be read."""
        await until(lambda: bool(self.codes_in_pixels()), within=20)
        return self.codes_in_pixels()[0]

    def spoken_rows(self) -> str:
        """What a screen reader would say of every row in every list on show."""
        lists = [view for view in self.window.findChildren(QAbstractItemView) if view.isVisible()]
        role = Qt.ItemDataRole.AccessibleTextRole
        rows = (view.model().index(row, 0).data(role) for view in lists for row in range(view.model().rowCount()))
        return "\n".join(str(row) for row in rows)

    async def until_state(self, mentorado: Mentorado, state: LinkState, within: float = 20) -> None:
        await until(lambda: self.status(mentorado).state is state, within)


def decode(image: QImage) -> list[str]:
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), dtype=np.uint8).reshape(grey.height(), grey.bytesPerLine())
    pixels = np.ascontiguousarray(rows[:, : grey.width()])
    return [
        code.text
        for code in zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    ]


def is_too_long(block: LoopBlock) -> bool:
    """Whether the program itself held up its loop for over 200 ms; see docs/decisions/0025."""
    starts = any(line.endswith(STARTS) for line in block.stack)
    ours = any(line.startswith("  app.") for line in block.stack) or block.stack[-1].endswith("run_forever")
    return ours and not starts and block.own / 1000 > LIMIT_SECONDS - BEAT_SECONDS


def can_be_judged() -> bool:
    """Whether this machine is calm: on one that is not, work takes a multiple of its time, and waits for threads that
    wait themselves."""
    return KNOWS_STARVED and os.getloadavg()[0] <= 2 * (os.cpu_count() or 1)


@asynccontextmanager
async def conecta(settings: Settings, *, loaded: bool = True) -> AsyncIterator[Session]:
    """The program from start to end; leaving closes the window as a person would, and waits."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    core = build_services(settings, policy=ReconnectPolicy(first=0.2, cap=2))
    reports = CrashReports("test")
    crashes: list[CrashReport] = []
    reports.reported.connect(crashes.append)
    give_back = reports.install()
    blocks: list[LoopBlock] = []
    core.loop_watchdog.subscribe(blocks.append)
    frame = Frame(app, settings.preferences, core.clock)
    program = Application(frame, core, reports)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(program.run())
        session = Session(core, program.window)
        await until(lambda: frame.window._pane is not None and (frame.model._loaded or not loaded))
        program.window.activateWindow()  # on a screen that no window manager looks after, nobody else does
        await until(program.window.isActiveWindow)
        try:
            yield session
        finally:
            program.window.close()
            await until(lambda: running.done() or not isValid(program.window) or session.dialogs(), within=20)
            if not running.done() and isValid(program.window):
                session.click(texts("question.close.confirm"), session.dialogs()[0])
            await running
            give_back()
    assert crashes == []
    too_long = [block_text(block) for block in blocks if is_too_long(block)]
    sys.stdout.write("\n\n".join(too_long))
    assert too_long == [] or not can_be_judged()
