"""The command that starts a session host, in the hands of a test."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from app.domain.link_status import LinkState
from tests.acceptance.connect.harness import ProgramRun
from tests.acceptance.program import Person

PLAIN_HOST = f"{shlex.quote(sys.executable)} -u -m app.providers.whatsapp_web.host"


class HostScript:
    """The command that starts a host, as a script that can be broken and mended while the program runs."""

    def __init__(self, path: Path, good: str) -> None:
        self.path = path
        self._good = f'exec {good} "$@"'

    def says(self, script: str) -> None:
        self.path.unlink(missing_ok=True)
        self.path.write_text(f"#!/bin/sh\n{script}\n")
        self.path.chmod(0o700)

    def mend(self) -> None:
        self.says(self._good)


async def comes_back(run: ProgramRun, person: Person) -> None:
    """By itself, and without a code."""
    await run.until(person, LinkState.CONNECTED)
    assert LinkState.QR_READY not in {state for state, _ in run.steps(person)}
