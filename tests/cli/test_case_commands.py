"""The commands about cases, over the real core and a real database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from app.domain.cases import CaseKind
from tests.cli.conftest import Conecta
from tests.services import build_services


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
