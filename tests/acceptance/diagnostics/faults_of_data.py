"""What can be wrong with folders, disks, the database, tokens, clock and network, and what former runs left."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from app.domain.diagnosis import DiagnosisCode as C
from app.domain.errors import ProblemCode
from app.platform.locks import Owner
from tests.acceptance.diagnostics.machine import ROOT, Machine
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


# --- clock and network ------------------------------------------------------------------------------------------------


@fault(C.CLOCK_WRONG, "set by the network", says="-60 min")
def a_clock_that_is_an_hour_slow(machine: Machine) -> None:
    machine.internet.ahead = timedelta(hours=1)


@fault(C.CLOCK_WRONG, "set by the network", says="+5 min")
def a_clock_that_is_five_minutes_fast(machine: Machine) -> None:
    machine.internet.ahead = timedelta(minutes=-5)


@fault(C.CLOCK_BEHIND, "conecta clock --confirm", also=(C.PROXY_UNREACHABLE,))
def a_clock_that_went_back_while_there_is_no_network(machine: Machine) -> None:
    later = json.dumps({"at": (datetime.now(UTC) + timedelta(days=30)).isoformat()})
    machine.sql(f"INSERT OR REPLACE INTO setting (key, value, changed_at) VALUES ('trusted_time', '{later}', '{WHEN}')")
    machine.environment["HTTPS_PROXY"] = "http://127.0.0.1:9"


@fault(C.NAME_UNKNOWN, "DNS", says="gone.invalid")
def a_name_that_no_dns_server_knows(machine: Machine) -> None:
    machine.served_by_zapi("https://gone.invalid")
    del machine.environment["HTTPS_PROXY"]
    machine.has_keyring("open")


@fault(C.NO_CONNECTION, "firewall", says="127.0.0.1")
def a_firewall_in_the_way(machine: Machine) -> None:
    machine.served_by_zapi("https://127.0.0.1:9")
    del machine.environment["HTTPS_PROXY"]
    machine.has_keyring("open")


@fault(C.CERTIFICATE_UNTRUSTED, "let web.whatsapp.com through unread")
def somebody_who_reads_along(machine: Machine) -> None:
    machine.internet.certificate = machine.internet.of_a_stranger


@fault(C.HANDSHAKE_FAILED, "port 443")
def something_that_does_not_speak_tls(machine: Machine) -> None:
    machine.internet.certificate = None


@fault(C.PROXY_UNREACHABLE, "HTTPS_PROXY", says="127.0.0.1:9")
def a_proxy_that_is_not_there(machine: Machine) -> None:
    machine.environment["HTTPS_PROXY"] = "http://staff:hidden-word@127.0.0.1:9"


@fault(C.PROXY_INVALID, "http://computer:port", says="of no known kind")
def a_proxy_that_is_garbage(machine: Machine) -> None:
    machine.environment["HTTPS_PROXY"] = "garbage::://hidden-word"


@fault(C.PROXY_INVALID, "http://computer:port", says="the port is no number")
def a_proxy_whose_computer_was_forgotten(machine: Machine) -> None:
    machine.environment["HTTPS_PROXY"] = "http://staff:hidden-word"


@fault(C.PROXY_UNCHECKED, "of the kind http", says="socks5 (127.0.0.1:1080)")
def a_proxy_that_cannot_be_looked_through(machine: Machine) -> None:
    machine.environment["HTTPS_PROXY"] = "socks5://staff:hidden-word@127.0.0.1"


@fault(C.PROXY_REFUSES, "HTTPS_PROXY", says="407")
def a_proxy_that_wants_a_password(machine: Machine) -> None:
    machine.internet.proxy_says = "407 Proxy Authentication Required"


@fault(C.PROXY_REFUSES, "allow web.whatsapp.com", says="403")
def a_proxy_that_does_not_allow_whatsapp(machine: Machine) -> None:
    machine.internet.proxy_says = "403 Forbidden"


@fault(C.SERVER_UNEXPECTED, "status page", says="503")
def a_provider_in_trouble(machine: Machine) -> None:
    machine.internet.status = "503 Service Unavailable"


# --- what former runs left --------------------------------------------------------------------------------------------


def _note(owner: Owner) -> str:
    return json.dumps(asdict(owner))


def _of_a_dead_process() -> Owner:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return replace(Owner.this_process(), pid=ended.pid, started="2026-01-05T09:30:00+00:00")


@fault(C.LOCK_STALE, "--fix release_locks", says="window.lock")
def a_lock_of_a_window_that_was_killed(machine: Machine) -> None:
    (machine.data / "window.lock").write_text(_note(_of_a_dead_process()))


@fault(C.LOCK_UNUSABLE, "Move", says="window.lock")
def a_lock_that_is_a_folder(machine: Machine) -> None:
    (machine.data / "window.lock").unlink(missing_ok=True)
    (machine.data / "window.lock").mkdir()


@fault(C.LOCK_STALE, "--fix release_locks", says="owner.lock")
def a_lock_of_a_session_whose_program_was_killed(machine: Machine) -> None:
    (machine.session().parent / "owner.lock").write_text(_note(_of_a_dead_process()))


@fault(C.LOCK_UNPROVEN, 'conecta unlock "Ana" --yes', says="recepcao")
def a_lock_of_another_computer(machine: Machine) -> None:
    elsewhere = Owner(
        pid=4211, host="recepcao", machine="another", started="2026-01-05T09:30:00+00:00", boot="another-boot"
    )
    (machine.session().parent / "owner.lock").write_text(_note(elsewhere))


@fault(C.CHANNEL_ELSEWHERE, "Diagnostics in that window", says="PID")
@contextmanager
def a_window_that_is_open(machine: Machine) -> Iterator[None]:
    """No fault, and not accused of one: but this command hears nothing of its connections, and says so."""
    holding = (
        "import sys; from pathlib import Path; from app.platform.locks import FileLock;"
        "lock = FileLock.take(Path(sys.argv[1])); print('taken', flush=True); sys.stdin.read(); lock.release()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(machine.data / "window.lock")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        try:
            yield
        finally:
            other.stdin.close()


@fault(C.PROCEDURE_INTERRUPTED, 'conecta procedure resume "Ana"')
def a_recovery_that_was_cut_short(machine: Machine) -> None:
    machine.begins_procedure()


@fault(C.PARTS_LEFT, "--fix remove_parts", says=".copy.part")
def a_backup_that_was_never_finished(machine: Machine) -> None:
    backups = machine.data / "backups"
    backups.mkdir(mode=0o700)
    part = backups / "ana.copy.part"
    part.touch(0o600)
    long_ago = time.time() - 7200
    os.utime(part, (long_ago, long_ago))
