"""A computer to check: a folder with data, an environment, the programs that are installed, and a way to the internet.

`conecta doctor` runs on it as a process of its own. What a test breaks is broken for real, but for what only an
administrator of a real machine could break: there the library is played that asks the system.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socketserver
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from app.domain.diagnosis import CheckOutcome, DiagnosisCode
from tests.emulators.whatsapp_web.certificates import AUTHORITY_FILE, tls_context

ROOT: Final = Path(__file__).parents[3]
MOUNTS: Final = ("unshare", "--mount", "--map-root-user")
_MOUNT: Final = 'mount -t tmpfs -o "$1" none "$2" || exit 9'
_FILL: Final = '; head -c 900m /dev/zero >"$2/ballast" 2>/dev/null'
_THEN: Final = 'shift 2; exec "$@"'

SECRET_SERVICE: Final = '''
"""The system's keyring, as far as keyring asks it."""
import os, time
from contextlib import contextmanager
from types import SimpleNamespace as _Part
from secretstorage import exceptions
__version_tuple__ = (3, 5, 0)
_kept = {}
class _Bus:
    def close(self): pass
def dbus_init(): return _Bus()
def check_service_availability(bus): return True
class _Item:
    def __init__(self, key): self._key = key
    def get_label(self): return "x"
    def is_locked(self): return False
    def unlock(self): return False
    def get_secret(self): return _kept[self._key].encode()
    def delete(self): del _kept[self._key]
class _Collection:
    connection = _Bus()
    def is_locked(self): return os.environ["KEYRING_IS"] == "locked"
    def unlock(self): return True  # the person dismissed the question
    def create_item(self, label, attributes, secret, replace=False):
        _kept[tuple(sorted(attributes.items()))] = secret
    def search_items(self, attributes):
        if os.environ["KEYRING_IS"] == "asking": time.sleep(60)
        wanted = set(attributes.items())
        return [_Item(key) for key in _kept if wanted <= set(key)]
def Collection(bus, path): return _Collection()
def get_default_collection(bus):
    if os.environ["KEYRING_IS"] == "asking": time.sleep(60)
    return _Collection()
'''


class Internet(socketserver.ThreadingTCPServer):
    """The only way out: a proxy with WhatsApp's front page behind it, which tells the time."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        (folder / "trusted").mkdir()
        (folder / "stranger").mkdir()
        self.authority = folder / "trusted" / AUTHORITY_FILE
        self.own = tls_context(folder / "trusted")
        self.of_a_stranger = tls_context(folder / "stranger")
        self.mend()

    def mend(self) -> None:
        self.ahead = timedelta()
        self.proxy_says = "200 Connection established"
        self.status = "200 OK"
        self.certificate: ssl.SSLContext | None = self.own

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Visit(socketserver.BaseRequestHandler):
    server: Internet

    def handle(self) -> None:
        internet = self.server
        with contextlib.suppress(OSError):
            self._head(self.request)
            self.request.sendall(f"HTTP/1.1 {internet.proxy_says}\r\n\r\n".encode())
            if not internet.proxy_says.startswith("200"):
                return
            if internet.certificate is None:
                self.request.recv(4096)  # what the other side greets with
                self.request.sendall(b"SSH-2.0-somebody-else\r\n")
                self.request.recv(4096)  # until it has gone
                return
            with internet.certificate.wrap_socket(self.request, server_side=True) as inside:
                self._head(inside)
                date = format_datetime(datetime.now(UTC) + internet.ahead, usegmt=True)
                inside.sendall(f"HTTP/1.1 {internet.status}\r\nDate: {date}\r\nConnection: close\r\n\r\n".encode())

    @staticmethod
    def _head(connection: Any) -> None:
        read = b""
        while b"\r\n\r\n" not in read and (more := connection.recv(4096)):
            read += more


@contextmanager
def internet(folder: Path) -> Iterator[Internet]:
    with Internet(folder) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.shutdown()
            thread.join()


class Checked:
    """What `conecta doctor --json` said, and its exit code."""

    def __init__(self, exit_code: int, out: str, error: str) -> None:
        assert out, error
        read = json.loads(out)
        self.exit_code = exit_code
        self.error = error
        self.outcome = CheckOutcome(read["outcome"])
        self.checks: list[dict[str, Any]] = read["checks"]
        self.fixed: list[dict[str, Any]] = read.get("fixed", [])

    @property
    def accused(self) -> set[str]:
        """The codes of what is not as it should be."""
        bad = (CheckOutcome.WARNING, CheckOutcome.FAILED)
        return {each["code"] for each in self.checks if each["outcome"] in bad}

    def of(self, code: DiagnosisCode) -> dict[str, Any]:
        found = [each for each in self.checks if each["code"] == code]
        assert found, [(each["code"], each["sentence"]) for each in self.checks]
        return found[0]


class Machine:
    """Everything healthy, until a test breaks one thing."""

    def __init__(self, home: Path, reached: Internet) -> None:
        self.home = home
        self.internet = reached
        self.data = home / "data"
        self.sessions = self.data / "sessions"
        self.database = self.data / "conecta.db"
        self.folder = home / "work"  # where the command is typed
        self.folder.mkdir(exist_ok=True)
        self.extra = home / "python"  # found before what is installed
        self._prefix: tuple[str, ...] = ()
        self._flags: tuple[str, ...] = ()
        self._path = [self.extra, ROOT]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "en_US.UTF-8",
            "PYTHONUTF8": "1",
            "CONECTA_DATA_DIR": str(self.data),
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "HTTPS_PROXY": reached.url,
            "SSL_CERT_FILE": str(reached.authority),
        }

    def doctor(self, *arguments: str) -> Checked:
        """Run ``conecta doctor --json`` here, to its end; again where others kept the computer too busy for a check."""
        for _ in range(4):
            done = self.run("doctor", "--json", *arguments)
            checked = Checked(done.returncode, done.stdout, done.stderr)
            if DiagnosisCode.TOOK_TOO_LONG not in checked.accused:
                break
        return checked

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(str(each) for each in self._path)
        return subprocess.run(
            [*self._prefix, sys.executable, *self._flags, "-m", "app", *arguments],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )

    # --- what is on the disk

    def sql(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as opened, opened:
            for statement in statements:
                opened.execute(statement)

    def ana(self) -> str:
        """The id of the one mentorado."""
        with contextlib.closing(sqlite3.connect(self.database)) as opened:
            return str(opened.execute("SELECT id FROM mentorado").fetchone()[0])

    def served_by_zapi(self, url: str = "") -> None:
        """Let the one link be one of Z-API, which answers at *url*, or else well."""
        self.sql("UPDATE link SET provider = 'zapi'")
        self.environment["CONECTA_ZAPI_URL"] = url or "https://web.whatsapp.com"  # where the internet here leads

    def begins_procedure(self, *, kind: str = "recovery") -> None:
        """A recovery of Ana that was begun, and then the program was killed."""
        id_, at = "0" * 31 + "1", "2026-01-05T09:30:00.000000+00:00"
        self.sql(
            "INSERT INTO procedure (number, id, kind, mentorado_id, user, operator, began_at, facts)"
            f" VALUES (1, '{id_}', '{kind}', '{self.ana()}', 'rosa', '', '{at}', '{{}}')",
            "INSERT INTO procedure_entry (procedure_id, number, at, kind, facts)"
            f" VALUES ('{id_}', 1, '{at}', 'started', '{{}}')",
        )

    def session(self) -> Path:
        """A session file of Ana, as whole as SQLite makes it."""
        return write_session(self.sessions, self.ana())

    # --- what it runs on

    def obeys_permissions(self) -> None:
        """Let not even an administrator write where nobody may."""
        if os.geteuid() == 0:
            self._prefix = ("setpriv", "--bounding-set", "-all")

    def on_a_disk(self, options: str, at: Path, *, filled: bool = False) -> None:
        """Mount a small disk at *at* for the command alone, *filled* to its end."""
        at.mkdir(mode=0o700)
        script = f"{_MOUNT}{_FILL if filled else ''}; {_THEN}"
        self._prefix = (*MOUNTS, "sh", "-c", script, "sh", options, str(at))

    def installs(self, package: str, version: str) -> None:
        """Let the metadata say that *version* of *package* is what is installed."""
        folder = self.extra / f"{package}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")

    def replaces(self, package: str, *, leaving_out: Sequence[str] = ()) -> Path:
        """A folder that is imported instead of the installed *package*, with the same files; for one to be broken."""
        here = self.extra / package
        here.mkdir(parents=True)
        for each in (_installed() / package).iterdir():
            if each.name not in leaving_out:
                (here / each.name).symlink_to(each)
        return here

    def lacks(self, *packages: str) -> None:
        """Let only what is not one of *packages* be installed."""
        shadow = self.home / "installed"
        shadow.mkdir()
        for each in _installed().iterdir():
            if not each.name.lower().startswith(tuple(package.lower() for package in packages)):
                (shadow / each.name).symlink_to(each)
        self._flags = ("-S",)
        self._path = [self.extra, ROOT, shadow]

    def has_keyring(self, manner: str) -> None:
        """A system's keyring that is open, locked, or asking for its password."""
        here = self.extra / "secretstorage"
        here.mkdir(parents=True)
        shutil.copy(_installed() / "secretstorage" / "exceptions.py", here)
        (here / "__init__.py").write_text(SECRET_SERVICE)
        self.environment |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring", "KEYRING_IS": manner}

    def host_says(self, script: str) -> None:
        """What a session host is, instead of the program's own."""
        file = self.home / "host"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o700)
        self.environment["CONECTA_SESSION_HOST"] = str(file)


def write_session(sessions: Path, mentorado_id: str) -> Path:
    """A session as the library keeps it: one device, and beside it what was agreed upon with others."""
    folder = sessions / mentorado_id
    for each in (sessions, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    file = folder / "session-1.db"
    with contextlib.closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("CREATE TABLE whatsmeow_device (jid TEXT, noise_key BLOB, identity_key BLOB)")
        opened.execute("INSERT INTO whatsmeow_device VALUES ('5511987654321:7@s.whatsapp.net', x'01', x'02')")
        opened.execute("CREATE TABLE whatsmeow_sessions (their_id TEXT, session BLOB)")
        opened.executemany("INSERT INTO whatsmeow_sessions VALUES (?, ?)", [("x" * 20, b"y" * 500)] * 60)
    file.chmod(0o600)
    (folder / "current").write_text("session-1.db\n")
    return file


def _installed() -> Path:
    import keyring

    return Path(keyring.__file__).parents[1]
