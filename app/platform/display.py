"""Whether Qt can open a window here, found out without Qt: it would end the process where it cannot."""

from __future__ import annotations

import os
import re
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.domain.errors import Problem, ProblemCode

if TYPE_CHECKING:
    from app.domain.diagnosis import Diagnosis

ANSWER_SECONDS: Final = 5.0
"""How long a display may take to answer; one that is frozen would hold the start for ever."""

_LIBRARY: Final = re.compile(r"(lib[\w.+-]+?)\.so\.(\d+)[\d.]*", re.ASCII)
_PACKAGES: Final = MappingProxyType({"libglib-2.0": "libglib2.0-0", "libgthread-2.0": "libglib2.0-0"})
"""Where the name of a Debian package does not follow from the library's."""

_PLUGIN: Final = "Qt/plugins/platforms/libqxcb.so"
_LOADED: Final = frozenset({"QtCore.abi3.so", "QtGui.abi3.so", "QtWidgets.abi3.so", "libqxcb.so"})
_OWN: Final = ("libQt6", "libpyside6", "libshiboken6", "libicu")
"""How the names of the libraries begin that PySide6 brings itself."""

_REFUSED: Final = re.compile(
    r"error while loading shared libraries: (/[^:\n]+): |(/[^:\n]+): version `[^'\n]*' not found"
    r"|^(/[^\n]+):\n\s*not a dynamic executable",
    re.MULTILINE,
)
"""How the loader says that it does not take a file that is there."""

_LDD_SECONDS: Final = 4.0
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
        plugin = _qt_folder() / _PLUGIN
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise library_missing(error) from error


def library_missing(error: Exception) -> Problem:
    """The problem of a library that the loader names first in *error*, with the Debian package that brings it."""
    named, _, why = str(error).partition(": ")
    library = Path(named).name  # of one that is there the loader gives the whole path
    package = package_of(library) or "libxcb-cursor0 libegl1 libxkbcommon-x11-0"  # what is lacking most often
    if library == named or "cannot open shared object file" in why:
        return Problem(ProblemCode.SYSTEM_LIBRARY_MISSING, library=library, package=package)
    return Problem(ProblemCode.SYSTEM_LIBRARY_BROKEN, library=named, package=package, detail=why)


def package_of(library: str) -> str:
    """The Debian package that brings *library*; empty where its name does not tell."""
    found = _LIBRARY.fullmatch(library)
    if found is None:
        return ""
    name, version = found[1].lower(), found[2]
    return _PACKAGES.get(name) or f"{name}{'-' if name[-1].isdigit() else ''}{version}"


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
    named = _named_displays(os.environ, platforms)
    if (wayland := named.get("WAYLAND_DISPLAY")) is not None:
        if os.environ.get("WAYLAND_SOCKET") or _wayland_answers(wayland):
            return
        del os.environ["WAYLAND_DISPLAY"]
        os.environ.pop("XDG_SESSION_TYPE", None)
    if "DISPLAY" not in named or not _x_answers(named["DISPLAY"]):
        raise Problem(ProblemCode.NO_DISPLAY, displays=_listed(named) or "DISPLAY")


def _named_displays(environ: Mapping[str, str], platforms: set[str]) -> dict[str, str]:
    """The displays that the environment names, for those of *platforms* that need one."""
    names = [name for name, platform in (("WAYLAND_DISPLAY", _WAYLAND), ("DISPLAY", _XCB)) if platform in platforms]
    return {name: environ[name] for name in names if environ.get(name)}


def _listed(named: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in named.items())


def _platforms() -> set[str]:
    """The platforms of Qt that may be used. Raises `Problem(SETTING_INVALID)` where Qt would find none, and abort."""
    asked = {part.partition(":")[0] for part in os.environ.get("QT_QPA_PLATFORM", "").split(";") if part}
    if asked and not asked & _PLATFORMS:
        allowed = ", ".join(sorted(_PLATFORMS))
        raise Problem(ProblemCode.SETTING_INVALID, setting="QT_QPA_PLATFORM", allowed=allowed, place="$QT_QPA_PLATFORM")
    return asked & _PLATFORMS or set(_DISPLAYS)


def _wayland_answers(name: str) -> bool:
    """Whether a Wayland server answers a first request; *name* is a path, or a name in ``XDG_RUNTIME_DIR``."""
    import socket

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


def diagnose_display(qt: Path | None = None) -> Sequence[Diagnosis]:
    """Whether there is a display that answers, and each library that the window would miss. Changes nothing."""
    from app.domain.diagnosis import DiagnosisCode, diagnosed

    if sys.platform != "linux":
        return [diagnosed(DiagnosisCode.DISPLAY_FINE, display=sys.platform)]
    try:
        platforms = _platforms()
    except Problem as problem:
        return [diagnosed(DiagnosisCode.DISPLAY_INVALID, problem)]
    folder = _qt_folder() if qt is None else qt
    missing, broken = unloadable_libraries(folder, with_display=platforms <= _DISPLAYS)
    if own := [name for name in (*missing, *broken) if _is_of_qt(Path(name), folder)]:
        return [diagnosed(DiagnosisCode.QT_INCOMPLETE, libraries=", ".join(own))]
    for code, names in ((DiagnosisCode.LIBRARIES_MISSING, missing), (DiagnosisCode.LIBRARIES_BROKEN, broken)):
        if names:
            packages = " ".join(dict.fromkeys(filter(None, (package_of(Path(name).name) for name in names))))
            return [diagnosed(code, libraries=", ".join(names), packages=packages)]
    if not platforms <= _DISPLAYS:
        return [diagnosed(DiagnosisCode.DISPLAY_FINE, display=", ".join(sorted(platforms)))]
    named = _named_displays(os.environ, platforms)
    if not named:
        return [diagnosed(DiagnosisCode.DISPLAY_NONE)]
    answers = {"WAYLAND_DISPLAY": _wayland_answers, "DISPLAY": _x_answers}
    if os.environ.get("WAYLAND_SOCKET") or any(answers[name](value) for name, value in named.items()):
        return [diagnosed(DiagnosisCode.DISPLAY_FINE, display=_listed(named))]
    return [diagnosed(DiagnosisCode.DISPLAY_DEAD, displays=_listed(named))]


def _is_of_qt(library: Path, folder: Path) -> bool:
    return library.name.startswith(_OWN) or library.is_relative_to(folder)


def unloadable_libraries(qt: Path, *, with_display: bool) -> tuple[list[str], list[str]]:
    """The libraries that Qt's files in *qt* need and the loader does not find, and those it finds and refuses.

    ``ldd`` has the loader map each of them as for a start, and ends at the first that it refuses.
    """
    files = [*qt.glob("Qt*.abi3.so"), qt / _PLUGIN] if with_display else list(qt.glob("Qt*.abi3.so"))
    wanted = [str(file) for file in files if file.name in _LOADED and file.is_file()]
    import subprocess

    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - only files of the installation
            ["ldd", *wanted],  # noqa: S607 - the system's, wherever it is
            capture_output=True,
            text=True,
            timeout=_LDD_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        missing = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("=> not found")}
        refused = _REFUSED.findall(f"{done.stdout}\n{done.stderr}")
        return sorted(missing), sorted({"".join(each) for each in refused})
    return [], []


def _qt_folder() -> Path:
    """Where PySide6 is, found without importing it; the current folder where it is not installed."""
    spec = find_spec("PySide6")
    return Path(spec.origin).parent if spec is not None and spec.origin else Path()
