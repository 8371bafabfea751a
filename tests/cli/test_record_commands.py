"""Export, erase and audit over the real core and a real database."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.messages import MessageUpdate, WireUnknown
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.cli.conftest import Conecta, store_talk
from tests.clock import DAWN
from tests.storage.talk import BIA, BIA_LID, CAIO, GROUP, a_message, edit

HOSTILE = "<script>alert('oi')</script>"
TALK: tuple[MessageUpdate, ...] = (
    a_message("1", "Bom dia", BIA, BIA_LID, sender_name=HOSTILE),
    a_message("2", "Tudo bem?", from_me=True, minute=1),
    edit("3", "1", "Boa tarde", minute=2),
    a_message("4", HOSTILE, GROUP, minute=3),
    a_message("5", "De outra pessoa", CAIO, minute=4),
)


@pytest.fixture
def conecta(conecta: Conecta, fast_dir: Path) -> Conecta:
    """The command line, with Ana in the roster and some talk in her history."""
    conecta("mentorado", "add", "Ana Lima", "11 98765-4321")
    asyncio.run(store_talk(fast_dir / "data" / "conecta.db", TALK))
    return conecta


def test_metrics_are_switched_without_a_window_and_that_is_in_the_audit(conecta: Conecta) -> None:
    assert conecta("metrics") == (0, "The metrics are not offered. To switch them on: conecta metrics on.\n", "")
    code, out, _ = conecta("metrics", "on", "--port", "9500", "--json")
    assert (code, json.loads(out)) == (0, {"on": True, "port": 9500, "address": "http://127.0.0.1:9500/metrics"})
    assert "http://127.0.0.1:9500/metrics" in conecta("metrics")[1]
    assert json.loads(conecta("metrics", "off", "--json")[1])["on"] is False
    audit = json.loads(conecta("audit", "list", "--json")[1])["entries"]
    assert [each["action"] for each in audit].count("set_metrics") == 3
    code, _, error = conecta("metrics", "--port", "http")
    assert (code, error.splitlines()[-1]) == (1, "[webhook_port_invalid]")


def written(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.html"))


def test_a_mentorado_is_exported_whole(conecta: Conecta, fast_dir: Path) -> None:
    code, out, err = conecta("export", "ana", "--to", "out")
    (folder,) = (fast_dir / "out").iterdir()
    assert (code, out, err) == (0, f"4 messages were exported to {folder}\n", "")
    described = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert [message["provider_id"] for message in described["messages"]] == ["1", "2", "3", "4", "5"]
    assert described["messages"][0]["text"] == "Boa tarde"
    assert described["messages"][0]["original_text"] == "Bom dia"
    assert len(described["conversations"]) == 3
    pages = written(folder)
    for expected in ("Boa tarde", "Bom dia", "Tudo bem?", "De outra pessoa"):
        assert expected in pages
    assert "<script" not in pages
    assert "script" not in folder.name


def test_one_contact_is_exported_with_nothing_of_others(conecta: Conecta, fast_dir: Path) -> None:
    code, out, _ = conecta("export", "ana", "--to", str(fast_dir / "out"), "--contact", "21 98765-0001", "--json")
    value = json.loads(out)
    assert (code, value["messages"], value["conversations"]) == (0, 3, 2)
    assert "De outra pessoa" not in written(Path(value["folder"]))
    assert "De outra pessoa" not in (Path(value["folder"]) / "data.json").read_text(encoding="utf-8")


def test_somebody_archived_can_be_exported_too(conecta: Conecta) -> None:
    conecta("mentorado", "archive", "Ana")
    assert conecta("export", "Ana", "--to", "out")[0] == 0


def test_a_contact_is_erased_and_can_be_found_nowhere(conecta: Conecta, fast_dir: Path) -> None:
    code, out, _ = conecta("erase", "ana", "--contact", "21 98765-0001", "--yes-erase", "+55 21 98765-0001")
    assert (code, out) == (0, "The contact and 4 messages were erased.\n")
    kept = b"".join(path.read_bytes() for path in (fast_dir / "data").iterdir() if path.is_file())
    for gone in ("Bom dia", "Boa tarde", "Tudo bem?", "987650001", HOSTILE):
        assert gone.encode() not in kept
    assert b"De outra pessoa" in kept
    code, out, _ = conecta("erase", "ana", "--contact", "21 98765-0001", "--yes-erase", "21 98765-0001")
    assert (code, out) == (0, "The contact was erased; there were no messages.\n")  # once more completes it
    code, _, err = conecta("erase", "ana", "--contact", "21 98765-0009", "--yes-erase", "21 98765-0009")
    assert (code, err.splitlines()[-1]) == (1, "[contact_unknown]")
    code, out, _ = conecta("erase", "ana", "--contact", "31 98765-0002", "--yes-erase", "31 98765-0002", "--json")
    assert (code, json.loads(out)) == (0, {"messages": 1, "traces": None, "copies": [], "copies_removed": False})


def test_copies_that_hold_who_was_erased_are_named_with_their_dates_and_removed_on_request(
    conecta: Conecta, fast_dir: Path
) -> None:
    conecta("backup", "ana")
    old = fast_dir / "data" / "conecta.0001.20250102T030405000006Z.db"
    old.write_bytes(b"Bom dia")
    contact = ("erase", "ana", "--contact", "21 98765-0001", "--yes-erase", "21 98765-0001")
    code, out, _ = conecta(*contact)
    (backup,) = (fast_dir / "data" / "backups").glob("*.conecta")
    assert code == 0
    assert "Copy of the whole database before an update, of 2 Jan 2025" in out
    assert str(old) in out
    assert str(backup) in out
    assert "--remove-copies" in out
    code, out, _ = conecta(*contact, "--remove-copies", "--json")
    value = json.loads(out)
    assert (code, value["copies_removed"], {each["kind"] for each in value["copies"]}) == (
        0,
        True,
        {"backup", "database"},
    )
    assert not old.exists()
    assert not backup.exists()
    actions = [entry["action"] for entry in json.loads(conecta("audit", "list", "--json")[1])["entries"]]
    assert actions[:3] == ["remove_copies", "remove_copies", "erase_contact"]
    conecta("backup", "ana")
    assert "1 copy was removed." in conecta(*contact, "--remove-copies")[1]


def test_another_number_confirms_nothing(conecta: Conecta) -> None:
    code, _, err = conecta("erase", "ana", "--contact", "21 98765-0001", "--yes-erase", "31 98765-0002")
    assert (code, err.splitlines()[-1]) == (1, "[erasure_not_confirmed]")
    assert "4 messages" in conecta("export", "ana", "--to", "out")[1]


def test_what_was_done_is_in_the_audit_without_a_whole_number(conecta: Conecta) -> None:
    assert conecta("audit", "list")[1].endswith("\tMentorado added\tAna Lima\tDone\n")
    conecta("export", "ana", "--to", "out")
    conecta("export", "ana", "--to", "out", "--contact", "31 98765-0002")
    conecta("erase", "ana", "--contact", "21 98765-0001", "--yes-erase", "21 98765-0001")
    lines = conecta("audit", "list")[1].splitlines()
    assert [line.split("\t")[0] for line in lines] == ["6", "5", "4", "3", "2", "1"]
    assert lines[0].endswith("\tErase contact\tAna Lima\tDone")
    assert [line.split("\t")[-1] for line in lines[1:5]] == ["Done", "Begun", "Done", "Begun"]
    out = conecta("audit", "list", "--limit", "2", "--json")[1]
    erased, exported = json.loads(out)["entries"]
    assert (erased["before"], erased["after"]) == ({"contact": "+55…01"}, {"messages": "4"})
    assert (exported["action"], exported["after"]) == ("export_contact", {"messages": "1", "conversations": "1"})
    assert "98765" not in out


def test_the_operators_name_is_in_the_audit(conecta: Conecta, fast_dir: Path) -> None:
    with closing(sqlite3.connect(fast_dir / "data" / "conecta.db")) as raw, raw:
        raw.execute("INSERT INTO setting VALUES ('operator_name', '\"Rosa\"', '2026-01-01T00:00:00+00:00')")
    conecta("export", "ana", "--to", "out")
    entry, *_ = json.loads(conecta("audit", "list", "--json")[1])["entries"]
    assert entry["operator"] == "Rosa"
    assert f"\t{entry['user']} · Rosa\t" in conecta("audit", "list")[1]


def test_the_first_entry_that_does_not_hold_is_named(conecta: Conecta, fast_dir: Path) -> None:
    for _ in range(3):
        conecta("export", "ana", "--to", "out")
    code, out, err = conecta("audit", "verify")
    value = json.loads(conecta("audit", "verify", "--json")[1])
    assert (code, out.splitlines()[0], err) == (0, "The audit log is intact.", "")
    assert (value["holds"], value["broken"]) == (True, None)
    assert f"no. {value['number']}, {value['head']}." in out
    with closing(sqlite3.connect(fast_dir / "data" / "conecta.db")) as raw, raw:
        raw.execute("DROP TRIGGER audit_no_update")
        raw.execute("UPDATE audit SET user = 'nobody' WHERE number = 2")
    assert conecta("audit", "verify")[:2] == (
        1,
        "The audit was tampered with. The content of entry no. 2 was altered.\n",
    )
    code, out, _ = conecta("audit", "verify", "--json")
    value = json.loads(out)
    assert (code, value["holds"], value["broken"]) == (1, False, {"number": 2, "found": "altered"})


@pytest.mark.skipif(os.name == "nt", reason="a file in the folder's place is another error there")
def test_a_folder_that_cannot_be_used_is_a_sentence(conecta: Conecta, fast_dir: Path) -> None:
    (fast_dir / "out").write_text("a file")
    code, _, err = conecta("export", "ana", "--to", "out")
    sentence, step, last = err.splitlines()
    assert (code, last) == (1, "[export_folder_unusable]")
    assert str(fast_dir / "out") in sentence
    assert step.endswith(".")


def test_what_was_set_aside_is_counted_and_listed_without_its_contents_unless_a_machine_asks(
    conecta: Conecta, fast_dir: Path
) -> None:
    assert conecta("set-aside")[1] == "Everything that was delivered is in the history.\n"

    async def add() -> None:
        async with Database(fast_dir / "data" / "conecta.db") as database:
            (ana,) = await SqlMentoradoRepository(database).all()
            strange = WireUnknown(kind="calls\x1b[2J", payload='{"call": "segredo"}', at=DAWN)
            await SqlMessageRepository(database).store(ana, [strange, replace(strange, kind="history")], DAWN)

    asyncio.run(add())
    code, out, _ = conecta("set-aside", "Ana", "--limit", "1")
    assert code == 0
    assert "“history”: this version of Conecta does not know what it means" in out
    assert len(out.splitlines()) == 1
    everything = conecta("set-aside")[1]
    assert "\x1b" not in everything
    assert "segredo" not in everything
    value = json.loads(conecta("set-aside", "--json")[1])
    assert (value["count"], value["deliveries"][0]["payload"]) == (2, '{"call": "segredo"}')
    assert json.loads(conecta("status", "--json")[1])["mentorados"][0]["set_aside"] == 2
    assert "2 deliveries were not taken into the history. See them with: conecta set-aside" in conecta("status")[1]


def test_the_date_of_this_computer_is_told_and_can_be_confirmed(
    conecta: Conecta, fast_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.providers.connectivity.PROBE_URLS", {})
    monkeypatch.setenv("CONECTA_ZAPI_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CONECTA_META_URL", "http://127.0.0.1:1")
    code, out, _ = conecta("clock")
    assert (code, out.partition(":")[0]) == (0, "Conecta trusts the date of this computer")
    file = fast_dir / "data" / "conecta.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "INSERT OR REPLACE INTO setting VALUES ('trusted_time',"
            ' \'{"at": "2999-01-01T00:00:00+00:00", "disregarded_until": null}\', \'2999-01-01\')'
        )
    code, out, _ = conecta("clock")
    assert code == 1
    assert "2999" in out
    assert "conecta clock --confirm" in out
    code, out, _ = conecta("clock", "--confirm", "--json")
    assert (code, json.loads(out)["believed"]) == (0, True)
    assert json.loads(conecta("audit", "list", "--json")[1])["entries"][0]["action"] == "confirm_date"
    assert conecta("clock")[0] == 0
