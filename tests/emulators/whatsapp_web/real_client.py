"""A test's hand on the engine's own Python client, which runs in a process that can be killed."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from tests.emulators.whatsapp_web.process import EmulatorProcess

_LIFETIME: Final = 120.0

ClientEvent = dict[str, Any]


class RealClient:
    """The real client with its session in a file called *name*; a second one on the same name is a restart."""

    def __init__(self, emulator: EmulatorProcess, name: str) -> None:
        command = [sys.executable, "-m", "tests.emulators.whatsapp_web.neonize_client"]
        session = emulator.sessions / f"{name}.db"
        log = (emulator.sessions / f"{name}.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [*command, str(emulator.directory), str(session)],
                env=emulator.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._events: list[ClientEvent] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self._end = threading.Timer(_LIFETIME, self._process.kill)
        self._end.daemon = True
        self._end.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End it at once; its session stays in its file."""
        self._end.cancel()
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def wait(self, within: float = 20.0, after: int = 0, **wanted: object) -> ClientEvent:
        """Wait for something the client says (after the first *after* things); `...` as a value means any."""
        return self._wait(lambda fields: _matches(fields, wanted), after, within, str(wanted))

    def code(self, after: int = 0) -> str:
        """The next code it shows for a phone to scan."""
        return str(self.wait(after=after, qr=...)["qr"])

    def event(self, name: str, within: float = 20.0, after: int = 0) -> ClientEvent:
        """Wait for an event."""
        return self.wait(within, after, event=name)

    def do(self, what: str, within: float = 20.0, **arguments: str) -> ClientEvent:
        """Make it do something, and wait for its answer."""
        before = self.mark()
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        return self.wait(within, before, answer=what)

    def mark(self) -> int:
        """How many things it has said so far; pass it as *after*."""
        with self._news:
            return len(self._events)

    def events(self) -> list[ClientEvent]:
        """Everything it has said so far."""
        with self._news:
            return list(self._events)

    def _wait(self, wanted: Callable[[ClientEvent], bool], after: int, within: float, name: str) -> ClientEvent:
        end = time.monotonic() + within
        with self._news:
            while True:
                for fields in self._events[after:]:
                    if wanted(fields):
                        return fields
                after = len(self._events)
                if not self._news.wait(max(0.0, end - time.monotonic())):
                    raise TimeoutError(f"the client did not say {name}; it said {self._events}")

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            with self._news:
                self._events.append(json.loads(line))
                self._news.notify_all()


def _matches(fields: ClientEvent, wanted: dict[str, object]) -> bool:
    return all(name in fields and value in (..., fields[name]) for name, value in wanted.items())
