"""Takes what happened to whoever asked to be called, in the order it happened."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen


class WebhookSender:
    """A thread that posts; it starts with the first letter, and what cannot be delivered is kept to be looked at."""

    def __init__(self) -> None:
        self.delivered: list[tuple[str, dict[str, Any], int]] = []
        self.lost: list[tuple[str, dict[str, Any]]] = []
        self._letters: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._thread: threading.Thread | None = None

    def post(self, url: str, fields: dict[str, Any]) -> None:
        self._letters.put((url, fields))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zapi webhooks", daemon=True)
            self._thread.start()

    def until_delivered(self) -> None:
        """Wait for all that was posted."""
        self._letters.join()

    def _run(self) -> None:
        while True:
            url, fields = self._letters.get()
            try:
                request = Request(url, json.dumps(fields).encode(), {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - a test's own
                with urlopen(request, timeout=10) as response:  # noqa: S310 - a test's own
                    self.delivered.append((url, fields, response.status))
            except (URLError, OSError):
                self.lost.append((url, fields))
            finally:
                self._letters.task_done()
