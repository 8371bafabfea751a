"""`conecta support-bundle`: looked at first, written where nothing is, and possible without a database."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from app.domain.crash_report import encode_report
from tests.cli.conftest import Conecta
from tests.crashes import crash_report


@pytest.fixture
def crash(fast_dir: Path) -> str:
    """The name of the file of a crash report."""
    report = crash_report("KeyError")
    folder = fast_dir / "data" / "crashes"
    folder.mkdir(mode=0o700, parents=True)
    (folder / f"{report.crash.key}.json").write_text(encode_report(report))
    return f"crash-{report.crash.key}.txt"


def test_by_itself_it_lists_and_writes_nothing(conecta: Conecta, crash: str, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    code, out, err = conecta("support-bundle")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "--with" in lines[crash]
    assert "--with" not in lines["links.json"]
    assert not list(fast_dir.glob("*.zip"))


def test_it_is_written_with_what_was_asked_for_and_without_what_was_not_wanted(
    conecta: Conecta, crash: str, fast_dir: Path
) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    file = fast_dir / "bundle.zip"
    code, out, _ = conecta("support-bundle", "--to", str(file), "--with", crash, "--without", "log.jsonl")
    assert code == 0
    assert str(file) in out
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names).decode()
    assert crash in names
    assert "log.jsonl" not in names
    assert "Ana" not in content
    _, out, _ = conecta("audit", "list")
    assert "Write a support bundle" in out


def test_a_file_is_shown_as_it_would_be_written(conecta: Conecta) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    code, out, _ = conecta("support-bundle", "--show", "links.json")
    assert code == 0
    assert json.loads(out)[0]["mentorado"] == "mentorado 1"


def test_the_key_is_shown_here_and_is_in_no_bundle(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    code, out, _ = conecta("support-bundle", "--key")
    assert (code, out) == (0, "mentorado 1\tAna Prates\n")
    _, out, _ = conecta("support-bundle", "--json", "--key", "--to", str(fast_dir / "x.zip"))
    printed = json.loads(out)
    assert printed["people"] == {"1": "Ana Prates"}
    assert printed["to"].endswith("x.zip")
    assert {each["name"]: each["included"] for each in printed["files"]}["links.json"] is True


def test_a_file_that_is_there_is_never_replaced(conecta: Conecta, fast_dir: Path) -> None:
    file = fast_dir / "data.db"
    file.write_text("mine")
    code, _, err = conecta("support-bundle", "--to", str(file))
    assert code == 1
    assert "[bundle_present]" in err
    assert file.read_text() == "mine"


def test_a_name_that_is_no_file_of_it_is_refused(conecta: Conecta) -> None:
    code, _, err = conecta("support-bundle", "--without", "secrets.json")
    assert code == 1
    assert "[bundle_file_unknown]" in err


def test_a_broken_database_is_no_reason_to_have_no_bundle(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    database = fast_dir / "data" / "conecta.db"
    database.write_bytes(b"broken" * 4000)
    file = fast_dir / "bundle.zip"
    code, _, err = conecta("support-bundle", "--to", str(file))
    assert code == 0, err
    assert "[" not in err
    with zipfile.ZipFile(file) as archive:
        assert "problem" in json.loads(archive.read("actions.json"))
        assert json.loads(archive.read("versions.json"))["Python"]
