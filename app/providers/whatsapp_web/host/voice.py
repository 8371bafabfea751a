"""What the host says, in order, on a thread of its own: whoever says it must not wait for the app to listen."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from app.providers.whatsapp_web.encoding import encode
from app.providers.whatsapp_web.protocol import FromHost


class Voice:
    """Writes messages to a pipe. Once nobody listens any more it calls *unheard*, and is silent from then on."""

    def __init__(self, channel: int, unheard: Callable[[], None]) -> None:
        self._channel = channel
        self._unheard = unheard
        self._waiting: SimpleQueue[FromHost | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._speak, daemon=True)
        self._thread.start()

    def say(self, message: FromHost) -> None:
        self._waiting.put(message)

    def finish(self, within: float) -> None:
        """Say what is left to be said, if somebody listens."""
        if threading.current_thread() is not self._thread:
            self._waiting.put(None)
            self._thread.join(within)

    def _speak(self) -> None:
        while (message := self._waiting.get()) is not None:
            line = memoryview(encode(message))
            try:
                while line:
                    line = line[os.write(self._channel, line) :]
            except OSError:
                self._unheard()
                return
