"""No act without its audit entry: "the entry in the same transaction as the act; for acts outside the database intent
first, outcome after; nothing returns success without its entry." The real core over a real database.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.__main__ import main as conecta
from app.core.csv_import import ImportRow
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.settings import OPERATOR_NAME, RETENTION, WEBHOOKS
from app.domain.webhooks import WebhookSettings
from app.formats.export_html import HtmlExportRenderer
from app.services import Services
from app.storage.database import Database
from tests.clock import DAWN, ManualClock
from tests.fakes import FakeProviderTime
from tests.services import build_services
from tests.storage.talk import BIA, a_message


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 60))


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[tuple[Services, Mentorado]]:
    """The core with Ana, who has a message of Bia from long ago."""
    core = build_services(home / "data", clock=ManualClock(DAWN), provider_time=FakeProviderTime(DAWN))
    await core.open()
    async with core.running():
        ana = await core.mentorados.add("Ana Lima", "11 98765-4321")
        old = DAWN - timedelta(days=100)
        await core.history.store(ana, [a_message("1", "Bom dia", BIA, minute=-100 * 24 * 60)], old)
        yield core, ana


async def add(core: Services, _ana: Mentorado) -> None:
    await core.mentorados.add("Bia", "21 98765-4321")


async def edit(core: Services, ana: Mentorado) -> None:
    await core.mentorados.edit(ana.id, "Ana Maria", "31 98765-4321", "Turma 2")


async def archive(core: Services, ana: Mentorado) -> None:
    await core.mentorados.archive(ana.id)


async def archive_by_action(core: Services, ana: Mentorado) -> None:
    await core.actions.run(ActionName.ARCHIVE, ana.id, _yes)


async def undo_import(core: Services, ana: Mentorado) -> None:
    await core.mentorados.archive(ana.id, undo_import=True)


async def import_two(core: Services, _ana: Mentorado) -> None:
    rows = [ImportRow(line=n, name=f"P{n}", phone=f"+552198765432{n}", cohort="") for n in (1, 2)]
    await core.csv_import.import_rows(rows, lambda _done: True)


async def operator_name(core: Services, _ana: Mentorado) -> None:
    await core.settings_service.change(OPERATOR_NAME, "Rosa")


async def retention(core: Services, _ana: Mentorado) -> None:
    await core.settings_service.change(RETENTION, 30)


async def provider_log(core: Services, _ana: Mentorado) -> None:
    await core.provider_log.switch_on(timedelta(hours=1))


async def webhooks(core: Services, _ana: Mentorado) -> None:
    await core.settings_service.change(WEBHOOKS, WebhookSettings(on=False, port=9999))


async def choose_provider(core: Services, ana: Mentorado) -> None:
    await core.hosted.choice.choose(ana.id, ProviderKind.ZAPI)


async def erase(core: Services, ana: Mentorado) -> None:
    await core.personal_data.erase_contact(ana.id, BIA)


async def export(core: Services, ana: Mentorado) -> None:
    await core.personal_data.export(ana.id, core.settings.data_dir / "out", HtmlExportRenderer("en"))


async def keep_in_memory(core: Services, _ana: Mentorado) -> None:
    await core.secret_service.use_memory()


async def connect(core: Services, ana: Mentorado) -> None:
    await core.actions.run(ActionName.CONNECT, ana.id, _yes)


async def _yes(_name: ActionName, _mentorado: Mentorado) -> bool:
    return True


Act = Callable[[Services, Mentorado], Awaitable[None]]
ACTS: list[tuple[Act, list[str]]] = [
    (add, ["add_mentorado done"]),
    (edit, ["edit_mentorado done"]),
    (archive, ["archive done"]),
    (archive_by_action, ["archive done"]),
    (undo_import, ["undo_import done"]),
    (
        import_two,
        ["import_mentorados begun", "add_mentorado done", "add_mentorado done", "import_mentorados done"],
    ),
    (operator_name, ["set_operator_name done"]),
    (retention, ["set_retention done"]),
    (provider_log, ["set_provider_log done"]),
    (webhooks, ["set_webhooks done"]),
    (choose_provider, ["choose_provider done"]),
    (erase, ["erase_contact done"]),
    (export, ["export_mentorado begun", "export_mentorado done"]),
    (keep_in_memory, ["set_secrets_place begun", "set_secrets_place done"]),
    (connect, ["connect begun", "connect done"]),
]
IDS = [act.__name__ for act, _ in ACTS]


def kept(home: Path) -> list[str]:
    """All that an act may change, besides what the clock writes: rows, and files of an export."""
    with closing(sqlite3.connect(home / "data" / "conecta.db")) as raw:
        tables = ("mentorado", "link", "message", "contact", "suppression")
        rows = [repr(raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()) for table in tables]
        rows.append(repr(raw.execute("SELECT * FROM setting WHERE key NOT IN ('trusted_time')").fetchall()))
    return rows + sorted(str(path) for path in (home / "data" / "out").rglob("*"))


@pytest.mark.parametrize(("act", "entries"), ACTS, ids=IDS)
async def test_an_act_is_in_the_audit_when_it_returns(fast_dir: Path, act: Act, entries: list[str]) -> None:
    async with opened(fast_dir) as (core, ana):
        await act(core, ana)
        lines = [f"{e.record.action} {e.record.outcome}" for e in reversed(await core.audit.entries())]
        assert lines == ["add_mentorado done", *entries]
        assert "98765-4321" not in repr(await core.audit.entries())


@pytest.mark.parametrize("act", [act for act, _ in ACTS if act is not archive_by_action], ids=lambda act: act.__name__)
async def test_what_cannot_be_written_down_is_not_done(fast_dir: Path, act: Act) -> None:
    async with opened(fast_dir) as (core, ana):
        refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry'); END"
        await core.database.run(lambda connection: connection.exec_driver_sql(refuse))
        before, place = kept(fast_dir), await core.secret_service.place()
        with pytest.raises(IntegrityError, match="no entry"):
            await act(core, ana)
        assert kept(fast_dir) == before
        assert await core.secret_service.place() is place
        assert core.supervisor.running() == ()
        assert core.mentorados.get(ana.id) == ana
        assert core.settings_service.settings.operator_name == ""


async def test_messages_that_are_removed_by_age_are_in_the_audit_with_their_number(fast_dir: Path) -> None:
    async with opened(fast_dir) as (core, _ana):
        await core.settings_service.change(RETENTION, 30)
        assert await core.retention.forget_old()
        (entry,) = await core.audit.entries(limit=1)
        assert (entry.record.action, entry.record.after) == ("forget_old", {"days": "30", "messages": "1"})


def test_an_export_from_a_locked_database_is_refused_before_anything_is_written(
    fast_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seen: the entry was dropped after 3 s, and the exit code was 0."""
    monkeypatch.setenv("CONECTA_DATA_DIR", str(fast_dir / "data"))
    monkeypatch.setattr("app.platform.logging.configure_logging", lambda _file: None)
    monkeypatch.setitem(Database.__init__.__kwdefaults__ or {}, "busy_timeout", 0.1)
    monkeypatch.chdir(fast_dir)
    assert conecta(["mentorado", "add", "Ana Lima", "11 98765-4321"]) == 0
    with closing(sqlite3.connect(fast_dir / "data" / "conecta.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code = conecta(["export", "ana", "--to", "out"])
    assert code == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"[{ProblemCode.DATABASE_LOCKED}]"
    assert not list((fast_dir / "out").rglob("*"))


def test_an_outcome_that_cannot_be_written_is_no_success_and_is_kept(fast_dir: Path) -> None:
    async def main() -> None:
        async with opened(fast_dir) as (core, ana):
            full = Problem(ProblemCode.DATABASE_DISK_FULL, path="x")
            write, tries = core.audit.record, 0

            async def record(record: Any) -> Any:
                nonlocal tries
                tries += 1
                if tries == 2:
                    raise full
                return await write(record)

            core.audit.record = record  # type: ignore[method-assign]
            with pytest.raises(Problem) as caught:
                await export(core, ana)
            assert caught.value is full
            await core.audit_service.flush()
            latest = [f"{e.record.action} {e.record.outcome}" for e in await core.audit.entries(limit=2)]
            assert latest == ["export_mentorado done", "export_mentorado begun"]

    run(main())


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from app.bootstrap import build_services
from app.domain.settings import OPERATOR_NAME
from app.settings import Settings

async def main():
    home = Path(sys.argv[1])
    core = build_services(Settings(data_dir=home / "data", session_dir=home / "sessions"))
    await core.open()
    async with core.running():
        for number in range(10_000):
            await core.settings_service.change(OPERATOR_NAME, f"Rosa {number}")
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
async def test_no_setting_is_without_its_entry_after_a_kill(fast_dir: Path) -> None:
    """Seen: 10 of 490 settings had none."""
    for killed_after in (3, 25):
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(KILLED), str(fast_dir), stdout=asyncio.subprocess.PIPE
        )
        assert program.stdout is not None
        for _ in range(killed_after):
            await program.stdout.readline()
        os.kill(program.pid, signal.SIGKILL)
        await program.wait()
        with closing(sqlite3.connect(fast_dir / "data" / "conecta.db")) as raw:
            ((value,),) = raw.execute("SELECT value FROM setting WHERE key = 'operator_name'").fetchall()
            ((after,),) = raw.execute("SELECT after FROM audit ORDER BY number DESC LIMIT 1").fetchall()
        assert after == f'{{"value": {value}}}'
