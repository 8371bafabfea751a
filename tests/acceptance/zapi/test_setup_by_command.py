"""A server without a screen: everything that a Z-API link needs is a command, and no secret is in one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main
from app.storage.secrets.store import EncryptedFile
from app.text.status import texts
from tests.acceptance.zapi.harness import Harness

PHRASE = "correct horse battery"
DIGITS = "5511980001111"

Conecta = Callable[..., tuple[int, str, str]]


@pytest.fixture
def conecta(harness: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Conecta:
    """Run the command line with something on standard input; returns exit code, standard output and standard error."""
    home = harness.settings.data_dir
    home.mkdir(parents=True)
    passphrase = home.parent / "passphrase"
    passphrase.write_text(f"{PHRASE}\n")
    passphrase.chmod(0o600)
    monkeypatch.setenv("CONECTA_DATA_DIR", str(home))
    monkeypatch.setenv("CONECTA_ZAPI_URL", harness.settings.zapi_url)
    monkeypatch.setenv("CONECTA_SECRETS_PASSPHRASE_FILE", str(passphrase))
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.chdir(home)
    texts.set_language("en")
    logging.getLogger("app").setLevel(logging.NOTSET)
    assert main(("mentorado", "list")) == 0
    capsys.readouterr()
    EncryptedFile.create(harness.settings.secrets, PHRASE, {}, cost=10)  # quicker than the program makes it

    def run(*arguments: str, given: object = None) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given if isinstance(given, str) else json.dumps(given)))
        code = main(arguments)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def test_a_link_is_set_up_and_connected_by_commands_alone(harness: Harness, conecta: Conecta) -> None:
    """ "Confirm credentials", on a server: asked about before they are kept, from standard input, never shown again."""
    instance = harness.emulator.add_instance()
    instance.link(DIGITS)
    assert conecta("mentorado", "add", "Ana Prates", f"+{DIGITS}")[0] == 0
    code, out, _ = conecta("provider", "ana", "zapi")
    assert (code, out.splitlines()[-1]) == (0, 'Next: conecta credentials "Ana Prates" --check')

    wrong = {"instance_id": instance.id, "instance_token": "wrongtoken"}
    code, out, error = conecta("credentials", "ana", "--check", given=wrong)
    assert (code, out) == (1, "")
    assert "wrongtoken" not in error
    code, out, error = conecta("credentials", "ana", "--check", given={"instance_id": instance.id})
    assert (code, out) == (1, "")
    assert "[credential_empty]" in error  # the wrong token was not kept
    assert "token" in error.splitlines()[0].lower()

    right = {"instance_id": instance.id, "instance_token": instance.token}
    code, out, _ = conecta("credentials", "ana", "--check", "--json", given=right)
    value = json.loads(out)
    assert (code, value["checked"], value["changed"]) == (0, True, ["instance_id", "instance_token"])
    assert instance.token not in out
    assert conecta("credentials", "ana", "--check", given={})[0] == 0  # what is kept is right

    code, out, _ = conecta("connect", "ana", "--json")
    assert (code, json.loads(out.splitlines()[-1])["state"]) == (0, "connected")
    code, out, error = conecta("provider", "ana", "meta_cloud")
    assert (code, out) == (1, "")
    assert "[not_possible_now]" in error

    assert conecta("disconnect", "ana")[:2] == (0, "Ana Prates is disconnected. The session stays for the next time.\n")
    audit: list[dict[str, Any]] = json.loads(conecta("audit", "list", "--json")[1])["entries"]
    assert {"choose_provider", "enter_credentials", "connect", "disconnect"} <= {entry["action"] for entry in audit}
    assert instance.token not in json.dumps(audit)


@pytest.mark.parametrize(
    "given", ["no JSON", "[]", '{"instance_id": 1}', '{"password": "hush-hush"}', '{"instance_id": "hush-hush"', "null"]
)
def test_what_is_no_credentials_is_refused_and_not_repeated(conecta: Conecta, given: str) -> None:
    conecta("mentorado", "add", "Ana Prates", f"+{DIGITS}")
    conecta("provider", "ana", "zapi")
    code, out, error = conecta("credentials", "ana", given=given)
    assert (code, out) == (1, "")
    assert "[credentials_unreadable]" in error
    assert "instance_id, instance_token, client_token" in error
    assert "hush" not in error


def test_credentials_are_kept_unasked_when_nobody_wants_them_checked(harness: Harness, conecta: Conecta) -> None:
    conecta("mentorado", "add", "Ana Prates", f"+{DIGITS}")
    conecta("provider", "ana", "zapi", "--json")
    code, out, _ = conecta("credentials", "ana", given={"instance_id": "3C", "instance_token": "hush"})
    assert (code, out) == (0, "The credentials of Ana Prates are stored. Nobody asked the provider about them.\n")
    assert b"hush" not in harness.settings.secrets.read_bytes()


def test_a_provider_without_credentials_asks_for_none(conecta: Conecta) -> None:
    conecta("mentorado", "add", "Ana Prates", f"+{DIGITS}")
    code, _, error = conecta("credentials", "ana", given={})
    assert code == 1
    assert "[not_possible_now]" in error


@pytest.mark.parametrize("how", ["readable", "empty", "missing"])
def test_a_passphrase_that_cannot_be_used_is_named(harness: Harness, conecta: Conecta, how: str) -> None:
    file: Path = harness.settings.data_dir.parent / "passphrase"
    if how == "readable":
        file.chmod(0o644)
    elif how == "empty":
        file.write_text("\n")
    else:
        file.unlink()
    code, out, error = conecta("mentorado", "list")
    assert (code, out) == (1, "")
    assert "[passphrase_file_unusable]" in error
    assert str(file) in error


def test_a_wrong_passphrase_leaves_the_secrets_locked(
    harness: Harness, conecta: Conecta, caplog: pytest.LogCaptureFixture
) -> None:
    conecta("mentorado", "add", "Ana Prates", f"+{DIGITS}")
    conecta("provider", "ana", "zapi")
    (harness.settings.data_dir.parent / "passphrase").write_text("another passphrase\n")
    code, _, error = conecta("credentials", "ana", given={"instance_id": "3C", "instance_token": "hush"})
    assert code == 1
    assert "[secrets_locked]" in error
    assert "passphrase_wrong" in caplog.text


def test_somebody_is_edited_and_brought_back(conecta: Conecta) -> None:
    conecta("mentorado", "add", "Ana Prates", f"+{DIGITS}")
    assert conecta("mentorado", "edit", "ana", "--cohort", "Turma 4")[:2] == (0, "Ana Prates was changed.\n")
    code, out, _ = conecta("mentorado", "edit", "ana", "--name", "Ana Lima", "--json")
    assert (code, json.loads(out)["name"], json.loads(out)["cohort"]) == (0, "Ana Lima", "Turma 4")
    assert conecta("mentorado", "archive", "ana")[0] == 0
    assert conecta("mentorado", "unarchive", "ana")[:2] == (0, "Ana Lima is back in the list.\n")
    code, _, error = conecta("mentorado", "unarchive", "ana")
    assert code == 1
    assert "[not_possible_now]" in error
