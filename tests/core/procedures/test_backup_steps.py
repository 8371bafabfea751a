"""A backup as steps: collected, verified, put in its place, and taken back."""

from __future__ import annotations

from pathlib import Path

from app.domain.backup import BackupPart
from app.domain.errors import ProblemCode
from app.domain.procedure import (
    STEPS,
    ProcedureKind,
    StepName,
)
from tests.core.procedures.step_by_step import StepByStep
from tests.core.secret_store import (
    PHRASE,
    secret_store,
)

# --- a backup, step by step ------------------------------------------------------------------------------------------


async def test_a_backup_is_collected_verified_and_put_in_its_place(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = StepByStep(v, ProcedureKind.BACKUP)
        assert await procedure.do(StepName.COLLECT) == {"encrypted": "no", "session": "kept"}
        facts = await procedure.do(StepName.VERIFY_ARCHIVE)
        assert (facts["messages"], facts["conversations"], facts["session"]) == ("3", "2", "kept")
        facts = await procedure.do(StepName.PUT_IN_PLACE)
        assert Path(facts["path"]).name in v.files()
        assert {each.part for each in procedure.progress} == set(BackupPart)
        assert await procedure.do(StepName.PUT_IN_PLACE) == facts  # after a crash


async def test_a_part_that_somebody_took_away_is_made_again(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = StepByStep(v, ProcedureKind.BACKUP)
        await procedure.do(StepName.COLLECT)
        (v.folder / f".{procedure.id}.part").unlink()
        assert (await procedure.do(StepName.VERIFY_ARCHIVE))["messages"] == "3"


async def test_what_began_with_a_passphrase_never_goes_on_without_it(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = StepByStep(v, ProcedureKind.BACKUP, secret=PHRASE)
        assert (await procedure.do(StepName.COLLECT))["encrypted"] == "yes"
        procedure.secret = ""
        v.backups._phrases.clear()  # as a program that starts
        for name in (StepName.COLLECT, StepName.VERIFY_ARCHIVE):
            assert (await procedure.refused(name)).code is ProblemCode.BACKUP_LOCKED
        (v.folder / f".{procedure.id}.part").unlink()
        assert (await procedure.refused(StepName.VERIFY_ARCHIVE)).code is ProblemCode.BACKUP_LOCKED
        procedure.secret = PHRASE
        await procedure.do(StepName.VERIFY_ARCHIVE, StepName.PUT_IN_PLACE)
        (info,) = await v.backups.all()
        assert info.encrypted


async def test_what_was_collected_can_be_taken_back_and_what_is_in_its_place_stays(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = StepByStep(v, ProcedureKind.BACKUP)
        await procedure.do(StepName.COLLECT)
        assert await procedure.steps[StepName.COLLECT].undo(procedure.run()) == {}
        assert v.files() == []
        await procedure.do(StepName.COLLECT, StepName.VERIFY_ARCHIVE, StepName.PUT_IN_PLACE)
        for name in reversed(STEPS[ProcedureKind.BACKUP][:3]):
            await procedure.steps[name].undo(procedure.run())
        assert len(v.files()) == 1
