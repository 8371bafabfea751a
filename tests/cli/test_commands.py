"""The command line over the real core and a real database; only standard output is looked at."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zxingcpp

from app.cli.output import print_qr
from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.repositories import Transition
from app.platform.locks import FileLock
from tests.cli.conftest import Conecta
from tests.services import build_services


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_somebody_is_added_listed_and_archived(conecta: Conecta) -> None:
    assert conecta("mentorado", "list")[1] == "No mentorados here.\n"
    code, out, _ = conecta("mentorado", "add", "Ana Prates", "11 98765-4321", "--cohort", "Turma 3")
    assert (code, out) == (0, "Ana Prates (+55 11 98765-4321) was added.\n")
    assert conecta("mentorado", "list")[1] == "Ana Prates\t+55 11 98765-4321\tTurma 3\n"
    assert conecta("mentorado", "archive", "ana")[0] == 0
    assert conecta("mentorado", "list")[1] == "No mentorados here.\n"
    (archived,) = lines(conecta("mentorado", "list", "--archived", "--json")[1])[0]["mentorados"]
    assert archived["name"] == "Ana Prates"
    assert archived["archived_at"] is not None


def test_status_says_what_is_known_of_each_link(conecta: Conecta) -> None:
    assert conecta("status")[1] == "No mentorados here.\n"
    conecta("mentorado", "add", "Ana", "11 98765-4321")
    assert conecta("status")[1] == "Ana  +55 11 98765-4321  WhatsApp Web  Off  now\n"
    (ana,) = lines(conecta("status", "--json")[1])[0]["mentorados"]
    assert (ana["state"], ana["reason"], ana["phone"]) == ("off", "none", "+5511987654321")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("mentorado", "add", "Ana", "123"), "phone_invalid"),
        (("mentorado", "add", " ", "11 98765-4321"), "name_missing"),
        (("mentorado", "add", "Bia", "11 98765-4300"), "phone_taken"),
        (("connect", "Nobody"), "mentorado_unknown"),
        (("connect", "Caio"), "mentorado_ambiguous"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_a_next_step_and_a_code(
    conecta: Conecta, arguments: tuple[str, ...], code: str
) -> None:
    for name, phone in (("Zoe", "11 98765-4300"), ("Caio A", "11 98765-4301"), ("Caio B", "11 98765-4302")):
        conecta("mentorado", "add", name, phone)
    exit_code, out, err = conecta(*arguments)
    sentence, step, last = err.splitlines()
    assert (exit_code, out, last) == (1, "", f"[{code}]")
    assert sentence.endswith(".")
    assert step.endswith(".")


def test_a_lost_database_is_told_and_what_can_be_done_is_a_command(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana", "11 98765-4321")
    data = fast_dir / "data"
    (data / "backups").mkdir()
    (data / "backups" / "Conecta Ana.conecta").touch()
    (data / "conecta.db").rename(fast_dir / "away.db")
    code, _, err = conecta("mentorado", "list")
    assert (code, err.splitlines()[-1]) == (1, "[database_missing]")
    assert str(data / "backups") in err
    assert conecta("database", "list")[1] == (
        f"No copies in {data}. Look for conecta.db in your backups of this computer.\n"
    )
    assert conecta("database", "new")[:2] == (1, "Nothing was done. To start with an empty database, add --yes.\n")
    assert conecta("database", "use", str(fast_dir / "away.db"))[0] == 0
    assert conecta("mentorado", "list")[1] == "Ana\t+55 11 98765-4321\n"
    assert conecta("database", "new", "--yes")[2].endswith("[database_present]\n")
    entry, *_ = lines(conecta("audit", "list", "--json")[1])[0]["entries"]
    assert entry["action"] == "use_database_copy"
    (data / "conecta.db").rename(data / "conecta.0001.20261129T000000000000Z.db")
    (copy,) = lines(conecta("database", "list", "--json")[1])[0]["copies"]
    assert copy["path"] == str(data / "conecta.0001.20261129T000000000000Z.db")
    assert str(data / "conecta.0001.20261129T000000000000Z.db") in conecta("database", "list")[1]
    assert lines(conecta("database", "new", "--yes", "--json")[1])[0]["mentorados"] == 0


def test_that_a_second_program_was_refused_is_not_the_state_of_the_link(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana", "11 98765-4321")
    owner = fast_dir / "data" / "sessions" / lines(conecta("mentorado", "list", "--json")[1])[0]["mentorados"][0]["id"]

    async def write(*moves: tuple[LinkState, Reason]) -> None:
        core = build_services(fast_dir / "data")
        await core.open()
        (ana,) = core.mentorados.all()
        now = core.clock.now()
        for state, reason in moves:
            before, after = LinkStatus(since=now), LinkStatus(state=state, reason=reason, since=now)
            await core.transitions.append(
                Transition(link_id=ana.link.id, at=now, trigger=Trigger.CONNECT, before=before, after=after)
            )
        await core.database.close()

    def output() -> tuple[str, str]:
        (ana,) = lines(conecta("status", "--json")[1])[0]["mentorados"]
        return ana["state"], ana["reason"]

    refusal = ((LinkState.CONNECTING, Reason.NONE), (LinkState.BLOCKED, Reason.SESSION_IN_USE))
    asyncio.run(write(*refusal))
    assert output() == ("off", "none"), "nothing else was ever written down"
    asyncio.run(write((LinkState.CONNECTED, Reason.NONE), *refusal, *refusal))
    assert output() == ("off", "none"), "no program holds it"
    owner.mkdir(parents=True)
    lock = FileLock.take(owner / "owner.lock")
    assert output() == ("connected", "none")
    code, out, err = conecta("connect", "Ana")
    assert (code, out, err.splitlines()[-1]) == (1, "", "[session_in_use]")
    assert output() == ("connected", "none")
    lock.release()
    asyncio.run(write((LinkState.BLOCKED, Reason.LOGGED_OUT), *refusal))
    assert output() == ("blocked", "logged_out")


def test_words_that_are_not_known_exit_with_two(conecta: Conecta) -> None:
    with pytest.raises(SystemExit) as caught:
        conecta("fly")
    assert caught.value.code == 2


def test_the_code_in_the_terminal_can_be_scanned() -> None:
    print_qr("https://example.invalid/a-harmless-code", drawing := io.StringIO())
    halves = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0), "\xa0": (255, 255)}
    rows = [[halves[sign] for sign in line] for line in drawing.getvalue().splitlines()]
    width = max(map(len, rows))
    image = np.full((2 * len(rows), width), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, (above, below) in enumerate(row):
            image[2 * y, x], image[2 * y + 1, x] = above, below
    for picture in (image, 255 - image):  # a terminal is dark or light
        big = np.kron(np.pad(picture, 4, constant_values=picture[0, 0]), np.ones((6, 6), dtype=np.uint8))
        found = zxingcpp.read_barcodes(np.ascontiguousarray(big))
        assert [code.text for code in found] == ["https://example.invalid/a-harmless-code"]
