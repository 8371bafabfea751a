"""Faults of what surrounds the data: clock, network, and what former runs left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from app.domain.diagnosis import DiagnosisCode as C
from app.platform.locks import Owner
from tests.acceptance.diagnostics.machine import ROOT, Machine
from tests.acceptance.diagnostics.planting import fault

WHEN = "2026-01-05T09:30:00.000000+00:00"

# --- clock and network ------------------------------------------------------------------------------------------------


@fault(C.CLOCK_WRONG, "set by the network", says="-60 min")
def a_clock_that_is_an_hour_slow(machine: Machine) -> None:
    machine.internet.ahead = timedelta(hours=1)


@fault(C.CLOCK_WRONG, "set by the network", says="+5 min")
def a_clock_that_is_five_minutes_fast(machine: Machine) -> None:
    machine.internet.ahead = timedelta(minutes=-5)


@fault(C.CLOCK_BEHIND, "conecta clock --confirm", also=(C.PROXY_UNREACHABLE,))
def a_clock_that_went_back_while_there_is_no_network(machine: Machine) -> None:
    later = json.dumps({"at": (datetime.now(UTC) + timedelta(days=30)).isoformat(), "disregarded_until": None})
    machine.sql(f"INSERT OR REPLACE INTO setting (key, value, changed_at) VALUES ('trusted_time', '{later}', '{WHEN}')")
    machine.environment["HTTPS_PROXY"] = "http://127.0.0.1:9"


@fault(C.CLOCK_BEHIND, "conecta clock --confirm", also=(C.PROXY_UNREACHABLE,))
def a_clock_that_went_back_since_somebody_was_added(machine: Machine) -> None:
    machine.sql(f"UPDATE mentorado SET created_at = '{(datetime.now(UTC) + timedelta(days=30)).isoformat()}'")
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
