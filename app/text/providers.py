"""Providers' facts and errors as text. Unknown codes are shown as they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import MappingProxyType
from typing import Final

from app.domain.guidance import recommend
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.names import visible
from app.domain.phone import same_account
from app.domain.provider_descriptor import CredentialField, CredentialReport
from app.text.signs import Tone
from app.text.status import (
    next_step,
    provider,
    texts,
    unbroken,
)

FACT_TONES: Final = MappingProxyType(
    {
        "green": Tone.CONNECTED,
        "approved": Tone.CONNECTED,
        "available_without_review": Tone.CONNECTED,
        "verified": Tone.CONNECTED,
        "connected": Tone.CONNECTED,
        "yellow": Tone.WAITING,
        "pending": Tone.WAITING,
        "pending_review": Tone.WAITING,
        "flagged": Tone.WAITING,
        "rate_limited": Tone.WAITING,
        "paused": Tone.WAITING,
        "red": Tone.ERROR,
        "banned": Tone.ERROR,
        "restricted": Tone.ERROR,
        "rejected": Tone.ERROR,
        "declined": Tone.ERROR,
        "disabled": Tone.ERROR,
    }
)
"""How a value is to be taken; what is not here is neither good nor bad."""


def fact_name(name: str) -> str:
    key = f"number.fact.{name}"
    return texts(key) if texts.has(key) else name.replace("_", " ")


def fact_value(name: str, value: str) -> str:
    """Format *value*: booleans as yes or no, days as local dates."""
    for key in (f"number.value.{name}.{value}", f"number.value.any.{value}"):
        if texts.has(key):
            return texts(key)
    if name == "due":
        return _day(value)
    return visible(value)


def template_status(status: str) -> str:
    key = f"number.template.{status.lower()}"
    return texts(key) if texts.has(key) else status


def tone(value: str) -> Tone:
    return FACT_TONES.get(value.lower(), Tone.IDLE)


def _day(written: str) -> str:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return written
    return texts("number.day", day=f"{day.day:02}", month=texts(f"date.months.{day.month}"), year=day.year)


_TELLING: Final = ("name", "verified_name", "due", "quality", "tier")


def label(name: CredentialField) -> str:
    return texts(f"credentials.field.{name}")


def hint(name: CredentialField) -> str:
    """Return where to find a credential, or what it is not; empty where the label suffices."""
    key = f"credentials.hint.{name}"
    return texts(key) if texts.has(key) else ""


def refused(report: CredentialReport, kind: ProviderKind) -> tuple[str, str]:
    """Return why the provider refused the credentials, and the next step."""
    if report.reason is Reason.NONE:
        return texts("credentials.refused", provider=provider(kind)), texts("credentials.next.other")
    return _reason(report.reason, kind)


def facts(report: CredentialReport) -> Iterator[tuple[str, str]]:
    """Return the facts that help to recognize the account, the number first."""
    if report.account is not None:
        yield texts("credentials.account"), unbroken(report.account)
    for name in _TELLING:
        if value := report.facts.get(name):
            yield fact_name(name), fact_value(name, value)


def note(report: CredentialReport, mentorado: Mentorado) -> str:
    """Return a warning about valid credentials, or an empty text."""
    lines = []
    if report.account is not None and not same_account(report.account, mentorado.expected_account):
        lines.append(
            texts(
                "credentials.other_number",
                account=unbroken(report.account),
                name=mentorado.name,
                phone=unbroken(mentorado.expected_account),
            )
        )
    if report.reason is not Reason.NONE:
        lines.extend(_reason(report.reason, mentorado.link.provider))
    return " ".join(lines)


def _reason(why: Reason, kind: ProviderKind) -> tuple[str, str]:
    key = f"credentials.next.{why}"
    sentence = texts(f"sentence.blocked.{why}", provider=provider(kind), account="")
    return sentence, texts(key) if texts.has(key) else next_step(recommend(LinkState.BLOCKED, why))
