"""Plays the story without a screen, and without anybody looking on."""

from __future__ import annotations

import asyncio
import faulthandler
import sys
from pathlib import Path

import psutil
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.ui.async_slots import run
from tests.demo.narration import Narrator, StepFailed
from tests.demo.place import DemoSetup, end_on_hangup, open_place
from tests.demo.providers_chapter import ProvidersChapter
from tests.demo.screenshots import README, Screenshots
from tests.demo.script import Story
from tests.demo.session import MovedClock, open_session
from tests.demo.switch_chapter import SwitchChapter

PLAYED, FAILED, INTERRUPTED = 0, 1, 130
LIMIT_SECONDS = 240.0
HANG_SECONDS = LIMIT_SECONDS + 30.0
"""When even the loop stands still, the process ends without a word more; the emulator and the hosts follow it."""

_KNOWN_NOISE = "This plugin does not support"


def play_offscreen(folder: Path, *, for_readme: bool) -> int:
    """Play it, leave the pictures in *folder*, and return the exit code: 0 only when every step was truly seen."""
    folder.mkdir(parents=True, exist_ok=True)
    if not for_readme:
        for former in folder.glob("[0-9][0-9]-*.png"):  # of a demo that told another story
            former.unlink()
    narrator = Narrator()
    failures: list[BaseException] = []
    pictures: list[int] = []

    async def main() -> None:
        end_on_hangup()
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                pictures.append(await _play(app, setup, folder, narrator, for_readme=for_readme))
        except Exception as error:  # noqa: BLE001 - told below, once everything is down
            failures.append(error)

    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    qInstallMessageHandler(_on_qt_message)
    app = QApplication(sys.argv[:1])
    with open_place() as setup:
        narrator.say("The emulator runs, in a process of its own; the data folder is new and empty")
        run(app, main)
        left = [child for child in psutil.Process().children() if child.pid != setup.phones.control.pid]
        if left and not failures:
            failures.append(StepFailed(f"processes were left running: {left}"))
    faulthandler.cancel_dump_traceback_later()
    for failure in failures:
        narrator.say(f"FAILED: {_innermost(failure)}")
    if failures:
        return FAILED
    if not pictures:
        narrator.say("Interrupted; everything was taken down")
        return INTERRUPTED
    narrator.say(f"Done: {narrator.steps} steps, {pictures[0]} pictures in {folder}; every process and folder is gone")
    return PLAYED


async def _play(app: QApplication, setup: DemoSetup, folder: Path, narrator: Narrator, *, for_readme: bool) -> int:
    async with open_session(app, setup.settings, MovedClock()) as session:
        screenshots = Screenshots(session, folder, README if for_readme else None)
        if for_readme:  # where the emulators listen is no news to a reader, who has none
            session.window.banners.clear("overrides")
        chapter = ProvidersChapter(session, setup.gateways, screenshots, narrator)
        switch = SwitchChapter(session, setup.gateways, screenshots, narrator)
        await Story(session, setup.phones, screenshots, narrator, chapter, switch).play()
    return screenshots.pictures


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _on_qt_message(_kind: QtMsgType, _context: QMessageLogContext, words: str) -> None:
    if not words.startswith(_KNOWN_NOISE):
        print(words, file=sys.stderr)  # noqa: T201 - what Qt does by itself
