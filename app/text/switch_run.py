"""Provider switches in words: the state of one, what to do next, and how far each mentorado is. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from app.domain.campaign import Price
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import MentoradoId
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.domain.smoke_test import SmokeTestTrouble
from app.domain.switch import (
    FindingCode,
    MonthlyPrice,
    SwitchItem,
    SwitchItemState,
    SwitchPause,
    SwitchPlan,
    SwitchRun,
    SwitchState,
)
from app.text import campaigns as campaign_text
from app.text import status as status_text
from app.text import switch as switch_text
from app.text.signs import Tone
from app.text.status import date_time, texts
from app.text.uptime import length

NameOf = Callable[[MentoradoId], str]

_S: Final = SwitchItemState

DONE: Final = (_S.SWITCHED, _S.RELEASED)
ORDER: Final = (_S.SWITCHED, _S.RUNNING, _S.WAITING, _S.FAILED, _S.ROLLED_BACK, _S.LEFT_OUT)
"""The counts in the order in which they are shown; who was released counts as switched."""

_RUN_LOOKS: Final[Mapping[SwitchState, tuple[Tone, str]]] = MappingProxyType(
    {
        SwitchState.AWAITING_SECOND: (Tone.WAITING, "user-check"),
        SwitchState.RUNNING: (Tone.PROGRESS, "swap"),
        SwitchState.PAUSED: (Tone.WAITING, "clock"),
        SwitchState.STOPPED: (Tone.IDLE, "x-circle"),
        SwitchState.FINISHED: (Tone.CONNECTED, "check-circle"),
    }
)

_ITEM_LOOKS: Final[Mapping[SwitchItemState, tuple[Tone, str]]] = MappingProxyType(
    {
        _S.WAITING: (Tone.IDLE, "clock"),
        _S.RUNNING: (Tone.PROGRESS, "refresh"),
        _S.SWITCHED: (Tone.CONNECTED, "check-circle"),
        _S.RELEASED: (Tone.CONNECTED, "check-double"),
        _S.ROLLED_BACK: (Tone.IDLE, "undo"),
        _S.FAILED: (Tone.ERROR, "triangle-alert"),
        _S.LEFT_OUT: (Tone.IDLE, "x-circle"),
    }
)

LACKING: Final = frozenset(
    {
        Reason.CREDENTIALS_MISSING,
        Reason.TOKEN_INVALID,
        Reason.CLIENT_TOKEN_MISSING,
        Reason.CLIENT_TOKEN_INVALID,
        Reason.ACCOUNT_TAKEN,
        FindingCode.CREDENTIALS_REFUSED,
        FindingCode.OTHER_NUMBER,
    }
)
"""Why somebody was not switched, where other credentials put it right."""

_BLAMELESS: Final = frozenset({SwitchPause.WAVE, SwitchPause.PERSON, None})


def scope(plan: SwitchPlan, count: int, name_of: NameOf) -> str:
    """Whom *plan* is about, *count* mentorados of whom are switched."""
    if len(plan.mentorados) == 1:
        return name_of(plan.mentorados[0])
    if plan.mentorados:
        return texts.plural("switches.people", count)
    return plan.cohort or texts("switches.no_cohort")


def name(run: SwitchRun, name_of: NameOf) -> str:
    """What a run is called."""
    target = status_text.provider(run.plan.target)
    return texts("switches.name", who=scope(run.plan, len(run.items), name_of), target=target)


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run itself does not know of its mentorados."""

    name_of: NameOf = str
    elsewhere: frozenset[MentoradoId] = frozenset()  # failed here, and on the target since
    busy: frozenset[MentoradoId] = frozenset()  # a procedure moves them
    stuck: frozenset[MentoradoId] = frozenset()  # whose way back does not go on by itself

    def names(self, ids: Sequence[MentoradoId]) -> str:
        """Those, on one line; the same in any order."""
        return ", ".join(sorted(map(self.name_of, ids)))


_ALONE: Final = RunContext()


def look(run: SwitchRun, context: RunContext = _ALONE) -> tuple[Tone, str]:
    """The tone and the icon of its badge."""
    moving = [each for each in run.items if each.state is _S.RUNNING]
    if run.pause not in _BLAMELESS or context.stuck or any(each.awaits_decision for each in moving):
        return Tone.ERROR, "triangle-alert"
    if run.state is SwitchState.STOPPED and moving:
        return Tone.PROGRESS, "swap"
    if run.state is SwitchState.FINISHED and len(to_retry(run, context)) + run.count(_S.ROLLED_BACK) == len(run.items):
        return Tone.IDLE, "x-circle"
    return _RUN_LOOKS[run.state]


def to_retry(run: SwitchRun, context: RunContext = _ALONE) -> Sequence[SwitchItem]:
    """Who failed, and was not switched by another run since."""
    return [each for each in run.items if each.state is _S.FAILED and each.mentorado_id not in context.elsewhere]


def due(run: SwitchRun, now: datetime, context: RunContext = _ALONE) -> Sequence[SwitchItem]:
    """Whose former provider may be released now: the time is over, and nothing moves them."""
    return [each for each in run.items if may_release(run, each, now) and each.mentorado_id not in context.busy]


def sentence(run: SwitchRun, now: datetime, context: RunContext = _ALONE) -> tuple[str, str]:
    """What its state means, and what a person does next."""
    if not run.is_open:
        return _ended(run, context), " ".join(_left_to_do(run, context))
    key = str(run.pause or run.state)
    known = {"wave": run.wave, "approver": run.approved_by, "name": _under_way(run, context)}
    if run.pause is SwitchPause.WAVE and run.pause_until is not None:
        key, known["time"] = "timed", length(max(run.pause_until - now, now - now))
    step = texts(f"switches.next.{key}", **known)
    if context.stuck:
        name = context.names([*context.stuck])
        step = " ".join((texts("switches.sentence.stuck", name=name), texts("switches.next.stuck", name=name), step))
    if run.pause is SwitchPause.FAILURES:
        tried = run.count(*DONE, _S.FAILED, _S.ROLLED_BACK)
        return texts.plural("switches.sentence.failures", run.count(_S.FAILED), tried=tried), step
    return texts(f"switches.sentence.{key}", **known), step


def _under_way(run: SwitchRun, context: RunContext) -> str:
    """Who is under way; a dash where nobody is."""
    return context.names([each.mentorado_id for each in run.items if each.state is _S.RUNNING]) or "—"


def _ended(run: SwitchRun, context: RunContext) -> str:
    """What became of a run that is over, the most urgent first."""
    moving = [each for each in run.items if each.state is _S.RUNNING]
    failed, back, total = len(to_retry(run, context)), run.count(_S.ROLLED_BACK), len(run.items)
    if context.stuck:
        return texts("switches.sentence.stuck", name=context.names([*context.stuck]))
    if moving:
        key = "wrong_phone" if any(each.awaits_decision for each in moving) else "under_way"
        return texts(f"switches.sentence.stopped_{key}", name=_under_way(run, context))
    if run.state is SwitchState.STOPPED:
        return texts("switches.sentence.stopped")
    if failed == total:
        return texts("switches.sentence.finished_nobody")
    if failed:
        return texts.plural("switches.sentence.finished_failed", failed, total=total)
    if back:
        return texts.plural("switches.sentence.finished_back", back, total=total)
    return texts(f"switches.sentence.finished{'' if run.count(*DONE) == total else '_settled'}")


def _left_to_do(run: SwitchRun, context: RunContext) -> Sequence[str]:
    """What a person can still do about a run that is over."""
    steps = []
    moving = [each for each in run.items if each.state is _S.RUNNING]
    if context.stuck:
        steps.append(texts("switches.next.stuck", name=context.names([*context.stuck])))
    if moving:
        key = "decide" if any(each.awaits_decision for each in moving) else "under_way"
        steps.append(texts(f"switches.next.{key}", name=_under_way(run, context)))
    if to_retry(run, context):
        steps.append(texts(f"switches.next.{'try' if run.state is SwitchState.FINISHED else 'plan'}_again"))
    if run.count(_S.SWITCHED) > len(context.stuck):
        steps.append(texts("switches.next.kept"))
    return steps or [texts("switches.next.settled")]


def needs_person(run: SwitchRun) -> bool:
    """Whether nothing goes on before somebody does something, other than the person who paused it."""
    if run.state is SwitchState.AWAITING_SECOND:
        return True
    return run.state is SwitchState.PAUSED and run.pause is not SwitchPause.PERSON and run.pause_until is None


def announcement(run: SwitchRun, name_of: NameOf) -> str:
    """What a switch waits for, for whoever is elsewhere."""
    return texts("switches.announcement", name=name(run, name_of), sentence=sentence(run, run.approved_at)[0])


def counts(run: SwitchRun) -> list[tuple[SwitchItemState, str, int]]:
    """How many mentorados are in each state, with its name."""
    found = {each: run.count(*(DONE if each is _S.SWITCHED else (each,))) for each in ORDER}
    return [(each, texts.plural(f"switches.count.{each}", found[each]), found[each]) for each in ORDER]


def progress(run: SwitchRun) -> str:
    """How far it is, on one line; what there is none of is not named."""
    parts = [texts("switches.progress", switched=run.count(*DONE), total=len(run.items))]
    parts += [f"{texts.number(count)} {words}" for each, words, count in counts(run)[1:] if count]
    return " · ".join(parts)


def approved(run: SwitchRun, now: datetime) -> str:
    """Who approved it and when, and when it ended."""
    today = now.astimezone().date()
    at, who_approved = date_time(run.approved_at.astimezone(), today), run.approved_by
    if run.second_approver:
        who_approved = texts("switches.both", one=run.approved_by, other=run.second_approver)
    parts = [texts("switches.approved", when=at, who=who_approved)]
    if run.ended_at is not None:
        parts.append(texts("switches.ended", when=date_time(run.ended_at.astimezone(), today)))
    return " · ".join(parts)


def wave(run: SwitchRun, number: int) -> str:
    """The heading of a wave."""
    items = [each for each in run.items if each.wave == number]
    if number == 1 and len(items) == 1 and items[0].number == 1 and run.plan.canary is not None:
        return texts("switches.wave_first")
    return texts("switches.wave", number=number)


def may_release(run: SwitchRun, item: SwitchItem, now: datetime) -> bool:
    """Whether the former provider has been kept as long as was planned."""
    ends = run.grace_ends(item)
    return item.state is _S.SWITCHED and ends is not None and ends <= now


@dataclass(frozen=True, slots=True)
class ItemText:
    """How far one mentorado is: in a few words, and what is to be known about it, *brief* on one line of a card."""

    state: str
    line: str
    brief: str
    tone: Tone
    icon: str
    under_way: str = ""  # instead of the step, where the steps are listed

    @property
    def short(self) -> str:
        return self.under_way or self.state


def item(
    run: SwitchRun,
    one: SwitchItem,
    procedure: Procedure | None,
    now: datetime,
    *,
    scan: bool,
    context: RunContext = _ALONE,
) -> ItemText:
    """How far *one* is; *procedure* is the one that moves it now, and *scan* says that a code waits for a phone."""
    source, target = status_text.provider(one.source), status_text.provider(one.target)
    known = {"source": source, "target": target}
    tone, icon = _ITEM_LOOKS[one.state]
    if one.awaits_decision and (procedure is None or not procedure.undoing):
        line, brief = (texts(f"switches.item_line.wrong_phone{part}", **known) for part in ("", "_brief"))
        return ItemText(texts("switches.item.wrong_phone"), line, brief, Tone.ERROR, "triangle-alert")
    if procedure is not None:
        return _moving(procedure, known, scan=scan)
    if one.state is _S.FAILED and one.mentorado_id in context.elsewhere:
        line = texts("switches.item_line.elsewhere", **known)
        return ItemText(texts("switches.item.elsewhere"), line, line, Tone.IDLE, "check-circle")
    line = brief = texts(f"switches.item_line.{one.state}", **known)
    if one.state is _S.SWITCHED:
        ends = run.grace_ends(one)
        if may_release(run, one, now):
            line, brief = (texts(f"switches.item_line.{key}", **known) for key in ("grace_over", "grace_over_brief"))
        elif ends is not None:
            known["until"] = date_time(ends.astimezone(), now.astimezone().date())
            line, brief = (texts(f"switches.item_line.{key}", **known) for key in ("grace", "grace_brief"))
    elif one.state is _S.FAILED:
        brief = failure(one)[0]
        line = f"{brief} {line}"
    return ItemText(texts(f"switches.item.{one.state}", **known), line, brief, tone, icon)


def _moving(procedure: Procedure, known: Mapping[str, str], *, scan: bool) -> ItemText:
    """What a procedure says of the mentorado that it moves."""
    step, back = procedure.next_step, procedure.head.kind is ProcedureKind.ROLL_BACK
    kind = "back" if back or procedure.undoing else "forward"
    line = texts(f"switches.item_line.{kind}", **known)
    if _is_stuck(procedure):
        facts = {} if step is None else step.facts
        why = _reason(facts.get("reason") or facts.get("code", ""), known["source" if back else "target"])
        return ItemText(texts("switches.item.stuck"), f"{why} {line}", why, Tone.ERROR, "triangle-alert")
    if procedure.state is ProcedureState.PAUSED:
        return ItemText(texts("switches.item.paused"), line, line, Tone.WAITING, "clock")
    if scan:
        return ItemText(texts("switches.item.scan"), line, line, Tone.WAITING, "qr")
    if procedure.undoing:
        return ItemText(texts("procedure.undoing"), line, line, Tone.PROGRESS, "undo")
    words = texts(f"procedure.now.{'record' if step is None else step.name}")
    under_way = texts(f"switches.item.{'going_back' if back else SwitchItemState.RUNNING}")
    return ItemText(words, line, line, Tone.PROGRESS, "undo" if back else "refresh", under_way)


def failure(one: SwitchItem) -> tuple[str, str]:
    """Why *one* was not switched, and the next step; that may be empty."""
    known = {"source": status_text.provider(one.source), "target": status_text.provider(one.target)}
    if one.reason in {*FindingCode}:
        todo = f"switch.todo.{one.reason}"
        return f"{switch_text.label(FindingCode(one.reason))}.", texts(todo, **known) if texts.has(todo) else ""
    return _reason(one.reason, known["target"]), switch_text.item_reason(one)[1]


def next_step(
    run: SwitchRun, one: SwitchItem, name: str, procedure: Procedure | None, context: RunContext = _ALONE
) -> str:
    """What a person does about *one*, who is called *name*; empty where nothing waits for a person."""
    if one.mentorado_id in context.stuck or _is_stuck(procedure):
        return texts("switches.next.stuck", name=name)
    if one.awaits_decision and (procedure is None or not procedure.undoing):
        return texts(f"switches.next.{'wrong_phone' if run.is_open else 'decide'}", name=name)
    if procedure is None and one in to_retry(run, context):
        return failure(one)[1] or texts("switch.undone_next")
    return ""


def _is_stuck(procedure: Procedure | None) -> bool:
    """Whether the way back that *procedure* goes has failed, and does not go on by itself."""
    if procedure is None or procedure.state is not ProcedureState.FAILED:
        return False
    return procedure.undoing or procedure.head.kind is ProcedureKind.ROLL_BACK


def _reason(code: str, provider: str) -> str:
    """Why something failed, in one sentence; *provider* is the one that was to be connected."""
    if code in {*SmokeTestTrouble} and texts.has(f"smoke.result.{code}.sentence"):
        return texts(f"smoke.result.{code}.sentence")
    if code in {*Reason}:
        known = {"account": texts("sentence.another_number"), "name": texts("sentence.another_mentorado")}
        return texts(f"sentence.blocked.{code}", provider=provider, holder="—", **known)
    if code in {*ProblemCode}:
        return status_text.problem(Problem(ProblemCode(code)))[0]
    if texts.has(f"refusal.{code}"):
        return f"{texts(f'refusal.{code}')}."
    return texts("switches.undone" if code == "undone" else "switches.other_reason", code=code or "—")


def month(prices: Sequence[MonthlyPrice], at: datetime) -> str:
    """What so many mentorados cost together in a month, where it is known."""
    known = [each.amount for each in prices if each.amount is not None]
    if not known:
        return texts("switches.by_contract")
    total = sum(known, Decimal())
    priced = any(each.listed_at is not None for each in prices)
    price = campaign_text.price(Price(amount=total, listed_at=at)) if priced else texts("campaign.report.free")
    return price if len(known) == len(prices) else texts("switches.and_contract", price=price)
