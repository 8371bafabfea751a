"""One window per data folder: a second start brings the first to the front and ends."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.platform.locks import FileLock, LockHeld, Owner

_CONNECT_MILLISECONDS = 2000
_LONGEST_SOCKET = 100  # bytes of a path; systems take 104 to 108


class SingleInstance(QObject):
    """`claim` first; then either `listen`, or `raise_first` and leave."""

    raise_requested = Signal()

    def __init__(self, lock_file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = lock_file
        self._lock: FileLock | None = None
        self._held: LockHeld | None = None
        self._overruled = False

    def claim(self, *, overrule: bool = False) -> bool:
        """Take the lock, also of a dead process; return whether this is the first instance. Raises `OSError`.

        With *overrule*, also of a process that cannot be proven dead from here.
        """
        try:
            self._lock, self._held = FileLock.take(self._file, overrule=overrule), None
        except LockHeld as held:
            self._held = held
            return False
        self._overruled = overrule
        return True

    @property
    def may_be_overruled(self) -> bool:
        """After a failed `claim`: whether only a lock file says that it is held, which cannot be verified here."""
        return self._held is not None and self._held.may_be_overruled

    @property
    def holder(self) -> str:
        """After a failed `claim`: the holder, for display."""
        owner = self._held.owner if self._held is not None else None
        return owner.label() if owner is not None else "—"

    @property
    def taken_from(self) -> str:
        """After a `claim`: the former holder, for the audit; empty where it was free."""
        left_by: Owner | None = self._lock.left_by if self._lock is not None else None
        if left_by is None:
            return ""
        return f"{left_by}; not proven dead, overruled" if self._overruled else str(left_by)

    def listen(self) -> None:
        """Listen for later starts. Called once the window is shown, as QtNetwork takes a moment to load."""
        from PySide6.QtNetwork import QLocalServer

        name = self._server_name()
        QLocalServer.removeServer(name)  # ours alone, since the lock is ours; a dead one may have left it
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        self._server.listen(name)

    def raise_first(self) -> bool:
        """Ask the first instance to show its window; False when it does not answer."""
        from PySide6.QtNetwork import QLocalSocket

        name = self._server_name()
        if not _is_own(name):
            return False
        socket = QLocalSocket()
        socket.connectToServer(name)
        answered = socket.waitForConnected(_CONNECT_MILLISECONDS)
        if answered:
            socket.disconnectFromServer()
        return answered

    def release(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.release()

    def _on_connection(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.deleteLater()
            self.raise_requested.emit()

    def _server_name(self) -> str:
        """A pipe's name on Windows; elsewhere a path in a folder that is this user's alone.

        In a folder that is shared, such as the system's temporary one, another user could take the name first.
        """
        import hashlib  # the cryptography behind it is not needed for the first picture

        place = self._file.resolve()
        name = f"conecta-{hashlib.sha256(str(place).encode()).hexdigest()[:16]}"
        if sys.platform == "win32":
            return name
        beside = place.with_suffix(".socket")
        if len(os.fsencode(beside)) <= _LONGEST_SOCKET:
            return str(beside)
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
        return str(runtime / name if _is_private(runtime) else beside)


def _is_private(folder: Path) -> bool:
    """Whether *folder* belongs to this user and is not writable by others."""
    if not folder.is_absolute():
        return False
    try:
        found = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _is_own(name: str) -> bool:
    """Whether the socket *name* was made by this user: another's would only pretend to be the first window."""
    if sys.platform == "win32":
        return True
    try:
        found = Path(name).lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid()
