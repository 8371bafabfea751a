"""Messages and webhooks through the packaged program and its own hosts. Slow: `make accept WHAT=packaging`."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from app.bootstrap import build_services
from app.domain.mentorado import ProviderKind
from app.domain.provider_descriptor import CredentialField
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.services import Services
from app.settings import Settings
from tests.acceptance.connect.harness import Harness
from tests.acceptance.connect.terminal import Command, started
from tests.acceptance.packaging.harness import for_the_emulator
from tests.acceptance.program import new_number
from tests.acceptance.webhooks_on import switch_on, url_for
from tests.acceptance.zapi.test_webhooks import posted
from tests.emulators.serving import Served
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.providers.webhooks.harness import zapi_text


@asynccontextmanager
async def held(folder: Path, environment: Mapping[str, str], program: Path) -> AsyncIterator[Command]:
    """``conecta run`` of the package, from where it says that it is ready to its orderly end."""
    async with started(folder, environment, "run", "--json", program=(str(program),)) as command:
        assert command.process.stdout is not None
        async with asyncio.timeout(30):
            while b"Ready" not in await command.process.stdout.readline():
                assert command.process.returncode is None
        yield command
        command.process.send_signal(signal.SIGTERM)
        ended = await command.finished()
        assert ended.exit_code == 0, ended.error


def hosts_of(command: Command) -> list[list[str]]:
    """The children of the program, as they were started."""
    return [child.cmdline() for child in psutil.Process(command.process.pid).children(recursive=True)]


async def listening(url: str) -> None:
    """Wait until somebody takes connections at *url*: links are opened first."""
    place = httpx.URL(url)
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection(place.host, place.port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                await writer.wait_closed()
                return


async def stored(database: Path, text: str, within: float = 20) -> None:
    """Wait until a message that says *text* is in the *database*, whoever wrote it there."""
    async with asyncio.timeout(within):
        while True:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reading:
                if reading.execute("SELECT count(*) FROM message WHERE text = ?", [text]).fetchone() != (0,):
                    return
            await asyncio.sleep(0.1)


@pytest.mark.within(150)
async def test_messages_go_both_ways_through_the_packaged_host(
    unpacked: Path, harness: Harness, emulator: EmulatorProcess, fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "one message each way": a stranger's into the history, and one from Ana's phone to Bia's."""
    folder = unpacked / "usr/lib/conecta"
    host = tuple(for_the_emulator(folder, fast_dir, emulator.directory))
    monkeypatch.setattr(harness, "settings", replace(harness.settings, session_host=host))
    stranger, control = new_number(), emulator.control
    async with harness.running() as run:
        ana, bia = await run.connect_new("Ana"), await run.connect_new("Bia")
        await run.core.smoke_tests.choose(SmokeTestSettings(target=SmokeTestTarget.PARTNER, partner=bia.id))
    await control.off_loop(control.add_account, stranger)
    async with held(fast_dir, harness.environment(), folder / "conecta") as serving:
        await control.off_loop(control.wait_online, ana.digits)
        began = [words[0] for words in hosts_of(serving) if "--session-host" in words]
        assert began
        assert all(word.endswith("/packaged/conecta-host") for word in began)
        await control.off_loop(control.send_text, stranger, ana.digits, "bom dia, Ana")
        await stored(harness.settings.database, "bom dia, Ana")
    program = (str(folder / "conecta"),)
    async with started(fast_dir, harness.environment(), "smoke-test", "ana", "--json", program=program) as command:
        ended = await command.finished(90)
    assert ended.exit_code == 0, ended.error
    tested = [fields for fields in ended.events if fields["event"] == "smoke_test"]
    assert (tested[-1]["outcome"], len(tested[-1]["stages"])) == ("passed", 4)


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Services]:
    """The program of this checkout over the same data; its secrets are in the file, never in this machine's keyring."""
    core = build_services(settings)
    core.secrets._trusted = frozenset()
    await core.open()
    async with core.running():
        yield core


@pytest.mark.within(120)
async def test_a_webhook_goes_through_the_packaged_receiver(unpacked: Path, fast_dir: Path) -> None:
    """ "one webhook": it is accepted by the packaged host, and stored by the packaged program."""
    passphrase = fast_dir / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text("four words that test\n")
    with Served(ZapiEmulator()) as served:
        emulator = served.application
        assert isinstance(emulator, ZapiEmulator)
        settings = Settings(
            data_dir=fast_dir / "data",
            session_dir=fast_dir / "sessions",
            zapi_url=served.url,
            passphrase_file=passphrase,
        )
        instance, digits = emulator.add_instance(), new_number()
        instance.link(digits)
        async with services(settings) as core:
            ana = await core.mentorados.add("Ana", f"+{digits}", provider=ProviderKind.ZAPI)
            typed = {CredentialField.INSTANCE_ID: instance.id, CredentialField.INSTANCE_TOKEN: instance.token}
            await core.hosted.credentials.save(ana.id, typed)
            await core.supervisor.connect(ana.id)  # what comes for a link that nobody wants waits
            await switch_on(core)
            url = await url_for(core, ana.link.id)
        environment = {
            "CONECTA_DATA_DIR": str(settings.data_dir),
            "BAILEYS_SESSION_DIR": str(settings.session_dir),
            "CONECTA_ZAPI_URL": served.url,
            "CONECTA_SECRETS_PASSPHRASE_FILE": str(passphrase),
            "HOME": str(fast_dir),
            "LANG": "C.UTF-8",
        }
        program = unpacked / "usr/lib/conecta/conecta"
        async with held(fast_dir, environment, program) as serving:
            await listening(url)
            assert await posted(url, zapi_text("IN1", "oi, pelo pacote", instanceId=instance.id)) == 200
            assert [f"{program}-host", "--webhooks-host"] in hosts_of(serving)
            await stored(settings.database, "oi, pelo pacote")
