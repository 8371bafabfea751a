"""Opens the window, which is on the screen before the core is even imported.

`Frame` is what that takes, `Program` is the rest.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.clock import SystemClock
from app.display import library_missing, require_display, require_platform_libraries
from app.domain.errors import Code, Problem
from app.files import prepare_data_folder, require_room
from app.settings import Settings

if TYPE_CHECKING:
    from app.ui.single_instance import SingleInstance


def open_window(settings: Settings) -> int:
    """Show the window until it is closed; a second start only brings the first to the front. Raises `Problem`."""
    gc.disable()  # nothing that is loaded now is garbage; `run` collects what is, once there may be some
    require_display()
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as error:  # Qt's wheel brings no system libraries
        raise library_missing(error) from error
    _leave_sources_unread()
    require_platform_libraries()
    from app.ui.single_instance import SingleInstance

    app = QApplication(sys.argv[:1])
    app.setApplicationName("Conecta")
    app.setDesktopFileName("conecta")
    prepare_data_folder(settings.data_dir)
    instance = SingleInstance(settings.instance)
    if not _claim(instance, settings.instance):
        return 0
    from app.ui.frame import Frame

    clock = SystemClock()
    frame = Frame(app, settings.preferences, clock)
    frame.window.show_at_once()

    from app.logs import configure_logging

    configure_logging(settings.log_file)
    from app.bootstrap import build_core
    from app.program import Program
    from app.ui.crash import CrashReports
    from app.ui.loop import run

    reports = CrashReports(__version__)
    give_back = reports.install()
    try:
        run(app, lambda: Program(frame, build_core(settings, clock=clock), reports, instance).run())
    finally:
        give_back()
        instance.release()
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
            raise Problem(Code.ALREADY_RUNNING, holder=instance.holder)
        if not open_here_anyway(instance.holder):
            raise Problem(Code.WINDOW_HELD_ELSEWHERE, holder=instance.holder)
        if not instance.claim(overrule=True):  # another start was quicker
            raise Problem(Code.ALREADY_RUNNING, holder=instance.holder)
    except OSError as error:
        require_room(file.parent)  # a full or read-only disk takes no lock
        raise Problem(Code.DATABASE_NOT_WRITABLE, path=str(file), detail=error.strerror or "") from error
    return True


def open_here_anyway(holder: str) -> bool:
    """Ask the person whether the window of *holder*, which cannot be reached from here, is gone. No loop runs yet."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QMessageBox

    from app.ui.text import texts

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


def _leave_sources_unread() -> None:
    """Spare the start what takes as long as painting: PySide reads the source of every module imported after it.

    It looks for users of the names it can switch (``from __feature__ import snake_case``). There are none here.
    """
    from PySide6.support import feature  # type: ignore[attr-defined]  # its stubs leave it out

    feature.feature_imported = lambda _module: None
