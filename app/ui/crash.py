"""When the program itself fails: a person gets a report that they can send, and learns what the program did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from app.domain.crash_report import CrashPlace, CrashReport, report_text
from app.platform.crash_recorder import CrashRecorder
from app.text.status import texts
from app.ui.theme import tokens as t
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import text_label
from app.ui.widgets.layouts import FlowLayout, vbox
from app.ui.widgets.split_view import scrolled

log = logging.getLogger(__name__)

_LEAST_TEXT = 100
"""Of the report, as much as is seen at once; in a window too low for that the words around it scroll away."""


class CrashReports(QObject):
    """Emits the first report of each unexpected exception on the window's thread, whichever thread failed."""

    reported = Signal(object)

    def __init__(self, version: str, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.recorder = CrashRecorder(folder, version)
        self.recorder.subscribe(self.reported.emit)

    def install(self) -> Callable[[], None]:
        """Take over Python's hooks; the returned function gives them back."""
        return self.recorder.install()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Catch exceptions in *loop* that nothing awaits."""
        loop.set_exception_handler(_on_loop)

    def report(self, error: BaseException) -> None:
        """Report *error*, unless it was logged and so reported already."""
        self.recorder.record_error(error)


def _on_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if error is None:
        loop.default_exception_handler(context)
        return
    fields = {"place": CrashPlace.TASK}
    log.error("Uncaught exception in the event loop: %s", context.get("message"), exc_info=error, extra=fields)


class CrashSheet(QDialog):
    """Shows crash reports, without blocking the window."""

    bundle_requested = Signal(object)
    """A support bundle is wanted, with the crash reports of these keys."""

    def __init__(self, report: CrashReport, theme: Theme, over: QWidget | None = None) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(texts("crash.title"))
        title = text_label(texts("crash.title"), "heading")
        self.effect = text_label()
        line = text_label(texts("crash.line"), "secondary")
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName(texts("crash.report"))
        self.text.setTabChangesFocus(True)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        self.text.setStyleSheet(f"font-family: '{fixed}'")
        self.bundle_button = QPushButton(texts("crash.bundle"))
        self.bundle_button.setProperty("role", "primary")
        self.bundle_button.clicked.connect(self._ask_for_bundle)
        self.copy_button = QPushButton(texts("crash.copy"))
        self.copy_button.clicked.connect(self._copy)
        close = QPushButton(texts("crash.close"))
        close.clicked.connect(self.close)

        buttons = QWidget()
        row = FlowLayout(buttons, spacing=t.SPACE_2)
        for button in (close, self.copy_button, self.bundle_button):
            row.addWidget(button)
        self.text.setMinimumHeight(theme.px(_LEAST_TEXT))
        self.area = scrolled(vbox(title, self.effect, line, (self.text, 1), spacing=t.SPACE_3))
        margin = t.SPACE_4
        vbox((self.area, 1), buttons, inside=self, margins=(margin, margin, margin, margin), spacing=t.SPACE_3)
        self._keys: list[str] = []
        room = (self.screen() if over is None else over.window()).size()
        self.resize(QSize(theme.px(600), theme.px(420)).boundedTo(room))
        self.add(report)
        close.setFocus()

    def add(self, report: CrashReport) -> None:
        """Show *report* too: one sheet is enough, however many failures there are."""
        self._keys.append(report.crash.key)
        self.effect.setText(texts(f"crash.effect.{report.crash.effect}"))
        self.text.setPlainText("\n\n".join(filter(None, (self.text.toPlainText(), report_text(report)))))
        self.copy_button.setText(texts("crash.copy"))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copy_button.setText(texts("crash.copied"))

    def _ask_for_bundle(self) -> None:
        self.close()
        self.bundle_requested.emit(tuple(self._keys))
