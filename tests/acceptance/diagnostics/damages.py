"""A healthy data folder, and what can have happened to one: each damage is done to a copy, in front of each command."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from app.bootstrap import build_services
from app.settings import Settings
from tests.acceptance.diagnostics.machine import write_session

Environment = dict[str, str]
Damage = Callable[[Path, Environment], None]
"""Damages the data folder of a command that will run in this environment."""

_OF_DATA: Final = (
    "data_folder",
    "session_folder",
    "space",
    "database",
    "backups",
    "secrets",
    "channel",
    "locks",
    "procedures",
    "leftovers",
)
"""The checks that look at the data folder; the others take longer than all of these."""

COMMANDS: Final = {
    "status": (["status"], ""),
    "doctor": (["doctor", "--json", *(word for name in _OF_DATA for word in ("--only", name))], ""),
    "run": (["run"], "Pronto."),  # until it says how many connections it holds
    "backup list": (["backup", "list"], ""),
    "audit verify": (["audit", "verify"], ""),
}
"""The words of each command, and what `conecta run` says when it is ready."""


def make_healthy(data: Path) -> None:
    """A data folder as the program leaves it: two mentorados, a session, an audit, a log."""
    data.mkdir(mode=0o700)
    settings = Settings(data_dir=data, session_dir=data / "sessions")

    async def make() -> None:
        core = build_services(settings)
        await core.open()
        ana = await core.mentorados.add("Ana", "+5511987654321")
        await core.mentorados.add("Bia", "+5521987650002")
        write_session(settings.session_dir, ana.id)
        await core.close()

    asyncio.run(make())
    for name in ("logs", "crashes", "procedures", "backups"):
        (data / name).mkdir(mode=0o700, exist_ok=True)


DAMAGES: Final[dict[str, Damage]] = {}


def damage(plant: Damage) -> Damage:
    DAMAGES[getattr(plant, "__name__", "")] = plant
    return plant


def _sql(data: Path, *statements: str) -> None:
    with closing(sqlite3.connect(data / "conecta.db")) as opened, opened:
        for statement in statements:
            opened.execute(statement)


def _without_database(data: Path) -> Path:
    for each in data.glob("conecta.db*"):
        each.unlink()
    return data / "conecta.db"


def _session(data: Path) -> Path:
    return next((data / "sessions").glob("*/session-*.db"))


# --- the database -----------------------------------------------------------------------------------------------------


@damage
def a_table_that_is_gone(data: Path, _: Environment) -> None:
    _sql(data, "DROP TABLE message")


@damage
def all_tables_but_the_stamp_gone(data: Path, _: Environment) -> None:
    with closing(sqlite3.connect(data / "conecta.db")) as opened:
        opened.execute("PRAGMA foreign_keys = OFF")
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name != "alembic_version" and not name.startswith(("sqlite_", "message_fts_")):
                opened.execute(f'DROP TABLE IF EXISTS "{name}"')
        opened.commit()


@damage
def a_column_that_is_gone(data: Path, _: Environment) -> None:
    _sql(data, "ALTER TABLE mentorado DROP COLUMN cohort")


@damage
def the_table_of_mentorados_as_a_view(data: Path, _: Environment) -> None:
    _sql(data, "ALTER TABLE setting RENAME TO former", "CREATE VIEW setting AS SELECT 1 AS key")


@damage
def a_stamp_of_an_earlier_version(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE alembic_version SET version_num = '0003'")


@damage
def a_stamp_that_nobody_wrote(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE alembic_version SET version_num = 'garbage'")


@damage
def a_stamp_of_a_later_version(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE alembic_version SET version_num = '9999'")


@damage
def no_stamp(data: Path, _: Environment) -> None:
    _sql(data, "DELETE FROM alembic_version")


@damage
def a_new_database_beside_an_old_audit(data: Path, _: Environment) -> None:
    other = data.parent / "other"
    other.mkdir(mode=0o700)

    async def make() -> None:
        core = build_services(Settings(data_dir=other, session_dir=other / "sessions"))
        await core.open()
        await core.close()

    asyncio.run(make())
    shutil.copy(other / "conecta.db", _without_database(data))


@damage
def an_empty_file(data: Path, _: Environment) -> None:
    _without_database(data).touch(0o600)


@damage
def a_file_that_is_no_database(data: Path, _: Environment) -> None:
    _without_database(data).write_bytes(b"no database at all" * 1000)


@damage
def a_database_that_was_cut_off(data: Path, _: Environment) -> None:
    file = data / "conecta.db"
    os.truncate(file, file.stat().st_size // 2 + 100)


@damage
def damaged_pages(data: Path, _: Environment) -> None:
    with (data / "conecta.db").open("r+b") as file:
        for page in range(1, 60):
            file.seek(page * 4096)
            file.write(b"\xa5" * 512)


@damage
def a_link_to_nothing_as_database(data: Path, _: Environment) -> None:
    _without_database(data).symlink_to(data / "gone" / "conecta.db")


@damage
def a_link_in_a_circle_as_database(data: Path, _: Environment) -> None:
    _without_database(data).symlink_to("conecta.db")


@damage
def a_folder_as_database(data: Path, _: Environment) -> None:
    _without_database(data).mkdir()


@damage
def a_pipe_as_database(data: Path, _: Environment) -> None:
    os.mkfifo(_without_database(data))


@damage
def a_database_that_may_not_be_read(data: Path, _: Environment) -> None:
    (data / "conecta.db").chmod(0)


@damage
def texts_that_are_none(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE mentorado SET name = CAST(x'ff00fe' AS TEXT)")


@damage
def dates_that_are_none(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE mentorado SET created_at = 'yesterday', archived_at = 7")


@damage
def a_provider_that_nobody_knows(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE link SET provider = 'pigeon'")


@damage
def numbers_that_are_none(data: Path, _: Environment) -> None:
    _sql(data, "UPDATE mentorado SET phone = 'none', phone_key = 'none' || rowid", "UPDATE link SET account = 'x'")


@damage
def mentorados_without_links(data: Path, _: Environment) -> None:
    _sql(data, "PRAGMA foreign_keys = OFF", "DELETE FROM link")


@damage
def settings_that_make_no_sense(data: Path, _: Environment) -> None:
    values = [("trusted_time", "[1"), ("snoozes", "7"), ("metrics_port", '"x"'), ("webhooks_on", "[]")]
    _sql(
        data,
        "DELETE FROM setting",
        *(f"INSERT INTO setting (key, value, changed_at) VALUES ('{key}', '{value}', 'x')" for key, value in values),
    )


@damage
def procedures_that_make_no_sense(data: Path, _: Environment) -> None:
    _sql(
        data,
        "INSERT INTO procedure (number, id, kind, mentorado_id, user, operator, began_at, facts)"
        " SELECT 1, '../../etc/passwd', 'dance', id, 'x', '', 'never', 'facts' FROM mentorado LIMIT 1",
        "INSERT INTO procedure_entry (procedure_id, number, at, kind, facts)"
        " VALUES ('../../etc/passwd', 1, 'never', 'jump', 'x')",
    )


# --- the audit --------------------------------------------------------------------------------------------------------


def _audit_notes(data: Path) -> Path:
    file = data / "audit-heads.jsonl"
    file.unlink()
    return file


@damage
def audit_notes_that_may_not_be_read(data: Path, _: Environment) -> None:
    (data / "audit-heads.jsonl").chmod(0)


@damage
def a_folder_as_audit_notes(data: Path, _: Environment) -> None:
    _audit_notes(data).mkdir()


@damage
def a_pipe_as_audit_notes(data: Path, _: Environment) -> None:
    os.mkfifo(_audit_notes(data))


@damage
def audit_notes_that_are_none(data: Path, _: Environment) -> None:
    _audit_notes(data).write_bytes(b'\xff\xfe{"number": []}\n{"number": 1e400, "hash": 3}\n[]\n' * 10)


@damage
def an_audit_without_head(data: Path, _: Environment) -> None:
    _sql(data, "DROP TABLE audit_head")


@damage
def an_audit_that_was_altered(data: Path, _: Environment) -> None:
    guard = "BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    altered = "UPDATE audit SET at = 'noon', \"before\" = '[' WHERE number = 1"
    _sql(data, "DROP TRIGGER audit_no_update", altered, f"CREATE TRIGGER audit_no_update {guard}")


# --- folders and locks ------------------------------------------------------------------------------------------------


@damage
def a_data_folder_that_may_not_be_read(data: Path, _: Environment) -> None:
    data.chmod(0)


@damage
def a_data_folder_that_may_not_be_written(data: Path, _: Environment) -> None:
    data.chmod(0o500)


@damage
def a_link_to_nothing_as_data_folder(data: Path, _: Environment) -> None:
    data.rename(data.with_name("former"))
    data.symlink_to(data.parent / "gone")


@damage
def a_link_in_a_circle_as_data_folder(data: Path, _: Environment) -> None:
    data.rename(data.with_name("former"))
    data.symlink_to(data.name)


@damage
def a_file_as_data_folder(data: Path, _: Environment) -> None:
    data.rename(data.with_name("former"))
    data.touch()


@damage
def a_data_folder_with_too_long_a_name(data: Path, environment: Environment) -> None:
    environment["CONECTA_DATA_DIR"] = str(data / ("x" * 300))


@damage
def sessions_with_too_long_a_name(data: Path, environment: Environment) -> None:
    environment["BAILEYS_SESSION_DIR"] = str(data / ("x" * 300))


def _instead_of(folder: Path) -> Path:
    shutil.rmtree(folder)
    return folder


@damage
def logs_that_may_not_be_written(data: Path, _: Environment) -> None:
    (data / "logs").chmod(0o500)


@damage
def a_file_as_logs(data: Path, _: Environment) -> None:
    _instead_of(data / "logs").touch()


@damage
def a_link_to_nothing_as_logs(data: Path, _: Environment) -> None:
    _instead_of(data / "logs").symlink_to("gone")


@damage
def a_folder_as_log(data: Path, _: Environment) -> None:
    (data / "logs" / "conecta.log").mkdir()


@damage
def a_folder_as_lock(data: Path, _: Environment) -> None:
    (data / "window.lock").unlink(missing_ok=True)
    (data / "window.lock").mkdir()


@damage
def a_lock_that_is_garbage(data: Path, _: Environment) -> None:
    note: dict[str, object] = {
        "pid": 10**30,
        "host": 7,
        "machine": None,
        "started": "then",
        "boot": [],
        "namespace": {},
    }
    (data / "window.lock").write_text(json.dumps(note))


@damage
def a_link_to_nothing_as_procedures(data: Path, _: Environment) -> None:
    _instead_of(data / "procedures").symlink_to("gone")


@damage
def a_file_as_procedures(data: Path, _: Environment) -> None:
    _instead_of(data / "procedures").touch()


@damage
def a_file_as_backups(data: Path, _: Environment) -> None:
    _instead_of(data / "backups").touch()


@damage
def backups_that_may_not_be_read(data: Path, _: Environment) -> None:
    (data / "backups").chmod(0)


@damage
def backups_that_are_none(data: Path, _: Environment) -> None:
    (data / "backups" / "ana.conecta").mkdir()
    os.mkfifo(data / "backups" / "bia.conecta")
    (data / "backups" / "link.conecta").symlink_to("link.conecta")
    (data / "backups" / "new.conecta").write_bytes(b"\0" * 5000)


@damage
def secrets_that_are_a_folder(data: Path, _: Environment) -> None:
    (data / "secrets.enc").mkdir()


# --- sessions ---------------------------------------------------------------------------------------------------------


@damage
def a_session_with_damaged_pages(data: Path, _: Environment) -> None:
    file = _session(data)
    with file.open("r+b") as opened:
        for page in range(1, file.stat().st_size // 4096):
            opened.seek(page * 4096)
            opened.write(b"\xa5" * 512)


@damage
def a_session_that_is_a_link_in_a_circle(data: Path, _: Environment) -> None:
    file = _session(data)
    file.unlink()
    file.symlink_to(file.name)


@damage
def a_pipe_as_session(data: Path, _: Environment) -> None:
    file = _session(data)
    file.unlink()
    os.mkfifo(file)


@damage
def a_pointer_that_is_a_folder(data: Path, _: Environment) -> None:
    pointer = _session(data).parent / "current"
    pointer.unlink()
    pointer.mkdir()


@damage
def a_session_folder_that_may_not_be_read(data: Path, _: Environment) -> None:
    _session(data).parent.chmod(0)


@damage
def a_file_as_session_folder(data: Path, _: Environment) -> None:
    _instead_of(_session(data).parent).touch()


@damage
def a_link_to_nothing_as_sessions(data: Path, _: Environment) -> None:
    _instead_of(data / "sessions").symlink_to("gone")


@damage
def sessions_that_may_not_be_read(data: Path, _: Environment) -> None:
    (data / "sessions").chmod(0)
