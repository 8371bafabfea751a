"""What can be wrong with folders, disks, the database, tokens, clock and network, and what former runs left."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.domain.diagnosis import DiagnosisCode as C
from app.domain.errors import ProblemCode
from tests.acceptance.diagnostics.machine import Machine
from tests.acceptance.diagnostics.planting import fault

WHEN = "2026-01-05T09:30:00.000000+00:00"

# --- folders and disks ----------------------------------------------------------------------------------------------


@fault(C.DATA_FOLDER_OPEN, "--fix make_private", says="0755")
def messages_that_others_may_read(machine: Machine) -> None:
    machine.data.chmod(0o755)


@fault(C.DATA_FOLDER_OPEN, "chmod go-rwx", says="conecta.db")
def a_database_that_others_may_read(machine: Machine) -> None:
    machine.database.chmod(0o644)


@fault(C.DATA_FOLDER_UNUSABLE, "Allow writing", problem=ProblemCode.DATABASE_NOT_WRITABLE, also=(C.DATABASE_UNUSABLE,))
def a_file_where_the_data_folder_should_be(machine: Machine) -> None:
    shutil.rmtree(machine.data)
    machine.data.touch()


@fault(
    C.DATA_FOLDER_UNUSABLE,
    "folder",
    problem=ProblemCode.DATABASE_NOT_WRITABLE,
    also=(C.SESSION_FOLDER_UNUSABLE, C.DATABASE_UNUSABLE),
    needs="permissions",
)
@contextmanager
def a_data_folder_that_nobody_may_write(machine: Machine) -> Iterator[None]:
    machine.obeys_permissions()
    machine.data.chmod(0o500)
    try:
        yield
    finally:
        machine.data.chmod(0o700)


@fault(
    C.DATA_FOLDER_UNUSABLE, "Allow writing", says="belongs to", problem=ProblemCode.DATABASE_NOT_WRITABLE, needs="root"
)
def a_data_folder_of_somebody_else(machine: Machine) -> None:
    os.chown(machine.data, 65534, 65534)


@fault(C.SESSION_FOLDER_UNUSABLE, "BAILEYS_SESSION_DIR", problem=ProblemCode.SESSION_DIR_MISSING)
def a_drive_with_the_sessions_that_is_not_there(machine: Machine) -> None:
    machine.environment["BAILEYS_SESSION_DIR"] = str(machine.home / "drive" / "sessions")


@fault(C.SESSION_FOLDER_UNUSABLE, "BAILEYS_SESSION_DIR", problem=ProblemCode.SESSION_DIR_NOT_A_FOLDER)
def a_file_where_the_sessions_should_be(machine: Machine) -> None:
    file = machine.home / "sessions"
    file.touch()
    machine.environment["BAILEYS_SESSION_DIR"] = str(file)


@fault(C.SETTINGS_RELATIVE, "the whole path", says="BAILEYS_SESSION_DIR", also=(C.SESSION_FOLDER_UNUSABLE,))
def sessions_that_depend_on_where_conecta_is_started(machine: Machine) -> None:
    machine.environment["BAILEYS_SESSION_DIR"] = "sessions"


@fault(C.SESSION_STRAY, "move them", says="copy of session-1.db")
def a_copy_beside_a_session(machine: Machine) -> None:
    machine.session().with_name("copy of session-1.db").touch(mode=0o600)


@fault(C.SPOOL_STRANGE, "quarantine", says="notes.txt")
def a_file_among_messages_that_wait(machine: Machine) -> None:
    spool = machine.session().parent / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    (spool / "notes.txt").touch(mode=0o600)


@fault(C.SESSION_FOLDER_OPEN, "--fix make_private", says="keys of WhatsApp accounts")
def keys_that_others_may_read(machine: Machine) -> None:
    machine.session().chmod(0o640)


@fault(C.SPACE_OUT, "500 MB", also=(C.SESSION_FOLDER_UNUSABLE,), needs="mount")
def a_disk_that_is_full(machine: Machine) -> None:
    at = machine.home / "disk"
    machine.environment["BAILEYS_SESSION_DIR"] = str(at)
    machine.on_a_disk("size=4m,mode=700", at, filled=True)


@fault(C.SPACE_LOW, "500 MB", needs="mount")
def a_disk_that_is_nearly_full(machine: Machine) -> None:
    at = machine.home / "disk"
    machine.environment["BAILEYS_SESSION_DIR"] = str(at)
    machine.on_a_disk("size=200m,mode=700", at)


@fault(C.FILES_OUT, "df -i", also=(C.SESSION_FOLDER_UNUSABLE,), needs="mount")
def a_disk_that_holds_no_more_files(machine: Machine) -> None:
    at = machine.home / "disk"
    machine.environment["BAILEYS_SESSION_DIR"] = str(at)
    machine.on_a_disk("size=900m,mode=700,nr_inodes=1", at)


@fault(C.SESSION_UNUSABLE, "Back up and re-authenticate", says="Ana", problem=ProblemCode.SESSION_CORRUPT)
def a_session_that_was_cut_off(machine: Machine) -> None:
    file = machine.session()
    os.truncate(file, file.stat().st_size // 2)


@fault(C.SESSION_UNUSABLE, "scan a new code", says="Ana", problem=ProblemCode.SESSION_MISSING)
def a_session_that_is_gone(machine: Machine) -> None:
    machine.session().unlink()


@fault(C.SESSION_UNUSABLE, "scan a new code", says="Ana", problem=ProblemCode.SESSION_MISSING)
def a_folder_of_a_paired_mentorado_that_is_gone(machine: Machine) -> None:
    shutil.rmtree(machine.session().parent)
    machine.sql("UPDATE link SET account = '+5511987654321'")


@fault(C.SESSION_UNUSABLE, "scan a new code", says="Ana", problem=ProblemCode.SESSION_MISSING)
def a_folder_of_a_paired_mentorado_that_is_empty(machine: Machine) -> None:
    session = machine.session()
    session.unlink()
    (session.parent / "current").unlink()
    machine.sql("UPDATE link SET account = '+5511987654321'")


@fault(C.SESSION_UNUSABLE, "new code", says="Ana", problem=ProblemCode.SESSION_OF_ANOTHER_MENTORADO)
def a_session_of_another_mentorado(machine: Machine) -> None:
    machine.session()
    with closing(sqlite3.connect(machine.database)) as opened, opened:
        opened.row_factory = sqlite3.Row
        for table, changes in (
            ("mentorado", {"id": "b" * 32, "name": "Bia", "phone": "+5511987654321"}),
            ("link", {"id": "c" * 32, "mentorado_id": "b" * 32}),
        ):
            row = {**opened.execute(f"SELECT * FROM {table}").fetchone(), **changes}
            if table == "mentorado":
                opened.execute("UPDATE mentorado SET phone = '+5511900001111', phone_key = '+5511900001111'")
            marks = ", ".join("?" * len(row))
            opened.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@fault(C.SESSION_UNUSABLE, "Back up and re-authenticate", says="Ana", problem=ProblemCode.SESSION_CORRUPT)
def a_session_with_damaged_pages(machine: Machine) -> None:
    with machine.session().open("r+b") as file:
        for page in range(2, 8):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


@fault(C.SESSION_UNLINKED, "scan a new code", says="Ana")
def a_session_that_whatsapp_ended(machine: Machine) -> None:
    with closing(sqlite3.connect(machine.session())) as opened, opened:
        opened.execute("DELETE FROM whatsmeow_device")


@fault(C.SESSION_UNUSABLE, "scan a new code", says="current", problem=ProblemCode.SESSION_MISSING)
def a_session_that_nothing_points_to(machine: Machine) -> None:
    (machine.session().parent / "current").unlink()


@fault(C.SESSION_FOLDER_UNUSABLE, "remove it", problem=ProblemCode.LINK_BROKEN)
def a_link_to_nothing_where_the_sessions_should_be(machine: Machine) -> None:
    machine.sessions.symlink_to(machine.home / "gone")


@fault(
    C.SESSION_UNUSABLE,
    "Allow it",
    problem=ProblemCode.SESSION_DIR_NOT_WRITABLE,
    also=(C.COULD_NOT_LOOK,),
    needs="permissions",
)
def a_session_folder_that_nobody_may_open(machine: Machine) -> None:
    machine.obeys_permissions()
    machine.session().parent.chmod(0)


@fault(C.LOGS_UNUSABLE, "chmod", says="permission denied", needs="permissions")
def a_log_that_cannot_be_written(machine: Machine) -> None:
    machine.obeys_permissions()
    (machine.data / "logs").mkdir(mode=0o500)


@fault(C.DATA_PART_UNUSABLE, "move it away", says="not a folder")
def a_file_where_procedures_have_their_locks(machine: Machine) -> None:
    (machine.data / "procedures").touch()


@fault(C.DATA_PART_UNUSABLE, "move it away", says="a link that leads nowhere")
def a_link_in_a_circle_where_procedures_have_their_locks(machine: Machine) -> None:
    (machine.data / "procedures").symlink_to("procedures")


@fault(
    C.DATA_FOLDER_UNUSABLE,
    "remove it",
    problem=ProblemCode.LINK_BROKEN,
    also=(C.SESSION_FOLDER_UNUSABLE, C.DATABASE_UNUSABLE),
)
def a_link_to_nothing_where_the_data_should_be(machine: Machine) -> None:
    shutil.rmtree(machine.data)
    machine.data.symlink_to(machine.home / "gone")


@fault(
    C.DATA_FOLDER_UNUSABLE,
    "CONECTA_DATA_DIR",
    says="the name is too long",
    problem=ProblemCode.DATABASE_NOT_WRITABLE,
    also=(C.SESSION_FOLDER_UNUSABLE, C.DATABASE_UNUSABLE, C.COULD_NOT_LOOK),
)
def a_data_folder_with_too_long_a_name(machine: Machine) -> None:
    machine.environment["CONECTA_DATA_DIR"] = str(machine.home / ("x" * 300))


# --- the database ---------------------------------------------------------------------------------------------------


@fault(C.DATABASE_UNUSABLE, "support", says="missing: case_note", problem=ProblemCode.DATABASE_CORRUPT)
def a_database_without_a_table(machine: Machine) -> None:
    machine.sql("DROP TABLE case_note")


@fault(C.DATABASE_UNUSABLE, "support", says="missing: mentorado.cohort", problem=ProblemCode.DATABASE_CORRUPT)
def a_database_without_a_column(machine: Machine) -> None:
    machine.sql("ALTER TABLE mentorado DROP COLUMN cohort")


@fault(C.DATABASE_UNUSABLE, "support", says="of a later version", problem=ProblemCode.DATABASE_CORRUPT)
def a_database_with_the_stamp_of_an_earlier_version(machine: Machine) -> None:
    machine.sql("UPDATE alembic_version SET version_num = '0003'")


@fault(C.DATABASE_UNUSABLE, "support", says="unknown version", problem=ProblemCode.DATABASE_CORRUPT)
def a_database_with_a_stamp_that_nobody_wrote(machine: Machine) -> None:
    machine.sql("UPDATE alembic_version SET version_num = 'garbage'")


@fault(C.SEARCH_DAMAGED, "conecta doctor --fix repair_database")
def a_database_whose_index_for_the_search_is_damaged(machine: Machine) -> None:
    machine.sql("DELETE FROM message_fts_data")


@fault(C.DATABASE_LACKS, "conecta doctor --fix repair_database", says="audit_no_update")
def a_database_without_a_guard_of_its_audit(machine: Machine) -> None:
    machine.sql("DROP TRIGGER audit_no_update")


@fault(C.DATABASE_REPLACED, "put the former database back", says="up to entry 99")
def a_database_that_is_older_than_what_was_noted_of_it(machine: Machine) -> None:
    with (machine.data / "audit-heads.jsonl").open("a") as noted:
        noted.write('\n{"number": 99, "hash": "of the former database"}')


@fault(C.DATABASE_UNUSABLE, "conecta database use", problem=ProblemCode.DATABASE_MISSING)
def a_database_that_was_emptied(machine: Machine) -> None:
    machine.database.write_bytes(b"")


@fault(C.AUDIT_NOTES_UNREADABLE, "chmod 600", problem=ProblemCode.AUDIT_NOTES_UNREADABLE)
def a_folder_where_the_audit_is_noted(machine: Machine) -> None:
    (machine.data / "audit-heads.jsonl").unlink()
    (machine.data / "audit-heads.jsonl").mkdir()


@fault(C.AUDIT_NOTES_UNREADABLE, "mv ", says="no line", problem=ProblemCode.AUDIT_NOTES_DAMAGED)
def a_note_of_the_audit_that_was_cut_off(machine: Machine) -> None:
    noted = machine.data / "audit-heads.jsonl"
    noted.write_bytes(noted.read_bytes().lstrip().partition(b"\n")[0][:30])


@fault(C.PEOPLE_UNREADABLE, "support", says="1")
def mentorados_whom_the_list_leaves_out(machine: Machine) -> None:
    machine.sql("UPDATE link SET provider = 'pigeon'")


@fault(C.PROCEDURES_DAMAGED, "support")
def a_procedure_that_makes_no_sense(machine: Machine) -> None:
    machine.begins_procedure(kind="dance")


@fault(
    C.DATABASE_UNUSABLE,
    "CONECTA_DATA_DIR",
    says="not a file",
    problem=ProblemCode.DATABASE_NOT_WRITABLE,
)
def a_pipe_where_the_database_should_be(machine: Machine) -> None:
    machine.database.unlink()
    os.mkfifo(machine.database)


@fault(C.DATABASE_UNUSABLE, "CONECTA_DATA_DIR", says="not a file", problem=ProblemCode.DATABASE_NOT_WRITABLE)
def a_folder_where_the_database_should_be(machine: Machine) -> None:
    machine.database.unlink()
    machine.database.mkdir()


@fault(C.DATABASE_UNUSABLE, "remove it", problem=ProblemCode.LINK_BROKEN)
def a_link_in_a_circle_where_the_database_should_be(machine: Machine) -> None:
    machine.database.unlink()
    machine.database.symlink_to(machine.database.name)


@fault(C.DATABASE_UNUSABLE, "support", problem=ProblemCode.DATABASE_CORRUPT)
def a_database_with_a_damaged_page(machine: Machine) -> None:
    with machine.database.open("r+b") as file:
        for page in range(3, 40):
            file.seek(page * 4096)
            file.write(b"\xa5" * 512)


@fault(C.DATABASE_UNUSABLE, "support", problem=ProblemCode.DATABASE_CORRUPT, also=(C.PROCEDURES_UNREAD,))
def a_database_that_is_something_else(machine: Machine) -> None:
    machine.database.write_bytes(b"no database at all" * 1000)


@fault(C.DATABASE_UNUSABLE, "Update Conecta", problem=ProblemCode.DATABASE_NEWER, says="")
def a_database_of_a_newer_conecta(machine: Machine) -> None:
    machine.sql("UPDATE alembic_version SET version_num = '9999'")


@fault(C.DATABASE_UNUSABLE, "conecta database use", problem=ProblemCode.DATABASE_MISSING)
def a_database_that_is_gone(machine: Machine) -> None:
    machine.session()
    for each in machine.data.glob("conecta.db*"):
        each.unlink()


@fault(C.DATABASE_BUSY, "Close the other program", problem=ProblemCode.DATABASE_LOCKED)
@contextmanager
def a_database_that_another_program_locks(machine: Machine) -> Iterator[None]:
    with closing(sqlite3.connect(machine.database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


# --- backups ----------------------------------------------------------------------------------------------------------


@fault(C.BACKUPS_DAMAGED, "conecta backup verify", says="ana.conecta")
def a_backup_that_is_none(machine: Machine) -> None:
    (machine.data / "backups").mkdir(mode=0o700, exist_ok=True)
    (machine.data / "backups" / "ana.conecta").write_bytes(b"\0" * 5000)


# --- where tokens are kept --------------------------------------------------------------------------------------------


@fault(C.KEYRING_NONE, "gnome-keyring")
def no_keyring_although_tokens_need_one(machine: Machine) -> None:
    machine.served_by_zapi()


@fault(C.KEYRING_LOCKED, "Unlock it", says="SecretService")
def a_keyring_that_stays_locked(machine: Machine) -> None:
    machine.has_keyring("locked")


@fault(C.KEYRING_SILENT, "type the password", says="3 s")
def a_keyring_that_waits_for_its_password(machine: Machine) -> None:
    machine.has_keyring("asking")


@fault(C.KEYRING_UNTRUSTED, "PYTHON_KEYRING_BACKEND", says="plain.Keyring")
def a_keyring_that_keeps_tokens_in_plain_files(machine: Machine) -> None:
    machine.served_by_zapi()
    machine.extra.mkdir()
    (machine.extra / "plain.py").write_text(
        "from keyring.backends.null import Keyring as _Null\nclass Keyring(_Null): pass\n"
    )
    machine.environment["PYTHON_KEYRING_BACKEND"] = "plain.Keyring"


@fault(C.SECRETS_UNUSABLE, "", problem=ProblemCode.SECRETS_FILE_DAMAGED)
def a_file_of_tokens_that_is_damaged(machine: Machine) -> None:
    (machine.data / "secrets.enc").write_bytes(b"damaged" * 40)
    (machine.data / "secrets.enc").chmod(0o600)


@fault(C.SECRETS_UNUSABLE, "", problem=ProblemCode.PASSPHRASE_WRONG)
def a_passphrase_of_another_file(machine: Machine) -> None:
    from app.storage.secrets.store import EncryptedFile

    EncryptedFile.create(machine.data / "secrets.enc", "correct horse battery staple", {}, cost=14)
    phrase = machine.home / "passphrase"
    phrase.write_text("another passphrase altogether")
    phrase.chmod(0o600)
    machine.environment["CONECTA_SECRETS_PASSPHRASE_FILE"] = str(phrase)
