"""Opens the window, which is on the screen before the core is even imported.

`Frame` is what that takes, `Program` is the rest.
"""

from __future__ import annotations

import gc
import sys

from app import __version__
from app.clock import SystemClock
from app.display import require_display, require_platform_libraries
from app.domain.errors import Code, Problem
from app.files import prepare_data_folder, require_room
from app.settings import Settings


def open_window(settings: Settings) -> int:
    """Show the window until it is closed; a second start only brings the first to the front. Raises `Problem`."""
    gc.disable()  # nothing that is loaded now is garbage; `run` collects what is, once there may be some
    require_display()
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as error:  # Qt's wheel brings no system libraries
        raise Problem(Code.SYSTEM_LIBRARY_MISSING, library=str(error).split(":")[0]) from error
    _leave_sources_unread()
    require_platform_libraries()
    from app.ui.single_instance import SingleInstance

    app = QApplication(sys.argv[:1])
    app.setApplicationName("Conecta")
    app.setDesktopFileName("conecta")
    prepare_data_folder(settings.data_dir)
    instance = SingleInstance(settings.instance)
    if not instance.claim():
        if instance.raise_first():
            return 0
        require_room(settings.data_dir)  # a full or read-only disk takes no lock either
        raise Problem(Code.ALREADY_RUNNING, path=str(settings.instance))
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


def _leave_sources_unread() -> None:
    """Spare the start what takes as long as painting: PySide reads the source of every module imported after it.

    It looks for users of the names it can switch (``from __feature__ import snake_case``). There are none here.
    """
    from PySide6.support import feature  # type: ignore[attr-defined]  # its stubs leave it out

    feature.feature_imported = lambda _module: None
