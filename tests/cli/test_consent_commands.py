"""The commands about consent, over the real core and a real database."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from app.text.status import texts
from tests.cli.conftest import Conecta

BIA = "11 90000-0001"
WORDS = ("--wording", "Aceito receber novidades", "--version", "2")


@pytest.fixture
def conecta(conecta: Conecta) -> Conecta:
    """The command line, with Ana in the roster."""
    conecta("mentorado", "add", "Ana Lima", "11 98765-4321")
    return conecta


def as_json(conecta: Conecta, *arguments: str) -> Any:
    code, out, err = conecta("consent", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_consent_is_granted_shown_and_taken_back(conecta: Conecta) -> None:
    assert conecta("consent", "list", "Ana") == (0, "Nothing is recorded.\n", "")
    assert conecta("consent", "list", "Ana", BIA) == (0, "Nothing is recorded.\n", "")
    granted = conecta("consent", "grant", "Ana", BIA, "--purpose", "campaign", *WORDS, "--note", "event")
    assert granted == (0, "+5511900000001: campaign\n", "")
    assert conecta("consent", "list", "Ana") == (0, "+5511900000001  campaign\n", "")
    _, shown, _ = conecta("consent", "list", "Ana", BIA)
    assert "agreed  campaign  recorded by an operator" in shown
    assert "2  Aceito receber novidades  event" in shown
    (entry,) = as_json(conecta, "list", "Ana", BIA)["entries"]
    assert (entry["change"], entry["purpose"], entry["version"]) == ("granted", "campaign", "2")
    revoked = as_json(conecta, "revoke", "Ana", BIA, "--purpose", "campaign")
    assert revoked == {"contact": "+5511900000001", "granted": [], "opted_out_at": None}
    code, _, err = conecta("consent", "revoke", "Ana", BIA, "--purpose", "campaign")
    assert (code, err.endswith("[consent_not_given]\n")) == (1, True)


def test_who_opted_out_is_let_in_again_when_that_is_asked_for(conecta: Conecta) -> None:
    _, out, _ = conecta("consent", "revoke", "Ana", BIA)
    assert out.startswith("+5511900000001: opted out on ")
    grant = ("consent", "grant", "Ana", BIA, "--purpose", "conversation", *WORDS)
    code, _, err = conecta(*grant)
    assert (code, err.endswith("[consent_opted_out]\n")) == (1, True)
    _, out, _ = conecta(*grant, "--again")
    assert out.startswith("+5511900000001: conversation, opted out on ")  # for anything else
    (contact,) = as_json(conecta, "list", "Ana")["contacts"]
    assert contact["granted"] == ["conversation"]


def test_a_file_is_shown_first_then_imported_reported_and_taken_back(conecta: Conecta, fast_dir: Path) -> None:
    file, report = fast_dir / "maio.csv", fast_dir / "report.csv"
    file.write_text("Telefone;Texto;Versão\n11900000001;Aceito;1\n123;Aceito;1\n=x;Aceito;1\n", "utf-8")
    command = ("import", "Ana", str(file), "--purpose", "campaign", "--report", str(report))
    code, out, _ = conecta("consent", *command)
    assert code == 0
    assert "line 3  123  " in out
    assert "1 consent can be recorded; nothing is recorded yet." in out
    assert "2 lines were left out." in out
    assert conecta("consent", "list", "Ana")[1] == "Nothing is recorded.\n"
    code, out, _ = conecta("consent", *command, "--yes")
    assert "1 consent recorded." in out
    lines = list(csv.reader(io.StringIO(report.read_text("utf-8-sig")), delimiter=texts("audit.csv_separator")))
    assert [line[0] for line in lines] == ["Line", "2", "3", "4"]
    assert [line[3] for line in lines[1:]] == ["imported", "left out", "left out"]
    assert lines[3][1].startswith("'=")  # no spreadsheet calculates it
    code, out, _ = conecta("consent", *command, "--yes", "--json")
    again = json.loads(out)
    assert (code, again["import"], again["right"], again["wrong"]) == (1, None, 0, 3)
    assert again["rows"][0]["problem"] == "consent_known"
    (entry,) = as_json(conecta, "list", "Ana", BIA)["entries"]
    assert as_json(conecta, "undo", "Ana", entry["import"]) == {"revoked": 1}
    assert conecta("consent", "undo", "Ana", entry["import"])[1] == "0 consents revoked.\n"


def test_a_file_that_is_not_there_is_said_so(conecta: Conecta) -> None:
    code, _, err = conecta("consent", "import", "Ana", "missing.csv")
    assert (code, err.endswith("[consent_file_unreadable]\n")) == (1, True)


def test_the_ledger_is_exported_whole(conecta: Conecta, fast_dir: Path) -> None:
    conecta("consent", "grant", "Ana", BIA, "--purpose", "campaign", *WORDS)
    conecta("consent", "revoke", "Ana", BIA)
    file = fast_dir / "ledger.csv"
    assert conecta("consent", "export", "Ana", "--to", str(file)) == (0, f"2 entries in {file}\n", "")
    lines = list(csv.reader(io.StringIO(file.read_text("utf-8-sig")), delimiter=texts("audit.csv_separator")))
    assert [line[2] for line in lines[1:]] == ["granted", "opted_out"]
    assert as_json(conecta, "export", "Ana", "--to", str(file))["entries"] == 2
    code, _, err = conecta("consent", "export", "Ana", "--to", str(fast_dir / "nowhere" / "x.csv"))
    assert (code, err.endswith("[export_folder_unusable]\n")) == (1, True)


def test_the_words_that_opt_out_are_shown_and_changed(conecta: Conecta) -> None:
    assert "SAIR" in conecta("consent", "words")[1]
    assert conecta("consent", "words", "Chega", "Não quero") == (0, "Chega, Não quero\n", "")
    assert as_json(conecta, "words") == {"words": ["Chega", "Não quero"]}
