"""What is said about credentials, chosen by codes. Qt-free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.domain.connection import LinkState, Reason
from app.domain.credentials import CredentialField, CredentialReport
from app.domain.guidance import recommend
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.phone import same_account
from app.ui.providers.words import fact_name, fact_value
from app.ui.text import next_step, provider, texts, unbroken

_TELLING: Final = ("name", "verified_name", "due", "quality", "tier")


def label(name: CredentialField) -> str:
    return texts(f"credentials.field.{name}")


def hint(name: CredentialField) -> str:
    """Where to find it, or what it is not; nothing where the name says it all."""
    key = f"credentials.hint.{name}"
    return texts(key) if texts.has(key) else ""


def refused(report: CredentialReport, kind: ProviderKind) -> tuple[str, str]:
    """Why the provider said no, and what to do about it."""
    if report.reason is Reason.NONE:
        return texts("credentials.refused", provider=provider(kind)), texts("credentials.next.other")
    return _reason(report.reason, kind)


def facts(report: CredentialReport) -> Iterator[tuple[str, str]]:
    """What the provider told besides, the number first, and only what helps to see that it is the right one."""
    if report.account is not None:
        yield texts("credentials.account"), unbroken(report.account)
    for name in _TELLING:
        if value := report.facts.get(name):
            yield fact_name(name), fact_value(name, value)


def note(report: CredentialReport, enrolment: Enrolment) -> str:
    """What has to be known although the credentials are right, or nothing."""
    said = []
    if report.account is not None and not same_account(report.account, enrolment.expected_account):
        said.append(
            texts(
                "credentials.other_number",
                account=unbroken(report.account),
                name=enrolment.mentorado.name,
                phone=unbroken(enrolment.expected_account),
            )
        )
    if report.reason is not Reason.NONE:
        said.extend(_reason(report.reason, enrolment.link.provider))
    return " ".join(said)


def _reason(why: Reason, kind: ProviderKind) -> tuple[str, str]:
    key = f"credentials.next.{why}"
    sentence = texts(f"sentence.blocked.{why}", provider=provider(kind), account="")
    return sentence, texts(key) if texts.has(key) else next_step(recommend(LinkState.BLOCKED, why))
