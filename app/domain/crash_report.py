"""Unexpected exceptions: what happened and what the program did about it, without a word that others wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from app.domain.outline import MOST_TEXT, exception_outline, is_outline

MOST_LINES: Final = 200
CHILD_PREFIX: Final = "CONECTA-CRASH "
_CHILD_BYTES: Final = 4000  # of one line; a pipe takes it whole, between what others write to it


class CrashPlace(StrEnum):
    """Where the exception came up. Stable: they are in files."""

    PROGRAM = "program"  # a slot or an event handler of Qt, or the start
    TASK = "task"  # of the event loop
    THREAD = "thread"
    CHILD_PROCESS = "child_process"  # a session host, or the webhook server
    COMMAND = "command"


class CrashEffect(StrEnum):
    """What the program did about it. Stable: they are in files; sentences are chosen by them."""

    WENT_ON = "went_on"
    LINK_RETRIES = "link_retries"
    CHILD_RESTARTED = "child_restarted"
    TASK_ENDED = "task_ended"  # a background task, until the next start
    PAUSED = "paused"  # a procedure, a campaign or a switch, until a person resumes it
    COMMAND_ENDED = "command_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """One unexpected exception: the outline of its trace, and of the log message that reported it."""

    lines: tuple[str, ...]
    place: CrashPlace = CrashPlace.PROGRAM
    effect: CrashEffect = CrashEffect.WENT_ON
    about: str = ""

    @property
    def key(self) -> str:
        """The same for each repetition."""
        return sha256("\n".join(self.lines).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashReport:
    """How often a crash happened, and in which version first."""

    crash: Crash
    version: str
    first_at: datetime
    last_at: datetime
    count: int = 1

    def repeated(self, at: datetime) -> CrashReport:
        return replace(self, count=self.count + 1, last_at=at)


def report_text(report: CrashReport) -> str:
    """*report* as it goes to support: in English, as the program's log."""
    crash = report.crash
    head = (
        f"Conecta {report.version}",
        f"first {report.first_at:%Y-%m-%dT%H:%M:%SZ}, last {report.last_at:%Y-%m-%dT%H:%M:%SZ}, times: {report.count}",
        f"place: {crash.place}, effect: {crash.effect}",
        f"log: {crash.about}" if crash.about else "",
    )
    return "\n".join([*filter(None, head), "", *crash.lines])


def encode_report(report: CrashReport) -> str:
    crash = report.crash
    plain = {
        "version": report.version,
        "first_at": report.first_at.isoformat(),
        "last_at": report.last_at.isoformat(),
        "count": report.count,
        "place": crash.place,
        "effect": crash.effect,
        "about": crash.about,
        "lines": crash.lines,
    }
    return json.dumps(plain, ensure_ascii=False, indent=1)


def decode_report(text: str) -> CrashReport | None:
    """The report in *text*; None when it is not one that the program wrote."""
    try:
        plain = json.loads(text)
        first, last = (datetime.fromisoformat(plain[name]) for name in ("first_at", "last_at"))
        count, version = plain["count"], plain["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    crash = _decode_crash(plain)
    whole = isinstance(count, int) and isinstance(version, str) and first.tzinfo is not None is not last.tzinfo
    if crash is None or not whole:
        return None
    return CrashReport(crash=crash, version=version[:40], first_at=first, last_at=last, count=count)


def child_line(error: BaseException, effect: CrashEffect) -> str:
    """How a child process tells the app of *error* on its standard error output: the start and the end of its trace."""
    lines = list(exception_outline(error))
    while len(line := _child_line(lines, effect)) > _CHILD_BYTES:
        del lines[len(lines) // 2]
    return line


def _child_line(lines: Sequence[str], effect: CrashEffect) -> str:
    return CHILD_PREFIX + json.dumps({"place": CrashPlace.CHILD_PROCESS, "effect": effect, "lines": lines})


def read_child_line(line: str) -> Crash | None:
    """The crash that a child process told; None for anything else that it printed."""
    if not line.startswith(CHILD_PREFIX):
        return None
    try:
        return _decode_crash(json.loads(line.removeprefix(CHILD_PREFIX)))
    except (ValueError, RecursionError):
        return None


def _decode_crash(plain: Any) -> Crash | None:
    if not isinstance(plain, Mapping):
        return None
    lines, about = plain.get("lines"), plain.get("about", "")
    if not isinstance(lines, list) or not isinstance(about, str):
        return None
    try:
        place, effect = CrashPlace(plain.get("place", "")), CrashEffect(plain.get("effect", ""))
    except ValueError:
        return None
    if not lines or len(lines) > MOST_LINES or not all(map(is_outline, lines)):
        return None
    return Crash(lines=tuple(lines), place=place, effect=effect, about=about[:MOST_TEXT])
