"""Whatever a dry run finds and a run becomes is said in both languages, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.guidance import applies_to
from app.domain.link_status import Reason
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind
from app.domain.prices import PRICES_LISTED_AT
from app.domain.switch import (
    FindingCode,
    MonthlyPrice,
    PlannedSwitch,
    Severity,
    SwitchFinding,
    SwitchItem,
    SwitchItemState,
    SwitchPause,
    SwitchPlan,
    SwitchRun,
    SwitchRunId,
    SwitchState,
)
from app.text import switch as switch_text
from app.text.status import texts
from tests.clock import DAWN

C, S = FindingCode, Severity
WEB, HOSTED, OFFICIAL = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI, ProviderKind.META_CLOUD
PRICES = (
    MonthlyPrice(provider=WEB, amount=Decimal(0), messages=3),
    MonthlyPrice(provider=OFFICIAL, amount=Decimal("1.2301"), listed_at=PRICES_LISTED_AT, messages=3, unknown=1),
)
EXAMPLES: Mapping[FindingCode, Mapping[str, str]] = {
    **{code: {} for code in C},
    C.CREDENTIALS_MISSING: {"fields": "instance_id,instance_token"},
    C.CREDENTIALS_REFUSED: {"reason": "token_invalid"},
    C.TARGET_NOT_READY: {"reason": "name_not_approved"},
    C.TARGET_WARNS: {"reason": "token_expiring"},
    C.ACCOUNT_TAKEN: {"name": "Bia"},
    C.OTHER_NUMBER: {"number": "+55…34", "expected": "+55…21"},
    C.FORBIDDEN: {"reason": "temporary_ban", "until": DAWN.isoformat()},
    C.RESTRICTED: {"reason": "none"},
    C.STOPPED: {"provider": "zapi", "trouble": "billing"},
    C.QUEUE_PENDING: {"provider": "zapi", "count": "2"},
    C.QUEUE_UNKNOWN: {"provider": "zapi"},
    C.CASES_OPEN: {"count": "2", "kinds": "ban,opted_out"},
    C.CURRENT_NOT_CONNECTED: {"state": "blocked", "reason": "logged_out"},
    C.CURRENT_TEST: {"outcome": "missing"},
    C.CURRENT_TEST_GOOD: {"outcome": "good", "at": (DAWN - timedelta(hours=3)).isoformat()},
    C.TARGET_TEST: {"outcome": "old", "at": (DAWN - timedelta(days=3)).isoformat()},
    C.GROUPS_NOT_REACHED: {"count": "1"},
    C.NEEDS_QR: {"digits": "4321"},
    C.CREDENTIALS_FROM: {"since": "earlier", "place": "keyring"},
    C.KEPT: {"conversations": "1", "messages": "12"},
    C.CONSENT_KEPT: {"count": "2"},
}

FITTING = [each for each in Reason if applies_to(OFFICIAL, each) and each not in (Reason.NONE, Reason.ACCOUNT_TAKEN)]
"""What a provider may say about credentials and the number behind them."""


@pytest.fixture(autouse=True)
def in_portuguese_afterwards() -> Iterator[None]:
    yield
    texts.set_language("pt-BR")


def planned(*findings: SwitchFinding, source: ProviderKind = WEB) -> PlannedSwitch:
    return PlannedSwitch(
        mentorado_id=MentoradoId("m"),
        source=source,
        findings=findings,
        prices=PRICES,
        downtime=timedelta(minutes=15),
    )


def words_of(code: FindingCode, **values: str) -> tuple[str, str]:
    """The sentence of a finding on the way from the self-hosted client to Meta, and what to do about it."""
    found = SwitchFinding(code=code, values={**EXAMPLES[code], **values})
    return (
        switch_text.finding(found, planned(found), OFFICIAL, DAWN),
        switch_text.todo(found, planned(found), OFFICIAL),
    )


@pytest.mark.parametrize("code", C)
def test_every_finding_is_a_sentence_and_what_is_not_good_says_what_to_do(language: str, code: FindingCode) -> None:
    sentence, step = words_of(code)
    assert sentence.endswith(".")
    assert "{" not in sentence + step
    tells = SwitchFinding(code=code).severity is S.TELLS
    assert step.endswith(".") is not tells
    assert bool(step) is not tells


@pytest.mark.parametrize("reason", FITTING)
def test_whatever_a_provider_says_of_a_number_has_words(language: str, reason: Reason) -> None:
    for code in (C.TARGET_NOT_READY, C.TARGET_WARNS, C.CREDENTIALS_REFUSED):
        sentence, step = words_of(code, reason=reason)
        assert sentence
        assert step


def test_the_words_are_what_a_person_would_say() -> None:
    texts.set_language("en")
    assert words_of(C.QUEUE_PENDING)[0] == "2 messages wait at Z-API, and would go out by themselves."
    assert words_of(C.QUEUE_PENDING, count="1")[0] == "1 message waits at Z-API, and would go out by itself."
    assert words_of(C.CASES_OPEN)[0].startswith("2 cases of this person are open: The number is banned")
    assert words_of(C.CURRENT_TEST)[0] == "Smoke test of WhatsApp Web: none yet."
    assert words_of(C.CURRENT_TEST_GOOD)[0] == "Smoke test of WhatsApp Web: passed 3 h ago."
    assert words_of(C.DOWNTIME)[0] == "Nothing is sent for about 15\u00a0min."
    assert words_of(C.KEPT)[0] == "Kept as they are: 1 conversation and 12 messages."
    assert words_of(C.TARGET_NOT_READY, reason="not_registered")[1].startswith("Register the number at Meta")
    assert words_of(C.RESTRICTED, until=DAWN.isoformat())[0].startswith(
        "What is sent from the number is restricted until "
    )


def test_a_price_has_the_date_of_its_list_or_says_where_it_is_written() -> None:
    texts.set_language("en")
    free, listed = map(switch_text.price, PRICES)
    assert free == "no charge for messages"
    assert listed == (
        "US$ 1.24 by Meta's price list of 2026-10-01, without 1 message to a country that the list does not have"
    )
    assert switch_text.price(MonthlyPrice(provider=HOSTED, amount=None)) == "as your contract says"
    assert words_of(C.PRICE)[0] == f"A month like the last 30 days: WhatsApp Web, {free}; Meta Cloud, {listed}."
    assert switch_text.price_note(PRICES)
    assert not switch_text.price_note(PRICES[:1])


def test_who_stays_is_named_with_their_provider() -> None:
    texts.set_language("en")
    stays = planned(SwitchFinding(code=C.ARCHIVED), source=HOSTED)
    assert switch_text.outcome(stays) == "Stays on Z-API"
    assert switch_text.outcome(planned()) == "Will be switched"
    assert switch_text.label(C.ARCHIVED) == "Archived"
    assert switch_text.severity(S.BLOCKS) == "Prevents the switch"


def run(state: SwitchState, pause: SwitchPause | None = None) -> SwitchRun:
    return SwitchRun(
        id=SwitchRunId("r"),
        plan=SwitchPlan(target=OFFICIAL),
        digest="",
        approved_at=DAWN,
        approved_by="Bia",
        state=state,
        pause=pause,
    )


def item(state: SwitchItemState = SwitchItemState.FAILED, reason: str = "") -> SwitchItem:
    return SwitchItem(
        run_id=SwitchRunId("r"),
        number=1,
        wave=1,
        mentorado_id=MentoradoId("m"),
        source=WEB,
        target=OFFICIAL,
        from_link=LinkId("l"),
        state=state,
        reason=reason,
    )


def test_every_state_and_pause_of_a_run_is_said(language: str) -> None:
    for state in SwitchState:
        if state is not SwitchState.PAUSED:  # which always says why
            assert switch_text.sentence(run(state)).endswith(".")
        assert switch_text.state(run(state))
    for pause in SwitchPause:
        assert switch_text.sentence(run(SwitchState.PAUSED, pause)).endswith(".")
    for each in SwitchItemState:
        assert switch_text.item_state(item(each))


@pytest.mark.parametrize(
    "reason", ["switch_target_gone", "logged_out", "no_answer", "target_not_ready", "number_taken", "undone"]
)
def test_why_somebody_failed_is_said_with_the_next_step(language: str, reason: str) -> None:
    sentence, step = switch_text.item_reason(item(reason=reason))
    assert sentence.endswith(".")
    assert step.endswith(".")


def test_a_reason_that_nobody_knows_is_shown_as_it_is() -> None:
    assert switch_text.item_reason(item(reason="odd")) == ("odd", "")
    assert switch_text.item_reason(item()) == ("", "")
