"""The clipboard as a place for a pairing code, which is a credential: what was put there is taken back in time."""

from __future__ import annotations

import secrets
from datetime import datetime

from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QImage

from app.domain.repositories import Clock

TICK_MILLISECONDS = 500
_OWN = "application/x-conecta-pairing-code"
_SECRET_HINT = "x-kde-passwordManagerHint"  # noqa: S105 - the name of a format: histories of clipboards leave it out


class CodeClipboard(QObject):
    """Puts a code on the clipboard until it expires. What somebody copied since is left alone."""

    changed = Signal()

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._token = secrets.token_bytes(8)
        self._until: datetime | None = None
        self.holds_picture = self.holds_text = False
        self._timer = QTimer(self, interval=TICK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        QGuiApplication.clipboard().dataChanged.connect(self._on_clipboard)
        token = self._token
        self.destroyed.connect(lambda _gone: _clear(token))  # not self, which is gone by then
        if application := QCoreApplication.instance():
            application.aboutToQuit.connect(self.take_back)

    def put_picture(self, png: bytes, until: datetime) -> None:
        """Put the image *png* there until that time."""
        data = QMimeData()
        data.setImageData(QImage.fromData(png))
        self._put(data, until, picture=True)

    def put_text(self, words: str, until: datetime) -> None:
        """Put *words* there until that time."""
        data = QMimeData()
        data.setText(words)
        self._put(data, until, picture=False)

    def look(self) -> None:
        """Take back what has expired."""
        if self._until is not None and self._clock.now() >= self._until:
            self.take_back()

    def take_back(self) -> None:
        """Remove what is still there of it."""
        if self._until is not None:
            _clear(self._token)
            self._forget()

    def _put(self, data: QMimeData, until: datetime, *, picture: bool) -> None:
        data.setData(_OWN, self._token)
        data.setData(_SECRET_HINT, b"secret")
        self._until = None  # what is replaced is not told as somebody else's copy
        QGuiApplication.clipboard().setMimeData(data)
        self._until, self.holds_picture, self.holds_text = until, picture, not picture
        self._timer.start()
        self.changed.emit()

    def _on_clipboard(self) -> None:
        if self._until is not None and not _is_there(self._token):
            self._forget()

    def _forget(self) -> None:
        self._until, self.holds_picture, self.holds_text = None, False, False
        self._timer.stop()
        self.changed.emit()


def _is_there(token: bytes) -> bool:
    data: QMimeData | None = QGuiApplication.clipboard().mimeData()  # None where the system has none, or at the end
    return data is not None and bytes(data.data(_OWN).data()) == token


def _clear(token: bytes) -> None:
    if _is_there(token):
        QGuiApplication.clipboard().clear()
