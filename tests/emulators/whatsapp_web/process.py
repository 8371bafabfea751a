"""The emulator in a process of its own, as a context for tests."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.emulators.whatsapp_web import session_host
from tests.emulators.whatsapp_web.control import EmulatorControl

_ROOT: Final = Path(__file__).parents[3]
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - linking writes hundreds of keys one by one, which disks are slow at
_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0


def quick_directory() -> Path | None:
    """Where files are in memory, if this machine has such a place; pass it as ``dir`` to `tempfile`."""
    return _MEMORY if _MEMORY.is_dir() else None


class EmulatorProcess:
    """A running emulator with a directory for it and for the sessions of its clients."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="conecta-emulator-", dir=quick_directory()))
        self.directory = self._home / "emulator"
        self.sessions = self._home / "sessions"
        self.directory.mkdir()
        self.sessions.mkdir()
        command = [sys.executable, "-m", "tests.emulators.whatsapp_web", str(self.directory)]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE)
        try:
            self._await_start()
        except BaseException:
            self.kill()
            raise
        self.control = EmulatorControl(self.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """The environment for a child process whose Go client shall find this emulator."""
        return {**session_host.environment(self.directory), "PYTHONPATH": _path()}

    def host_command(self) -> str:
        """What to put into ``CONECTA_SESSION_HOST``, so that the application's session hosts find this emulator.

        It is run from the root of the project, or with that on ``PYTHONPATH`` as in `environment`.
        """
        return shlex.join([sys.executable, "-m", session_host.__name__, str(self.directory)])

    def stop(self) -> None:
        """Let it end, or kill it if it does not; its directory goes too."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._clean()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._clean()

    def _await_start(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while not (self.directory / "emulator.json").exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the emulator did not start")
            time.sleep(0.01)

    def _clean(self) -> None:
        self._process.wait(_STOP_SECONDS)
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        shutil.rmtree(self._home, ignore_errors=True)


def _path() -> str:
    return os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
