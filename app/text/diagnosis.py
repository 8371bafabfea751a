"""What the checks found, in words: a sentence with the evidence, and one next step."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.domain.diagnosis import CheckName, CheckOutcome, Diagnosis, Fix, Report
from app.domain.mentorado import ProviderKind
from app.text.status import age, date_time, full_date_time, problem, provider, reason, texts


def check_name(name: CheckName) -> str:
    return texts(f"doctor.check.{name}")


def outcome(found: CheckOutcome) -> str:
    """Return how a check ended, in one word."""
    return texts(f"doctor.outcome.{found}")


def fix(name: Fix) -> str:
    """Return what the fix does, as a verb phrase."""
    return texts(f"doctor.fix.{name}")


def sentence(diagnosis: Diagnosis) -> str:
    """Return what was found, with its evidence."""
    words, known = texts(f"doctor.found.{diagnosis.code}", **_known(diagnosis)), diagnosis.evidence
    return f"{words} {texts('doctor.not_default', changed=known['changed'])}" if known.get("changed") else words


def next_step(diagnosis: Diagnosis) -> str:
    """Return the one next step; empty where nothing has to be done."""
    key = f"doctor.step.{diagnosis.code}"
    return texts(key, **_known(diagnosis)) if texts.has(key) else ""


def summary(report: Report) -> str:
    """Return how many problems, warnings and unchecked things there are; or that all is fine."""
    if report.outcome is CheckOutcome.OK:
        return texts("doctor.cli.fine")
    failed, warnings, unknown = (
        len(report.with_outcome(each)) for each in (CheckOutcome.FAILED, CheckOutcome.WARNING, CheckOutcome.UNKNOWN)
    )
    return texts("doctor.cli.summary", failed=failed, warnings=warnings, unknown=unknown)


def report_text(report: Report) -> str:
    """Return all diagnoses as text to copy, one below the other."""
    return "\n".join(line for diagnosis in report.diagnoses for line in _lines(diagnosis))


def report_json(report: Report, can_fix: Callable[[Diagnosis], bool] = lambda _diagnosis: True) -> dict[str, Any]:
    """Return the report for machines. Names of people and of folders are in it, and never a secret."""
    return {"outcome": report.outcome, "checks": [diagnosis_json(each, can_fix) for each in report.diagnoses]}


def diagnosis_json(
    diagnosis: Diagnosis, can_fix: Callable[[Diagnosis], bool] = lambda _diagnosis: True
) -> dict[str, Any]:
    """Return one diagnosis for machines; *can_fix* says whether its fix, if it has one, is at hand."""
    trouble = diagnosis.problem
    return {
        "check": diagnosis.check,
        "outcome": diagnosis.outcome,
        "code": diagnosis.code,
        "problem": trouble and trouble.code,
        "evidence": {**diagnosis.evidence, **(trouble.context if trouble is not None else {})},
        "sentence": sentence(diagnosis),
        "next": next_step(diagnosis) or None,
        "fix": diagnosis.fix if can_fix(diagnosis) else None,
    }


def _lines(diagnosis: Diagnosis) -> list[str]:
    head = f"{outcome(diagnosis.outcome)} · {check_name(diagnosis.check)}: {sentence(diagnosis)}"
    step = next_step(diagnosis)
    return [f"{head} [{diagnosis.code}]", *([f"    → {step}"] if step else [])]


def _known(diagnosis: Diagnosis) -> dict[str, object]:
    """What fills the words: the evidence, with codes and moments said as people say them."""
    known: dict[str, object] = {name: _in_words(name, value) for name, value in diagnosis.evidence.items()}
    if (kind := known.get("provider")) in set(ProviderKind):
        known["provider"] = provider(ProviderKind(str(kind)))
    if "kind" in known:
        known["what"] = texts(f"procedure.title.{known['kind']}", name=known["name"])
    if "age" in known:
        known["age"] = age(timedelta(seconds=int(str(known["age"])))) if known["age"] else texts("doctor.never")
    if "since" in known:
        known["since"] = date_time(datetime.fromisoformat(str(known["since"])).astimezone())
    if known.get("shiboken") == "":
        known["shiboken"] = texts("doctor.not_installed")
    if known.get("path") == "":
        known["path"] = texts("doctor.some_path")
    if diagnosis.problem is not None:
        known["problem"], known["next"] = problem(diagnosis.problem)
        path = diagnosis.evidence.get("path", "")
        known["at"] = "" if path in str(known["problem"]) else f" ({path})"  # many problems name it themselves
    return known


_DECIMAL: Final = re.compile(r"-?\d+\.\d+")
_NUMBER: Final = re.compile(r"([+-]?)(\d+)")
_MOMENT_IN_UTC: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
_NUMBERS: Final = frozenset(
    {"count", "free", "last", "locked", "milliseconds", "minutes", "noted", "seconds", "size", "unread", "wanted"}
)


def _in_words(name: str, value: str) -> str:
    """*value* of the evidence *name*, which is as machines read it, as people say it in the chosen language."""
    if name in _NUMBERS and _DECIMAL.fullmatch(value):
        return texts.decimal(float(value), len(value.partition(".")[2]))
    if name in _NUMBERS and (found := _NUMBER.fullmatch(value)):
        return f"{found[1]}{texts.number(int(found[2]))}"
    if name in ("computer", "trusted"):
        return full_date_time(datetime.fromisoformat(value))
    if name == "owner":
        return _MOMENT_IN_UTC.sub(lambda found: full_date_time(_local(found[1])), value)
    return reason(value) if name == "detail" else value


def _local(in_utc: str) -> datetime:
    return datetime.fromisoformat(in_utc).replace(tzinfo=UTC).astimezone()
