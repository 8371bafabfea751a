"""Runs commands of Conecta in children of one process that has loaded the program: none costs a start of Python.

What is asked is a JSON list on standard input, what came of it a JSON list of exit codes on standard output: None for
one that had to be killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

LIMIT_SECONDS: Final = 30.0
AT_ONCE: Final = 3


class Running:
    """A child, and when it has to be told to stop."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._began = time.monotonic()
        self._out = Path(asked["out"])
        self._until: str = asked["until"]  # words after which it is told to stop; empty for one that ends by itself
        self._pid = os.fork()
        if self._pid == 0:
            _become(asked)
        self.code: int | None = None

    def ended(self) -> bool:
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
            return True
        if time.monotonic() - self._began > LIMIT_SECONDS:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            return True
        if self._until and self._out.exists() and self._until in self._out.read_text(errors="replace"):
            os.kill(self._pid, signal.SIGTERM)
            self._until = ""
        return False


def _become(asked: dict[str, Any]) -> None:
    """Be the command, to its end."""
    written = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in ((0, nothing), (1, written), (2, written)):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    from app.__main__ import main

    try:
        code = main(asked["words"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - as Python itself would end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_all(asked: list[dict[str, Any]]) -> list[int | None]:
    codes: dict[int, int | None] = {}
    running: dict[int, Running] = {}
    waiting = list(enumerate(asked))
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number, each = waiting.pop(0)
            running[number] = Running(each)
        for number in [number for number, each in running.items() if each.ended()]:
            codes[number] = running.pop(number).code
        time.sleep(0.005)
    return [codes[number] for number in range(len(asked))]


def main() -> None:
    import app.cli.doctor
    import app.cli.main
    import app.cli.run
    import app.doctor
    import app.platform.crash_recorder
    import app.providers.registry
    import app.storage.inspection  # noqa: F401 - loaded once, for all of the children

    json.dump(run_all(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
