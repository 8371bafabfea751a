"""Every deed has words, and every value that it changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain

import pytest

from app.core.action import ActionName
from app.domain.audit import AuditOutcome, BrokenLink
from app.domain.connection import LinkState, Reason
from app.domain.deeds import DeedName
from app.domain.secrets import SecretsPlace
from app.storage import audit as storage
from app.ui.audit_page import words
from app.ui.audit_page.reading import Period
from app.ui.catalogue import LANGUAGES, load
from app.ui.text import texts
from app.ui.tokens import Tone
from tests.ui.audit_page.conftest import deed
from tests.ui.stage import NOON


@pytest.fixture(params=LANGUAGES, autouse=True)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    texts.set_language(str(request.param))
    yield str(request.param)
    texts.set_language("pt-BR")


def test_every_deed_has_words_and_a_picture(language: str) -> None:
    known = load(language)
    lacking = [name for name in chain(ActionName, DeedName) if f"audit.action.{name}" not in known]
    assert lacking == []
    named = {key.removeprefix("audit.action.") for key in known if key.startswith("audit.action.")}
    assert named == {*ActionName, *DeedName}


def test_a_deed_of_a_newer_version_shows_its_code() -> None:
    assert words.what("from_the_future") == "from_the_future"
    strange = deed(1, before={"state": "floating", "reason": "wind"}, after={"height": "3"})
    assert words.change(strange) == "floating · wind → height: 3"


@pytest.mark.parametrize("outcome", AuditOutcome)
def test_every_outcome_has_a_word_a_tone_and_a_picture(outcome: AuditOutcome) -> None:
    assert words.outcome(outcome)
    assert words.OUTCOME_TONE[outcome]
    assert words.OUTCOME_ICON[outcome]


def test_states_are_said_as_on_their_badges() -> None:
    for state in LinkState:
        for reason in Reason:
            side = words.sides(deed(1, after={"state": state.value, "reason": reason.value}))[1]
            assert side is not None
            assert side.words
            assert isinstance(side.tone, Tone)


def test_a_number_that_was_seen_stands_beside_the_state() -> None:
    wrong = deed(1, after={"state": "blocked", "reason": "wrong_account", "account": "+55…21"})
    assert words.change(wrong).endswith("· +55…21")


def test_what_did_not_change_is_said_once() -> None:
    same = deed(1, after={"state": "connected", "reason": "none"})
    assert words.sides(same)[0] is None
    assert "→" not in words.change(same)


@pytest.mark.parametrize("moment", ["began", "done", "undone"])
def test_the_entries_of_a_procedure_say_which_they_are(moment: str) -> None:
    after = {"state": "connected", "reason": "none", "procedure": "f" * 32, "moment": moment}
    entry = deed(1, action=ActionName.RECOVER, before={"state": "blocked", "reason": "logged_out"}, after=after)
    assert words.change(entry).startswith(texts(f"audit.moment.{moment}"))
    assert "f" * 32 not in words.change(entry)


@pytest.mark.parametrize(
    ("action", "before", "after", "portuguese"),
    [
        (DeedName.SET_RETENTION, "off", "90", "guardar tudo → 90 dias"),
        (DeedName.SET_RETENTION, "1", "off", "1 dia → guardar tudo"),
        (DeedName.SET_OPERATOR_NAME, "", "Rosa", "sem nome → Rosa"),
        (DeedName.SET_PROVIDER_LOG, "off", "until soon", "desligado → soon"),
    ],
)
def test_settings_are_said_in_words(language: str, action: str, before: str, after: str, portuguese: str) -> None:
    said = words.change(deed(1, action=action, before={"value": before}, after={"value": after}))
    assert said == portuguese or language == "en"
    assert "until" not in said or language == "en"


def test_the_end_of_a_detailed_log_is_a_time() -> None:
    on = deed(1, action=DeedName.SET_PROVIDER_LOG, before={}, after={"value": f"until {NOON.isoformat()}"})
    on = replace(on, at=NOON - timedelta(hours=1))
    assert words.change(on).endswith(f"{NOON.astimezone():%H:%M}")


@pytest.mark.parametrize("place", SecretsPlace)
def test_every_place_of_secrets_has_words(place: SecretsPlace) -> None:
    change = deed(1, action=DeedName.SET_SECRETS_PLACE, before={}, after={"place": place.value})
    assert words.change(change) != place.value


def test_why_it_failed_is_a_sentence_and_what_was_typed_is_quoted() -> None:
    assert words.reason(deed(1, reason="passphrase_wrong")).endswith(".")
    assert "cancel" in words.reason(deed(1, reason="cancelled"))
    assert words.reason(deed(1, reason="trocou de chip")) == "“trocou de chip”"
    assert words.reason(deed(1)) == ""


@pytest.mark.parametrize("period", Period)
def test_every_period_has_words(period: Period) -> None:
    assert texts(f"audit.period.{period}")


def test_every_way_a_chain_breaks_has_its_own_sentence() -> None:
    """The phrases are the storage's; one that is new would be told in general words."""
    from inspect import getsource
    from re import findall

    told = set(findall(r'(?:found=|return )"([^"]+)"', getsource(storage)))
    assert told == set(words._FOUND)
    said = [words.found(BrokenLink(number=1204, found=found)) for found in told]
    assert all(sentence.endswith(".") for sentence in said)
    assert words.found(BrokenLink(number=1, found="?")) not in said


def test_credentials_and_queues_are_said_in_words_and_without_values(language: str) -> None:
    kept = deed(1, before={}, after={"fields": "instance_id, instance_token", "checked": "good"})
    left = deed(2, before={}, after={"queue": "leave", "messages": "3"})
    chosen = deed(3, before={"provider": "whatsapp_web"}, after={"provider": "zapi"})
    assert [words.change(each) for each in (kept, left, chosen)] == {
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
