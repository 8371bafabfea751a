"""Phones that are linked already: the emulator in a process of its own, and sessions for both clients to open."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.settings import DEFAULT_SESSIONS_PER_HOST
from tests.benchmarks.spawned import Spawned
from tests.emulators.whatsapp_web.process import EmulatorProcess, quick_directory


@dataclass(frozen=True, slots=True)
class Harness:
    """An emulator, a data folder of the program, and who was paired there."""

    emulator: EmulatorProcess
    folder: Path
    paired: Sequence[str] = ()

    def environment(self) -> Mapping[str, str]:
        """What our program is started with."""
        return {
            **self.emulator.environment(),
            "CONECTA_DATA_DIR": str(self.folder / "data"),
            "CONECTA_SESSION_HOST": self.emulator.host_command(),
        }

    def ours(self, *numbers: str, per_host: int = DEFAULT_SESSIONS_PER_HOST) -> Spawned:
        """Our core, asked to connect *numbers*, *per_host* of them in each host."""
        return Spawned("conecta_links", str(per_host), *numbers, environment=self.environment())

    def neonize(self, session: Path) -> Spawned:
        """neonize's own client, on *session*."""
        arguments = (str(self.emulator.directory), str(session))
        return Spawned("neonize_link", *arguments, environment=self.emulator.environment())

    def sessions(self) -> list[Path]:
        """A copy of every session that was paired, for neonize's own client to open."""
        folder = self.folder / "copies"
        folder.mkdir(exist_ok=True)
        files = sorted((self.folder / "data" / "sessions").glob("*/session-*.db"))
        for file in files:
            for part in file.parent.glob(f"{file.name}*"):
                shutil.copy(part, folder / part.name)
        return [folder / file.name for file in files]


@contextmanager
def open_harness(paired: int = 0) -> Iterator[Harness]:
    """Start an emulator and pair *paired* phones with our program; nothing of them runs when this returns."""
    numbers = [f"+551198765{4000 + number}" for number in range(paired)]
    with (
        EmulatorProcess() as emulator,
        tempfile.TemporaryDirectory(prefix="conecta-bench-", dir=quick_directory(), ignore_cleanup_errors=True) as home,
    ):
        harness = Harness(emulator, Path(home), numbers)
        if numbers:
            _pair(harness)
        yield harness


def _pair(harness: Harness) -> None:
    with harness.ours(*harness.paired) as program:
        for _ in harness.paired:  # they wait for each other, and come in order
            number, code = program.wait("qr_ready").details.split(" ", 1)
            harness.emulator.control.add_account(number.lstrip("+"))
            harness.emulator.control.scan(number.lstrip("+"), code)
            program.wait("connected")
        program.close()
