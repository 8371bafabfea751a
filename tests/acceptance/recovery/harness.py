"""People with a history, and what must still be true of them whatever was killed."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.domain.procedure import ProcedureId
from app.services import Services
from tests.acceptance.connect.harness import Harness, ProgramRun
from tests.acceptance.program import Person
from tests.acceptance.recovery.core_process import Application, Orders

_contacts = itertools.count(5_521_930_000_001)
MESSAGES: Final = 3

_EVERY: Final = int(os.environ.get("CONECTA_KILL_EVERY", "1"))


def moments_of(entries: int) -> range:
    """After which entries of a journal to kill: after each, unless somebody is in a hurry."""
    return range(1, entries + 1, _EVERY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What must not become less."""

    messages: frozenset[tuple[str, str]]  # ids and texts
    contacts: int
    sessions: frozenset[str]  # names of session files, wherever they lie

    @property
    def complete(self) -> bool:
        return len(self.messages) >= MESSAGES and self.contacts >= 1 and len(self.sessions) >= 1


async def somebody_with_history(run: ProgramRun) -> Person:
    """Paired, written to, and switched off with a session that works."""
    person = await run.connect_new()
    control, contact = run.harness.emulator.control, str(next(_contacts))
    await control.off_loop(control.add_account, contact)
    await control.off_loop(control.stream_texts, contact, person.digits, MESSAGES, "oi ")
    async with asyncio.timeout(20):
        while len((await kept(run.core, run.harness, person)).messages) < MESSAGES:
            await asyncio.sleep(0.05)
    await run.do(ActionName.DISCONNECT, person)
    return person


async def kept(core: Services, harness: Harness, person: Person) -> Baseline:
    """What there is of *person* now."""
    found = [message async for batch in core.history.export(person.id) for message in batch]
    return Baseline(
        messages=frozenset((message.provider_id, message.text) for message in found),
        contacts=await core.history.contacts(person.id),
        sessions=frozenset(file.name for file in session_files(harness.folder(person))),
    )


def session_files(folder: Path) -> Iterable[Path]:
    """In use, beside, and set aside; none of them empty."""
    found = [*folder.glob("session-*.db"), *folder.glob("quarantine/session-*.db")]
    return [file for file in found if file.stat().st_size > 0]


async def killed(harness: Harness, orders: Orders, person: Person) -> bool:
    """Carry out *orders* in a program of its own; whether it was killed before it had done everything."""
    async with Application.started(harness.environment(), orders) as program:
        await _scanning(harness, program, [person])
        if orders.kill_after is not None:
            async with asyncio.timeout(10):
                if not any(fields["event"] == "all" for fields in program.events):
                    await program.process.wait()
    return program.killed


async def finished(harness: Harness, orders: Orders, people: Sequence[Person]) -> Mapping[str, list[dict[str, Any]]]:
    """Carry out *orders* for everybody in one program; what it said of each."""
    async with Application.started(harness.environment(), orders) as program:
        await _scanning(harness, program, people)
        assert program.events[-1]["event"] == "all", program.events[-3:]
    return {person.id: [fields for fields in program.events if fields.get("whom") == person.id] for person in people}


async def _scanning(harness: Harness, program: Application, people: Sequence[Person]) -> None:
    """Every phone scans the first code it is shown; what kept its link away is over then."""
    by_id, control, scanned = {person.id: person for person in people}, harness.emulator.control, set[str]()
    async for fields in program.news():
        whom = by_id.get(fields.get("whom", ""))
        if whom is None or not fields.get("qr") or whom.id in scanned:
            continue
        scanned.add(whom.id)
        await control.off_loop(control.clear_faults, whom.digits)
        await control.off_loop(control.scan, whom.digits, fields["qr"])


async def is_usable(run: ProgramRun, person: Person) -> bool:
    """Whether the session in use connects without a code."""
    status = run.status(person)
    if status.state is LinkState.CONNECTED:
        return True
    if run.refusal(ActionName.CONNECT, person) is not None:
        return False
    await run.do(ActionName.CONNECT, person)
    return (await run.until_status(person, lambda s: s.state in _SETTLED)).state is LinkState.CONNECTED


async def backups_of(core: Services, person: Person) -> list[ProcedureId]:
    """Read every archive of *person* to its end; raises `Problem` for one that is not whole."""
    found = await core.backups.all(person.id)
    for info in found:
        verified = await core.backups.verify(info.path)
        assert verified.messages >= MESSAGES
    return [ProcedureId(info.path.name) for info in found]


_SETTLED: Final = frozenset({LinkState.CONNECTED, LinkState.BLOCKED, LinkState.QR_READY})
