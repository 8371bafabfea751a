"""What is said about credentials, chosen by codes. Qt-free."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.connection import LinkState, Reason
from app.domain.credentials import CredentialField, CredentialReport
from app.domain.guidance import recommend
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.phone import same_account
from app.ui.text import next_step, provider, texts, unbroken


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
    key = f"credentials.next.{report.reason}"
    sentence = texts(f"sentence.blocked.{report.reason}", provider=provider(kind), account="")
    return sentence, texts(key) if texts.has(key) else next_step(recommend(LinkState.BLOCKED, report.reason))


def facts(report: CredentialReport) -> Iterator[tuple[str, str]]:
    """What the provider told besides, the number first; a fact that has no name here is left out."""
    if report.account is not None:
        yield texts("credentials.fact.account"), unbroken(report.account)
    for name, value in report.facts.items():
        key = f"credentials.fact.{name}"
        if texts.has(key) and value:
            yield texts(key), value


def other_number(report: CredentialReport, enrolment: Enrolment) -> str:
    """The warning that these credentials are another number's, or nothing."""
    if report.account is None or same_account(report.account, enrolment.expected_account):
        return ""
    return texts(
        "credentials.other_number",
        account=unbroken(report.account),
        name=enrolment.mentorado.name,
        phone=unbroken(enrolment.expected_account),
    )
