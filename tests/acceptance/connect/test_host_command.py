"""The session host that cannot be started, lacks its library, or keeps breaking."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import Harness, no_hosts
from tests.acceptance.connect.host_script import PLAIN_HOST, HostScript, comes_back
from tests.acceptance.connect.outcomes import check_blocked, check_on_its_way_back
from tests.acceptance.program import Person
from tests.emulators.whatsapp_web.process import EmulatorProcess

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the hosts are started by shell scripts here")


@pytest.fixture
def script(shared_home: Path, emulator: EmulatorProcess) -> HostScript:
    made = HostScript(shared_home / "host", emulator.host_command())
    made.mend()
    return made


@pytest.fixture(scope="module")
def shared(emulator: EmulatorProcess, shared_home: Path) -> Harness:
    """An office whose hosts are started by the script."""
    HostScript(shared_home / "host", emulator.host_command()).mend()
    return Harness(shared_home, emulator, host=[str(shared_home / "host")])


def shadowed(home: Path, library: Callable[[bytes], bytes] | None) -> str:
    """A host that finds another neonize than the installed one: without its library, or with a changed copy of it."""
    spec = find_spec("neonize")
    assert spec is not None
    assert spec.submodule_search_locations
    installed = Path(spec.submodule_search_locations[0])
    shadow = home / "shadow"
    for old in (*shadow.glob("neonize/*"),):
        old.unlink()
    (shadow / "neonize").mkdir(parents=True, exist_ok=True)
    for part in installed.iterdir():
        if part.suffix != ".so":
            (shadow / "neonize" / part.name).symlink_to(part)
        elif library is not None:
            (shadow / "neonize" / part.name).write_bytes(library(part.read_bytes()))
    return f'PYTHONPATH={shlex.quote(str(shadow))}:"$PYTHONPATH" exec {PLAIN_HOST}'


def other_version(library: bytes) -> bytes:
    assert library.count(b"0.5.2") >= 1
    return library.replace(b"0.5.2", b"0.5.9")


BROKEN_FOR_GOOD: dict[str, tuple[Callable[[Path], str], Reason, str]] = {
    "no library": (lambda home: shadowed(home, None), Reason.ENGINE_MISSING, "is not installed"),
    "a damaged library": (lambda home: shadowed(home, lambda _: os.urandom(4096)), Reason.ENGINE_MISSING, "neonize-"),
    "a library of another version": (lambda home: shadowed(home, other_version), Reason.ENGINE_MISMATCH, "0.5.9"),
}


@pytest.mark.skipif(platform.system() != "Linux", reason="the library is found by its Linux name here")
@pytest.mark.parametrize("broken", BROKEN_FOR_GOOD.values(), ids=[name.replace(" ", "-") for name in BROKEN_FOR_GOOD])
async def test_a_host_without_its_library_says_what_is_missing(
    shared: Harness, veteran: Person, script: HostScript, broken: tuple[Callable[[Path], str], Reason, str]
) -> None:
    """ "Confirm dependencies": a broken installation is told once, and not tried over and over."""
    command, reason, detail = broken
    script.says(command(script.path.parent))
    async with shared.running() as run:
        await run.do(ActionName.CONNECT, veteran)
        status = await run.until(veteran, LinkState.BLOCKED)
        check_blocked(run, veteran, reason)
        assert detail in status.detail
        assert LinkState.RECONNECTING not in {state for state, _ in run.steps(veteran)}
        script.mend()
        await run.do(ActionName.CONNECT, veteran)
        await comes_back(run, veteran)


@pytest.mark.parametrize("how", ["missing", "not executable"])
async def test_a_host_command_that_cannot_be_started_is_told(
    shared: Harness, veteran: Person, script: HostScript, how: str
) -> None:
    """ "confirm no startup error": the command that `CONECTA_SESSION_HOST` names does not exist, or is no program."""
    script.path.unlink()
    if how == "not executable":
        script.path.write_text("not for running")
    async with shared.running() as run:
        await run.do(ActionName.CONNECT, veteran)
        status = await run.until(veteran, LinkState.BLOCKED)
        check_blocked(run, veteran, Reason.ENGINE_MISSING)
        assert status.detail.startswith(f"{ProblemCode.HOST_NOT_STARTED}: ")
        script.mend()
        await run.do(ActionName.CONNECT, veteran)
        await comes_back(run, veteran)


CRASHES = {
    "ends at once": ("exit 3", "exit code 3"),
    "kills itself": ("kill -SEGV $$", "SIGSEGV"),
    "says something else": ("echo 'Usage: host [OPTIONS]'; cat > /dev/null", "not understood"),
    "closes its output": ("exec 1>&-; cat > /dev/null", "closed its output"),
}


@pytest.mark.parametrize("crash", CRASHES.values(), ids=[name.replace(" ", "-") for name in CRASHES])
async def test_a_host_that_keeps_breaking_is_given_up_after_a_while(
    shared: Harness, veteran: Person, script: HostScript, crash: tuple[str, str]
) -> None:
    """ "Respect backoff; do not loop aggressive reconnects": a few tries, then a person is asked."""
    says, detail = crash
    script.says(says)
    async with shared.running() as run:
        await run.do(ActionName.CONNECT, veteran)
        status = await run.until(veteran, LinkState.RECONNECTING)
        check_on_its_way_back(status, Reason.HOST_CRASHED)
        assert detail in status.detail
        await run.until(veteran, LinkState.BLOCKED)
        check_blocked(run, veteran, Reason.HOST_CRASHED)
        await no_hosts()
        script.mend()
        await run.do(ActionName.CONNECT, veteran)
        await comes_back(run, veteran)


async def test_a_host_that_breaks_twice_is_forgiven(shared: Harness, veteran: Person, script: HostScript) -> None:
    """A host that starts badly and is then well costs a moment, and nobody is asked."""
    script.says("exit 1")
    async with shared.running() as run:
        await run.do(ActionName.CONNECT, veteran)
        await run.until_status(veteran, lambda status: status.retry is not None and status.retry.attempt == 2)
        script.mend()
        await comes_back(run, veteran)


async def test_a_host_of_another_release_is_refused(shared: Harness, veteran: Person, script: HostScript) -> None:
    """Half an update: a host that speaks another protocol is named as that, and not tried over and over."""
    script.says("""echo '{"type": "ready", "protocol": 99, "engine": "", "pid": 1}'; cat > /dev/null""")
    async with shared.running() as run:
        await run.do(ActionName.CONNECT, veteran)
        await run.until(veteran, LinkState.BLOCKED)
        check_blocked(run, veteran, Reason.ENGINE_MISMATCH)
        script.mend()
        await run.do(ActionName.CONNECT, veteran)
        await comes_back(run, veteran)
