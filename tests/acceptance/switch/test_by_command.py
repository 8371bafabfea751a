"""A switch prepared by commands: the credentials of the provider to switch to, and the dry run that uses them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.__main__ import main
from app.settings import Settings
from app.storage.secrets.store import EncryptedFile
from app.text.status import texts
from tests.acceptance.program import new_number
from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator

PHRASE = "correct horse battery"
Conecta = Callable[..., tuple[int, str, str]]


@pytest.fixture
def zapi() -> ZapiEmulator:
    return ZapiEmulator()


@pytest.fixture
def conecta(
    zapi: ZapiEmulator, fast_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Conecta]:
    """Run the command line with something on standard input; returns exit code, standard output and standard error."""
    home = fast_dir / "data"
    home.mkdir()
    passphrase = fast_dir / "passphrase"
    passphrase.write_text(f"{PHRASE}\n")
    passphrase.chmod(0o600)
    for name, value in {
        "NO_PROXY": "127.0.0.1",
        "CONECTA_DATA_DIR": str(home),
        "CONECTA_SECRETS_PASSPHRASE_FILE": str(passphrase),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.chdir(home)
    texts.set_language("en")
    logging.getLogger("app").setLevel(logging.NOTSET)
    assert main(("mentorado", "list")) == 0  # the database is made before there are secrets, or it would be missed
    capsys.readouterr()
    secrets = Settings(data_dir=home, session_dir=home / "sessions").secrets
    EncryptedFile.create(secrets, PHRASE, {}, cost=10)  # quicker than the program makes it

    def run(*arguments: str, given: object = None) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(given)))
        code = main(arguments)
        out = capsys.readouterr()
        return code, out.out, out.err

    with Served(zapi) as served:
        monkeypatch.setenv("CONECTA_ZAPI_URL", served.url)
        yield run
    texts.set_language("pt-BR")


def test_credentials_are_kept_beside_the_provider_in_use_and_the_dry_run_asks_with_them(
    zapi: ZapiEmulator, conecta: Conecta
) -> None:
    digits = new_number()
    instance = zapi.add_instance()
    instance.link(digits)
    assert conecta("mentorado", "add", "Ana Prates", f"+{digits}")[0] == 0
    typed = {"instance_id": instance.id, "instance_token": "wrong"}
    code, _, err = conecta("credentials", "ana", "--provider", "zapi", "--check", given=typed)
    assert (code, "refused" in err) == (1, True)
    typed["instance_token"] = instance.token
    code, out, err = conecta("credentials", "ana", "--provider", "zapi", "--check", given=typed)
    assert (code, err) == (0, "")
    assert "The credentials of Ana Prates are right, and stored." in out
    assert json.loads(conecta("mentorado", "list", "--json")[1])["mentorados"][0]["provider"] == "whatsapp_web"
    asked = len(zapi.requested)
    code, out, err = conecta("switch", "ana", "--to", "zapi", "--dry-run", "--json")
    (person,) = json.loads(out)["people"]
    found = {each["code"]: each for each in person["findings"]}
    assert found["credentials_from"]["values"] == {"since": "entered", "place": "encrypted_file"}
    assert [each["code"] for each in person["findings"] if each["severity"] == "blocks"] == ["smoke_test_impossible"]
    assert code == 1
    assert set(zapi.requested[asked:]) <= {"GET status", "GET device", "GET me", "POST queue"}
    assert instance.token not in out + err
