"""The guided checks as text: what each looked at, what it saw, and what follows."""

from __future__ import annotations

from datetime import datetime

from app.domain.actions import UnavailableReason
from app.domain.guidance import REASONS, Recommendation, recommend_for
from app.domain.incident import CheckResult
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado
from app.domain.phone import PhoneNumber, last_digits
from app.domain.troubleshooting import (
    ConclusionKind,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
)
from app.text.status import date_time, next_step, provider, refusal, sentence, texts


def trouble_name(trouble: Trouble) -> tuple[str, str]:
    """The name of a guided check, and what it does."""
    return texts(f"trouble.name.{trouble}"), texts(f"trouble.line.{trouble}")


def check_name(check: TroubleCheck) -> str:
    return texts(f"trouble.check.{check}")


def reason_name(reason: Reason) -> str:
    return texts(f"badge.blocked.{reason}")


def finding_line(finding: TroubleFinding, mentorado: Mentorado, now: datetime) -> str:
    """What one check saw."""
    values = {name: _text(value, now) for name, value in finding.values.items()}
    values["reasons"] = ", ".join(
        reason_name(reason) if count == 1 else f"{reason_name(reason)} ×{texts.number(count)}"
        for reason, count in finding.reasons
    )
    if finding.check in (TroubleCheck.NETWORK, TroubleCheck.CLOCK):
        return _connectivity(CheckResult(finding.words), mentorado)
    if finding.words == "refused" and finding.check is TroubleCheck.REQUEST:
        return refusal(UnavailableReason(str(finding.values["why"])))
    key = f"trouble.finding.{finding.check}.{finding.words}"
    if finding.check is TroubleCheck.CLOSE_REASONS and finding.words == "some":
        return texts.plural(key, int(str(finding.values["count"])), reasons=values["reasons"])
    return texts(key, provider=provider(mentorado.link.provider), **values)


def conclusion_lines(conclusion: TroubleConclusion, mentorado: Mentorado, now: datetime) -> tuple[str, str]:
    """What it is, and the next step."""
    kind, values = conclusion.kind, {name: _text(value, now) for name, value in conclusion.values.items()}
    if kind is ConclusionKind.STATUS:
        return sentence(conclusion.status, mentorado, now), next_step(recommend_for(conclusion.status))
    if kind is ConclusionKind.NETWORK:
        return _connectivity(CheckResult(str(conclusion.values["found"])), mentorado), texts("next.check_network")
    if kind is ConclusionKind.STEADY:
        return texts.plural("trouble.steady", int(str(conclusion.values["count"]))), texts("trouble.next.steady")
    known = {"provider": provider(mentorado.link.provider), "reason": reason_name(conclusion.reason), **values}
    words = texts(f"trouble.conclusion.{kind}", **known)
    if conclusion.why is not None:
        return words, refusal(conclusion.why)
    if kind is ConclusionKind.FALLS_OFTEN:
        stopped = "falls_stopped" if conclusion.action is not None else "falls_often"
        ours = REASONS[conclusion.reason].our_side
        return words, next_step(Recommendation.SEND_REPORT) if ours else texts(f"trouble.next.{stopped}")
    return words, texts(f"trouble.next.{kind}", **known)


def _connectivity(found: CheckResult, mentorado: Mentorado) -> str:
    return texts(f"finding.{found}", to=texts(f"incident.to.{mentorado.link.provider}"))


def _text(value: object, now: datetime) -> object:
    if isinstance(value, datetime):
        return date_time(value.astimezone(), now.astimezone().date())
    if isinstance(value, int):
        return texts.number(value)
    return last_digits(PhoneNumber(value)) if isinstance(value, str) and value.startswith("+") else value
