"""Whether the program opens when its user signs in: an entry in the folder that desktops on Linux look at."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from app.domain.errors import Problem, ProblemCode

_ENTRY: Final = """\
[Desktop Entry]
Type=Application
Name=Conecta
Exec={command}
TryExec={program}
Terminal=false
X-GNOME-Autostart-enabled=true
"""
_PLAIN: Final = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_HIDDEN: Final = re.compile(r"^(?:Hidden\s*=\s*true|X-GNOME-Autostart-enabled\s*=\s*false)\s*$", re.MULTILINE)


class Autostart:
    """Makes and removes the entry in *folder*, which starts *command*."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self.file = folder / "conecta.desktop"
        self._command = command

    def is_on(self) -> bool:
        """Whether there is an entry that the desktop's own settings did not switch off."""
        try:
            return not _HIDDEN.search(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False

    def switch_on(self) -> None:
        """Make the entry anew, for the program that runs now. Raises `Problem`."""
        new = self.file.with_suffix(f".{os.getpid()}")
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                new.write_text(
                    _ENTRY.format(command=_exec_line(self._command), program=_escaped(_started(self._command))),
                    encoding="utf-8",
                )
                new.replace(self.file)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            raise self._not_written(error) from error

    def switch_off(self) -> None:
        """Remove the entry. Raises `Problem`."""
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> Problem:
        return Problem(ProblemCode.AUTOSTART_NOT_WRITTEN, path=str(self.file), detail=error.strerror or str(error))


def autostart_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return where desktops look for what to open at login; None on a system that has no such folder."""
    if not sys.platform.startswith("linux"):
        return None
    given = os.environ if environment is None else environment
    chosen = Path(given.get("XDG_CONFIG_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".config") / "autostart"


def start_command(settings: Mapping[str, str], env_file: Path | None, environment: Mapping[str, str]) -> list[str]:
    """Return the command that opens the window of this program: with *settings* in its environment, and with the
    settings in *env_file*."""
    command = _program(environment)
    if command[1:]:  # from a folder that Python does not look in by itself
        settings = {**settings, "PYTHONPATH": str(Path(__file__).parents[2])}
    if env_file is not None:
        command += ["--env-file", str(env_file)]
    assigned = [f"{name}={value}" for name, value in sorted(settings.items())]
    return ["env", *assigned, *command] if assigned else command


def _program(environment: Mapping[str, str]) -> list[str]:
    if getattr(sys, "frozen", False):
        return [environment.get("APPIMAGE") or sys.executable]  # what runs inside an image is gone at the next login
    script = shutil.which("conecta", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-P", "-m", "app"]


def _exec_line(command: Sequence[str]) -> str:
    """*command* as the Desktop Entry Specification wants it: quoted, then escaped as every value is."""
    return _escaped(" ".join(_quoted(each) for each in command))


def _started(command: Sequence[str]) -> str:
    """The program in *command*, whose desktop does not open what is not installed any more, as TryExec says."""
    return next(each for each in command if each != "env" and "=" not in each)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _quoted(argument: str) -> str:
    argument = argument.replace("%", "%%")
    return argument if _PLAIN.fullmatch(argument) else '"' + re.sub(r'(["`$\\])', r"\\\1", argument) + '"'
