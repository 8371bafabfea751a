"""Asks for a display, and for the libraries it takes, before Qt does: Qt would end the process without a word."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.domain.errors import Code, Problem


def require_platform_libraries(plugin: Path | None = None) -> None:
    """Load what Qt loads next, but ask first: it would end the process and blame the wrong library."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") or os.environ.get("WAYLAND_DISPLAY"):
        return
    import ctypes

    if plugin is None:
        import PySide6

        plugin = Path(PySide6.__file__).parent / "Qt/plugins/platforms/libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise Problem(Code.SYSTEM_LIBRARY_MISSING, library=str(error).split(":")[0]) from error


def require_display() -> None:
    """Raise `Problem` where Qt would end the process without a word a person understands."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return
    display = os.environ.get("DISPLAY", "")
    if not display and not os.environ.get("WAYLAND_DISPLAY"):
        raise Problem(Code.NO_DISPLAY)
    if os.environ.get("WAYLAND_DISPLAY") or not display.startswith(":"):
        return
    import socket

    number = display[1:].split(".")[0]
    with socket.socket(socket.AF_UNIX) as server:
        for address in (f"\0/tmp/.X11-unix/X{number}", f"/tmp/.X11-unix/X{number}"):  # noqa: S108 - X's own place
            try:
                server.connect(address)
            except OSError:
                continue
            return
    raise Problem(Code.NO_DISPLAY)
