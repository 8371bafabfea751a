"""Reports unexpected exceptions of a child process to the app, as a line on its standard error output.

That output stays when the protocol's pipe is gone, and is there before the protocol begins.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from types import TracebackType

from app.domain.crash_report import CrashEffect, child_line

_STDERR = 2


def report_crash(error: BaseException, effect: CrashEffect = CrashEffect.WENT_ON) -> None:
    """Report *error* to the app, and print its traceback, from which the app reads why this process ended."""
    traceback.print_exception(error)
    try:
        sys.stderr.flush()
        os.write(_STDERR, f"{child_line(error, effect)}\n".encode())
    except OSError:  # nobody reads it any more
        return


def install_crash_hooks() -> None:
    """Report exceptions that nobody catches, on any thread, and those that a library logs instead of raising."""
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_thread
    sys.unraisablehook = _on_unraisable
    logging.getLogger().addHandler(_ErrorHandler(logging.ERROR))


def _on_uncaught(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    report_crash(error, CrashEffect.CHILD_RESTARTED)


def _on_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        report_crash(args.exc_value)


def _on_unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        report_crash(args.exc_value)


class _ErrorHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            report_crash(record.exc_info[1])
