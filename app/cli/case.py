"""The commands about cases: list, take, note, close."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from app.cli.output import iso, print_json
from app.domain.cases import Case
from app.domain.errors import Problem, ProblemCode
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import cases as case_text
from app.text.status import texts

DONE = 0
SHORT = 8
"""So many letters of a case's id are shown, and enough to name it."""


async def run_case_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    if arguments.case_command == "list":
        return await list_cases(core, arguments)
    case = find(core, arguments.case)
    match arguments.case_command:
        case "take":
            await core.cases.take(case.id)
        case "note":
            await core.cases.add_note(case.id, arguments.text)
        case _:
            await core.cases.close(case.id, arguments.text)
    changed = next((each for each in core.cases.open_cases if each.id == case.id), None)
    closed = next((each for each in await core.cases.closed_cases() if each.id == case.id), case)
    _print_one(core, changed or closed, as_json=arguments.json)
    return DONE


async def list_cases(core: Services, arguments: Namespace) -> int:
    """List the open cases by due time, or the closed ones, the latest first."""
    cases = await core.cases.closed_cases() if arguments.closed else core.cases.open_cases
    if arguments.json:
        print_json({"cases": [_as_json(core, each) for each in cases]})
        return DONE
    for each in cases:
        print(_line(core, each))
    if not cases:
        print(texts("cases.empty"))
    return DONE


def find(core: Services, typed: str) -> Case:
    """Return the open case whose id begins with *typed*. Raises `Problem(CASE_UNKNOWN)` unless it is exactly one."""
    found = [each for each in core.cases.open_cases if typed and each.id.startswith(typed)]
    if len(found) != 1:
        raise Problem(ProblemCode.CASE_UNKNOWN, case=typed)
    return found[0]


def _print_one(core: Services, case: Case, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(core, case))
        return
    print(_line(core, case))
    print(case_text.step(case))
    for name, value in case_text.facts(case):
        print(f"{name}: {value}")
    for note in case.notes:
        print(f"{iso(note.at)}  {note.author}: {note.text}")


def _line(core: Services, case: Case) -> str:
    name, owner = core.mentorados.get(case.mentorado_id).name, case_text.owner(case)
    words = (case.id[:SHORT], case_text.due(case, core.clock.now()), case_text.kind(case), name, owner)
    return "  ".join(words)


def _as_json(core: Services, case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "mentorado": core.mentorados.get(case.mentorado_id).name,
        "kind": case.kind.value,
        "subject": case.subject,
        "opened_at": iso(case.opened_at),
        "due_at": iso(case.due_at),
        "closed_at": None if case.closed_at is None else iso(case.closed_at),
        "owner": case.owner,
        "evidence": dict(case.evidence),
        "notes": [{"at": iso(note.at), "author": note.author, "text": note.text} for note in case.notes],
    }
