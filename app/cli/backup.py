"""The commands about backups, and about procedures: make, verify, list, restore; list, resume, undo."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from getpass import getpass
from pathlib import Path
from typing import Any

from app.cli.output import LinkOutput, print_json
from app.cli.procedures import MOVING, problem_of, undo_if_possible, wait_until_settled
from app.core.background import BackgroundTasks
from app.domain.backup import BackupInfo, BackupProgress
from app.domain.errors import Problem, ProblemCode
from app.domain.events import BackupProgressed, ProcedureChanged
from app.domain.mentorado import Mentorado
from app.domain.procedure import Procedure, ProcedureId, ProcedureKind, ProcedureState, StepName
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.platform.terminal import read_secret
from app.services import Services
from app.text.audit import exact_time
from app.text.procedure import mark, outcome
from app.text.status import texts

DONE, FAILED, UNKNOWN_WORDS = 0, 1, 2

_WITHOUT_WINDOW = frozenset({ProcedureKind.BACKUP, ProcedureKind.RESTORE})


async def run_backup_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    if arguments.command == "restore":
        return await restore(core, arguments)
    match arguments.words:
        case ["verify"]:
            print(texts("cli.verify_which"), file=sys.stderr)
            return UNKNOWN_WORDS
        case ["verify", path]:
            return await verify(core, _file(path), arguments)
        case ["list", *name]:
            return await list_backups(core, " ".join(name), as_json=arguments.json)
        case name:
            return await back_up(core, " ".join(name), arguments)


async def back_up(core: Services, name: str, arguments: Namespace) -> int:
    """Make a backup and verify it by reading it back. When interrupted, the unfinished file is removed."""
    mentorado = core.mentorados.find(name, archived=True)
    ended = await _run(core, ProcedureKind.BACKUP, mentorado, secret=_passphrase(arguments), arguments=arguments)
    path = ended.step(StepName.PUT_IN_PLACE).facts["path"]
    (info,) = [info for info in await core.backups.all(mentorado.id) if str(info.path) == path]
    if arguments.json:
        print_json(_backup_as_json(info))
    else:
        print(texts.plural("cli.backed_up", info.messages, name=info.name, path=info.path))
        print(_protection(encrypted=info.encrypted))
    return DONE


async def verify(core: Services, path: Path, arguments: Namespace) -> int:
    """Verify a whole backup file, wherever it is."""
    secret = _passphrase(arguments)
    with _Progress(arguments) as progress:
        try:
            info = await core.backups.verify(path, passphrase=secret, on_progress=progress.show)
        except Problem as problem:
            if problem.code is not ProblemCode.BACKUP_LOCKED or secret or not sys.stdin.isatty():
                raise
            info = await core.backups.verify(path, passphrase=_ask_passphrase(), on_progress=progress.show)
    if arguments.json:
        print_json(_backup_as_json(info))
    else:
        print(texts.plural("cli.verified", info.messages, name=info.name, at=exact_time(info.at)))
        print(_protection(encrypted=info.encrypted))
    return DONE


async def list_backups(core: Services, name: str, *, as_json: bool) -> int:
    """List the backups in the folder, the latest first."""
    whose = core.mentorados.find(name, archived=True).id if name else None
    infos = await core.backups.all(whose)
    if as_json:
        print_json({"backups": [_backup_as_json(info) for info in infos]})
        return DONE
    for info in infos:
        how = texts("archive.protected" if info.encrypted else "archive.unprotected")
        print("\t".join((exact_time(info.at), info.name, str(info.messages), how, str(info.path))))
    if not infos:
        print(texts("cli.no_backups"))
    return DONE


async def restore(core: Services, arguments: Namespace) -> int:
    """Merge a backup's history, and restore its session where safe. Asks before the step that cannot be undone."""
    mentorado, path = core.mentorados.find(arguments.name), _file(arguments.path)
    secret = _passphrase(arguments)
    if not secret and sys.stdin.isatty() and await _is_locked(core, path):
        secret = _ask_passphrase()
    facts = {"path": str(path)}
    ended = await _run(core, ProcedureKind.RESTORE, mentorado, facts=facts, secret=secret, arguments=arguments)
    if ended.state is ProcedureState.UNDONE:
        print(texts("cli.restore_declined"), file=sys.stderr)
        return FAILED
    new = int(ended.step(StepName.MERGE_HISTORY).facts["new"])
    keys = ended.step(StepName.RESTORE_SESSION).facts
    why = "restored" if "session" in keys else keys.get("why", "other")
    encrypted = ended.step(StepName.CHECK_ARCHIVE).facts.get("encrypted") == "yes"
    if arguments.json:
        print_json({"new": new, "session": why, "encrypted": encrypted})
    else:
        print(texts.plural("cli.restored", new, name=mentorado.name))
        print(texts(f"cli.keys.{why}" if texts.has(f"cli.keys.{why}") else "cli.keys.other"))
        print(_protection(encrypted=encrypted))
    return DONE


async def recover(core: Services, arguments: Namespace) -> int:
    """Recover a connection that does not reconnect: try its session, make a backup, show a new code.

    Asks before the new code, which cannot be undone. The connection ends with the command, and is kept open
    by a window or ``conecta run``.
    """
    mentorado = core.mentorados.find(arguments.name)
    await _require_closed(core, mentorado)
    with LinkOutput(core, mentorado.link.id, as_json=arguments.json):
        async with BackgroundTasks(core.provider_log.run):
            ended = await _run(
                core, ProcedureKind.RECOVERY, mentorado, secret=_passphrase(arguments), arguments=arguments
            )
    if ended.state is ProcedureState.UNDONE:
        print(texts("cli.recover_declined"), file=sys.stderr)
        return FAILED
    return _report_end(core, ended, mentorado, as_json=arguments.json)


async def _require_closed(core: Services, mentorado: Mentorado) -> None:
    if await core.whatsapp_web.is_open(mentorado.link):
        raise Problem(ProblemCode.SESSION_IN_USE, name=mentorado.name)


# --- conecta procedure list | resume | undo ---------------------------------------------------------------------------


async def run_procedure_command(core: Services, arguments: Namespace) -> int:
    """List, resume or undo unfinished procedures. Raises `Problem`."""
    if arguments.procedure_command == "list":
        return list_procedures(core, as_json=arguments.json)
    mentorado = core.mentorados.find(arguments.name, archived=True)
    undoes = arguments.procedure_command == "undo"
    moved = asyncio.Event()
    stop = core.bus.subscribe(ProcedureChanged, lambda _event: moved.set())
    try:
        async with core.procedures:
            procedure = await _find_unfinished(core, mentorado, take_over=arguments.take_over)
            if undoes:
                return await _undo_procedure(core, procedure, mentorado, moved, as_json=arguments.json)
            return await _resume(core, procedure, mentorado, moved, arguments)
    finally:
        stop()


def list_procedures(core: Services, *, as_json: bool) -> int:
    """List the unfinished procedures, each with the program that runs it."""
    found = core.procedures.unfinished()
    if as_json:
        print_json({"procedures": [_procedure_as_json(core, procedure) for procedure in found]})
        return DONE
    for procedure in found:
        name = core.mentorados.get(procedure.head.mentorado_id).name
        holder = core.procedures.holder(procedure)
        at_work = texts("cli.procedure_held", owner=holder) if holder else ""
        print(
            "\t".join(
                filter(None, (exact_time(procedure.head.began_at), name, _unfinished_text(core, procedure), at_work))
            )
        )
    if not found:
        print(texts("cli.no_procedures"))
    return DONE


async def _find_unfinished(core: Services, mentorado: Mentorado, *, take_over: bool) -> Procedure:
    """Return the unfinished procedure once no other program runs it. Raises `Problem`."""
    procedures, whose = core.procedures, mentorado.id
    await procedures.load()
    procedure = procedures.active(whose)
    if procedure is not None and procedure.state in MOVING and take_over:
        await procedures.take_over(procedure.head.id)
        procedure = procedures.active(whose)
    if procedure is None:
        raise Problem(ProblemCode.PROCEDURE_UNKNOWN)
    if procedure.state in MOVING:
        raise Problem(ProblemCode.PROCEDURE_HELD, owner=procedures.holder(procedure))
    return procedure


async def _undo_procedure(
    core: Services, procedure: Procedure, mentorado: Mentorado, moved: asyncio.Event, *, as_json: bool
) -> int:
    if procedure.undoing:
        await core.procedures.resume(procedure.head.id)
    elif procedure.can_be_undone:
        await core.procedures.undo(procedure.head.id)
    else:
        print(texts(f"procedure.no.{procedure.head.kind}"), file=sys.stderr)
        return FAILED
    return _report_end(core, await wait_until_settled(core, procedure, moved), mentorado, as_json=as_json)


async def _resume(
    core: Services, procedure: Procedure, mentorado: Mentorado, moved: asyncio.Event, arguments: Namespace
) -> int:
    procedures = core.procedures
    if procedure.head.kind not in _WITHOUT_WINDOW:
        await _require_closed(core, mentorado)
    output = LinkOutput(core, mentorado.link.id, as_json=arguments.json)
    with output, _Progress(arguments, core) as progress:
        progress.of = procedure.head.id
        if procedure.state is not ProcedureState.ASKING:
            await procedures.resume(procedure.head.id, secret=_passphrase(arguments))
            procedure = await wait_until_settled(core, procedure, moved)
        if procedure.state is ProcedureState.ASKING and _ask_to_confirm(arguments, procedure.head.kind):
            await procedures.confirm(procedure.head.id)
            procedure = await wait_until_settled(core, procedure, moved)
    return _report_end(core, procedure, mentorado, as_json=arguments.json)


def _report_end(core: Services, procedure: Procedure, mentorado: Mentorado, *, as_json: bool) -> int:
    """Print how far the procedure is. Raises what it failed with."""
    if procedure.state is ProcedureState.FAILED:
        raise problem_of(procedure)
    if as_json:
        print_json(_procedure_as_json(core, procedure))
    elif procedure.state is ProcedureState.UNDONE:
        print(texts("cli.procedure_undone"))
    elif procedure.state is ProcedureState.DONE:
        print(outcome(procedure, mentorado.name))
    else:
        print(texts("cli.procedure_waits"), file=sys.stderr)
    return DONE if procedure.ended else FAILED


def _procedure_as_json(core: Services, procedure: Procedure) -> dict[str, Any]:
    step, head = procedure.next_step, procedure.head
    return {
        "id": head.id,
        "kind": head.kind,
        "mentorado": head.mentorado_id,
        "name": core.mentorados.get(head.mentorado_id).name,
        "state": "interrupted" if _is_interrupted(core, procedure) else procedure.state,
        "step": step.name if step else None,
        "began_at": head.began_at.isoformat(),
        "can_be_undone": procedure.can_be_undone,
        "held_by": core.procedures.holder(procedure) or None,
    }


def _unfinished_text(core: Services, procedure: Procedure) -> str:
    """Describe an unfinished procedure in a phrase."""
    if not _is_interrupted(core, procedure):
        return mark(procedure)
    name = core.mentorados.get(procedure.head.mentorado_id).name
    return texts(f"procedure.interrupted.{procedure.head.kind}", name=name)


def _is_interrupted(core: Services, procedure: Procedure) -> bool:
    return procedure.state in MOVING and not core.procedures.holder(procedure)


async def _clear_the_way(core: Services, mentorado: Mentorado, moved: asyncio.Event) -> None:
    """Settle a backup or a restore whose program is proven dead: undo it where possible, else resume it.

    Raises `Problem(PROCEDURE_UNFINISHED)` when a person must decide, or another program may be running it.
    """
    procedures, whose, name = core.procedures, mentorado.id, mentorado.name
    before = procedures.active(whose)
    if before is None:
        return
    was_moving = before.state in MOVING
    await procedures.load()
    procedure = procedures.active(whose)
    if procedure is not None and procedure.state in MOVING:
        raise Problem(ProblemCode.PROCEDURE_HELD, owner=procedures.holder(procedure))
    if procedure is not None and was_moving and procedure.head.kind in _WITHOUT_WINDOW:
        await (procedures.undo if procedure.can_be_undone else procedures.resume)(procedure.head.id)
        await wait_until_settled(core, procedure, moved)
        print(texts("cli.cleared_away", name=name), file=sys.stderr)
        procedure = procedures.active(whose)
    if procedure is not None:
        raise Problem(ProblemCode.PROCEDURE_UNFINISHED, name=name, what=_unfinished_text(core, procedure))


async def _run(
    core: Services,
    kind: ProcedureKind,
    mentorado: Mentorado,
    *,
    secret: str,
    arguments: Namespace,
    facts: dict[str, str] | None = None,
) -> Procedure:
    """Run a procedure to its end. Raises the failure, after undoing the procedure where possible."""
    moved = asyncio.Event()
    stop = core.bus.subscribe(ProcedureChanged, lambda _event: moved.set())
    try:
        async with core.procedures:
            await _clear_the_way(core, mentorado, moved)
            with _Progress(arguments, core) as progress:
                begun = await core.procedures.begin(kind, mentorado.id, facts=facts, secret=secret)
                progress.of = begun.head.id
                return await _to_the_end(core, begun, moved, arguments)
    finally:
        stop()


async def _to_the_end(core: Services, procedure: Procedure, moved: asyncio.Event, arguments: Namespace) -> Procedure:
    procedures, tried_again = core.procedures, False
    try:
        while True:
            procedure = await wait_until_settled(core, procedure, moved)
            match procedure.state:
                case ProcedureState.ASKING if _ask_to_confirm(arguments, procedure.head.kind):
                    await procedures.confirm(procedure.head.id)
                case ProcedureState.FAILED if not procedure.can_be_undone and not tried_again:
                    tried_again = True
                    await procedures.resume(procedure.head.id)
                case ProcedureState.FAILED:
                    failed = problem_of(procedure)
                    await undo_if_possible(core, procedure, moved)
                    raise failed
                case ProcedureState.ASKING:
                    return await undo_if_possible(core, procedure, moved)
                case _:
                    return procedure
    except asyncio.CancelledError:
        await undo_if_possible(core, procedure, moved)
        raise


def _ask_to_confirm(arguments: Namespace, kind: ProcedureKind) -> bool:
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        return False
    key = "cli.restore_confirm" if kind is ProcedureKind.RESTORE else "cli.recover_confirm"
    return input(texts(key) + " ").strip().casefold() == texts("cli.yes").casefold()


async def _is_locked(core: Services, path: Path) -> bool:
    try:
        return (await core.backups.check(path)).encrypted
    except Problem:
        return False  # the restore says what it is


def _passphrase(arguments: Namespace) -> str:
    """Read the passphrase; never from the arguments, which other users of the computer can read."""
    return read_secret() if arguments.passphrase_stdin else ""


def _ask_passphrase() -> str:
    return getpass(texts("procedure.passphrase") + ": ")


def _protection(*, encrypted: bool) -> str:
    return texts("archive.protected_line" if encrypted else "archive.unprotected_line")


def _file(typed: str | Path) -> Path:
    """Find the backup that was named. Raises `Problem` when there is none."""
    path = Path(typed).expanduser().absolute()
    if not path.exists():
        raise Problem(ProblemCode.BACKUP_MISSING, path=str(path))
    return path


class _Progress:
    """A progress line on the terminal, overwritten in place and removed at the end."""

    def __init__(self, arguments: Namespace, core: Services | None = None) -> None:
        self._wanted = sys.stderr.isatty() and not arguments.json
        self._core = core
        self.of: ProcedureId | None = None

    def __enter__(self) -> _Progress:
        self._stop = self._core.bus.subscribe(BackupProgressed, self._on_progress) if self._core else None
        return self

    def __exit__(self, *_exc_info: object) -> None:
        if self._stop is not None:
            self._stop()
        if self._wanted:
            sys.stderr.write("\r\x1b[K")

    def _on_progress(self, event: BackupProgressed) -> None:
        if self.of in (None, event.procedure_id):
            self.show(event.progress)

    def show(self, progress: BackupProgress) -> None:
        if not self._wanted:
            return
        part = texts(f"procedure.part.{progress.part}")
        key = "procedure.part_so_far" if progress.total is None else "procedure.part_of"
        sys.stderr.write("\r\x1b[K" + texts(key, part=part, done=progress.done, total=progress.total))
        sys.stderr.flush()


def _backup_as_json(info: BackupInfo) -> dict[str, Any]:
    return {
        "path": str(info.path),
        "at": info.at.isoformat(),
        "mentorado": info.mentorado_id,
        "name": info.name,
        "provider": info.provider,
        "account": info.account,
        "messages": info.messages,
        "conversations": info.conversations,
        "size": info.size,
        "encrypted": info.encrypted,
        "audit_number": info.audit_number,
        "audit_head": info.audit_hash,
    }
