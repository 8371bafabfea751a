"""Records unexpected exceptions: whoever logs one as an error has it recorded, and Python's own hooks log theirs."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final

from app.domain.crash_report import (
    MOST_LINES,
    Crash,
    CrashEffect,
    CrashPlace,
    CrashReport,
    decode_report,
    encode_report,
)
from app.domain.errors import Problem
from app.domain.outline import message_outline
from app.domain.redaction import redacted
from app.platform.files import read_small, write_atomic
from app.platform.logging import record_trace

log = logging.getLogger(__name__)

MOST_REPORTS: Final = 20
LARGEST_REPORT: Final = 64 * 1024
"""Bytes of one report on the disk."""

_LOGGERS: Final = ("app", "asyncio")
_MARK: Final = "_conecta_recorded"

CrashListener = Callable[[CrashReport], None]


class CrashRecorder:
    """Counts each unexpected exception, tells of the first of its kind in this run, and keeps reports in *folder*.

    `install` takes over the hooks. Any thread may record.
    """

    def __init__(self, folder: Path | None, version: str) -> None:
        self._folder = folder
        self._version = version
        self._listeners: list[CrashListener] = []
        self._reports: dict[str, CrashReport] = {}  # of this run, by their keys
        self._unwritten: set[str] = set()
        self._earlier: dict[str, CrashReport | None] = {}  # what the disk had of them; of the writing thread
        self._changing = threading.RLock()
        self._writer: ThreadPoolExecutor | None = None
        self._handler = _Handler(self)

    def subscribe(self, listener: CrashListener) -> None:
        """Call *listener* on the thread that failed, once for each kind of crash."""
        self._listeners.append(listener)

    def install(self) -> Callable[[], None]:
        """Take over the hooks for what nobody catches, and listen to the log; the returned function undoes both."""
        before = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook, threading.excepthook, sys.unraisablehook = _on_uncaught, _on_thread, _on_unraisable
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._handler)

        def undo() -> None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = before
            for name in _LOGGERS:
                logging.getLogger(name).removeHandler(self._handler)
            self.flush()

        return undo

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the block, a command, logs, and the exception that ends it."""
        undo = self.install()
        try:
            yield
        except Exception as error:
            if not isinstance(error, (Problem, OSError, EOFError)):  # those are explained to who gave the command
                fields = {"place": CrashPlace.COMMAND, "effect": CrashEffect.COMMAND_ENDED}
                log.exception("A command failed unexpectedly", extra=fields)
            raise
        finally:
            undo()

    def record(self, crash: Crash) -> None:
        """Count *crash*, and tell of it unless it happened before in this run."""
        now = datetime.now(UTC)
        with self._changing:
            known = self._reports.get(crash.key)
            report = (
                CrashReport(crash=crash, version=self._version, first_at=now, last_at=now)
                if known is None
                else known.repeated(now)
            )
            if known is None and len(self._reports) >= MOST_REPORTS:
                return  # one more helps nobody
            self._reports[crash.key] = report
            if report.count & (report.count - 1):  # one that repeats wears no disk out: every power of two is written
                self._unwritten.add(crash.key)
            else:
                self._unwritten.discard(crash.key)
                self._write_later(report)
        if known is None:
            for listener in self._listeners:
                listener(report)

    def record_error(self, error: BaseException, effect: CrashEffect = CrashEffect.WENT_ON) -> None:
        """Log *error*, which is recorded with that, unless it was logged already."""
        if not getattr(error, _MARK, False):
            log.error("Unexpected exception", exc_info=error, extra={"effect": effect})

    def reports(self) -> tuple[CrashReport, ...]:
        """Those on the disk, with what happened before this run, and those of this run; the latest first."""
        self.flush()
        with self._changing:
            known = dict(self._reports)
        known.update({report.crash.key: report for file in self._files() if (report := _read(file)) is not None})
        return tuple(sorted(known.values(), key=lambda report: report.last_at, reverse=True))

    def flush(self) -> None:
        """Have everything on the disk."""
        with self._changing:
            writer, self._writer = self._writer, None
            late = [self._reports[key] for key in self._unwritten]
            self._unwritten.clear()
        if writer is not None:
            writer.shutdown()
        for report in late:
            self._write(report)

    # ------------------------------------------------------------------------------------------------------------------

    def on_record(self, record: logging.LogRecord) -> None:
        """Record what was logged as an error with an exception, or with the trace of a child process's."""
        lines = tuple(record_trace(record))[:MOST_LINES]
        error = record.exc_info[1] if record.exc_info else None
        if not lines or isinstance(error, Problem) or getattr(error, _MARK, False):
            return
        if error is not None:
            with suppress(AttributeError):  # one with slots and without a place for it is recorded again
                setattr(error, _MARK, True)
        ours = record.name.startswith("app.")
        fields = vars(record)
        crash = Crash(
            lines=lines,
            place=fields.get("place", CrashPlace.PROGRAM if ours else CrashPlace.TASK),
            effect=fields.get("effect", CrashEffect.WENT_ON),
            about=redacted(message_outline(record.msg, record.args)) if ours else "",
        )
        self.record(crash)

    def _write_later(self, report: CrashReport) -> None:
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, thread_name_prefix="crash reports")
        self._writer.submit(self._write, report)

    def _write(self, report: CrashReport) -> None:
        """Write *report* with what the disk knew of it before this run. A full disk loses it, and bothers nobody."""
        if self._folder is None:
            return
        key = report.crash.key
        path = self._folder / f"{key}.json"
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if key not in self._earlier:
                self._earlier[key] = _read(path)
            if (earlier := self._earlier[key]) is not None:
                report = replace(report, first_at=earlier.first_at, count=report.count + earlier.count)
            write_atomic(path, encode_report(report).encode())
            for file in self._files()[MOST_REPORTS:]:
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """The reports on the disk, the latest first."""
        if self._folder is None:
            return []
        try:
            return sorted(self._folder.glob("*.json"), key=lambda file: file.lstat().st_mtime, reverse=True)
        except OSError:
            return []


class _Handler(logging.Handler):
    def __init__(self, recorder: CrashRecorder) -> None:
        super().__init__(logging.ERROR)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._recorder.on_record(record)
        except Exception:  # noqa: BLE001 - as every handler: what cannot be recorded must not stop who logs
            self.handleError(record)


def _read(file: Path) -> CrashReport | None:
    try:
        content = read_small(file, LARGEST_REPORT)
    except OSError:
        return None
    return None if content is None else decode_report(content.decode(errors="replace"))


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.error("Uncaught exception", exc_info=(kind, error, trace))


def _on_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        log.error("Uncaught exception in a thread", exc_info=args.exc_value, extra={"place": CrashPlace.THREAD})


def _on_unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        log.error("Uncaught exception where none can be raised", exc_info=args.exc_value)
