"""Starts the window, which is painted before the core is imported; `Application` attaches the rest."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import socket
import struct
import sys
import threading
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app import __version__
from app.domain.errors import Problem, ProblemCode
from app.platform.files import prepare_data_folder, require_room
from app.platform.system import SystemClock
from app.settings import Settings

if TYPE_CHECKING:
    from app.ui.single_instance import SingleInstance


ANSWER_SECONDS: Final = 5.0
"""How long a display may take to answer; one that is frozen would hold the start for ever."""

_LIBRARY: Final = re.compile(r"(lib[\w.+-]+?)\.so\.(\d+)[\d.]*", re.ASCII)
_PACKAGES: Final = MappingProxyType({"libglib-2.0": "libglib2.0-0", "libgthread-2.0": "libglib2.0-0"})
"""Where the name of a Debian package does not follow from the library's."""

_WAYLAND, _XCB = "wayland", "xcb"
_DISPLAYS: Final = frozenset({_WAYLAND, _XCB})
_PLATFORMS: Final = _DISPLAYS | {"offscreen", "minimal", "vnc", "linuxfb", "eglfs"}
_WAYLAND_SYNC: Final = struct.pack("=III", 1, 12 << 16, 2)
"""``wl_display.sync`` of the Wayland protocol: object 1 is the display, 12 bytes long, answered to the new object 2."""


def check_platform_libraries(plugin: Path | None = None) -> None:
    """Load what Qt loads next, but ask first: it would end the process and blame the wrong library."""
    if sys.platform != "linux" or _XCB not in _platforms() or os.environ.get("WAYLAND_DISPLAY"):
        return
    import ctypes

    if plugin is None:
        import PySide6

        plugin = Path(PySide6.__file__).parent / "Qt/plugins/platforms/libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise library_missing(error) from error


def library_missing(error: Exception) -> Problem:
    """The problem of a library that the loader names first in *error*, with the Debian package that brings it."""
    library = str(error).split(":")[0]
    found = _LIBRARY.fullmatch(library)
    package = "libxcb-cursor0 libegl1 libxkbcommon-x11-0"  # what a minimal system lacks most often
    if found:
        name, version = found[1].lower(), found[2]
        package = _PACKAGES.get(name) or f"{name}{'-' if name[-1].isdigit() else ''}{version}"
    return Problem(ProblemCode.SYSTEM_LIBRARY_MISSING, library=library, package=package)


def check_display() -> None:
    """Raise `Problem(NO_DISPLAY)` where neither ``WAYLAND_DISPLAY`` nor ``DISPLAY`` leads to a server that answers.

    Qt tries them in this order, or those that ``QT_QPA_PLATFORM`` names. A Wayland that does not answer is taken out of
    the environment, so that Qt begins with the display that does.
    """
    if sys.platform != "linux":
        return
    platforms = _platforms()
    if not platforms <= _DISPLAYS:  # one that needs no display, as of a test
        return
    wayland = os.environ.get("WAYLAND_DISPLAY", "") if _WAYLAND in platforms else ""
    display = os.environ.get("DISPLAY", "") if _XCB in platforms else ""
    if wayland:
        if os.environ.get("WAYLAND_SOCKET") or _wayland_answers(wayland):
            return
        del os.environ["WAYLAND_DISPLAY"]
        os.environ.pop("XDG_SESSION_TYPE", None)
    if not display or not _x_answers(display):
        tried = (f"{name}={value}" for name, value in (("WAYLAND_DISPLAY", wayland), ("DISPLAY", display)) if value)
        raise Problem(ProblemCode.NO_DISPLAY, displays=", ".join(tried) or "DISPLAY")


def _platforms() -> set[str]:
    """The platforms of Qt that may be used. Raises `Problem(SETTING_INVALID)` where Qt would find none, and abort."""
    asked = {part.partition(":")[0] for part in os.environ.get("QT_QPA_PLATFORM", "").split(";") if part}
    if asked and not asked & _PLATFORMS:
        allowed = ", ".join(sorted(_PLATFORMS))
        raise Problem(ProblemCode.SETTING_INVALID, setting="QT_QPA_PLATFORM", allowed=allowed, place="$QT_QPA_PLATFORM")
    return asked & _PLATFORMS or set(_DISPLAYS)


def _wayland_answers(name: str) -> bool:
    """Whether a Wayland server answers a first request; *name* is a path, or a name in ``XDG_RUNTIME_DIR``."""
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "")) / name
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.settimeout(ANSWER_SECONDS)
            server.connect(str(path))
            server.sendall(_WAYLAND_SYNC)
            return bool(server.recv(1))
    except (OSError, ValueError):  # no such socket, nobody behind it; a name with a zero byte
        return False


def _x_answers(display: str) -> bool:
    """Whether an X server lets this user in, asked through the library that Qt uses."""
    import ctypes

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # `check_platform_libraries` names what is missing
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    answers: list[bool] = []

    def ask() -> None:
        connection = xcb.xcb_connect(os.fsencode(display), None)
        answers.append(not xcb.xcb_connection_has_error(connection))
        xcb.xcb_disconnect(connection)

    # A thread of its own that ends with the program: a server that is frozen never answers.
    asking = threading.Thread(target=ask, name="display", daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return answers == [True]


def run_sample(settings: Settings) -> int:
    """Show a window with sample data in the language and look of *settings*, until it is closed. Raises `Problem`."""
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # the real one is for real people
    from app.sample import sample_folder

    with sample_folder(settings) as sample:
        return run_gui(sample, of_sample=True)


def open_sample_window(settings: Settings) -> None:
    """Start the program once more, with sample data. Whatever happens there, this one has no part in it."""
    from PySide6.QtCore import QProcess, QProcessEnvironment

    from app.providers.hosts.process import child_command, child_environment

    frozen = getattr(sys, "frozen", False)
    program, *arguments = [sys.executable] if frozen else child_command("app", "")
    environment = QProcessEnvironment()
    here = {**os.environ, "CONECTA_DATA_DIR": str(settings.data_dir)}
    for name, value in child_environment(here).items():
        environment.insert(name, value)
    child = QProcess()
    child.setProgram(program)
    child.setArguments([*arguments, "sample"])
    child.setProcessEnvironment(environment)
    child.startDetached()


def run_gui(settings: Settings, *, of_sample: bool = False) -> int:
    """Show the window until it is closed; a second start only brings the first to the front. Raises `Problem`."""
    gc.disable()  # nothing that is loaded now is garbage; `run` collects what is, once there may be some
    check_display()
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as error:  # Qt's wheel brings no system libraries
        raise library_missing(error) from error
    _leave_sources_unread()
    check_platform_libraries()
    from app.ui.single_instance import SingleInstance

    app = QApplication(sys.argv[:1])
    app.setApplicationName("Conecta")
    app.setDesktopFileName("conecta")
    prepare_data_folder(settings.data_dir)
    instance = SingleInstance(settings.instance)
    if not _claim(instance, settings.instance):
        return 0
    from app.application import Frame

    clock = SystemClock()
    frame = Frame(app, settings.preferences, clock)
    if of_sample:
        frame.window.mark_as_sample()
    frame.window.show_at_once()

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
        from app.sample import add_sample_people, sample_services

        asyncio.run(add_sample_people(settings, clock))
        services = partial(sample_services, settings, clock)
    else:
        frame.window.sample_requested.connect(partial(open_sample_window, settings))
    try:
        run(app, lambda: Application(frame, services(), reports, instance).run())
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


def _leave_sources_unread() -> None:
    """Spare the start what takes as long as painting: PySide reads the source of every module imported after it.

    It looks for users of the names it can switch (``from __feature__ import snake_case``). There are none here.
    """
    from PySide6.support import feature  # type: ignore[attr-defined]  # its stubs leave it out

    feature.feature_imported = lambda _module: None
