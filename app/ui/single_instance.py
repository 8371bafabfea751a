"""One window per data folder: a second start brings the first to the front and ends."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal

_PATIENCE_MILLISECONDS = 2000


class SingleInstance(QObject):
    """`claim` first; then either `listen`, or `raise_first` and leave."""

    raise_requested = Signal()

    def __init__(self, lock_file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = QLockFile(str(lock_file))
        self._lock.setStaleLockTime(0)  # only a dead owner makes it stale, never its age
        self._place = str(lock_file.resolve())

    def claim(self) -> bool:
        """Whether this is the first; a lock left behind by a dead one is taken over."""
        return self._lock.tryLock(100)

    def listen(self) -> None:
        """Hear later starts. Not needed before the window is on the screen, and QtNetwork takes a moment to load."""
        from PySide6.QtNetwork import QLocalServer

        name = _server_name(self._place)
        QLocalServer.removeServer(name)  # ours alone, since the lock is ours; a dead one may have left it
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        self._server.listen(name)

    def raise_first(self) -> bool:
        """Ask the first to show its window; False when it does not hear."""
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        socket.connectToServer(_server_name(self._place))
        heard = socket.waitForConnected(_PATIENCE_MILLISECONDS)
        if heard:
            socket.disconnectFromServer()
        return heard

    def release(self) -> None:
        """Let the next start be the first."""
        self._lock.unlock()

    def _on_connection(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.deleteLater()
            self.raise_requested.emit()


def _server_name(place: str) -> str:
    import hashlib  # the cryptography behind it is not needed for the first picture

    return f"conecta-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
