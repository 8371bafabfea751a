"""`conecta self-test`: whether this installation is whole. It runs the program over a folder that is removed."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from app.domain.errors import Problem, ProblemCode
from app.platform.files import require_room
from app.platform.installation import program_command
from app.platform.terminal import json_line
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.providers.hosts.process import child_command, child_environment
from app.text.status import texts
from app.text.translator import LANGUAGES, load, resources_folder

WITHIN_SECONDS: Final = 60.0
"""For each part: what takes longer does not work, also on a slow computer."""

_NAME, _PHONE, _PASSPHRASE = "Conecta", "+5511900000001", "four words that test"


class SelfTestPart(StrEnum):
    """What is tried, in this order."""

    TEXTS = "texts"
    DATABASE = "database"
    SESSION_HOST = "session_host"
    WEBHOOKS_HOST = "webhooks_host"
    BACKUP = "backup"
    SECRETS = "secrets"
    WINDOW = "window"


ROOM: Final = 64 << 20
"""Bytes that all parts together need, and sessions are opened with."""

_NO_ROOM: Final = frozenset(
    {ProblemCode.DATABASE_DISK_FULL, ProblemCode.SESSION_DISK_FULL, ProblemCode.BACKUP_DISK_FULL}
)
_EXPLAINED: Final = re.compile(r"(.*)\n\[(\w+)\]\s*", re.DOTALL)
"""How a command ends that explains its problem."""


class _Broken(Exception):
    """A part does not do what it is for; the text says what was seen, and the code why, where that is known."""

    def __init__(self, seen: str, problem: str = "") -> None:
        super().__init__(seen)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class _Tried:
    part: SelfTestPart
    detail: str
    broken: bool
    seconds: float
    problem: str = ""


@dataclass
class _Installation:
    """The programs that are installed here, run with *folder* as their data folder."""

    folder: Path
    environment: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONECTA_", "BAILEYS_"))}
        places = {"CONECTA_DATA_DIR": str(self.folder / "data"), "BAILEYS_SESSION_DIR": str(self.folder / "sessions")}
        (self.folder / ".env").touch(0o600)
        self.environment = child_environment({**kept, **places, "CONECTA_ENV_FILE": str(self.folder / ".env")})

    async def run(self, command: list[str], *, given: str = "") -> str:
        """What *command* writes; raises `_Broken` when it fails or hangs."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**self.environment, "QT_QPA_PLATFORM": "offscreen"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                out, error = await process.communicate(given.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise _Broken(texts("selftest.silent", seconds=round(WITHIN_SECONDS))) from None
        if process.returncode:
            raise _failed(process.returncode, (error or out).decode(errors="replace").strip())
        return out.decode()

    async def conecta(self, *words: str, given: str = "") -> Any:
        """What a command of the program answers, as JSON."""
        return json.loads(await self.run([*program_command(), *words, "--json"], given=given))

    # --- parts: what each returns is shown

    async def texts(self) -> str:
        known = [set(load(language)) for language in LANGUAGES]
        icons = len(list((resources_folder() / "icons").glob("*.svg")))
        if not icons or any(each != known[0] for each in known):
            raise _Broken(str(resources_folder()))
        return texts("selftest.found.texts", count=len(known[0]), icons=icons)

    async def database(self) -> str:
        await self.conecta("mentorado", "add", _NAME, _PHONE)
        listed = (await self.conecta("mentorado", "list"))["mentorados"]
        if [each["name"] for each in listed] != [_NAME]:
            raise _Broken(json.dumps(listed))
        return texts("selftest.found.database")

    async def session_host(self) -> str:
        report = await self.conecta("doctor", "--only", "engine")
        return str(report["checks"][0]["sentence"])

    async def webhooks_host(self) -> str:
        await self.run(child_command("app.providers.webhooks.host", "--webhooks-host"))
        return texts("selftest.found.webhooks_host")

    async def backup(self) -> str:
        secret = f"{_PASSPHRASE}\n"
        made = await self.conecta("backup", "--passphrase-stdin", _NAME, given=secret)
        path = str(made["path"])
        await self.conecta("backup", "--passphrase-stdin", "verify", path, given=secret)
        await self.conecta("restore", "--passphrase-stdin", "--yes", _NAME, path, given=secret)
        return Path(path).name

    async def secrets(self) -> str:
        report = await self.conecta("doctor", "--only", "secrets")
        return str(report["checks"][0]["sentence"])

    async def window(self) -> str:
        """Painted without a screen, with a QR that is made and read back."""
        seen = await self.conecta("self-test", "--paint")
        return texts("selftest.found.window", width=seen["width"], height=seen["height"], font=seen["font"])


def _failed(code: int, answer: str) -> _Broken:
    explained = _EXPLAINED.fullmatch(answer)
    if explained is None or explained[2] not in set(ProblemCode):
        return _Broken(f"{code}: {answer}")
    return _Broken(" ".join(explained[1].split()), explained[2])


def _require_room() -> None:
    """Raise `Problem(SELF_TEST_NO_ROOM)` unless everything that is tried fits into the temporary folder."""
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:  # it tried several, and could write in none
        named = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - only named
        raise _no_room(named, "no temporary folder can be used") from None
    try:
        require_room(folder)
        if shutil.disk_usage(folder).free < ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except Problem as problem:
        raise _no_room(str(folder), problem.context["detail"]) from None
    except OSError as error:
        raise _no_room(str(folder), error.strerror or str(error)) from None


def _no_room(folder: str, detail: str) -> Problem:
    return Problem(ProblemCode.SELF_TEST_NO_ROOM, folder=folder, wanted=str(ROOM >> 20), detail=detail)


async def run_self_test(*, as_json: bool) -> int:
    """Try every part, print a line for each, and return 0 when all of them work, else 1. Raises `Problem`."""
    _require_room()
    with tempfile.TemporaryDirectory(prefix="conecta-self-test-") as folder:
        installation = _Installation(Path(folder))
        tried = []
        for part in SelfTestPart:
            tried.append(await _try(part, getattr(installation, part)))
            if not as_json:
                _print(tried[-1])
    broken = [each for each in tried if each.broken]
    if as_json:
        known = [
            {"part": each.part, "works": not each.broken, "detail": each.detail, "problem": each.problem or None}
            for each in tried
        ]
        print(json_line({"works": not broken, "parts": known}), flush=True)
    elif broken and all(each.problem in _NO_ROOM for each in broken):
        print(texts("selftest.no_room", folder=tempfile.gettempdir()))
    else:
        print(texts.plural("selftest.broken", len(broken)))
    return 1 if broken else 0


async def _try(part: SelfTestPart, does: Callable[[], Awaitable[str]]) -> _Tried:
    began = time.monotonic()
    problem = ""
    try:
        detail, broken = await does(), False
    except (_Broken, OSError, ValueError, LookupError) as error:
        detail, broken = str(error) or type(error).__name__, True
        problem = error.problem if isinstance(error, _Broken) else ""
    return _Tried(part, detail, broken, time.monotonic() - began, problem)


def _print(tried: _Tried) -> None:
    mark = texts("selftest.no" if tried.broken else "selftest.yes")
    name = texts(f"selftest.part.{tried.part}")
    print(f"{mark}  {name}: {tried.detail} ({texts.decimal(tried.seconds)} s)", flush=True)
