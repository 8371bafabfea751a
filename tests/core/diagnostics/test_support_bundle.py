"""A bundle is collected, looked at, and written as far as a person wants it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.diagnostics.service import DoctorService
from app.core.diagnostics.support_bundle import MOVES_KEPT, SupportBundleService, require_names
from app.domain.diagnosis import CheckName, Diagnosis, DiagnosisCode, diagnosed
from app.domain.errors import Problem, ProblemCode
from app.domain.messages import SetAsideReason
from app.domain.procedure import ProcedureKind
from app.domain.set_aside import SetAsideCount
from app.domain.support_bundle import BundlePart, SupportBundle
from app.platform.locks import FileLock
from app.settings import Settings
from tests.clock import ManualClock, settle
from tests.crashes import crash_report
from tests.fakes import FakeSetAside
from tests.services import Core


@asynccontextmanager
async def core_with_ana(clock: ManualClock) -> AsyncIterator[Core]:
    core = Core(clock)
    bundles(core)._set_aside = FakeSetAside()
    async with core.running():
        await core.mentorados.add("Ana", "+5511987654321")
        yield core


def bundles(core: Core) -> SupportBundleService:
    return core.services.support_bundle


def read(bundle: SupportBundle, name: str) -> str:
    return next(file.text for file in bundle.files if file.name == name)


async def test_its_files_are_in_a_fixed_order_and_crashes_wait_for_a_person(manual_clock: ManualClock) -> None:
    async with core_with_ana(manual_clock) as core:
        service = bundles(core)
        service.crash_reports = lambda: [crash_report("KeyError")]
        bundle = await service.prepare()
    parts = [file.part for file in bundle.files]
    assert parts == [part for part in BundlePart if part is not BundlePart.DOCTOR]
    assert [file.part for file in bundle.files if not file.wanted] == [BundlePart.CRASH]
    assert bundle.files[-1].name not in bundle.wanted
    assert "KeyError" in bundle.files[-1].text
    for file in bundle.files[1:]:
        assert file.name in bundle.files[0].text


async def test_only_what_is_wanted_is_written_and_the_audit_says_so(manual_clock: ManualClock, tmp_path: Path) -> None:
    async with core_with_ana(manual_clock) as core:
        bundle = await bundles(core).prepare()
        await bundles(core).write(bundle, tmp_path / "x.zip", ["links.json", "locks.json"])
        await settle()
        entry = core.audit.entries_[-1].record
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.namelist() == ["links.json", "locks.json"]
        assert archive.read("links.json").decode() == read(bundle, "links.json")
    assert (entry.action, dict(entry.after)) == (
        "export_support_bundle",
        {"file": "x.zip", "files": "links.json, locks.json"},
    )


async def test_a_folder_that_is_none_is_a_problem_and_nothing_is_audited(
    manual_clock: ManualClock, tmp_path: Path
) -> None:
    async with core_with_ana(manual_clock) as core:
        bundle = await bundles(core).prepare()
        before = len(core.audit.entries_)
        with pytest.raises(Problem, match="export_folder_unusable"):
            await bundles(core).write(bundle, tmp_path / "nowhere" / "x.zip", bundle.wanted)
        assert len(core.audit.entries_) == before


async def test_a_database_that_gives_nothing_is_told_and_leaves_the_rest(manual_clock: ManualClock) -> None:
    async with core_with_ana(manual_clock) as core:

        async def broken(**_asked: object) -> object:
            raise Problem(ProblemCode.DATABASE_CORRUPT)

        core.audit.entries = broken  # type: ignore[method-assign, assignment]
        bundle = await bundles(core).prepare()
    assert json.loads(read(bundle, "actions.json")) == {"problem": "database_corrupt"}
    assert json.loads(read(bundle, "links.json"))[0]["mentorado"] == "mentorado 1"


async def test_the_doctor_is_asked_where_there_is_one(manual_clock: ManualClock) -> None:
    async def skewed() -> list[Diagnosis]:
        return [diagnosed(DiagnosisCode.CLOCK_WRONG, seconds="7200")]

    async with core_with_ana(manual_clock) as core:
        bundles(core).doctor = DoctorService({CheckName.CLOCK: skewed}, {})
        bundle = await bundles(core).prepare()
    (found,) = json.loads(read(bundle, "doctor.json"))
    assert found == {"check": "clock", "outcome": "failed", "code": "clock_wrong", "problem": None}


async def test_old_moves_and_those_of_the_archived_are_left_out(manual_clock: ManualClock) -> None:
    async with core_with_ana(manual_clock) as core:
        (ana,) = core.mentorados.all()
        await core.supervisor.connect(ana.id)
        await settle()
        await core.supervisor.disconnect(ana.id)
        await settle()
        bundle = await bundles(core).prepare()
        assert json.loads(read(bundle, "moves.json"))[-1]["trigger"] == "connect"
        await manual_clock.advance((MOVES_KEPT + timedelta(hours=1)).total_seconds())
        assert json.loads(read(await bundles(core).prepare(), "moves.json")) == []
        await core.mentorados.archive(ana.id)
        bundle = await bundles(core).prepare()
        assert json.loads(read(bundle, "procedures.json")) == []
        assert json.loads(read(bundle, "links.json"))[0]["archived"] is True


async def test_what_was_set_aside_is_counted_and_an_action_is_a_code(manual_clock: ManualClock) -> None:
    async with core_with_ana(manual_clock) as core:
        (ana,) = core.mentorados.all()
        aside = FakeSetAside()
        now, reason = manual_clock.now(), SetAsideReason.NOT_STORABLE
        aside.counted = [
            SetAsideCount(
                link_id=ana.link.id,
                mentorado_id=ana.id,
                provider=ana.link.provider,
                kind="message",
                reason=reason,
                count=count,
                last=now,
            )
            for count in (2, 3)
        ]
        bundles(core)._set_aside = aside
        await core.audit_service.write("ana", ana)
        bundle = await bundles(core).prepare()
    assert json.loads(read(bundle, "links.json"))[0]["deliveries_set_aside"] == 5
    assert json.loads(read(bundle, "actions.json"))[0]["action"] == "[…]"


async def test_a_procedure_is_told_step_by_step(manual_clock: ManualClock) -> None:
    async with core_with_ana(manual_clock) as core:
        (ana,) = core.mentorados.all()
        await core.begin(ProcedureKind.BACKUP, ana)
        (procedure,) = json.loads(read(await bundles(core).prepare(), "procedures.json"))
    assert (procedure["mentorado"], procedure["kind"]) == ("mentorado 1", "backup")
    assert procedure["steps"][0]["name"] == "collect"


async def test_locks_name_their_kind_and_their_mentorado_and_no_computer(
    manual_clock: ManualClock, tmp_path: Path
) -> None:
    async with core_with_ana(manual_clock) as core:
        (ana,) = core.mentorados.all()
        settings = Settings(data_dir=tmp_path, session_dir=tmp_path / "sessions")
        window, sessions, procedures = settings.instance, settings.session_dir, tmp_path / "procedures"
        paths = (window, sessions / ana.id / "owner.lock", sessions / ana.id / "host.lock", procedures / "x.lock")
        held = []
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.append(FileLock.take(path))
        (sessions / "empty").mkdir()
        (sessions / "empty" / "owner.lock").write_text("")
        bundles(core)._settings = settings
        bundle = await bundles(core).prepare()
        for lock in held:
            lock.release()
    found = [(each["lock"], each["mentorado"], each["this_program"]) for each in json.loads(read(bundle, "locks.json"))]
    assert found == [
        ("window", "", True),
        ("session", "mentorado 1", True),
        ("host", "mentorado 1", True),
        ("procedure", "", True),
    ]


async def test_a_name_that_is_no_file_of_the_bundle_is_a_problem(manual_clock: ManualClock) -> None:
    async with core_with_ana(manual_clock) as core:
        bundle = await bundles(core).prepare()
    require_names(bundle, ["links.json"])
    with pytest.raises(Problem, match="bundle_file_unknown"):
        require_names(bundle, ["links.json", "secrets.json"])
