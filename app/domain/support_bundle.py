"""A support bundle: files that say how the program is doing, and nothing about whom it works for.

Each value gets in because of what it is: a code of ours, a number, a time, a line that the program itself wrote. People
are numbers here; whose they are stays on this computer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Any, Final

from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditAction, AuditOutcome, AuditRecord
from app.domain.crash_report import CrashReport, report_text
from app.domain.diagnosis import Diagnosis
from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, LinkStatus, Reason, SmokeTestOutcome
from app.domain.mentorado import Link, LinkId, Mentorado, MentoradoId, ProviderKind
from app.domain.outline import HIDDEN, LARGEST_NUMBER, MOST_TEXT, PACKAGES, is_outline, value_outline
from app.domain.procedure import Procedure, StepRecord
from app.domain.redaction import redacted
from app.domain.repositories import Transition
from app.domain.settings import SETTINGS, OperatorSettings

_SYSTEMS: Final = frozenset({"Linux", "Windows", "Darwin", "x86_64", "AMD64", "arm64", "aarch64", "x11", "wayland"})
_VERSION: Final = re.compile(r"\d{1,6}(?:\.\d{1,6}){0,4}(?:(?:a|b|rc|\.?dev|\.?post|\+)\d{0,6})?", re.ASCII)
_LOGGER: Final = re.compile(r"app(?:\.[a-z_]{1,40}){0,6}", re.ASCII)
_LEVELS: Final = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
_NO_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TOKEN: Final = re.compile(r"\w+(?:[-.@]\w+)*")
_LEAST_WORD: Final = 3
_SHOWN_FACTS: Final = ("code", "reason", "undone")


class BundlePart(StrEnum):
    """What a file of a bundle is about. Words are chosen by them."""

    ABOUT = "about"
    VERSIONS = "versions"
    SETTINGS = "settings"
    LINKS = "links"
    MOVES = "moves"
    PROCEDURES = "procedures"
    LOCKS = "locks"
    ACTIONS = "actions"
    DOCTOR = "doctor"
    BLOCKS = "blocks"
    LOG = "log"
    CRASH = "crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """One file of a bundle, as it would be written."""

    part: BundlePart
    name: str
    text: str
    wanted: bool = True
    """Whether it is in the bundle unless a person says otherwise."""

    @property
    def content(self) -> bytes:
        return self.text.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportBundle:
    """All that a bundle can hold, and whose the numbers in it are, which it does not hold."""

    at: datetime
    files: tuple[BundleFile, ...]
    people: Mapping[int, Mentorado]

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of the files that are in it unless a person says otherwise."""
        return tuple(file.name for file in self.files if file.wanted)


KNOWN_CODES: Final[frozenset[str]] = frozenset(
    code.value
    for codes in (
        ProblemCode,
        LinkState,
        Reason,
        ProviderKind,
        UnavailableReason,
        ActionName,
        AuditAction,
        AuditOutcome,
        SmokeTestOutcome,
    )
    for code in codes
) | {"yes", "no", "program_ended", "cancelled", *(each.action for each in SETTINGS)}


def known_code(text: object) -> str:
    """*text* when it is a code of ours, else `HIDDEN`; nothing stays nothing."""
    if not text:
        return ""
    return str(text) if isinstance(text, str) and text in KNOWN_CODES else HIDDEN


def known_version(text: object) -> str:
    """*text* when it can be nothing but a version or the name of a system, else `HIDDEN`; nothing stays nothing."""
    if not text:
        return ""
    return text if isinstance(text, str) and (text in _SYSTEMS or _VERSION.fullmatch(text)) else HIDDEN


class Pseudonyms:
    """Numbers in the place of mentorados, in the order in which they were added, so that each bundle has the same."""

    def __init__(self, everybody: Iterable[Mentorado], links_of: Callable[[MentoradoId], Sequence[Link]]) -> None:
        ordered = sorted(everybody, key=lambda each: (each.created_at, each.id))
        self.people: Mapping[int, Mentorado] = dict(enumerate(ordered, start=1))
        self._numbers = {each.id: number for number, each in self.people.items()}
        self._links = {
            link.id: f"{number}.{place}"
            for number, each in self.people.items()
            for place, link in enumerate(sorted(links_of(each.id), key=lambda link: link.id), start=1)
        }

    def mentorado(self, mentorado_id: object) -> str:
        """The number of a mentorado; `HIDDEN` for whom nobody knows, and nothing for nobody."""
        if not mentorado_id:
            return ""
        number = self._numbers.get(MentoradoId(str(mentorado_id)))
        return HIDDEN if number is None else f"mentorado {number}"

    def link(self, link_id: object) -> str:
        """The number of a link: its mentorado's, and which of theirs it is."""
        if not link_id:
            return ""
        number = self._links.get(LinkId(str(link_id)))
        return HIDDEN if number is None else f"link {number}"


class PrivateWords:
    """What this computer knows and nobody else may: names of people, of cohorts and of users.

    The last line of defence, for texts that should hold none of them by how they were made.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        everything = [text.strip().casefold() for text in texts]
        parts = {part for text in everything for token in _TOKEN.findall(text) for part in (token, *_split(token))}
        self._words = {part for part in parts if len(part) >= _LEAST_WORD and part not in PACKAGES}
        short = sorted(  # names of which no part is long enough, such as Jo Li
            {text for text in everything if len(text) >= _LEAST_WORD and text not in PACKAGES and not self._has(text)}
        )
        self._short = (
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, short))})(?!\w)", re.IGNORECASE) if short else None
        )

    def covered(self, text: str) -> str:
        """*text* with a sign in the place of each private word, and whatever looks like a credential or a number."""
        text = redacted(_NO_TEXT.sub(" ", text))
        if self._short is not None:
            text = self._short.sub(HIDDEN, text)
        return _TOKEN.sub(lambda match: HIDDEN if self._has(match[0]) else match[0], text)

    def _has(self, text: str) -> bool:
        tokens = _TOKEN.findall(text.casefold())
        return any(part in self._words for token in tokens for part in (token, *_split(token)))


def _split(token: str) -> list[str]:
    return re.split("[-.@]", token)


# --- the files --------------------------------------------------------------------------------------------------------


def as_json(value: object) -> str:
    """*value* as the text of a file."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n"


def plain_settings(settings: object) -> object:
    """The flags, numbers, times and codes of *settings*, and of its texts only whether there are any."""
    if is_dataclass(settings) and not isinstance(settings, type):
        return {each.name: plain_settings(getattr(settings, each.name)) for each in fields(settings)}
    if settings is None or isinstance(settings, bool):
        return settings
    if isinstance(settings, int | float):
        return settings if abs(settings) < LARGEST_NUMBER else HIDDEN
    if isinstance(settings, time):
        return settings.isoformat()
    if isinstance(settings, Enum | datetime | timedelta):
        return value_outline(settings)
    return "set" if settings else "not set"


def settings_text(settings: OperatorSettings, environment: Mapping[str, object]) -> str:
    plain = {name: plain_settings(value) for name, value in environment.items()}
    return as_json({"operator": plain_settings(settings), "environment": plain})


def link_row(
    mentorado: Mentorado, link: Link, status: LinkStatus, pseudonyms: Pseudonyms, set_aside: int
) -> dict[str, Any]:
    """How one link is: no account, no holder, no detail."""
    seen = status.evidence
    return {
        "mentorado": pseudonyms.mentorado(mentorado.id),
        "link": pseudonyms.link(link.id),
        "provider": link.provider.value,
        "in_use": link.in_use,
        "enabled": link.enabled,
        "archived": mentorado.archived,
        "ever_signed_in": link.account is not None,
        "other_account_accepted": link.accepted_account is not None,
        "state": status.state.value,
        "reason": status.reason.value,
        "since": iso(status.since),
        "until": iso(status.until),
        "may_send": status.capability.value,
        "attempt": status.retry.attempt if status.retry is not None else None,
        "next_try": iso(status.retry.at if status.retry is not None else None),
        "connected_since": iso(seen.connected_since),
        "last_ack": iso(seen.last_ack),
        "last_inbound": iso(seen.last_inbound),
        "last_observation": iso(seen.last_observation),
        "host_answered": iso(seen.host_answered),
        "last_smoke_test": iso(seen.last_smoke_test),
        "smoke_test": seen.smoke_test.value if seen.smoke_test is not None else None,
        "deliveries_set_aside": set_aside,
    }


def move_row(move: Transition, pseudonyms: Pseudonyms) -> dict[str, Any]:
    before, after = move.before, move.after
    return {
        "at": iso(move.at),
        "link": pseudonyms.link(move.link_id),
        "trigger": move.trigger.name.lower(),
        "before": f"{before.state.value}, {before.reason.value}",
        "after": f"{after.state.value}, {after.reason.value}",
        "after_seconds": round((move.at - before.since).total_seconds(), 1),
        "until": iso(after.until),
    }


def procedure_row(procedure: Procedure, pseudonyms: Pseudonyms) -> dict[str, Any]:
    return {
        "mentorado": pseudonyms.mentorado(procedure.head.mentorado_id),
        "kind": procedure.head.kind.value,
        "state": procedure.state.value,
        "began_at": iso(procedure.head.began_at),
        "entries": procedure.entries,
        "confirmed": procedure.confirmed,
        "undoing": procedure.undoing,
        "steps": [_step_row(step) for step in procedure.steps],
    }


def _step_row(step: StepRecord) -> dict[str, Any]:
    facts = {name: known_code(step.facts[name]) for name in _SHOWN_FACTS if name in step.facts}
    return {"name": step.name.value, "state": step.state.value, "since": iso(step.since), **facts}


def action_row(record: AuditRecord, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """What was done to whom, when and with which result: not by whom, and no value before or after."""
    return {
        "at": iso(record.at),
        "action": known_code(record.action),
        "mentorado": pseudonyms.mentorado(record.mentorado_id),
        "outcome": record.outcome.value,
        "reason": known_code(record.reason),
    }


def diagnosis_row(diagnosis: Diagnosis) -> dict[str, Any]:
    """One result of the doctor's: codes, and no evidence."""
    return {
        "check": diagnosis.check.value,
        "outcome": diagnosis.outcome.value,
        "code": diagnosis.code.value,
        "problem": None if diagnosis.problem is None else diagnosis.problem.code.value,
    }


def log_line(line: str, pseudonyms: Pseudonyms, words: PrivateWords) -> str | None:
    """A line of the log file without the words of others; None for what is no line of the program's."""
    try:
        entry = json.loads(line)
        at = datetime.fromisoformat(entry["at"]).isoformat(timespec="milliseconds")
        level, logger = entry["level"], entry["logger"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if level not in _LEVELS or not isinstance(logger, str) or not _LOGGER.fullmatch(logger):
        return None
    outline, trace = entry.get("outline"), entry.get("trace")
    shown: dict[str, object] = {
        "at": at,
        "level": level,
        "logger": logger,
        "message": words.covered(outline[:MOST_TEXT]) if isinstance(outline, str) else HIDDEN,
    }
    named = {
        "mentorado": pseudonyms.mentorado(entry.get("mentorado")),
        "link": pseudonyms.link(entry.get("link")),
        "state": known_code(entry.get("state")),
        "reason": known_code(entry.get("reason")),
    }
    shown |= {name: value for name, value in named.items() if value}
    if isinstance(trace, list):
        shown["trace"] = [words.covered(place) if is_outline(place) else HIDDEN for place in trace]
    return json.dumps(shown, ensure_ascii=False)


def crash_text(report: CrashReport, words: PrivateWords) -> str:
    """The text of a crash report; what its file says of the version is believed only if it is one."""
    head, *lines = report_text(report).splitlines()
    version = known_version(head.removeprefix("Conecta "))
    return "\n".join([f"Conecta {version}", *map(words.covered, lines)]) + "\n"


def about_text(files: Sequence[BundleFile], at: datetime) -> str:
    """The first file of a bundle: what it holds and what it does not."""
    listed = "\n".join(f"- {file.name}" for file in files)
    return (
        f"Conecta support bundle, {at:%Y-%m-%d %H:%M} UTC.\n\n"
        "Mentorados and their links are numbers; whose they are stays on the computer that made this.\n"
        "There are no names, telephone numbers, messages, credentials or codes in here, and no paths.\n"
        f"Where something was left out, it says {HIDDEN}.\n\nThis bundle can hold:\n{listed}\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFact:
    """A lock file, and what can be shown of who wrote it."""

    kind: str  # window, session, host, procedure
    whose: str  # a pseudonym; empty where it is about no mentorado
    state: Enum
    mine: bool
    pid: int
    started: str

    def row(self) -> dict[str, Any]:
        try:
            started = datetime.fromisoformat(self.started).isoformat(timespec="seconds")
        except ValueError:
            started = HIDDEN
        pid = self.pid if 0 < self.pid < LARGEST_NUMBER else HIDDEN
        return {
            "lock": self.kind,
            "mentorado": self.whose,
            "owner": self.state.value,
            "this_program": self.mine,
            "pid": pid,
            "started": started,
        }


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
