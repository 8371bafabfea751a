"""What can be wrong with settings, versions, the WhatsApp library and the screen."""

from __future__ import annotations

import sys
from pathlib import Path

from app.domain.diagnosis import DiagnosisCode as C
from app.domain.errors import ProblemCode
from app.domain.link_status import Reason
from app.providers.hosts.codec import encode
from app.providers.whatsapp_web import protocol
from tests.acceptance.diagnostics.machine import Machine
from tests.acceptance.diagnostics.planting import fault

# --- settings and versions ------------------------------------------------------------------------------------------


@fault(C.SETTINGS_INVALID, "Correct it there", problem=ProblemCode.SETTING_INVALID)
def an_address_that_would_carry_tokens_openly(machine: Machine) -> None:
    machine.environment["CONECTA_ZAPI_URL"] = "http://example.com"


@fault(C.SETTINGS_INVALID, "chmod", problem=ProblemCode.SETTINGS_FILE_UNSAFE)
def a_settings_file_that_others_may_write(machine: Machine) -> None:
    file = machine.home / "settings.env"
    file.write_text("BAILEYS_ENABLE_LOGGING=true\n")
    file.chmod(0o666)
    machine.environment["CONECTA_ENV_FILE"] = str(file)


@fault(C.SETTINGS_UNUSED, "Write them in", says="CONECTA_SESSION_HOST")
def a_settings_file_that_came_with_an_archive(machine: Machine) -> None:
    (machine.folder / ".env").write_text("CONECTA_SESSION_HOST=/opt/somebody\n")


@fault(
    C.PYSIDE_PITFALL if sys.version_info < (3, 12) else C.PYSIDE_UNSUPPORTED,
    'pip install "pyside6-essentials>=6.11.3,<6.12"',
    says="6.12.0",
    also=(C.SHIBOKEN_DIFFERS,),
)
def a_qt_that_ends_the_window_on_this_python(machine: Machine) -> None:
    machine.installs("pyside6_essentials", "6.12.0")


@fault(C.PYSIDE_UNSUPPORTED, "pip install", says="6.8.1", also=(C.SHIBOKEN_DIFFERS,))
def a_qt_that_is_too_old(machine: Machine) -> None:
    machine.installs("pyside6_essentials", "6.8.1")


@fault(C.SHIBOKEN_DIFFERS, "shiboken6==6.11", says="6.10.0")
def bindings_of_another_qt(machine: Machine) -> None:
    machine.installs("shiboken6", "6.10.0")


@fault(C.PYSIDE_MISSING, "pyside6-essentials")
def no_qt_at_all(machine: Machine) -> None:
    machine.lacks("pyside6", "shiboken6")


# --- the WhatsApp library and its host --------------------------------------------------------------------------------


def _library(folder: Path) -> Path:
    return next(each for each in folder.iterdir() if each.name.startswith("neonize-"))


@fault(C.ENGINE_ABSENT, "pip install neonize==0.5.2", says="is not installed")
def no_whatsapp_library(machine: Machine) -> None:
    _library(machine.replaces("neonize")).unlink()


@fault(C.ENGINE_ALTERED, "--force-reinstall neonize==0.5.2")
def a_whatsapp_library_that_somebody_replaced(machine: Machine) -> None:
    library = _library(machine.replaces("neonize"))
    whole = library.read_bytes()
    library.unlink()
    library.write_bytes(whole + b"\0")


@fault(C.ENGINE_ALTERED, "--force-reinstall neonize==0.5.2")
def a_whatsapp_library_that_was_cut_off(machine: Machine) -> None:
    library = _library(machine.replaces("neonize"))
    half = library.read_bytes()[: 1 << 20]
    library.unlink()
    library.write_bytes(half)


@fault(C.ENGINE_WRONG_VERSION, "pip install neonize==0.5.2", says="0.5.1")
def a_whatsapp_library_of_another_version(machine: Machine) -> None:
    machine.installs("neonize", "0.5.1")


@fault(C.ENGINE_WRONG_VERSION, "pip install neonize==0.5.2", says="found 0.4.9")
def a_host_that_loads_another_library(machine: Machine) -> None:
    ready = encode(protocol.Ready(protocol=protocol.VERSION, engine="", pid=1)).decode()
    unable = encode(protocol.Unable(reason=Reason.ENGINE_MISMATCH, detail="found 0.4.9, made for 0.5.2")).decode()
    (machine.home / "said").write_text(ready + unable)
    machine.host_says(f'cat "{machine.home}/said"; exec cat >/dev/null')


@fault(C.HOST_NOT_STARTED, "CONECTA_SESSION_HOST", problem=ProblemCode.HOST_NOT_STARTED)
def a_host_command_that_is_not_there(machine: Machine) -> None:
    machine.environment["CONECTA_SESSION_HOST"] = "/nowhere/host"


@fault(C.HOST_UNABLE, "CONECTA_SESSION_HOST", says="exit")
def a_host_that_ends_at_once(machine: Machine) -> None:
    machine.host_says("exit 3")


@fault(C.HOST_SILENT, "CONECTA_SESSION_HOST", says="said nothing for 4 s")
def a_host_that_says_nothing(machine: Machine) -> None:
    machine.host_says("exec sleep 60")


# --- the screen -----------------------------------------------------------------------------------------------------


@fault(C.DISPLAY_DEAD, "DISPLAY", says=":4711")
def a_screen_that_does_not_answer(machine: Machine) -> None:
    del machine.environment["QT_QPA_PLATFORM"]
    machine.environment["DISPLAY"] = ":4711"


@fault(C.DISPLAY_INVALID, "xcb", problem=ProblemCode.SETTING_INVALID)
def a_platform_that_qt_does_not_have(machine: Machine) -> None:
    machine.environment["QT_QPA_PLATFORM"] = "holodeck"


@fault(C.LIBRARIES_MISSING, "sudo apt install libxcb-kursor0", says="libxcb-kursor.so.0", needs="ldd")
def a_library_of_the_system_that_qt_needs(machine: Machine) -> None:
    _needs_another(machine, b"libxcb-cursor.so.0", b"libxcb-kursor.so.0")


@fault(C.LIBRARIES_BROKEN, "sudo apt install --reinstall libxcb-cursor0", says="libxcb-cursor.so.0", needs="ldd")
def a_library_of_the_system_that_is_empty(machine: Machine) -> None:
    _found_first(machine, b"")


@fault(C.LIBRARIES_BROKEN, "sudo apt install --reinstall libxcb-cursor0", says="libxcb-cursor.so.0", needs="ldd")
def a_library_of_the_system_that_is_something_else(machine: Machine) -> None:
    _found_first(machine, b"no library at all" * 1000)


def _found_first(machine: Machine, content: bytes) -> None:
    """Let *content* be what the loader finds of a library that the window needs."""
    del machine.environment["QT_QPA_PLATFORM"]
    machine.extra.mkdir()
    (machine.extra / "libxcb-cursor.so.0").write_bytes(content)
    machine.environment["LD_LIBRARY_PATH"] = str(machine.extra)


@fault(C.QT_INCOMPLETE, "pip install --force-reinstall", says="libQt6Gvi.so.6", needs="ldd")
def a_part_of_qt_that_is_gone(machine: Machine) -> None:
    _needs_another(machine, b"libQt6Gui.so.6", b"libQt6Gvi.so.6")


def _needs_another(machine: Machine, library: bytes, other: bytes) -> None:
    """Let the window's platform plugin need *other* instead of *library*, in a copy of PySide6."""
    del machine.environment["QT_QPA_PLATFORM"]
    here = machine.replaces("PySide6", leaving_out=("Qt",))
    machine.replaces("shiboken6")
    there = next(each.resolve().parent for each in here.iterdir()) / "Qt"
    (here / "Qt" / "plugins" / "platforms").mkdir(parents=True)
    (here / "Qt" / "lib").symlink_to(there / "lib")
    plugin = (there / "plugins" / "platforms" / "libqxcb.so").read_bytes()
    (here / "Qt" / "plugins" / "platforms" / "libqxcb.so").write_bytes(plugin.replace(library, other))
