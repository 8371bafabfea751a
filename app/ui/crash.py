"""When the program itself fails: every hook leads here, and a person gets a report they can send."""

from __future__ import annotations

import asyncio
import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.domain.redaction import redacted
from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme

log = logging.getLogger(__name__)

_MOST = 20
"""Different failures that are shown in one run; past that, one more window helps nobody."""


def report(error: BaseException, version: str) -> str:
    """A report for support, without phone numbers, codes or keys."""
    lines = "".join(traceback.format_exception(error))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"Conecta {version}\n{system}\n\n{redacted(lines)}"


class CrashReports(QObject):
    """Catches unexpected exceptions, logs them, and reports each place once."""

    reported = Signal(str)

    def __init__(self, version: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._version = version
        self._seen: set[tuple[Any, ...]] = set()

    def install(self) -> Callable[[], None]:
        """Take over Python's hooks; the returned function gives them back."""
        before = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_uncaught
        threading.excepthook = self._on_thread

        def undo() -> None:
            sys.excepthook, threading.excepthook = before

        return undo

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Catch exceptions in *loop* that nothing awaits."""
        loop.set_exception_handler(self._on_loop)

    def report(self, error: BaseException) -> None:
        """Report *error*, unless one from the same place was reported before."""
        place = (type(error), *((f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)))
        if place in self._seen or len(self._seen) >= _MOST:
            return
        self._seen.add(place)
        self.reported.emit(report(error, self._version))

    def _on_uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("Uncaught exception", exc_info=(kind, error, trace))
        self.report(error)

    def _on_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            log.error("Uncaught exception in a thread", exc_info=args.exc_value)
            self.report(args.exc_value)

    def _on_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None:
            loop.default_exception_handler(context)
            return
        log.error("Uncaught exception in the event loop: %s", context.get("message"), exc_info=error)
        self.report(error)


class CrashSheet(QDialog):
    """Shows a crash report, without blocking the window."""

    def __init__(self, words: str, theme: Theme, over: QWidget | None = None) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(texts("crash.title"))
        self._words = words
        title = QLabel(texts("crash.title"), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        title.setProperty("role", "heading")
        line = QLabel(texts("crash.line"), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        line.setProperty("role", "secondary")
        self.text = QPlainTextEdit(words, readOnly=True)
        self.text.setAccessibleName(texts("crash.report"))
        self.text.setTabChangesFocus(True)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        self.text.setStyleSheet(f"font-family: '{fixed}'")
        self.copy_button = QPushButton(texts("crash.copy"))
        self.copy_button.setProperty("role", "primary")
        self.copy_button.clicked.connect(self._copy)
        close = QPushButton(texts("crash.close"))
        close.clicked.connect(self.close)

        buttons = QHBoxLayout()
        buttons.setSpacing(t.SPACE_2)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(t.SPACE_6, t.SPACE_6, t.SPACE_6, t.SPACE_6)
        layout.setSpacing(t.SPACE_3)
        for widget in (title, line, self.text):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        self.resize(theme.px(600), theme.px(420))
        close.setFocus()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._words)
        self.copy_button.setText(texts("crash.copied"))
