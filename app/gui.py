"""Starts the window, which is painted before the core is imported; `Application` attaches the rest."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.domain.errors import Problem, ProblemCode
from app.platform.display import check_display, check_platform_libraries, library_missing
from app.platform.files import prepare_data_folder, require_room
from app.platform.installation import program_command, start_again
from app.platform.system import SystemClock
from app.settings import Settings

if TYPE_CHECKING:
    from app.ui.single_instance import SingleInstance


def run_sample(settings: Settings) -> int:
    """Show a window with sample data in the language and look of *settings*, until it is closed. Raises `Problem`."""
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # the real one is for real people
    from app.sample import sample_folder

    with sample_folder(settings) as sample:
        return run_gui(sample, of_sample=True)


def open_sample_window(settings: Settings) -> None:
    """Start the program once more, with sample data. Whatever happens there, this one has no part in it."""
    from PySide6.QtCore import QProcess, QProcessEnvironment

    from app.providers.hosts.process import child_environment

    program, *arguments = program_command()
    environment = QProcessEnvironment()
    here = {**os.environ, "CONECTA_DATA_DIR": str(settings.data_dir)}
    for name, value in child_environment(here).items():
        environment.insert(name, value)
    child = QProcess()
    child.setProgram(program)
    child.setArguments([*arguments, "sample"])
    child.setProcessEnvironment(environment)
    child.startDetached()


def paint_window() -> int:
    """Paint an empty window, make a QR and read it back, and print what was seen as JSON: for `conecta self-test`.

    Raises `Problem` where a library of the system is missing.
    """
    from io import BytesIO
    from tempfile import TemporaryDirectory

    from PIL import Image

    try:
        from PySide6.QtGui import QFontInfo
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        raise library_missing(error) from error
    from app.frame import Frame
    from app.platform.terminal import json_line, printed
    from app.ui.detail_pane.qr import encode, png

    with TemporaryDirectory() as folder:
        app = QApplication(sys.argv[:1])
        frame = Frame(app, Path(folder) / "window.ini", SystemClock())
        frame.window.show_at_once()
        app.processEvents()
        picture = frame.window.grab().toImage()
        colours = {picture.pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)}
        font = QFontInfo(app.font()).family()
        matrix = encode("conecta self-test")
        symbol = Image.open(BytesIO(png(matrix))).convert("L")
        edge = 4 * symbol.width // (matrix.size + 8)
        inside = symbol.crop((edge, edge, symbol.width - edge, symbol.height - edge))
        read = inside.resize((matrix.size, matrix.size), Image.Resampling.NEAREST).tobytes()
    whole = len(colours) > 3 and read == bytes(matrix.modules)
    printed(json_line({"width": picture.width(), "height": picture.height(), "font": font}))
    return 0 if whole else 1


def run_gui(settings: Settings, *, of_sample: bool = False) -> int:
    """Show the window until it is closed; a second start only brings the first to the front. Raises `Problem`."""
    gc.disable()  # nothing that is loaded now is garbage; `run` collects what is, once there may be some
    check_display()
    _begin_to_read_fonts()
    try:
        import PySide6.QtWidgets  # noqa: F401 - whether it can be
    except ImportError as error:  # Qt's wheel brings no system libraries
        raise library_missing(error) from error
    _leave_sources_unread()
    check_platform_libraries()
    from app.ui.single_instance import SingleInstance
    from app.ui.theme.theme import new_application

    app = new_application(sys.argv[0])
    app.setApplicationName("Conecta")
    app.setDesktopFileName("conecta")
    prepare_data_folder(settings.data_dir)
    instance = SingleInstance(settings.instance)
    if not _claim(instance, settings.instance):
        return 0
    from app.frame import Frame

    clock = SystemClock()
    frame = Frame(app, settings.preferences, clock)
    if of_sample:
        frame.window.mark_as_sample()
    frame.window.show_at_once()
    frame.show_people(settings.database)

    from app.platform.logging import configure_logging

    configure_logging(settings.log_file)
    from app.application import Application
    from app.bootstrap import build_services
    from app.ui.async_slots import run
    from app.ui.crash import CrashReports

    reports = CrashReports(__version__, settings.crash_dir)
    give_back = reports.install()
    services = partial(build_services, settings, clock=clock)
    if of_sample:
        import asyncio

        from app.sample import add_sample_people, sample_services

        asyncio.run(add_sample_people(settings, clock))
        services = partial(sample_services, settings, clock)
    else:
        frame.window.sample_requested.connect(partial(open_sample_window, settings))
    again = False

    async def serve() -> None:
        nonlocal again
        application = Application(frame, services(), reports, instance)
        await application.run()
        again = application.update.restarts

    try:
        run(app, serve)
    finally:
        give_back()
        instance.release()
    if again:
        start_again(sys.argv[1:])
    return 0


def _claim(instance: SingleInstance, file: Path) -> bool:
    """Whether this is the only window of its data folder; False when the first one came to the front instead.

    Raises `Problem` when another has the folder, or a person does not want to overrule one that may have it.
    """
    try:
        if instance.claim():
            return True
        if not instance.may_be_overruled:
            if instance.raise_first():
                return False
            raise Problem(ProblemCode.ALREADY_RUNNING, holder=instance.holder)
        if not open_here_anyway(instance.holder):
            raise Problem(ProblemCode.WINDOW_HELD_ELSEWHERE, holder=instance.holder)
        if not instance.claim(overrule=True):  # another start was quicker
            raise Problem(ProblemCode.ALREADY_RUNNING, holder=instance.holder)
    except OSError as error:
        require_room(file.parent)  # a full or read-only disk takes no lock
        raise Problem(ProblemCode.DATABASE_NOT_WRITABLE, path=str(file), detail=error.strerror or "") from error
    return True


def open_here_anyway(holder: str) -> bool:
    """Ask the person whether the window of *holder*, which cannot be reached from here, is gone. No loop runs yet."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QMessageBox

    from app.text.status import texts

    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Conecta")
    box.setTextFormat(Qt.TextFormat.PlainText)  # the holder's name was written by another computer
    line = texts("window_lock.line", holder=holder)
    box.setText("\n\n".join((texts("window_lock.title"), line, texts("window_lock.warning"))))
    cancel = box.addButton(texts("window_lock.cancel"), QMessageBox.ButtonRole.RejectRole)
    here = box.addButton(texts("window_lock.open"), QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is here


def show_problem(problem: Problem) -> None:
    """Show why the window does not open, until the person closes it. Does nothing without a screen."""
    try:
        check_display()
        check_platform_libraries()
        from PySide6.QtCore import Qt
        from PySide6.QtGui import QGuiApplication
        from PySide6.QtWidgets import QApplication, QMessageBox
    except (Problem, ImportError):
        return
    from app.text.status import problem as words

    _app = QApplication.instance() or QApplication(sys.argv[:1])  # for as long as the box is shown
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return
    sentence, step = words(problem)
    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Critical)
    box.setWindowTitle("Conecta")
    box.setTextFormat(Qt.TextFormat.PlainText)  # it can quote what others wrote
    box.setText(f"{sentence}\n\n{step}\n\n[{problem.code}]")
    box.exec()


def _begin_to_read_fonts() -> None:
    """Have fontconfig read what fonts there are on another processor, while this one imports Qt."""
    if sys.platform == "linux":
        import ctypes
        from threading import Thread

        with suppress(OSError, AttributeError):
            Thread(target=ctypes.CDLL("libfontconfig.so.1").FcInit, daemon=True).start()


def _leave_sources_unread() -> None:
    """Spare the start what takes as long as painting: PySide reads the source of every module imported after it.

    It looks for users of the names it can switch (``from __feature__ import snake_case``), and asks at every import
    whether one begins here, which makes those within functions slow. There are none here.
    """
    import builtins

    from PySide6.support import feature  # type: ignore[attr-defined]  # its stubs leave it out

    feature.feature_imported = lambda _module: None
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
