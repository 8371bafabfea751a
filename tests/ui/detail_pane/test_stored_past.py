"""What the database knows from before the program began is shown, and nothing is claimed before it was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.actions import ActionName
from app.domain.audit import Actor, AuditAction, AuditEntry, AuditOutcome, AuditRecord
from app.domain.link_status import LinkState, Reason
from app.domain.messages import LastMessages
from app.text.status import LANGUAGES, texts
from app.ui.detail_pane.timeline import SHOWN
from app.ui.theme.theme import Theme
from tests.clock import DAWN, settle
from tests.ui.detail_pane.harness import LUIZA, OTHER_NUMBER, THIAGO, PaneHarness, pane_harness, people, unpaired
from tests.ui.detail_pane.pane_controls import PAIRS, open_pane, words


def evidence(harness: PaneHarness) -> dict[str, str]:
    return {name: value.text() for name, value in harness.pane._content.evidence._values.items()}


async def test_the_last_message_and_confirmation_are_known_after_a_restart(theme: Theme) -> None:
    last = LastMessages(received=DAWN - timedelta(hours=3), confirmed=DAWN - timedelta(hours=5))
    async with pane_harness(theme, last=last) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED, evidence=harness.evidence(connected_since=60))
        await settle()
        shown = evidence(harness)
        assert shown["last_inbound"] == "há 3 h"
        assert shown["last_ack"] == "de mensagem enviada há 5 h"
        assert shown["last_backup"] == "ainda não"
        harness.put(LinkState.CONNECTED, evidence=harness.evidence(last_inbound=60, last_ack=120))
        shown = evidence(harness)
        assert (shown["last_inbound"], shown["last_ack"]) == ("há 1 min", "há 2 min")


async def test_a_message_that_claims_to_be_from_the_future_is_not_from_now(theme: Theme) -> None:
    last = LastMessages(received=DAWN + timedelta(hours=3), confirmed=DAWN + timedelta(hours=5))
    async with pane_harness(theme, last=last) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED, evidence=harness.evidence(last_inbound=60))
        await settle()
        shown = evidence(harness)
        assert (shown["last_inbound"], shown["last_ack"]) == ("há 1 min", "ainda não")


async def test_what_is_not_read_yet_is_neither_there_nor_missing(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED, mentorado_id=LUIZA)
        await settle()
        harness.pane.show_mentorado(LUIZA)
        assert {name for name, text in evidence(harness).items() if text == "…"} == {
            "last_inbound",
            "last_ack",
            "last_backup",
        }
        await settle()
        assert "…" not in evidence(harness).values()


async def test_an_accepted_other_number_is_told_with_who_accepted_it(theme: Theme) -> None:
    thiago, luiza = people()
    thiago = replace(thiago, link=replace(thiago.link, account=OTHER_NUMBER, accepted_account=OTHER_NUMBER))
    async with pane_harness(theme, thiago, luiza) as harness:
        await harness.core.audit.record(
            AuditRecord(
                at=DAWN,
                actor=Actor(user="rita", operator="Rita Alves"),
                action=ActionName.ACCEPT_ACCOUNT,
                mentorado_id=THIAGO,
            )
        )
        open_pane(harness)
        await settle()
        shown = words(harness).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NON-BREAKING HYPHEN}", "-")
        assert "Conecta com outro número: +55 11 91234-4321, aceito por Rita Alves" in shown
        harness.pane._content.details._copy.click()
        copied = QGuiApplication.clipboard().text()
        assert "accepted account +55" in copied
        assert "4321" not in copied
        harness.pane.show_mentorado(LUIZA)
        await settle()
        assert "outro número" not in words(harness)


async def test_never_connected_is_told_apart_from_switched_off(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        open_pane(harness)
        badge = harness.pane._content.state._badge
        assert badge.accessibleName() == "Nunca conectado"
        assert "Esta conexão ainda não foi feita." in words(harness)
        texts.set_language("en")
        assert badge.accessibleName() == "Never connected"
        texts.set_language("pt-BR")
    async with pane_harness(theme) as harness:
        open_pane(harness)
        assert harness.pane._content.state._badge.accessibleName() == "Desligado"


async def test_what_people_did_stands_in_the_timeline_and_appears_while_somebody_looks(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        await harness.core.audit.record(
            AuditRecord(
                at=DAWN - timedelta(hours=2),
                actor=Actor(user="rita", operator="Rita Alves"),
                action=AuditAction.EDIT_MENTORADO,
                mentorado_id=THIAGO,
                before={"cohort": "Turma 1"},
                after={"cohort": "Turma 2"},
            )
        )
        open_pane(harness)
        await settle()
        timeline = harness.pane._content.timeline
        assert "Cadastro editado | por Rita Alves · turma: Turma 1 → turma: Turma 2" in words(harness)
        await harness.core.do(ActionName.CONNECT, harness.mentorados.get(THIAGO))
        await settle()
        assert "Conectar | por staff" in words(harness)
        texts.set_language("en")
        assert "Connect | by staff" in words(harness)
        texts.set_language("pt-BR")
        await harness.core.audit.record(
            AuditRecord(at=DAWN, actor=Actor(user="x"), action=ActionName.ARCHIVE, mentorado_id=LUIZA)
        )
        harness.pane.show_mentorado(LUIZA)
        await settle()
        acts = [event.record.action for _at, event in timeline.events if isinstance(event, AuditEntry)]
        assert acts == [ActionName.ARCHIVE]


async def test_the_beginning_of_an_act_leaves_the_timeline_when_it_ends(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        thiago, audit_service = harness.mentorados.get(THIAGO), harness.core.audit_service
        timeline = harness.pane._content.timeline
        async with audit_service.around(ActionName.LIFT_BAN, thiago):
            open_pane(harness)
            await settle()
            assert "iniciado por staff, sem terminar" in words(harness)
        await settle()
        acts = [event.record.outcome for _at, event in timeline.events if isinstance(event, AuditEntry)]
        assert acts == [AuditOutcome.DONE]
        assert "sem terminar" not in words(harness)
        for _number in range(SHOWN):
            audit_service.record(AuditAction.EDIT_MENTORADO, thiago)
        await settle(50)
        assert sum(row.isVisible() for row in timeline._rows) == SHOWN


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_details_are_in_words_and_what_is_copied_has_the_codes(theme: Theme, language: str) -> None:
    texts.set_language(language)
    try:
        async with pane_harness(theme) as harness:
            open_pane(harness)
            details = harness.pane._content.details
            for state, reason in PAIRS:
                harness.put(state, reason, detail=f"{reason}: 402")
                line = details.line.text()
                assert line.endswith(" · 402")
                assert not {str(state), str(reason)} & set(line.split(" · "))
                details._copy.click()
                assert QGuiApplication.clipboard().text().startswith(str(state))
                if reason is not Reason.NONE:
                    assert f" · {reason} · " in QGuiApplication.clipboard().text()
    finally:
        texts.set_language("pt-BR")


async def test_a_link_that_never_connected_is_not_said_to_come_back(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        open_pane(harness)
        badge = harness.pane._content.state._badge
        for reason in (Reason.NETWORK_DOWN, Reason.SERVER_UNAVAILABLE, Reason.STREAM_ERROR, Reason.PROXY_REFUSED):
            harness.put(LinkState.RECONNECTING, reason)
            assert badge.accessibleName() == "Conectando"
            assert "volta" not in words(harness)
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.RECONNECTING, Reason.NETWORK_DOWN)
        assert harness.pane._content.state._badge.accessibleName() == "Reconectando"


async def test_while_it_signs_in_there_is_no_code_on_the_badge(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        badge = harness.pane._content.state._badge
        harness.show_code(replace(harness.code(), typed="ABCD-0001"))
        assert badge._icon == "key"
        harness.put(LinkState.QR_READY, Reason.SIGNING_IN)
        assert badge._icon == "refresh"
