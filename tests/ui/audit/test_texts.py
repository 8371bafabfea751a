"""Every deed has words, and every value that it changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.audit import Actor, AuditAction, AuditOutcome, ChainBreak
from app.domain.link_status import LinkState, Reason
from app.domain.settings import OPERATOR_NAME, PROVIDER_LOG, RETENTION, SETTINGS, SecretBackendKind
from app.storage import audit_log as storage
from app.text import audit as audit_text
from app.text.signs import Tone
from app.text.status import texts
from app.text.translator import load
from app.ui.audit.model import Period
from tests.ui.audit.conftest import record
from tests.ui.window_harness import NOON

_SETTINGS = [setting.action for setting in SETTINGS]


pytestmark = pytest.mark.usefixtures("language")


def test_every_act_has_words_and_a_picture(language: str) -> None:
    known = load(language)
    lacking = [name for name in [*ActionName, *AuditAction, *_SETTINGS] if f"audit.action.{name}" not in known]
    assert lacking == []
    named = {key.removeprefix("audit.action.") for key in known if key.startswith("audit.action.")}
    assert named == {*ActionName, *AuditAction, *_SETTINGS}


def test_an_act_of_a_newer_version_shows_its_code() -> None:
    assert audit_text.action_label("from_the_future") == "from_the_future"
    strange = record(1, before={"state": "floating", "reason": "wind"}, after={"height": "3"})
    assert audit_text.change(strange) == "floating · wind → height: 3"


@pytest.mark.parametrize("outcome", AuditOutcome)
def test_every_outcome_has_a_word_a_tone_and_a_picture(outcome: AuditOutcome) -> None:
    assert audit_text.outcome(outcome)
    assert audit_text.OUTCOME_TONE[outcome]
    assert audit_text.OUTCOME_ICON[outcome]


def test_states_are_said_as_on_their_badges() -> None:
    for state in LinkState:
        for reason in Reason:
            side = audit_text.sides(record(1, after={"state": state.value, "reason": reason.value}))[1]
            assert side is not None
            assert side.words
            assert isinstance(side.tone, Tone)


def test_a_number_that_was_seen_stands_beside_the_state() -> None:
    wrong = record(1, after={"state": "blocked", "reason": "wrong_account", "account": "+55…21"})
    assert audit_text.change(wrong).endswith("· +55…21")


def test_what_did_not_change_is_said_once() -> None:
    same = record(1, after={"state": "connected", "reason": "none"})
    assert audit_text.sides(same)[0] is None
    assert "→" not in audit_text.change(same)


@pytest.mark.parametrize("moment", ["began", "done", "undone"])
def test_the_entries_of_a_procedure_say_which_they_are(moment: str) -> None:
    after = {"state": "connected", "reason": "none", "procedure": "f" * 32, "moment": moment}
    entry = record(1, action=ActionName.RECOVER, before={"state": "blocked", "reason": "logged_out"}, after=after)
    assert audit_text.change(entry).startswith(texts(f"audit.moment.{moment}"))
    assert "f" * 32 not in audit_text.change(entry)


@pytest.mark.parametrize(
    ("action", "before", "after", "portuguese"),
    [
        (RETENTION.action, "off", "90", "guardar tudo → 90 dias"),
        (RETENTION.action, "1", "off", "1 dia → guardar tudo"),
        (OPERATOR_NAME.action, "", "Rosa", "sem nome → Rosa"),
        (PROVIDER_LOG.action, "off", "until soon", "desligado → soon"),
    ],
)
def test_settings_are_said_in_words(language: str, action: str, before: str, after: str, portuguese: str) -> None:
    text = audit_text.change(record(1, action=action, before={"value": before}, after={"value": after}))
    assert text == portuguese or language == "en"
    assert "until" not in text or language == "en"


def test_the_end_of_a_detailed_log_is_a_time() -> None:
    on = record(1, action=PROVIDER_LOG.action, before={}, after={"value": f"until {NOON.isoformat()}"})
    on = replace(on, at=NOON - timedelta(hours=1))
    assert audit_text.change(on).endswith(f"{NOON.astimezone():%H:%M}")


@pytest.mark.parametrize("place", SecretBackendKind)
def test_every_place_of_secrets_has_words(place: SecretBackendKind) -> None:
    change = record(1, action=AuditAction.SET_SECRETS_PLACE, before={}, after={"place": place.value})
    assert audit_text.change(change) != place.value


def test_why_it_failed_is_a_sentence_and_what_was_typed_is_quoted() -> None:
    assert audit_text.reason(record(1, reason="passphrase_wrong")).endswith(".")
    assert "cancel" in audit_text.reason(record(1, reason="cancelled"))
    assert audit_text.reason(record(1, reason="trocou de chip")) == "“trocou de chip”"
    assert audit_text.reason(record(1)) == ""


@pytest.mark.parametrize("period", Period)
def test_every_period_has_words(period: Period) -> None:
    assert texts(f"audit.period.{period}")


def test_every_way_a_chain_breaks_has_its_own_sentence() -> None:
    """The phrases are the storage's; one that is new would be told in general words."""
    from inspect import getsource
    from re import findall

    items = set(findall(r'(?:found=|return )"([^"]+)"', getsource(storage)))
    assert items == set(audit_text._FOUND)
    lines = [audit_text.found(ChainBreak(number=1204, found=found)) for found in items]
    assert all(sentence.endswith(".") for sentence in lines)
    assert audit_text.found(ChainBreak(number=1, found="?")) not in lines


def test_credentials_and_queues_are_said_in_words_and_without_values(language: str) -> None:
    kept = record(1, before={}, after={"fields": "instance_id, instance_token", "checked": "good"})
    left = record(2, before={}, after={"queue": "leave", "messages": "3"})
    chosen = record(3, before={"provider": "whatsapp_web"}, after={"provider": "zapi"})
    assert [audit_text.change(each) for each in (kept, left, chosen)] == {
        "pt-BR": [
            "campos: ID da instância, Token da instância, conferência: aceitas pelo provedor",
            "fila: deixar como está, mensagens: 3",
            "provedor: WhatsApp Web → provedor: Z-API",
        ],
        "en": [
            "fields: Instance ID, Instance token, check: accepted by the provider",
            "queue: leave as it is, messages: 3",
            "provider: WhatsApp Web → provider: Z-API",
        ],
    }[language]


def test_who_did_what_is_a_phrase_with_its_result_and_reason(language: str) -> None:
    def phrase(outcome: AuditOutcome = AuditOutcome.DONE, **changed: object) -> str:
        return audit_text.account(record(1, outcome=outcome, **changed))

    accounts = {
        "pt-BR": [
            "por Rosa Prado",
            "iniciado por Rosa Prado, sem terminar",
            "pedido por Rosa Prado, depois cancelado",
            "tentado por Rosa Prado, sem sucesso · “a rede caiu”",
        ],
        "en": [
            "by Rosa Prado",
            "begun by Rosa Prado, not over",
            "asked for by Rosa Prado, then cancelled",
            "tried by Rosa Prado, and failed · “a rede caiu”",
        ],
    }
    assert [
        phrase(),
        phrase(AuditOutcome.BEGUN),
        phrase(AuditOutcome.DECLINED),
        phrase(AuditOutcome.FAILED, reason="a rede caiu"),
    ] == accounts[language]
    assert "Rosa" not in phrase(action=AuditAction.STOP_SENDING)
    assert phrase(before={}, after={}, actor=Actor(user="rosa")).endswith(" rosa")
    edited = phrase(action=AuditAction.EDIT_MENTORADO, before={"cohort": "T1"}, after={"cohort": "T2"})
    assert "T1 → " in edited
    assert edited.endswith("T2")


def test_a_program_that_had_a_session_open_is_named_in_words_and_with_a_time(language: str) -> None:
    owner = "process 4211 on recepcao, started 2026-01-05T09:30:00+00:00"
    taken = record(1, action=AuditAction.TAKE_OVER_SESSION, after={}, before={"owner": owner})
    overruled = record(
        2, action=AuditAction.TAKE_OVER_SESSION, after={}, before={"owner": f"{owner}; not proven dead, overruled"}
    )
    for entry in (taken, overruled):
        shown = audit_text.account(entry)
        assert "4211" in shown
        assert "recepcao" in shown
        assert "T09:30" not in shown
        assert ("process 4211" in shown) is (language == "en")
    assert "overruled" not in audit_text.account(overruled)
    for other in ("recepcao, 2026-01-05 09:30 UTC, PID 4211", "process 1 on x, started later"):
        shown = audit_text.change(record(3, action=AuditAction.TAKE_OVER_SESSION, after={}, before={"owner": other}))
        assert shown.endswith(("PID 4211", "later"))
