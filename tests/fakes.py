"""Storage and checks in memory. Written by hand rather than mocked, so that mypy holds them to the ports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app.domain.backup import BackupInfo, BackupPart, BackupProgress
from app.domain.bulk_work import BulkWork
from app.domain.cases import Case, CaseId, CaseKind, CaseNote
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import FORBIDDING
from app.domain.handling import Handling
from app.domain.incident import Finding
from app.domain.link_status import LinkState
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.messages import ConversationId, HistoryStats, MessageUpdate
from app.domain.notes import Note, NoteId
from app.domain.notifications import Snooze
from app.domain.phone import PhoneNumber, same_account
from app.domain.procedure import EntryKind, JournalEntry, ProcedureId, ProcedureInfo
from app.domain.repositories import Transition
from app.domain.set_aside import NotStorable, SetAsideCount, SetAsideDelivery
from app.domain.settings import OperatorSettings
from app.domain.trusted_time import TimeMark
from tests.clock import DAWN


class FakeMentoradoRepository:
    """The roster in memory, with the same rule about numbers as the database."""

    def __init__(self, *mentorados: Mentorado) -> None:
        self.mentorados: dict[MentoradoId, Mentorado] = {e.id: e for e in mentorados}
        self.links: dict[MentoradoId, Link] = {e.id: e.link for e in mentorados}
        self.beside: dict[LinkId, Link] = {}
        self.on_put_in_use: Callable[[Link], None] = lambda _link: None
        self.problem: Problem | None = None  # raised by every write while set

    async def all(self) -> Sequence[Mentorado]:
        everybody = sorted(self.mentorados.values(), key=lambda mentorado: mentorado.name)
        return [replace(mentorado, link=self.links[mentorado.id]) for mentorado in everybody]

    async def add(self, mentorado: Mentorado) -> None:
        self._may_write()
        if holder := await self.by_phone(mentorado.phone):
            raise Problem(ProblemCode.PHONE_TAKEN, name=holder.name)
        self.mentorados[mentorado.id] = mentorado
        self.links[mentorado.id] = mentorado.link

    async def save_mentorado(self, mentorado: Mentorado) -> None:
        self._may_write()
        self.mentorados[mentorado.id] = mentorado

    async def save_link(self, link: Link) -> None:
        self._may_write()
        if link.in_use:
            self.links[link.mentorado_id] = link
        else:
            self.beside[link.id] = link

    async def links_beside(self) -> Sequence[Link]:
        return list(self.beside.values())

    async def add_link(self, link: Link) -> None:
        await self.save_link(link)

    async def put_in_use(self, link: Link) -> None:
        self._may_write()
        former = self.links[link.mentorado_id]
        if former.id != link.id:
            self.beside[former.id] = replace(former, in_use=False)
            del self.beside[link.id]
        self.links[link.mentorado_id] = replace(link, in_use=True)
        self.on_put_in_use(link)

    async def save(self, mentorado: Mentorado) -> None:
        await self.save_mentorado(mentorado)
        await self.save_link(mentorado.link)

    async def by_phone(self, phone: PhoneNumber) -> Mentorado | None:
        active = (mentorado for mentorado in self.mentorados.values() if not mentorado.archived)
        return next((mentorado for mentorado in active if same_account(mentorado.phone, phone)), None)

    def _may_write(self) -> None:
        if self.problem is not None:
            raise self.problem


class FakeTransitionLog:
    """The log of transitions in memory."""

    def __init__(self, *transitions: Transition) -> None:
        self.lines: list[Transition] = list(transitions)
        self.problem: Problem | None = None

    async def append(self, transition: Transition) -> None:
        if self.problem is not None:
            raise self.problem
        self.lines.append(transition)

    async def for_mentorado(self, mentorado_id: MentoradoId, limit: int = 50) -> Sequence[Transition]:
        return list(reversed(self.lines))[:limit]

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[Transition]:
        theirs = [line for line in self.lines if line.link_id == link_id]
        first = next((place for place, line in enumerate(theirs) if line.at >= moment), len(theirs))
        return theirs[max(0, first - 1) :]

    async def latest(self) -> Mapping[LinkId, Transition]:
        return {transition.link_id: transition for transition in self.lines}

    async def forbidding(self) -> Mapping[LinkId, Transition]:
        found: dict[LinkId, Transition] = {}
        for line in self.lines:
            before, after = line.before, line.after
            lifted = before.state is LinkState.BLOCKED and before.reason in FORBIDDING and after.state is LinkState.OFF
            if after.state is LinkState.BLOCKED and after.reason in FORBIDDING:
                found[line.link_id] = line
            elif lifted or after.state is LinkState.CONNECTED:
                found.pop(line.link_id, None)
        return found


class FakeHistory:
    """What was stored, in memory; it answers nothing."""

    def __init__(self) -> None:
        self.facts: list[MessageUpdate] = []
        self.problem: Problem | None = None
        self.refuses: Callable[[MessageUpdate], bool] = lambda _fact: False
        self.asked = 0

    async def store(
        self, mentorado: Mentorado, facts: Sequence[MessageUpdate], at: datetime
    ) -> Sequence[ConversationId]:
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        if any(map(self.refuses, facts)):
            raise NotStorable("IntegrityError")
        new = [fact for fact in facts if fact not in self.facts]
        self.facts.extend(new)
        return [ConversationId("c" * 32)] if new else []


class FakeSetAside:
    """What was set aside, as a test says."""

    def __init__(self) -> None:
        self.counted: list[SetAsideCount] = []
        self.deliveries: list[SetAsideDelivery] = []

    async def counts(self, mentorado_id: MentoradoId | None = None) -> Sequence[SetAsideCount]:
        return [each for each in self.counted if mentorado_id in (None, each.mentorado_id)]

    async def latest(self, mentorado_id: MentoradoId | None = None, *, limit: int = 50) -> Sequence[SetAsideDelivery]:
        return [each for each in self.deliveries if mentorado_id in (None, each.mentorado_id)][:limit]


class FakeChecks:
    """Finds what a test lets it find."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.looks = 0
        self.looking: asyncio.Event | None = None  # set it to make looking wait
        self.error: Exception | None = None

    async def check(self, provider: ProviderKind) -> Sequence[Finding]:
        self.looks += 1
        if self.looking is not None:
            await self.looking.wait()
        if self.error is not None:
            raise self.error
        return self.findings


class FakeTimeRecords:
    """What is known of the time, in memory."""

    def __init__(self, mark: TimeMark | None = None, newest: datetime | None = None) -> None:
        self.stored, self.newest_ = mark, newest
        self.corrected: list[datetime] = []
        self.problem: Problem | None = None

    async def mark(self) -> TimeMark | None:
        return self.stored

    async def save(self, mark: TimeMark) -> None:
        if self.problem is not None:
            raise self.problem
        self.stored = mark

    async def newest(self) -> datetime | None:
        return self.newest_

    async def correct(self, now: datetime) -> int:
        if self.problem is not None:
            raise self.problem
        self.corrected.append(now)
        return 0


class FakeProviderTime:
    """Says what a test lets it say; nothing at first."""

    def __init__(self, says: datetime | None = None) -> None:
        self.says = says
        self.asked = 0

    async def ask(self) -> datetime | None:
        self.asked += 1
        return self.says


class FakeJournal:
    """The journal in memory, with the same rule about what may follow as the database."""

    def __init__(self) -> None:
        self.journals: dict[ProcedureId, tuple[ProcedureInfo, list[JournalEntry]]] = {}
        self.problem: Problem | None = None  # raised by every write while set
        self.on_entry: Callable[[JournalEntry], None] = lambda _entry: None  # after it is written

    def kinds(self) -> list[str]:
        """What all entries say, in order, with the step where there is one."""
        journals = [lines for _, lines in self.journals.values()]
        return [f"{e.kind} {e.step}" if e.step else str(e.kind) for lines in journals for e in lines]

    async def begin(self, head: ProcedureInfo, first: JournalEntry) -> None:
        if self.problem is not None:
            raise self.problem
        await asyncio.sleep(0)
        if self.problem is not None:
            raise self.problem
        self.journals[head.id] = (head, [first])
        self.on_entry(first)
        await asyncio.sleep(0)  # it is on disk a moment before whoever asked goes on

    async def append(self, entry: JournalEntry) -> None:
        await asyncio.sleep(0)
        if self.problem is not None:
            raise self.problem
        _, lines = self.journals[entry.procedure_id]
        if entry.number != len(lines) + 1 or (lines and lines[-1].kind is EntryKind.ENDED):
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, why="moved elsewhere")
        lines.append(entry)
        self.on_entry(entry)

    async def for_mentorado(self, procedure_id: ProcedureId) -> tuple[ProcedureInfo, Sequence[JournalEntry]]:
        return self.journals[procedure_id]

    async def unfinished(self) -> Sequence[tuple[ProcedureInfo, Sequence[JournalEntry]]]:
        return [(head, lines) for head, lines in self.journals.values() if lines[-1].kind is not EntryKind.ENDED]

    async def order(self, mentorado_id: MentoradoId) -> Mapping[ProcedureId, int]:
        return {head.id: at for at, (head, _) in enumerate(self.journals.values()) if head.mentorado_id == mentorado_id}

    async def latest(
        self, mentorado_id: MentoradoId, limit: int = 20
    ) -> Sequence[tuple[ProcedureInfo, Sequence[JournalEntry]]]:
        theirs = [(head, lines) for head, lines in self.journals.values() if head.mentorado_id == mentorado_id]
        return theirs[::-1][:limit]


class FakeLocks:
    """Which program moves a procedure, as far as a test says: *elsewhere* are those that others hold."""

    def __init__(self) -> None:
        self.held: set[ProcedureId] = set()
        self.elsewhere: dict[ProcedureId, bool] = {}  # whether they can be overruled

    def take(self, procedure_id: ProcedureId, *, overrule: bool = False) -> None:
        if procedure_id in self.elsewhere and not (overrule and self.elsewhere[procedure_id]):
            raise Problem(ProblemCode.PROCEDURE_HELD, owner="another")
        self.held.add(procedure_id)

    def release(self, procedure_id: ProcedureId) -> None:
        self.held.discard(procedure_id)

    def holder(self, procedure_id: ProcedureId) -> str:
        return "another" if procedure_id in self.elsewhere else ""


class FakeBackups:
    """Archives that are only spoken of: which parts lie about, and whose archives are in place."""

    def __init__(self) -> None:
        self.parts: set[ProcedureId] = set()
        self.placed: list[ProcedureId] = []
        self.passphrases: list[str] = []
        self.problem: Problem | None = None  # raised by collecting while set
        self.collecting: asyncio.Event | None = None  # set it to make collecting wait

    async def collect(
        self,
        procedure_id: ProcedureId,
        mentorado_id: MentoradoId,
        *,
        passphrase: str = "",
        on_progress: Callable[[BackupProgress], None],
    ) -> Mapping[str, str]:
        self.parts.add(procedure_id)
        self.passphrases.append(passphrase)
        on_progress(BackupProgress(part=BackupPart.HISTORY, done=1, total=2))
        if self.collecting is not None:
            await self.collecting.wait()
        if self.problem is not None:
            raise self.problem
        return {"encrypted": "yes" if passphrase else "no"}

    async def verify_part(
        self, procedure_id: ProcedureId, *, on_progress: Callable[[BackupProgress], None]
    ) -> BackupInfo:
        on_progress(BackupProgress(part=BackupPart.VERIFYING, done=1, total=1))
        if procedure_id not in self.parts:
            raise Problem(ProblemCode.BACKUP_UNREADABLE)
        return _ARCHIVE

    async def publish(self, procedure_id: ProcedureId) -> BackupInfo:
        self.parts.discard(procedure_id)
        self.placed.append(procedure_id)
        return _ARCHIVE

    async def discard_part(self, procedure_id: ProcedureId) -> None:
        self.parts.discard(procedure_id)


_ARCHIVE = BackupInfo(
    path=Path("ana.conecta-backup"),
    at=DAWN,
    mentorado_id=MentoradoId("a" * 32),
    name="Ana",
    provider=ProviderKind.WHATSAPP_WEB,
    account=None,
    messages=12_431,
    conversations=3,
    size=2_000,
    encrypted=False,
)


class FakeCounts:
    """How much history there is, as a test says."""

    async def extent(self, mentorado_id: MentoradoId) -> HistoryStats:
        return HistoryStats(messages=12_431, conversations=3, since=DAWN)

    async def contacts(self, mentorado_id: MentoradoId) -> int:
        return 41


class FakeCases:
    """The cases in memory."""

    def __init__(self) -> None:
        self.cases: dict[CaseId, Case] = {}

    async def open_cases(self) -> Sequence[Case]:
        return [case for case in self.cases.values() if case.is_open]

    async def closed_cases(self, limit: int = 200) -> Sequence[Case]:
        return [case for case in self.cases.values() if not case.is_open][:limit]

    async def add(self, case: Case) -> bool:
        matters = {(each.mentorado_id, each.kind, each.subject) for each in await self.open_cases()}
        if (case.mentorado_id, case.kind, case.subject) in matters:
            return False
        self.cases[case.id] = case
        return True

    async def save(self, case: Case, note: CaseNote | None) -> None:
        self.cases[case.id] = case

    async def unsettled(self) -> Sequence[tuple[CaseKind, MentoradoId, str, Mapping[str, str], datetime]]:
        return []


class FakeNotes:
    """The notes in memory. *problem* keeps the next ones from being written."""

    def __init__(self) -> None:
        self.notes: dict[NoteId, Note] = {}
        self.problem: Problem | None = None

    async def all(self) -> Sequence[Note]:
        return list(self.notes.values())

    async def add(self, note: Note) -> None:
        if self.problem is not None:
            raise self.problem
        self.notes[note.id] = note

    async def replace(self, note: Note) -> None:
        self._require(note.id, note.revision - 1)
        self.notes[note.id] = note

    async def remove(self, note: Note) -> None:
        self._require(note.id, note.revision)
        del self.notes[note.id]

    def _require(self, note_id: NoteId, revision: int) -> None:
        if self.problem is not None:
            raise self.problem
        here = self.notes.get(note_id)
        if here is None or here.revision != revision:
            raise Problem(ProblemCode.NOTE_CHANGED)


class FakeHandlings:
    """Who is on what, in memory."""

    def __init__(self) -> None:
        self.handlings: dict[MentoradoId, Handling] = {}

    async def all(self) -> Sequence[Handling]:
        return list(self.handlings.values())

    async def save(self, handling: Handling) -> None:
        self.handlings[handling.mentorado_id] = handling

    async def remove(self, handling: Handling) -> None:
        if self.handlings.get(handling.mentorado_id) == handling:
            del self.handlings[handling.mentorado_id]


class FakeSettings:
    """Where decisions are stored, in memory."""

    def __init__(self) -> None:
        self.kept = OperatorSettings()
        self.problem: Problem | None = None

    async def load(self) -> OperatorSettings:
        return self.kept

    async def save(self, settings: OperatorSettings, at: datetime) -> None:
        if self.problem is not None:
            raise self.problem
        self.kept = settings


class FakeBulkWork:
    """Implements `BulkWorkRepository`, in memory."""

    def __init__(self) -> None:
        self.kept: Sequence[BulkWork] = ()

    async def load(self) -> Sequence[BulkWork]:
        return self.kept

    async def save(self, works: Sequence[BulkWork], at: datetime) -> None:
        self.kept = tuple(works)


class FakeSnoozes:
    """Implements `SnoozeRepository`, in memory."""

    def __init__(self) -> None:
        self.kept: dict[LinkId, Snooze] = {}
        self.problem: Problem | None = None

    async def load(self) -> Mapping[LinkId, Snooze]:
        return self.kept

    async def save(self, snoozes: Mapping[LinkId, Snooze], at: datetime) -> None:
        if self.problem is not None:
            raise self.problem
        self.kept = dict(snoozes)
