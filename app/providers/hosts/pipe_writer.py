"""The child's end of the pipe to the app."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from app.providers.hosts.codec import encode


class PipeWriter:
    """Writes messages to a pipe, on a thread of its own: the child's work must not wait for the app to read.

    Once nobody reads any more it calls *on_closed* on that thread, and writes nothing from then on.
    """

    def __init__(self, channel: int, on_closed: Callable[[], None] = lambda: None) -> None:
        self._channel = channel
        self._on_closed = on_closed
        self._waiting: SimpleQueue[object] = SimpleQueue()  # messages; None ends
        self._thread = threading.Thread(target=self._write, name="pipe writer", daemon=True)
        self._thread.start()

    def send(self, message: object) -> None:
        self._waiting.put(message)

    def close(self, within: float) -> None:
        """Write what is waiting, if somebody reads it within so many seconds."""
        if threading.current_thread() is not self._thread:
            self._waiting.put(None)
            self._thread.join(within)

    def _write(self) -> None:
        while (message := self._waiting.get()) is not None:
            line = memoryview(encode(message))
            try:
                while line:
                    line = line[os.write(self._channel, line) :]
            except OSError:
                self._on_closed()
                return
