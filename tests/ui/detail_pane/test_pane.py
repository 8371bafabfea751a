"""The pane over the real core: what it shows of each state, what it offers, and that it keeps up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QAbstractButton, QPushButton

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import DeliverySetAside, MessagesErased
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, recommend
from app.domain.link_status import (
    HostPlacement,
    LinkState,
    LinkStatus,
    Reason,
    Retry,
    Trigger,
)
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.messages import SetAsideReason
from app.domain.repositories import Transition
from app.domain.set_aside import SetAsideCount
from app.text.conversation import size
from app.text.status import refusal, sentence, texts
from app.ui.async_slots import show_error
from app.ui.detail_pane.pairing import Stage
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.controls import read_aloud, spoken
from tests.ui.detail_pane.codes import LINK
from tests.ui.detail_pane.harness import LUIZA, OTHER_NUMBER, THIAGO, PaneHarness, pane_harness, people, unpaired
from tests.ui.detail_pane.pane_controls import PAIRS, card, open_pane, statuses, words

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.mark.within(60)
async def test_every_state_shows_its_sentence_and_one_thing_to_do(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        for state, reason in PAIRS:
            code: dict[str, Any] = (
                {"qr": harness.code()} if (state, reason) == (LinkState.QR_READY, Reason.NONE) else {}
            )
            harness.put(state, reason, **code)
            await settle(2)
            check_lead(harness, state, reason)


def check_lead(harness: PaneHarness, state: LinkState, reason: Reason) -> None:
    about, shown = (state, reason), words(harness)
    text = sentence(harness.status(), harness.mentorados.get(THIAGO), harness.clock.now())
    code_lives = harness.pane._content.code_lives  # then the steps beside it say what to do
    assert (read_aloud(text) in shown) is not code_lives, about
    wanted = RECOMMENDED_ACTION[recommend(state, reason)]
    waits = state is LinkState.BLOCKED and recommend(state, reason) is Recommendation.WAIT
    if waits and not harness.actions.unavailable_reason(ActionName.CONNECT, THIAGO):
        wanted = ActionName.CONNECT
    buttons = harness.pane.findChildren(QPushButton)
    primary = [each for each in buttons if each.isVisible() and each.property("role") == "primary"]
    assert len(primary) == (wanted is not None), about
    if wanted is not None:
        why = harness.actions.unavailable_reason(wanted, THIAGO)
        assert primary[0].isEnabled() is (why is None), about
        assert why is None or refusal(why) in shown, about
    elif state is LinkState.BLOCKED and reason is not Reason.TEMPORARY_BAN:
        assert texts(f"next.{recommend(state, reason)}") in shown, about


async def test_nobody_chosen_is_an_invitation(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        harness.pane.show()
        assert "Escolha um mentorado" in words(harness)
        harness.pane.show_mentorado(THIAGO)
        assert "Thiago Torquato" in words(harness)
        assert "+55 98 98301-5662" in words(harness)
        harness.pane.show_mentorado(None)
        assert "Escolha um mentorado" in words(harness)


async def test_the_state_follows_the_link_and_the_pane_stays_with_its_mentorado(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED)
        assert harness.pane._content.state._badge.accessibleName() == "Conectado"
        harness.put(LinkState.BLOCKED, Reason.BANNED, mentorado_id=LUIZA)
        assert harness.pane._content.state._badge.accessibleName() == "Conectado"
        harness.pane.show_mentorado(LUIZA)
        assert harness.pane._content.state._badge.accessibleName() == "Banido"


async def test_an_edit_shows_at_once(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        await harness.mentorados.edit(THIAGO, "Thiago T. Torquato", "+5598983015662", "Turma 13")
        assert "Thiago T. Torquato" in words(harness)
        assert "Turma 13" in words(harness)


async def test_the_edit_button_asks_for_the_one_on_show(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        asked = QSignalSpy(harness.pane.edit_requested)
        (edit,) = [b for b in harness.pane.findChildren(QPushButton) if spoken(b) == "Editar cadastro"]
        edit.click()
        assert asked.count() == 1
        assert asked.at(0) == [THIAGO]


async def test_the_way_back_is_there_where_the_pane_is_a_side_panel(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        left: list[str] = []
        harness.pane.back_requested.connect(lambda: left.append("left"))
        (back,) = [b for b in harness.pane.findChildren(QPushButton) if b.accessibleName() == "Voltar à lista"]
        assert not back.isVisible()
        harness.pane.set_back_visible(True)
        back.click()
        assert left == ["left"]


async def test_the_next_try_counts_down_by_itself(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        at = harness.clock.now() + timedelta(seconds=8)
        harness.put(LinkState.RECONNECTING, Reason.NETWORK_DOWN, retry=Retry(3, at))
        assert "Próxima tentativa em 8 s." in words(harness)
        await harness.clock.advance(5)
        async with asyncio.timeout(3):
            while "Próxima tentativa em 3 s." not in words(harness):
                await asyncio.sleep(0.05)


async def test_a_suspension_counts_down_and_offers_to_connect_once_it_is_over(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        until = harness.clock.now() + timedelta(days=3, hours=1)
        harness.put(LinkState.BLOCKED, Reason.TEMPORARY_BAN, until=until, detail="402")
        assert "Faltam 3 dias" in words(harness)
        assert not harness.pane._content.lead.button.isVisible()
        assert card(harness, ActionName.CONNECT).locked
        harness.clock.time = until - timedelta(minutes=1)
        harness.pane._refresh()
        assert "Falta 1 min" in words(harness)
        harness.clock.time = until
        harness.pane._refresh()
        assert harness.pane._content.lead.button.text() == "Conectar"
        assert not card(harness, ActionName.CONNECT).locked


async def test_the_details_for_support_can_be_selected(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.BLOCKED, Reason.TEMPORARY_BAN, detail="402")
        assert "Suspenso · 402" in words(harness)
        flags = harness.pane._content.details.line.textInteractionFlags()
        assert flags & Qt.TextInteractionFlag.TextSelectableByMouse
        (copy,) = [b for b in harness.pane.findChildren(QPushButton) if spoken(b) == "Copiar os detalhes"]
        copy.click()
        copied = QGuiApplication.clipboard().text()
        assert "blocked · temporary_ban · 402 · whatsapp_web" in copied
        assert harness.mentorados.get(THIAGO).link.id in copied
        assert "Thiago" not in copied
        assert "5662" not in copied


async def test_the_evidence_says_what_exists_and_what_never_came(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.CONNECTED, evidence=harness.evidence(connected_since=60, last_inbound=180))
        values = harness.pane._content.evidence._values
        assert values["last_inbound"].text() == "há 3 min"
        assert values["last_ack"].text() == "…", "nothing is said before it was read"
        await settle()
        assert values["last_ack"].text() == "ainda não"
        assert values["connected_since"].text() != "ainda não"
        assert "ainda não" in words(harness)
        harness.put(LinkState.RECONNECTING, evidence=harness.evidence(last_inbound=180))
        assert "há 3 min" in words(harness)
        assert "ainda não" not in words(harness), "it would be wrong of a link that was connected before"
        harness.put(LinkState.OFF)
        assert not harness.pane._content.evidence.isVisible()
        harness.show_code(harness.code())
        assert not harness.pane._content.evidence.isVisible()


async def test_the_evidence_says_which_process_a_session_is_in_while_it_is_connected(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        card = harness.pane._content.evidence
        for host, words, why in (
            (HostPlacement(pid=7, others=7, memory=32_000_000), f"8 sessões · {size(32_000_000)}", ""),
            (HostPlacement(pid=7), "1 sessão", ""),
            (HostPlacement(pid=7, kept_alone=True), "isolada", texts("detail.host_alone_why")),
        ):
            signs = replace(harness.evidence(connected_since=60, host_answered=2), host=host)
            harness.put(LinkState.CONNECTED, evidence=signs)
            assert card._values["host"].text() == words
            assert why in card._pairs["host"].toolTip()
            assert bool(card._pairs["host"].toolTip()) is bool(why)
            assert card._values["host"].accessibleDescription() == why
        harness.put(LinkState.RECONNECTING, evidence=signs)
        assert not card._pairs["host"].isVisible(), "it may be on its way to another"


async def test_what_happened_is_read_once_and_grows_with_what_happens(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        link = harness.mentorados.get(THIAGO).link.id
        at = harness.ago(hours=2)
        before = LinkStatus(state=LinkState.CONNECTED, since=at)
        lost = LinkStatus(state=LinkState.RECONNECTING, reason=Reason.NETWORK_DOWN, since=at)
        harness.log.lines.append(Transition(link_id=link, at=at, trigger=Trigger.LOST, before=before, after=lost))
        open_pane(harness)
        await settle()
        timeline = harness.pane._content.timeline
        assert [status.reason for status in statuses(timeline)] == [Reason.NETWORK_DOWN]
        assert "Reconectando | Sem internet" in words(harness)
        harness.put(LinkState.CONNECTED)
        harness.put(LinkState.CONNECTED, evidence=harness.evidence(last_ack=0))
        assert [status.state for status in statuses(timeline)] == [LinkState.CONNECTED, LinkState.RECONNECTING]
        harness.pane.show_mentorado(LUIZA)
        assert timeline.events == ()


async def test_archived_people_are_shown_as_such(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        await harness.mentorados.archive(THIAGO)
        assert harness.pane._content.lead.button.text() == "Trazer de volta"
        harness.pane._content.lead.button.click()
        await settle()
        assert not harness.mentorados.get(THIAGO).archived


async def test_somebody_who_is_gone_after_a_reload_leaves_the_invitation(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        del harness.mentorado_repository.mentorados[THIAGO]
        await harness.mentorados.load()
        assert "Escolha um mentorado" in words(harness)


async def test_everything_changes_language_and_dress_at_once(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.show_code(harness.code(2))
        portuguese = words(harness)
        texts.set_language("en")
        english = words(harness)
        assert "Waiting for QR" in english
        assert "code 2 of 6" in english
        kept = {"Thiago Torquato", "+55 98 98301-5662", "Turma 12 · Tráfego", "qr_ready", "00:00"}
        same = set(portuguese.split(" | ")) & set(english.split(" | "))
        assert same <= kept, "something was not translated"
        before = harness.pane.grab().toImage().pixelColor(5, 5)
        theme.set_mode(Mode.DARK)
        assert harness.pane.grab().toImage().pixelColor(5, 5) != before
        texts.set_language("pt-BR")
        await settle()


async def test_a_pane_that_is_gone_hears_no_more(theme: Theme) -> None:
    listeners = len(texts._listeners)
    async with pane_harness(theme) as harness:
        open_pane(harness)
        await settle()
        bus = harness.bus
        subscribed = sum(map(len, bus._listeners.values()))
        assert len(texts._listeners) == listeners + 1
    await asyncio.sleep(0.01)
    assert sum(map(len, bus._listeners.values())) == subscribed - 18
    assert len(texts._listeners) == listeners


@pytest.mark.within(60)
@pytest.mark.parametrize("scale", [100, 150, 200])
@pytest.mark.parametrize("language", ["pt-BR", "en"])
async def test_nothing_is_wider_than_the_pane_at_any_text_size(theme: Theme, scale: int, language: str) -> None:
    theme.set_text_scale(scale)
    texts.set_language(language)
    async with pane_harness(theme, unpaired(people()[0]), *people()[1:]) as harness:
        open_pane(harness)
        width = theme.px(364)
        for state, reason in PAIRS:
            harness.put(state, reason)
            assert harness.pane.minimumSizeHint().width() <= width, (state, reason)


async def test_the_code_is_in_no_name_or_description(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.show_code(harness.code())
        panel = harness.pane._content.pairing
        while not panel._plate.readable:
            await asyncio.sleep(0.001)
        assert panel.stage is Stage.CODE
        for widget in harness.pane.findChildren(QAbstractButton):
            lines = (spoken(widget), widget.accessibleDescription(), widget.toolTip(), widget.text())
            assert not any(LINK in each for each in lines)


async def test_tab_goes_from_top_to_bottom(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        harness.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        show_error(harness.pane, Problem(ProblemCode.ENGINE_MISSING))
        await settle()
        stops, at = [], harness.pane.nextInFocusChain()
        while at is not None and at is not harness.pane:
            if isinstance(at, QAbstractButton) and at.isVisible() and at.isEnabled():
                stops.append(at.mapTo(harness.pane, at.rect().center()).y())
            at = at.nextInFocusChain()
        assert len(stops) >= 5
        assert stops == sorted(stops)


async def test_a_screen_reader_is_told_what_moved(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        QAccessible.setActive(True)
        try:
            harness.put(LinkState.CONNECTED)
        finally:
            QAccessible.setActive(False)


async def test_nothing_moves_sideways_when_the_scroll_bar_appears(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        card_ = harness.pane._content.action_cards.cards[0]
        harness.pane.resize(364, 1400)
        await settle()
        tall = (card_.mapTo(harness.pane, card_.rect().topLeft()).x(), card_.width())
        assert not harness.pane._pages.scroll.verticalScrollBar().isVisible()
        harness.pane.resize(364, 400)
        await settle()
        assert harness.pane._pages.scroll.verticalScrollBar().isVisible()
        assert (card_.mapTo(harness.pane, card_.rect().topLeft()).x(), card_.width()) == tall


def test_what_was_delivered_and_not_taken_in_is_counted_with_its_reason_and_follows_what_happens(
    on_qt: OnQt, theme: Theme
) -> None:
    async def use() -> None:
        async with pane_harness(theme) as harness:
            link_id = harness.mentorados.get(THIAGO).link.id

            def counted(kind: str, reason: SetAsideReason, count: int, whose: MentoradoId = THIAGO) -> SetAsideCount:
                return SetAsideCount(
                    link_id=link_id,
                    mentorado_id=whose,
                    provider=ProviderKind.META_CLOUD,
                    kind=kind,
                    reason=reason,
                    count=count,
                    last=harness.ago(minutes=5),
                )

            harness.set_aside.counted = [counted("calls", SetAsideReason.NOT_UNDERSTOOD, 9, LUIZA)]
            open_pane(harness)
            await settle()
            assert "não entr" not in words(harness)
            harness.set_aside.counted += [
                counted("history", SetAsideReason.NOT_UNDERSTOOD, 2),
                counted("message", SetAsideReason.NOT_STORABLE, 1),
            ]
            harness.bus.publish(DeliverySetAside(THIAGO, link_id))
            await settle()
            text = words(harness)
            assert "3 entregas não entraram no histórico:" in text
            assert "conecta set-aside" in text
            assert "“history”: esta versão do Conecta não sabe o que significa (2×" in text
            assert "Uma mensagem: o banco de dados não consegue guardar do jeito que chegou (1×" in text
            harness.set_aside.counted = []
            harness.bus.publish(MessagesErased(None))
            await settle()
            assert "não entraram" not in words(harness)

    on_qt(use)
