"""Procedures as text, by kind, step and result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import REASONS, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.phone import PhoneNumber, last_digits
from app.domain.procedure import (
    Procedure,
    ProcedureKind,
    ProcedureState,
    StepData,
    StepName,
    StepRecord,
    StepState,
)
from app.domain.provider_descriptor import DESCRIPTORS
from app.text import status as status_text
from app.text.conversation import number
from app.text.conversation import size as size_in_words
from app.text.status import texts


def counted(key: str, count: int) -> str:
    """Return the plural text for *key*, with grouped digits."""
    return texts(f"{key}_one" if count == 1 else f"{key}_other", count=number(count))


PAIRING_STEPS = frozenset({StepName.PAIR, StepName.CONNECT_TARGET})
"""The steps in which a phone may have to scan a code."""

_SETTLED = (StepState.DONE, StepState.SKIPPED)
_WAITING = (ProcedureState.ASKING, ProcedureState.PAUSED, ProcedureState.FAILED)
_ABOUT_A_FILE = frozenset(
    {
        ProblemCode.BACKUP_LOCKED,
        ProblemCode.BACKUP_UNREADABLE,
        ProblemCode.BACKUP_ALTERED,
        ProblemCode.BACKUP_NEWER,
        ProblemCode.BACKUP_OF_ANOTHER,
    }
)


@dataclass(frozen=True, slots=True)
class ProcedureText:
    """The current state in one sentence, and a line with its consequences."""

    sentence: str
    line: str


def title(kind: ProcedureKind, name: str) -> str:
    return texts(f"procedure.title.{kind}", name=name)


class LinkNews(StrEnum):
    """What became of a link since its procedure failed for want of it."""

    CONNECTING = "connecting"  # a decision was made, and it goes on by itself once connected
    CONNECTED = "connected"
    REJECTED = "rejected"  # another phone was unlinked


_ON_THE_WAY = frozenset({LinkState.CONNECTING, LinkState.RECONNECTING, LinkState.UNKNOWN})


def link_news(procedure: Procedure, status: LinkStatus) -> LinkNews | None:
    """What is to be told in place of why the procedure failed, now that its link is in *status*."""
    step = procedure.next_step
    if step is None or not procedure.awaits_link:
        return None
    facts = step.facts
    failed = Reason(facts.get("reason", Reason.NONE))
    another_phone = failed is Reason.WRONG_ACCOUNT
    if another_phone and status.state is LinkState.OFF and procedure.link_id is None:
        return LinkNews.REJECTED
    if procedure.ends_connection and not another_phone:  # what connects is what it is to end
        return None
    if status.state is LinkState.CONNECTED:
        return LinkNews.CONNECTED
    decided = REASONS[failed].needs_operator and status.state in _ON_THE_WAY
    return LinkNews.CONNECTING if decided else None


def as_it_stands(procedure: Procedure, news: LinkNews | None) -> Procedure:
    """Return the procedure by the *news* of its link: nothing failed any more, it moves or waits for a person."""
    failed = procedure.next_step
    if news is None or failed is None:
        return procedure
    steps = tuple(replace(step, state=StepState.RUNNING) if step is failed else step for step in procedure.steps)
    state = ProcedureState.RUNNING if news is LinkNews.CONNECTING else ProcedureState.PAUSED
    return replace(procedure, state=state, steps=steps)


def summary_text(procedure: Procedure, mentorado: Mentorado, status: LinkStatus | None = None) -> ProcedureText:
    """Summarize the procedure's state or result; *status* is that of the link it works with, where that is known."""
    kind, name = procedure.head.kind, mentorado.name
    step = procedure.next_step
    match procedure.state:
        case ProcedureState.DONE:
            return ProcedureText(outcome(procedure, name), _outcome_line(procedure))
        case ProcedureState.UNDONE if kind is ProcedureKind.SWITCH:
            return _taken_back(procedure, mentorado, status.account if status else None)
        case ProcedureState.UNDONE if _left_is_gone(procedure):
            return ProcedureText(texts("procedure.roll_back.kept"), texts("procedure.roll_back.kept_line"))
        case ProcedureState.UNDONE:
            return ProcedureText(texts("procedure.undone"), texts("procedure.undone_line"))
        case ProcedureState.UNDOING:
            return ProcedureText(texts("procedure.undoing"), texts("procedure.undoing_line"))
        case ProcedureState.ASKING:
            return ProcedureText(texts(f"procedure.asking.{kind}"), _question_line(procedure, name))
        case ProcedureState.PAUSED if procedure.undoing:
            return ProcedureText(texts("procedure.paused_undoing"), texts("procedure.undoing_line"))
        case ProcedureState.PAUSED:
            stopped = texts(f"procedure.step.{step.name}") if step else ""
            return ProcedureText(texts("procedure.paused", step=stopped), texts("procedure.paused_line"))
        case ProcedureState.FAILED:
            return _failed(procedure, step, mentorado, status)
        case ProcedureState.RUNNING:
            if step is None:
                return ProcedureText(texts("procedure.now.record"), texts("procedure.safe.record"))
            return ProcedureText(texts(f"procedure.now.{step.name}"), texts(f"procedure.safe.{step.name}", name=name))


def _question_line(procedure: Procedure, name: str) -> str:
    """Return the line below the question; an unusable session is not mentioned, as it was not tried."""
    untried = any(step.name is StepName.SOFT_RECONNECT and step.facts.get("tries") == "0" for step in procedure.steps)
    key = "procedure.asking_gone" if untried else f"procedure.asking_line.{procedure.head.kind}"
    return texts(key, name=name)


def is_unproven(procedure: Procedure) -> bool:
    """Whether the procedure ended without proof that the link works again."""
    checks = (StepName.VERIFY_ACCOUNT, StepName.SMOKE_CHECK)
    return procedure.state is ProcedureState.DONE and any(_left_out(procedure, name) for name in checks)


def scan(mentorado: Mentorado) -> str:
    """Return what to ask of the mentorado while a code is shown."""
    digits = last_digits(mentorado.expected_account)
    return texts("procedure.scan", name=mentorado.name, digits=digits)


def outcome(procedure: Procedure, name: str) -> str:
    """Return the result in one sentence."""
    kind = procedure.head.kind
    if _left_out(procedure, StepName.VERIFY_ACCOUNT):
        return texts("procedure.outcome.not_back", name=name)
    if kind is ProcedureKind.RECOVERY and procedure.step(StepName.PAIR).facts.get("why") == "came_back":
        return texts("procedure.outcome.recovery_soft", name=name)
    return texts(f"procedure.outcome.{kind}", name=name)


def step_line(step: StepRecord, state: ProcedureState, *, is_next: bool) -> str:
    """Return a step's result, or what it waits for; empty for steps to come."""
    match step.state:
        case StepState.DONE:
            return _done(step)
        case StepState.SKIPPED:
            return _skipped(step)
        case StepState.FAILED:
            return texts("procedure.failed_step")
        case StepState.UNDONE:
            return texts("procedure.undone_step")
        case StepState.WAITING | StepState.RUNNING:
            return _pending_line(step, state) if is_next else ""


def _pending_line(step: StepRecord, state: ProcedureState) -> str:
    match state:
        case ProcedureState.ASKING:
            return texts("procedure.waits_step")
        case ProcedureState.PAUSED:
            return texts("procedure.stopped_step")
        case ProcedureState.RUNNING if step.state is StepState.RUNNING:
            return texts("procedure.now_step")
        case _:
            return ""


def spoken_step(procedure: Procedure, step: StepRecord, line: str) -> str:
    """Return a step for screen readers."""
    words = texts(
        "procedure.spoken_step",
        number=procedure.steps.index(step) + 1,
        total=len(procedure.steps),
        state=texts(f"procedure.spoken.{step.state}"),
        step=texts(f"procedure.step.{step.name}"),
    )
    return f"{words}. {line}" if line else words


def progress(procedure: Procedure, now: datetime) -> str:
    """Return the current step and the elapsed time, or the total time once it ended."""
    return " · ".join(filter(None, (_route(procedure), _how_far(procedure, now))))


def _route(procedure: Procedure) -> str:
    """From which provider to which; empty for what is no switch."""
    facts = procedure.head.facts
    if not {"from", "to"} <= facts.keys():
        return ""
    source, target = (status_text.provider(ProviderKind(facts[name])) for name in ("from", "to"))
    return texts("procedure.switch.route", source=source, target=target)


def _how_far(procedure: Procedure, now: datetime) -> str:
    if procedure.ended:
        last = max((step.since for step in procedure.steps if step.since), default=procedure.head.began_at)
        return texts("procedure.ended", time=elapsed(last - procedure.head.began_at))
    settled = sum(step.state in _SETTLED for step in procedure.steps)
    number = min(settled + 1, len(procedure.steps))
    at = texts("procedure.progress", number=number, total=len(procedure.steps))
    if procedure.state in _WAITING:  # it may have waited for days
        return f"{at} · {texts('procedure.began', age=status_text.age(now - procedure.head.began_at))}"
    return f"{at} · {elapsed(now - procedure.head.began_at)}"


def elapsed(took: timedelta) -> str:
    seconds = max(0, int(took.total_seconds()))
    if seconds < 60:
        return texts("procedure.elapsed_seconds", seconds=seconds)
    if seconds < 3600:
        return texts("procedure.elapsed_minutes", minutes=seconds // 60, seconds=seconds % 60)
    return texts("procedure.elapsed_hours", hours=seconds // 3600, minutes=seconds % 3600 // 60)


def if_closed(procedure: Procedure, news: LinkNews | None = None) -> str:
    """Return what happens if the program is closed now; empty once it ended."""
    if procedure.ended:
        return ""
    if news is LinkNews.CONNECTING:
        return texts("procedure.if_closed.connecting")
    if procedure.state is ProcedureState.UNDOING:
        return texts("procedure.if_closed.undoing")
    if procedure.state in _WAITING:
        return texts("procedure.if_closed.waiting")
    step = procedure.next_step
    pairing = step is not None and step.name in PAIRING_STEPS
    if pairing and (target := procedure.head.facts.get("to")):
        pairing = DESCRIPTORS[ProviderKind(target)].pairs_by_code
    return texts("procedure.if_closed.pair" if pairing else "procedure.if_closed.running")


def mark(procedure: Procedure) -> str:
    """Return the line that announces the procedure in its mentorado's summary."""
    return texts(f"procedure.mark.{procedure.state}", title=texts(f"procedure.mark_title.{procedure.head.kind}"))


def _done(step: StepRecord) -> str:
    """Return a step's result; for an archive, also whether a passphrase protects it."""
    return " · ".join(filter(None, (_found(step), _protection(step, ""))))


def _protection(step: StepRecord, line: str = "_line") -> str:
    known = {"yes": "protected", "no": "unprotected"}.get(step.facts.get("encrypted", ""))
    return texts(f"archive.{known}{line}") if known else ""


def _found(step: StepRecord) -> str:
    facts = step.facts
    if step.name is StepName.SCOPE and facts.get("links") == "many":
        return texts("procedure.found.many", affected=facts.get("affected", ""), of=facts.get("of", ""))
    if step.name is StepName.SOFT_RECONNECT and facts.get("came_back") == "no":
        return texts("procedure.found.gone" if facts.get("tries") == "0" else "procedure.found.not_back")
    if step.name is StepName.MERGE_HISTORY and (new := _number(facts, "new")) is not None:
        return texts.plural("procedure.found.merged", new)
    if (messages := _number(facts, "messages")) is not None:
        kept = [counted("settings.history.messages", messages)]
        if (size := _number(facts, "size")) is not None:
            kept.append(size_in_words(size))
        return " · ".join(kept)
    return texts(f"procedure.done.{step.name}")


def _skipped(step: StepRecord) -> str:
    if "left_out" in step.facts and step.facts.get("code") in set(ProblemCode):
        return status_text.problem(step_problem(step))[0]
    key = f"procedure.skipped.{step.facts.get('why')}"
    return texts(key) if texts.has(key) else texts("procedure.skipped.not_needed")


def _left_out(procedure: Procedure, name: StepName) -> bool:
    return any(step.name is name and "left_out" in step.facts for step in procedure.steps)


def _number(facts: StepData, name: str) -> int | None:
    finding = facts.get(name, "")
    return int(finding) if finding.isdecimal() else None


def _outcome_line(procedure: Procedure) -> str:
    kind = procedure.head.kind
    if _left_out(procedure, StepName.VERIFY_ACCOUNT):
        return texts("procedure.outcome_line.not_back")
    if kind is ProcedureKind.RESTORE:
        new = _number(procedure.step(StepName.MERGE_HISTORY).facts, "new")
        line = texts("procedure.outcome_line.restore") if new is None else texts.plural("procedure.outcome_merged", new)
        return f"{line} {_session_line(procedure.step(StepName.RESTORE_SESSION))}".strip()
    line = texts(f"procedure.outcome_line.{kind}")
    if kind is ProcedureKind.BACKUP and (file := procedure.step(StepName.PUT_IN_PLACE).facts.get("path")):
        how = _protection(procedure.step(StepName.COLLECT))
        line = " · ".join(filter(None, (texts("procedure.outcome_line.file", file=Path(file).name), how)))
    if _left_out(procedure, StepName.SMOKE_CHECK):
        line = f"{line} {texts('procedure.outcome_line.unproven')}"
    return line


def _session_line(step: StepRecord) -> str:
    if step.state is StepState.DONE:
        return texts("procedure.outcome_line.session_back")
    key = f"procedure.session_stays.{step.facts.get('why')}"
    if texts.has(key):
        return texts(key)
    return status_text.problem(step_problem(step))[0] if step.facts.get("code") in set(ProblemCode) else ""


def _left_is_gone(procedure: Procedure) -> bool:
    """Whether a roll-back was undone in vain: the provider that it left does not connect any more."""
    rolls_back = procedure.head.kind is ProcedureKind.ROLL_BACK
    return rolls_back and "kept" in procedure.step(StepName.CUT_BACK).facts


def _taken_back(procedure: Procedure, mentorado: Mentorado, account: PhoneNumber | None) -> ProcedureText:
    """A switch that was taken back, with why and what to do before it is tried again."""
    if "kept" in procedure.step(StepName.CUT_OVER).facts:
        return ProcedureText(texts("procedure.switch.kept"), texts("procedure.switch.kept_line"))
    facts = next((step.facts for step in procedure.steps if "code" in step.facts), None)
    if facts is None:  # a person wanted it back
        return ProcedureText(texts("procedure.undone"), texts("procedure.switch.stays"))
    if facts.get("reason") == Reason.WRONG_ACCOUNT:
        number = status_text.unbroken(account) if account else texts("sentence.another_number")
        if not DESCRIPTORS[mentorado.link.provider].pairs_by_code:
            line = " ".join((texts("procedure.switch.stays"), texts("procedure.switch.again")))
            return ProcedureText(texts("sentence.other_credentials", account=number), line)
        unlinked = "wrong_phone" if facts.get("other_phone") == "unlinked" else "wrong_phone_stays"
        digits = last_digits(mentorado.expected_account)
        line = texts(f"procedure.switch.{unlinked}", digits=digits, name=mentorado.name)
        return ProcedureText(texts("sentence.blocked.wrong_account", account=number), line)
    sentence, next_step = _why_failed(facts, mentorado)
    return ProcedureText(sentence, " ".join(filter(None, (texts("procedure.switch.stays"), next_step))))


def _why_failed(facts: StepData, mentorado: Mentorado) -> tuple[str, str]:
    """Why the target of a switch did not come to carry the messages, and what to do about it."""
    code, reason = facts.get("code", ""), facts.get("reason", "")
    if reason in set(Reason) - {Reason.NONE}:  # why says more than that it did not connect
        known = {"account": texts("sentence.another_number"), "holder": "—", "name": mentorado.name}
        known["provider"] = status_text.provider(mentorado.link.provider)
        key = f"sentence.blocked.{reason}"
        if texts.has(key):
            return texts(key, **known), texts("procedure.switch.again")
    if texts.has(result := f"smoke.result.{facts.get('trouble')}.sentence"):
        return texts(result), texts(f"smoke.result.{facts['trouble']}.next")
    if code in set(ProblemCode):
        return status_text.problem(Problem(ProblemCode(code), **{**facts, "name": mentorado.name}))
    return texts("detail.crash"), texts("procedure.switch.again")


def _failed(
    procedure: Procedure, step: StepRecord | None, mentorado: Mentorado, status: LinkStatus | None
) -> ProcedureText:
    if status is not None and (news := link_news(procedure, status)) is not None:
        known = {"name": mentorado.name, "digits": last_digits(mentorado.expected_account)}
        return ProcedureText(texts(f"procedure.news.{news}"), texts(f"procedure.news_line.{news}", **known))
    facts = step.facts if step else {}
    code, reason = facts.get("code", ""), facts.get("reason", "")
    if status is not None and status.state is LinkState.BLOCKED:
        reason = status.reason  # it may have been decided about meanwhile, and be blocked for another reason now
    account = status.account if status else None
    if code == ProblemCode.LINK_NOT_BACK and reason in set(Reason):  # why says more than that
        number = status_text.unbroken(account) if account else texts("sentence.another_number")
        known = {"account": number, "holder": "—", "provider": status_text.provider(mentorado.link.provider)}
        known["name"] = texts("sentence.another_mentorado")
        if procedure.head.kind is ProcedureKind.SWITCH and reason == Reason.WRONG_ACCOUNT:
            return ProcedureText(texts(f"sentence.blocked.{reason}", **known), texts("procedure.switch.decide"))
        next_step = status_text.next_step(recommend(LinkState.BLOCKED, Reason(reason)))
        return ProcedureText(texts(f"sentence.blocked.{reason}", **known), f"{next_step} {texts('procedure.safe_now')}")
    if code == ProblemCode.BACKUP_LOCKED and procedure.head.kind is not ProcedureKind.RESTORE:
        return ProcedureText(texts("procedure.phrase_gone"), texts("procedure.phrase_gone_line"))
    sentence, next_step = (
        status_text.problem(step_problem(step)) if step and code in set(ProblemCode) else (texts("detail.crash"), "")
    )
    if procedure.undoing:
        safe = texts("procedure.failed_undoing")
    else:
        safe = texts("procedure.failed_line" if procedure.can_be_undone else "procedure.failed_forward")
    return ProcedureText(sentence, f"{next_step} {safe}".strip())


def step_problem(step: StepRecord) -> Problem:
    """Read the problem that a failed step recorded; files are shown by name."""
    code = ProblemCode(step.facts["code"])
    context = {name: value for name, value in step.facts.items() if name != "code"}
    if code in _ABOUT_A_FILE and "path" in context:
        context["path"] = Path(context["path"]).name
    return Problem(code, **context)
