"""The commands about cases, over the real core and a real database."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from app.__main__ import main
from app.domain.cases import CaseKind
from app.text.status import texts
from tests.services import build_services

Conecta = Callable[..., tuple[int, str, str]]


@pytest.fixture
def conecta(fast_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Conecta:
    """Run the command line; returns exit code, standard output and standard error."""
    monkeypatch.setenv("CONECTA_DATA_DIR", str(fast_dir / "data"))
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.chdir(fast_dir)
    texts.set_language("en")
    logging.getLogger("app").setLevel(logging.NOTSET)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def test_a_case_is_listed_taken_noted_and_closed(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    assert conecta("case", "list")[1] == "No case here\n"

    async def happen() -> None:
        core = build_services(fast_dir / "data")
        await core.open()
        async with core.running():
            (ana,) = core.mentorados.all()
            evidence = {"trouble": "policy_block", "code": "463", "detail": "reach-out time-lock"}
            core.cases.open(CaseKind.SENDING_STOPPED, ana.id, evidence=evidence)
            await core.write_queue.flush()

    asyncio.run(happen())
    (listed,) = json.loads(conecta("case", "list", "--json")[1])["cases"]
    assert (listed["kind"], listed["mentorado"], listed["owner"]) == ("sending_stopped", "Ana Prates", "")
    short = listed["id"][:8]
    code, out, _ = conecta("case", "take", short)
    assert code == 0
    assert out.startswith(f"{short}  due ")
    assert "In the provider's words: reach-out time-lock" in out
    assert conecta("case", "note", short, "Called her.")[0] == 0
    code, _, err = conecta("case", "close", short, "  ")
    assert code == 1
    assert "case_note_missing" in err
    (closed,) = [json.loads(conecta("case", "close", short, "Released.", "--json")[1])]
    assert [note["text"] for note in closed["notes"]] == ["Called her.", "Released."]
    assert conecta("case", "list")[1] == "No case here\n"
    assert short in conecta("case", "list", "--closed")[1]
    code, _, err = conecta("case", "take", short)
    assert code == 1
    assert "conecta case list" in err
