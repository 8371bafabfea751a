"""A program under measurement in a process of its own. It says what happens to it in lines: a name, the time, details.

The time is `time.monotonic()`, which is the same in every process of the machine.
"""

from __future__ import annotations

import atexit
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import psutil

from tests.emulators.whatsapp_web.process import quick_directory

ROOT: Final = Path(__file__).parents[2]
MEBIBYTE: Final = 1 << 20
_WITHIN: Final = 60.0
_OWN: Final = re.compile(r"^(?:Anonymous|Swap): +(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One line of a program."""

    name: str
    at: float
    details: str


class Spawned:
    """Runs ``tests.benchmarks.programs.<name>``; leaving the context ends it and whatever it started."""

    def __init__(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", f"tests.benchmarks.programs.{name}", *arguments]
        self._name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program
        # It is killed, and cannot remove its folders itself.
        self._folder = tempfile.TemporaryDirectory(prefix="conecta-bench-", ignore_cleanup_errors=True)
        self.started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=as_installed({**os.environ, "TMPDIR": self._folder.name, **(environment or {})}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError:
            self._errors.close()
            self._folder.cleanup()
            raise
        self._output: queue.SimpleQueue[OutputLine | None] = queue.SimpleQueue()
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Kill it, and whatever it started."""
        family: list[psutil.Process | subprocess.Popen[bytes]] = [self._process, *self.children()]
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()
        self._folder.cleanup()

    def wait(self, name: str, within: float = _WITHIN) -> OutputLine:
        """Wait until it says *name*; what it says before is skipped. Raises `RuntimeError` when it ends or is late."""
        deadline = time.monotonic() + within
        while True:
            line = self.next_line(max(0.0, deadline - time.monotonic()), name)
            if line.name == name:
                return line

    def next_line(self, within: float = _WITHIN, name: str = "more") -> OutputLine:
        """Wait for its next line. Raises `RuntimeError`, which says that it was to be *name*, as `wait` does."""
        try:
            line = self._output.get(timeout=within)
        except queue.Empty:
            line = None
        if line is None:
            raise RuntimeError(f"{self._name} did not say {name!r}:\n{self._last_words()}")
        return line

    def poll(self, name: str, within: float) -> OutputLine | None:
        """Its next line called *name*; None when it says nothing at all for *within* seconds."""
        while True:
            try:
                line = self._output.get(timeout=within)
            except queue.Empty:
                return None
            if line is None or line.name == name:
                return line

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._process.pid)

    def milliseconds_until(self, name: str) -> float:
        """From its start until it says *name*."""
        return 1000 * (self.wait(name).at - self.started)

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def close(self) -> None:
        """Close its input, on which it ends by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(_WITHIN)

    def private_memory(self) -> float:
        return private_memory(self.process)

    def resident_memory(self) -> float:
        """All that it has in memory, in MiB, shared or not: whoever else runs makes no difference to it."""
        return float(self.process.memory_info().rss) / MEBIBYTE

    def own_memory(self) -> float:
        """What of that is no file's, in MiB: all that it made itself, and shares with nobody."""
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text("ascii")
        return sum(int(found) for found in _OWN.findall(rollup)) * 1024 / MEBIBYTE

    def _listen(self, output: IO[bytes]) -> None:
        for line in output:
            name, at, *details = line.decode().rstrip("\n").split(" ", 2)
            self._output.put(OutputLine(name, float(at), details[0] if details else ""))
        self._output.put(None)

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode(errors="replace")


def private_memory(process: psutil.Process) -> float:
    """What would be free again if it ended, in MiB: its private pages, clean and dirty."""
    return float(process.memory_full_info().uss) / MEBIBYTE


def family_memory(processes: Iterable[psutil.Process]) -> float:
    """What would be free again if all *processes* ended, in MiB. Of a page that several of them share, each has a part:
    what was forked shares with nobody else."""
    return sum(_part_of_memory(process.pid) for process in processes)


def _part_of_memory(pid: int) -> float:
    fields = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Pss_Dirty")) / 1024


def as_installed(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """*base* as an installed program has it: its modules are compiled, whatever this checkout's owner prefers."""
    kept = {name: value for name, value in base.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(_compiled()), "QT_LOGGING_RULES": "*=false"}


@cache
def _compiled() -> Path:
    """Where the modules' compiled form is kept; the first run of each program, which fills it, is never counted."""
    folder = tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=quick_directory(), ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return Path(folder.name)
