"""After a whole run, no code and no full phone number is found where it must not be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import psutil

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import Harness
from tests.acceptance.connect.terminal import conecta, started
from tests.acceptance.program import Person, run


class ArgumentWatcher:
    """Remembers the arguments of every process that this one started, while it is entered."""

    def __init__(self) -> None:
        self.arguments: set[str] = set()
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ArgumentWatcher:
        self._watch = asyncio.get_running_loop().create_task(self._look())
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])

    async def _look(self) -> None:
        while True:
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    self.arguments.add("\0".join(process.cmdline()))
            await asyncio.sleep(0.2)  # a host lives longer


def secrets_in(codes: Iterable[str]) -> set[bytes]:
    """The codes, and the keys they are made of."""
    return {part.encode() for code in codes for part in (code, *code.rpartition("#")[2].split(",")) if len(part) > 12}


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_code_and_no_number_is_left_behind_by_a_whole_run(harness: Harness, log_file: Path) -> None:
    """ "QR texts and full phone numbers in no log file, no process arguments, after a whole run", the library's log and
    all. "Temporarily enable `BAILEYS_ENABLE_LOGGING=true` only for diagnosis" """
    harness.settings = replace(harness.settings, provider_logging=True)

    async def main() -> tuple[list[str], list[Person], str]:
        codes = []
        async with ArgumentWatcher() as lookout:
            async with harness.running() as run:
                ana, bruno = await run.add_mentorado("Ana"), await run.add_mentorado("Bruno")
                await run.do(ActionName.CONNECT, ana)
                codes.append(await run.code(ana))
                await run.do(ActionName.CANCEL, ana)
                await run.do(ActionName.CONNECT, ana)
                codes.append(await run.code(ana))
                await run.scan(bruno, codes[-1])  # the wrong phone
                await run.until(ana, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
                await run.do(ActionName.REJECT_ACCOUNT, ana)
                await run.do(ActionName.CONNECT, ana)
                codes.append(await run.code(ana))
                await run.scan(ana, codes[-1])
                await run.until(ana, LinkState.CONNECTED)
                await run.fault("failure-402", ana)
                await run.fault("abort", ana)
                await run.until(ana, LinkState.BLOCKED)
            environment = {**harness.environment(), "BAILEYS_ENABLE_LOGGING": "true"}
            home = harness.settings.data_dir
            async with started(home, environment, "connect", "Bruno", "--json") as command:
                codes.append(await command.code())
                await asyncio.to_thread(harness.emulator.control.scan, bruno.digits, codes[-1])
                assert (await command.finished()).exit_code == 0
            assert (await conecta(home, environment, "status")).exit_code == 0
        return codes, [ana, bruno], "\n".join(lookout.arguments)

    codes, people, arguments = run(main(), within=60)
    secrets = secrets_in(codes)
    assert len(secrets) >= 4 * len(codes)
    numbers = {form.encode() for person in people for form in (person.digits, person.digits[2:])}

    assert "session_host" in arguments, "the lookout saw no host"
    assert not [secret for secret in secrets | numbers if secret.decode() in arguments]
    kept = files_below(harness.settings.data_dir)
    logs = [path for path in kept if "conecta.db" not in path.name]
    assert log_file in logs
    assert "app.whatsmeow" in log_file.read_text()
    for path in kept:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret in content], path
        if path in logs:
            assert not [number for number in numbers if number in content], path
    for path in files_below(harness.sessions):
        assert not [number for number in numbers if number in path.name.encode()]
