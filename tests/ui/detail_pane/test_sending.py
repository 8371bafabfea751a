"""Whether a number may send, beside every state, and the way to let one send again that was stopped."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditAction
from app.domain.link_status import LinkState, Reason, SendCapability
from app.domain.outbound import OutboundStop
from app.domain.sending import SendErrorKind
from app.text.send_state import countdown
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.detail_pane.harness import THIAGO, PaneHarness, pane_harness
from tests.ui.detail_pane.pane_controls import PAIRS, open_pane, words

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

S, C = LinkState, SendCapability


@pytest.fixture(autouse=True)
def in_portuguese() -> None:
    texts.set_language("pt-BR")


async def stop(harness: PaneHarness, trouble: SendErrorKind = SendErrorKind.POLICY_BLOCK) -> OutboundStop:
    """The provider refused a message: read from the record, as at a start or after another program's commit."""
    link = harness.mentorados.get(THIAGO).link.id
    found = OutboundStop(link_id=link, trouble=trouble, code="463", at=harness.clock.now())
    await harness.core.outbound_record.stop(found)
    await harness.core.outbound.load()
    return found


@pytest.mark.parametrize(
    ("state", "capability", "what", "may"),
    [
        (S.CONNECTED, C.OK, "Sem restrição de envio conhecida", "Novas conversas e respostas"),
        (S.CONNECTED, C.RESTRICTED, "Envio restrito", "Só respostas em conversas abertas"),
        (S.CONNECTED, C.BLOCKED, "Envio bloqueado", "A conexão recebe; nem respostas saem"),
        (S.CONNECTED, C.UNKNOWN, "Envio não confirmado", "Mensagens são tentadas; um smoke test prova"),
        (S.BLOCKED, C.BLOCKED, "Não envia", "Nada sai enquanto a conexão estiver parada"),
        (S.UNKNOWN, C.UNKNOWN, "Envio não confirmado", "Nada sai até o provedor responder"),
        (S.OFF, C.UNKNOWN, "Não envia agora", "Nada sai sem conexão"),
    ],
)
async def test_beside_the_state_stands_what_the_number_may_send(
    theme: Theme, state: LinkState, capability: SendCapability, what: str, may: str
) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(state, capability=capability)
        line = harness.pane._content.send_line
        assert (line.what.text(), line.may.text()) == (what, may)
        assert line.accessibleName() == f"{what}. {may}"


async def test_it_stands_beside_every_state_and_reason(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        for state, reason in PAIRS:
            shown: dict[str, Any] = {"qr": harness.code()} if state is S.QR_READY and reason is Reason.NONE else {}
            harness.put(state, reason, **shown)
            assert harness.pane._content.send_line.isVisible(), (state, reason)
            assert harness.pane._content.send_line.what.text(), (state, reason)


async def test_a_restriction_counts_down_and_nothing_else_is_drawn_anew(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(S.CONNECTED, capability=C.RESTRICTED, until=harness.ago(minutes=-30))
        await settle()
        content = harness.pane._content
        line, lead, view = content.send_line, content.lead._lead, harness.pane._view
        assert line.what.text() == "Envio restrito · faltam 30:00 min"
        await harness.clock.advance(1)
        harness.pane._tick()
        assert line.what.text() == "Envio restrito · faltam 29:59 min"
        assert content.lead._lead is lead
        assert harness.pane._view is view
        await harness.clock.advance(30 * 60)
        harness.pane._tick()
        assert line.what.text() == "Envio restrito · o prazo acabou, verificando"


def test_a_countdown_is_exact_to_the_second_in_its_last_hour() -> None:
    assert countdown(1) == "faltam 0:01 min"
    assert countdown(3_599.2) == "faltam 1 h 0 min"
    assert countdown(5 * 3_600 + 61) == "faltam 5 h 1 min"
    assert countdown(3 * 86_400 + 7_200) == "faltam 3 dias 2 h"


@pytest.mark.parametrize("yes", [True, False])
async def test_a_stop_shows_its_reason_and_is_released_only_after_that_was_read(theme: Theme, yes: bool) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(S.CONNECTED)
        content = harness.pane._content
        assert content.stop.isHidden()
        assert harness.actions.unavailable_reason(ActionName.RELEASE_SENDING, THIAGO) is (
            UnavailableReason.NOTHING_STOPPED
        )
        await stop(harness)
        assert content.state._badge.accessibleName() == "Conectado · envio parado"
        assert content.send_line.what.text() == "Envio parado"
        assert "O WhatsApp recusou a mensagem pelas suas regras." in content.stop.accessibleName()
        assert "Código do provedor: 463" in words(harness)
        assert "A conexão está aberta e recebe. O envio está parado." in words(harness)
        assert harness.actions.unavailable_reason(ActionName.SMOKE_TEST, THIAGO) is UnavailableReason.SENDING_STOPPED
        content.stop.release.click()
        await settle()
        (sheet,) = harness.pane.findChildren(ConfirmDialog)
        assert sheet.title.text() == "Liberar os envios do número de Thiago Torquato?"
        assert "O WhatsApp recusou a mensagem pelas suas regras." in sheet.accessibleDescription()
        assert sheet.cancel.hasFocus()
        (sheet.confirm if yes else sheet.cancel).click()
        await settle()
        assert content.stop.isHidden() is yes
        assert (harness.core.outbound.stopped(THIAGO) is None) is yes
        done = [entry.record.action for entry in harness.core.audit.entries_]
        assert done.count(AuditAction.RELEASE_SENDING) == yes


async def test_a_stop_is_shown_while_the_link_is_off_too(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        await stop(harness, SendErrorKind.BILLING)
        open_pane(harness)
        content = harness.pane._content
        assert content.state._badge.accessibleName() == "Desligado"
        assert content.send_line.what.text() == "Envio parado"
        assert content.stop.isVisible()
