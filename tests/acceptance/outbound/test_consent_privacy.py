"""Issue 11, item 2: the ledger of consent in a subject's rights and in backups, by the commands of the program."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main
from app.core.backups import BackupService
from app.text.status import texts
from tests.core.hostile_archives import in_manifest, packed_anew

BIA, CAIO = "11 90000-0001", "11 90000-0002"
SHEET = f"""Telefone;Finalidade;Texto;Versão;Origem;Data
{BIA};campanha;Aceito receber novidades;3;formulário de Beatriz;2026-01-15 10:00
{CAIO};campanha;Aceito receber novidades;3;evento;2026-01-16
"""

Conecta = Callable[..., str]


@pytest.fixture
def conecta(fast_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Conecta]:
    """Runs a command that succeeds, in one of several data folders; returns what it printed."""
    monkeypatch.delenv("BAILEYS_SESSION_DIR", raising=False)
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.setattr("app.bootstrap.BackupService", partial(BackupService, cost=2))
    monkeypatch.chdir(fast_dir)
    language = texts.language
    texts.set_language("en")
    logging.getLogger("app").setLevel(logging.NOTSET)

    def run(*arguments: str, computer: str = "old", fails: bool = False) -> str:
        monkeypatch.setenv("CONECTA_DATA_DIR", str(fast_dir / computer))
        code = main(arguments)
        out = capsys.readouterr()
        assert (code == 0) is not fails, out.err
        return out.out + out.err

    for computer in ("old", "new"):
        run("mentorado", "add", "Ana Lima", "11 98765-4321", computer=computer)
    (fast_dir / "contacts.csv").write_text(SHEET, "utf-8")
    run("consent", "import", "Ana", "contacts.csv", "--yes")
    yield run
    texts.set_language(language)


def states(conecta: Conecta, computer: str = "old") -> dict[str, Any]:
    contacts = json.loads(conecta("consent", "list", "Ana", "--json", computer=computer))["contacts"]
    return {each["addresses"][0]["value"] if each["addresses"] else "erased": each["granted"] for each in contacts}


def test_who_is_known_from_an_import_only_gets_all_that_is_kept_and_is_erased(conecta: Conecta, fast_dir: Path) -> None:
    conecta("consent", "revoke", "Ana", BIA, "--purpose", "campaign", "--note", "por telefone")
    conecta("export", "Ana", "--contact", BIA, "--to", "out")
    (folder,) = (fast_dir / "out").iterdir()
    data = json.loads((folder / "data.json").read_text("utf-8"))
    (contact,) = data["consents"]
    granted, revoked = contact["entries"]
    assert contact["addresses"] == [{"kind": "phone", "value": "+5511900000001"}]
    assert (granted["change"], granted["purpose"], granted["source"]) == ("granted", "campaign", "imported")
    assert (granted["wording"], granted["version"]) == ("Aceito receber novidades", "3")
    assert granted["at"].endswith("+00:00")
    assert granted["recorded_by"] == revoked["recorded_by"] != ""
    assert (revoked["change"], revoked["note"]) == ("revoked", "por telefone")
    assert data["messages"] == [], "nobody else's"
    page = (folder / "index.html").read_text("utf-8")
    assert all(word in page for word in ("Aceito receber novidades", "formulário de Beatriz", "UTC", "revoked"))
    assert "00000002" not in page + json.dumps(data)

    conecta("export", "Ana", "--to", "all")
    (folder,) = (fast_dir / "all").iterdir()
    assert len(json.loads((folder / "data.json").read_text("utf-8"))["consents"]) == 2
    assert "The records of consent of 2 contacts are in data.json." in (folder / "index.html").read_text("utf-8")

    assert "was erased" in conecta("erase", "Ana", "--contact", BIA, "--yes-erase", BIA)
    files = [path.read_bytes() for path in (fast_dir / "old").rglob("*.db*")]
    for trace in (b"5511900000001", b"551190000001", b"Beatriz"):
        assert not any(trace in content for content in files), trace
    assert states(conecta) == {"erased": [], "+5511900000002": ["campaign"]}
    assert "Nothing is kept about" in conecta("export", "Ana", "--contact", "11 90000-0003", "--to", "x", fails=True)

    # What was agreed to before does not come in again by the same spreadsheet; what is agreed to anew does.
    assert "line 2" in conecta("consent", "import", "Ana", "contacts.csv", fails=True)
    conecta("consent", "grant", "Ana", BIA, "--purpose", "campaign", "--wording", "Sim", "--version", "4")
    assert states(conecta)["+5511900000001"] == ["campaign"]
    assert "was erased" in conecta("erase", "Ana", "--contact", BIA, "--yes-erase", BIA), "and is erased again"
    assert states(conecta) == {"erased": [], "+5511900000002": ["campaign"]}


def test_a_backup_has_the_ledger_and_a_restore_neither_doubles_it_nor_takes_a_revocation_back(
    conecta: Conecta, fast_dir: Path
) -> None:
    conecta("backup", "Ana")
    (archive,) = (fast_dir / "old" / "backups").glob("*.conecta")
    ledger = conecta("consent", "export", "Ana", "--to", "before.csv") and Path("before.csv").read_bytes()
    conecta("restore", "Ana", str(archive), "--yes")
    conecta("consent", "export", "Ana", "--to", "after.csv")
    assert Path("after.csv").read_bytes() == ledger
    conecta("consent", "revoke", "Ana", BIA)
    conecta("restore", "Ana", str(archive), "--yes")
    assert states(conecta) == {"+5511900000001": [], "+5511900000002": ["campaign"]}

    conecta("consent", "revoke", "Ana", CAIO, "--purpose", "campaign", computer="new", fails=True)
    conecta("consent", "revoke", "Ana", CAIO, computer="new")
    for _ in range(2):
        conecta("restore", "Ana", str(archive), "--yes", computer="new")
        assert states(conecta, "new") == {"+5511900000001": ["campaign"], "+5511900000002": []}


def test_a_backup_of_before_has_no_ledger_and_is_restored(conecta: Conecta, fast_dir: Path) -> None:
    conecta("backup", "Ana", computer="new")
    (archive,) = (fast_dir / "new" / "backups").glob("*.conecta")
    with zipfile.ZipFile(archive) as packed:
        assert packed.read("history.jsonl") == b""
    packed_anew(archive, in_manifest(schema=1))
    conecta("restore", "Ana", str(archive), "--yes")
    assert states(conecta) == {"+5511900000001": ["campaign"], "+5511900000002": ["campaign"]}
