"""A provider switch in words: what a dry run found, what to do about it, and how far a run is. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from app.domain.actions import UnavailableReason
from app.domain.campaign import Price
from app.domain.cases import CaseKind
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import NEW_PAIRING, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.provider_descriptor import CredentialField, CredentialReport
from app.domain.sending import SendErrorKind
from app.domain.settings import SecretBackendKind
from app.domain.smoke_test import SmokeTestTrouble
from app.domain.switch import (
    FindingCode,
    MonthlyPrice,
    PlannedSwitch,
    Severity,
    SwitchFinding,
    SwitchItem,
    SwitchPause,
    SwitchRun,
    SwitchState,
)
from app.text import campaigns as campaign_text
from app.text import outbound as outbound_text
from app.text import providers as providers_text
from app.text.status import (
    age,
    date_time,
    next_step,
    problem,
    provider,
    refusal,
    secrets_place,
    state_badge,
    texts,
)
from app.text.uptime import length

_F = FindingCode
_BY_BADGE: Final = frozenset({_F.TARGET_NOT_READY, _F.TARGET_WARNS})
_TESTS: Final = frozenset({_F.CURRENT_TEST, _F.CURRENT_TEST_GOOD, _F.TARGET_TEST})


# --- a dry run ------------------------------------------------------------------------------------------------------


def label(code: FindingCode) -> str:
    """Return a finding in a few words."""
    return texts(f"switch.label.{code}")


def severity(meaning: Severity) -> str:
    return texts(f"switch.severity.{meaning}")


def outcome(planned: PlannedSwitch) -> str:
    """Return whether this mentorado would be switched."""
    if planned.will_switch:
        return texts("switch.outcome.yes")
    return texts("switch.outcome.no", source=provider(planned.source))


def finding(found: SwitchFinding, planned: PlannedSwitch, target: ProviderKind, now: datetime) -> str:
    """Return what was found out about *planned*, as a sentence."""
    if found.code is _F.CREDENTIALS_REFUSED:
        return providers_text.refused(_refusal(found), target)[0]
    known = {**found.values, **_common(planned, target), **_values(found, planned, now)}
    key = f"switch.finding.{found.code}"
    if "until" in known:
        key = f"{key}_until"
    if "count" in found.values:
        return texts.plural(key, int(known.pop("count")), **known)
    return texts(key, **known)


def todo(found: SwitchFinding, planned: PlannedSwitch, target: ProviderKind) -> str:
    """Return what a person must do about *found*; empty for what is only good to know."""
    if found.severity is Severity.TELLS:
        return ""
    if found.code is _F.CREDENTIALS_REFUSED:
        return providers_text.refused(_refusal(found), target)[1]
    if found.code is _F.TARGET_NOT_READY and found.values["reason"] == Reason.NOT_REGISTERED:
        return texts("switch.todo.not_registered")
    return texts(f"switch.todo.{found.code}", **_common(planned, target))


def price(listed: MonthlyPrice) -> str:
    """Return what a month costs on a provider, as a phrase; with the date of the price list where there is one."""
    if listed.amount is None:
        return texts("switch.price.contract")
    if listed.listed_at is None:
        return texts("switch.price.free")
    of_list = Price(amount=listed.amount, listed_at=listed.listed_at, unknown=listed.unknown)
    amount, date = campaign_text.price(of_list), campaign_text.list_date(of_list)
    parts = [texts("switch.price.listed", amount=amount, date=date)]
    if listed.unknown:
        parts.append(texts.plural("switch.price.unknown", listed.unknown))
    return ", ".join(parts)


def price_note(prices: Sequence[MonthlyPrice]) -> str:
    """Return what a price of Meta's is made of; empty where none is."""
    return texts("switch.price.note") if any(each.listed_at is not None for each in prices) else ""


def downtime(planned: PlannedSwitch) -> str:
    return length(planned.downtime)


def _common(planned: PlannedSwitch, target: ProviderKind) -> dict[str, str]:
    return {"source": provider(planned.source), "target": provider(target)}


def _listed(text_of: Callable[[str], str], values: str) -> str:
    return ", ".join(map(text_of, values.split(",")))


_WORDS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "provider": lambda kind: provider(ProviderKind(kind)),
        "fields": lambda names: _listed(lambda each: providers_text.label(CredentialField(each)), names),
        "since": lambda since: texts(f"switch.since.{since}"),
        "place": lambda place: secrets_place(SecretBackendKind(place)),
        "kinds": lambda kinds: _listed(lambda each: texts(f"cases.kind.{CaseKind(each)}"), kinds),
        "conversations": lambda count: texts.plural("switch.count.conversations", int(count)),
        "messages": lambda count: texts.plural("switch.count.messages", int(count)),
    }
)
"""Values of findings that are codes, in words."""


def _values(found: SwitchFinding, planned: PlannedSwitch, now: datetime) -> dict[str, str]:
    values = found.values
    known = {name: _WORDS[name](value) for name, value in values.items() if name in _WORDS}
    if "until" in values:
        known["until"] = date_time(datetime.fromisoformat(values["until"]).astimezone(), now.astimezone().date())
    if found.code in _TESTS:
        known["result"] = _result(values, now)
    elif found.code in _BY_BADGE:
        known["why"] = texts(f"badge.blocked.{values['reason']}")
    elif found.code is _F.STOPPED:
        known["why"] = outbound_text.send_error(SendErrorKind(values["trouble"]))[0]
    elif found.code is _F.CURRENT_NOT_CONNECTED:
        status = LinkStatus(state=LinkState(values["state"]), reason=Reason(values["reason"]), since=now)
        known["state"] = state_badge(status)
    elif found.code is _F.PRICE:
        known |= zip(("source_price", "target_price"), map(price, planned.prices), strict=True)
    elif found.code is _F.DOWNTIME:
        known["time"] = downtime(planned)
    return known


def _result(values: Mapping[str, str], now: datetime) -> str:
    """How a smoke test ended, and how long ago."""
    ago = age(now - datetime.fromisoformat(values["at"])) if "at" in values else ""
    return texts(f"switch.test.{values['outcome']}", age=ago)


def _refusal(found: SwitchFinding) -> CredentialReport:
    return CredentialReport(valid=False, reason=Reason(found.values["reason"]))


# --- a run ----------------------------------------------------------------------------------------------------------


def state(run: SwitchRun) -> str:
    return texts(f"switch.state.{run.state}")


def sentence(run: SwitchRun) -> str:
    """Return what its state means, and why it is paused."""
    return pause(run.pause) if run.pause is not None else state_sentence(run.state)


def state_sentence(of: SwitchState) -> str:
    return texts(f"switch.sentence.{of}")


def pause(why: SwitchPause) -> str:
    return texts(f"switch.sentence.{why}")


def item_state(item: SwitchItem) -> str:
    """Return how far one mentorado is, and on which provider."""
    return texts(f"switch.item.{item.state}", source=provider(item.source))


def item_reason(item: SwitchItem, name: str = "—") -> tuple[str, str]:
    """Return why the switch of *name* failed, and the next step; both empty where nothing is to be explained."""
    why = item.reason
    if why == "undone":
        return texts("switch.undone"), texts("switch.undone_next")
    if why == UnavailableReason.UNDER_WAY:  # a smoke test has a trouble of that name
        return f"{refusal(UnavailableReason.UNDER_WAY)}.", texts("switch.undone_next")
    if why == Reason.WRONG_ACCOUNT:  # by now that phone is unlinked
        return f"{texts(f'badge.blocked.{why}')}.", texts("switch.undone_next")
    if why in {*FindingCode}:
        return f"{label(FindingCode(why))}.", texts("problem.switch_not_possible.next")
    if why in {*SmokeTestTrouble} - {SmokeTestTrouble.NONE}:
        return texts(f"smoke.result.{why}.sentence"), texts(f"smoke.result.{why}.next")
    if why in {*Reason}:
        step = recommend(LinkState.BLOCKED, Reason(why))
        again = texts("switch.undone_next") if step in NEW_PAIRING else next_step(step)  # the switch shows the code
        return f"{texts(f'badge.blocked.{why}')}.", again
    if why in {*UnavailableReason}:
        return f"{refusal(UnavailableReason(why))}.", texts("switch.undone_next")
    return problem(Problem(ProblemCode(why), name=name)) if why in {*ProblemCode} else (why, "")
