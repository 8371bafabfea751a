"""The pane over the real core: what it shows of each state, what it offers, and that it keeps up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import DeliverySetAside, MessagesErased
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation, recommend
from app.domain.link_status import (
    LinkState,
    LinkStatus,
    Reason,
    Retry,
)
from app.domain.mentorado import MentoradoId, ProviderKind
from app.domain.messages import SetAsideReason
from app.domain.repositories import Transition
from app.domain.set_aside import SetAsideCount
from app.domain.state_machine import Trigger
from app.text.signs import ACTION_ICON
from app.text.status import refusal, sentence, texts
from app.ui.detail_pane.action_cards import ActionCard
from app.ui.detail_pane.pairing import Stage
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach, read_aloud, spoken
from tests.ui.detail.codes import LINK
from tests.ui.detail.scene import LUIZA, OTHER_NUMBER, THIAGO, Scene, people, scene, unpaired

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

PAIRS = [(state, Reason.NONE) for state in LinkState if state is not LinkState.BLOCKED] + [
    (LinkState.CONNECTING, Reason.WAITING_TURN),
    (LinkState.QR_READY, Reason.SIGNING_IN),
    *((LinkState.RECONNECTING, reason) for reason in (Reason.NETWORK_DOWN, Reason.KEEPALIVE_TIMEOUT)),
    *((LinkState.BLOCKED, reason) for reason in Reason),
]


def open_pane(stage: Scene) -> None:
    stage.pane.resize(364, 1200)
    stage.pane.show_mentorado(THIAGO)
    stage.pane.show()


def words(stage: Scene) -> str:
    labels = stage.pane.findChildren(QLabel)
    return read_aloud(" | ".join(label.text() for label in labels if label.isVisible() and label.text()))


def card(stage: Scene, name: ActionName) -> ActionCard:
    return next(each for each in stage.pane._content.action_cards.cards if each.name is name)


def press(stage: Scene, text: str) -> None:
    (found,) = [each for each in stage.pane.findChildren(QAbstractButton) if each.isVisible() and each.text() == text]
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


async def question(stage: Scene) -> ConfirmDialog:
    await settle()
    (sheet,) = stage.pane.findChildren(ConfirmDialog)
    return sheet


@pytest.mark.within(60)
async def test_every_state_shows_its_sentence_and_one_thing_to_do(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        for state, reason in PAIRS:
            code: dict[str, Any] = {"qr": stage.code()} if (state, reason) == (LinkState.QR_READY, Reason.NONE) else {}
            stage.put(state, reason, **code)
            await settle(2)
            check_lead(stage, state, reason)


def check_lead(stage: Scene, state: LinkState, reason: Reason) -> None:
    about, shown = (state, reason), words(stage)
    text = sentence(stage.status(), stage.mentorados.get(THIAGO), stage.clock.now())
    assert read_aloud(text) in shown, about
    wanted = RECOMMENDED_ACTION[recommend(state, reason)]
    waits = state is LinkState.BLOCKED and recommend(state, reason) is Recommendation.WAIT
    if waits and not stage.actions.unavailable_reason(ActionName.CONNECT, THIAGO):
        wanted = ActionName.CONNECT
    buttons = stage.pane.findChildren(QPushButton)
    primary = [each for each in buttons if each.isVisible() and each.property("role") == "primary"]
    assert len(primary) == (wanted is not None), about
    if wanted is not None:
        why = stage.actions.unavailable_reason(wanted, THIAGO)
        assert primary[0].isEnabled() is (why is None), about
        assert why is None or refusal(why) in shown, about
    elif state is LinkState.BLOCKED and reason is not Reason.TEMPORARY_BAN:
        assert texts(f"next.{recommend(state, reason)}") in shown, about


@pytest.mark.within(60)
async def test_a_card_that_does_not_fit_is_locked_and_says_why(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        plate = stage.pane._content.pairing._plate  # without a code there is nothing to press on it
        for state, reason in PAIRS:
            stage.put(state, reason)
            for each in stage.pane._content.action_cards.cards:
                why = stage.actions.unavailable_reason(each.name, THIAGO)
                assert each.isEnabled() is (why is None), (state, reason)
                assert why is None or refusal(why) in each.accessibleDescription(), (state, reason)
            assert nameless(stage.pane) == [], (state, reason)
            beyond = out_of_reach(stage.pane)
            assert [each for each in beyond if each is not plate or plate.readable] == [], (state, reason)


def test_every_action_has_an_icon() -> None:
    assert set(ACTION_ICON) == set(ActionName)


async def test_nobody_chosen_is_an_invitation(theme: Theme) -> None:
    async with scene(theme) as stage:
        stage.pane.show()
        assert "Escolha um mentorado" in words(stage)
        stage.pane.show_mentorado(THIAGO)
        assert "Thiago Torquato" in words(stage)
        assert "+55 98 98301-5662" in words(stage)
        stage.pane.show_mentorado(None)
        assert "Escolha um mentorado" in words(stage)


async def test_the_state_follows_the_link_and_the_pane_stays_with_its_mentorado(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.put(LinkState.CONNECTED)
        assert stage.pane._content.state._badge.accessibleName() == "Conectado"
        stage.put(LinkState.BLOCKED, Reason.BANNED, mentorado_id=LUIZA)
        assert stage.pane._content.state._badge.accessibleName() == "Conectado"
        stage.pane.show_mentorado(LUIZA)
        assert stage.pane._content.state._badge.accessibleName() == "Banido"


async def test_an_edit_shows_at_once(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        await stage.mentorados.edit(THIAGO, "Thiago T. Torquato", "+5598983015662", "Turma 13")
        assert "Thiago T. Torquato" in words(stage)
        assert "Turma 13" in words(stage)


async def test_the_edit_button_asks_for_the_one_on_show(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        asked = QSignalSpy(stage.pane.edit_requested)
        (edit,) = [b for b in stage.pane.findChildren(QPushButton) if spoken(b) == "Editar cadastro"]
        edit.click()
        assert asked.count() == 1
        assert asked.at(0) == [THIAGO]


async def test_the_way_back_is_there_where_the_pane_is_a_side_panel(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        left: list[str] = []
        stage.pane.back_requested.connect(lambda: left.append("left"))
        (back,) = [b for b in stage.pane.findChildren(QPushButton) if b.accessibleName() == "Voltar à lista"]
        assert not back.isVisible()
        stage.pane.set_back_visible(True)
        back.click()
        assert left == ["left"]


async def test_the_next_try_counts_down_by_itself(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        at = stage.clock.now() + timedelta(seconds=8)
        stage.put(LinkState.RECONNECTING, Reason.NETWORK_DOWN, retry=Retry(3, at))
        assert "Próxima tentativa em 8 s." in words(stage)
        await stage.clock.advance(5)
        async with asyncio.timeout(3):
            while "Próxima tentativa em 3 s." not in words(stage):
                await asyncio.sleep(0.05)


async def test_a_suspension_counts_down_and_offers_to_connect_once_it_is_over(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        until = stage.clock.now() + timedelta(days=3, hours=1)
        stage.put(LinkState.BLOCKED, Reason.TEMPORARY_BAN, until=until, detail="402")
        assert "Faltam 3 dias" in words(stage)
        assert not stage.pane._content.lead.button.isVisible()
        assert not card(stage, ActionName.CONNECT).isEnabled()
        stage.clock.time = until - timedelta(minutes=1)
        stage.pane._refresh()
        assert "Falta 1 min" in words(stage)
        stage.clock.time = until
        stage.pane._refresh()
        assert stage.pane._content.lead.button.text() == "Conectar"
        assert card(stage, ActionName.CONNECT).isEnabled()


async def test_the_details_for_support_can_be_selected(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.put(LinkState.BLOCKED, Reason.TEMPORARY_BAN, detail="402")
        assert "blocked · temporary_ban · 402" in words(stage)
        flags = stage.pane._content.details.line.textInteractionFlags()
        assert flags & Qt.TextInteractionFlag.TextSelectableByMouse
        (copy,) = [b for b in stage.pane.findChildren(QPushButton) if spoken(b) == "Copiar os detalhes"]
        copy.click()
        copied = QGuiApplication.clipboard().text()
        assert "blocked · temporary_ban · 402 · whatsapp_web" in copied
        assert stage.mentorados.get(THIAGO).link.id in copied
        assert "Thiago" not in copied
        assert "5662" not in copied


async def test_the_evidence_says_what_exists_and_what_never_came(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.put(LinkState.CONNECTED, evidence=stage.evidence(connected_since=60, last_inbound=180))
        values = stage.pane._content.evidence._values
        assert values["last_inbound"].text() == "há 3 min"
        assert values["last_ack"].text() == "ainda não"
        assert values["connected_since"].text() != "ainda não"
        assert "ainda não" in words(stage)
        stage.put(LinkState.RECONNECTING, evidence=stage.evidence(last_inbound=180))
        assert "há 3 min" in words(stage)
        assert "ainda não" not in words(stage), "it would be wrong of a link that was connected before"
        stage.put(LinkState.OFF)
        assert not stage.pane._content.evidence.isVisible()
        stage.show_code(stage.code())
        assert not stage.pane._content.evidence.isVisible()


async def test_what_happened_is_read_once_and_grows_with_what_happens(theme: Theme) -> None:
    async with scene(theme) as stage:
        link = stage.mentorados.get(THIAGO).link.id
        at = stage.ago(hours=2)
        before = LinkStatus(state=LinkState.CONNECTED, since=at)
        lost = LinkStatus(state=LinkState.RECONNECTING, reason=Reason.NETWORK_DOWN, since=at)
        stage.log.lines.append(Transition(link_id=link, at=at, trigger=Trigger.LOST, before=before, after=lost))
        open_pane(stage)
        await settle()
        timeline = stage.pane._content.timeline
        assert [status.reason for _at, status in timeline.events] == [Reason.NETWORK_DOWN]
        assert "Reconectando | Sem internet" in words(stage)
        stage.put(LinkState.CONNECTED)
        stage.put(LinkState.CONNECTED, evidence=stage.evidence(last_ack=0))
        assert [status.state for _at, status in timeline.events] == [LinkState.CONNECTED, LinkState.RECONNECTING]
        stage.pane.show_mentorado(LUIZA)
        assert timeline.events == ()


async def test_an_action_runs_from_its_card(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        QTest.keyClick(card(stage, ActionName.CONNECT), Qt.Key.Key_Return)
        await settle()
        assert stage.status().state is LinkState.CONNECTING
        assert len(stage.provider.lines) == 1


@pytest.mark.parametrize("sure", [True, False])
async def test_disconnecting_asks_first(theme: Theme, sure: bool) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.put(LinkState.CONNECTED)
        press(stage, "Desconectar")
        sheet = await question(stage)
        assert not card(stage, ActionName.DISCONNECT).isEnabled(), "not twice at once"
        (sheet.confirm if sure else sheet.cancel).click()
        await settle()
        assert stage.status().state is (LinkState.OFF if sure else LinkState.CONNECTED)


async def test_a_question_leaves_the_pane_where_it_was_and_gives_the_focus_back(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.pane.resize(364, 480)
        stage.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        await settle()
        button = stage.pane._content.lead._second
        stage.pane.activateWindow()
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)
        sheet = await question(stage)
        assert stage.pane._pages.scroll.verticalScrollBar().maximum() > 0
        assert stage.pane._pages.scroll.verticalScrollBar().value() == 0
        sheet.cancel.click()
        await settle()
        assert stage.pane.focusWidget() is button


async def test_the_wrong_phone_can_be_sent_away_or_accepted(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        assert "+55 11 91234-4321" in words(stage)
        press(stage, "Aceitar este número")
        sheet = await question(stage)
        assert read_aloud(sheet.title.text()) == "Aceitar +55 11 91234-4321 para Thiago Torquato?"
        sheet.cancel.click()
        await settle()
        press(stage, "Desconectar este celular")
        await settle()
        assert stage.provider.discarded == [], "nothing is unlinked before a yes"
        (sheet,) = [each for each in stage.pane.findChildren(ConfirmDialog) if each.isVisible()]
        sheet.confirm.click()
        await settle()
        assert stage.provider.discarded == [stage.mentorados.get(THIAGO).link.id]
        assert stage.status().state is LinkState.OFF


async def test_a_problem_shows_in_place_until_dismissed(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL, path="/data")
        text = texts("problem.database_disk_full.sentence", path="/data")
        press(stage, "Mais ações")
        press(stage, "Arquivar")
        (await question(stage)).confirm.click()
        await settle()
        assert text in words(stage)
        stage.pane.show_mentorado(LUIZA)
        assert text not in words(stage), "it was about somebody else"
        stage.pane.show_mentorado(THIAGO)
        assert text in words(stage)
        (dismiss,) = [b for b in stage.pane.findChildren(QPushButton) if spoken(b) == "Dispensar este aviso"]
        dismiss.click()
        assert text not in words(stage)


def test_a_bug_is_told_without_its_innards(
    on_qt: OnQt, theme: Theme, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_: object) -> None:
        raise ZeroDivisionError("innards")

    async def main() -> None:
        async with scene(theme) as stage:
            open_pane(stage)
            monkeypatch.setattr(stage.actions, "run", explode)
            card(stage, ActionName.CONNECT).click()
            await settle()
            assert texts("detail.crash") in words(stage)
            assert "innards" not in words(stage)
            assert "innards" in caplog.text

    on_qt(main)


async def test_a_problem_is_forgotten_once_the_link_moves_on(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.pane.show_problem(Problem(ProblemCode.ENGINE_MISSING))
        assert texts("problem.engine_missing.sentence") in words(stage)
        stage.put(LinkState.CONNECTED)
        assert texts("problem.engine_missing.sentence") not in words(stage)


async def test_archived_people_are_shown_as_such(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        await stage.mentorados.archive(THIAGO)
        assert stage.pane._content.lead.button.text() == "Trazer de volta"
        stage.pane._content.lead.button.click()
        await settle()
        assert not stage.mentorados.get(THIAGO).archived


async def test_somebody_who_is_gone_after_a_reload_leaves_the_invitation(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        del stage.mentorado_repository.mentorados[THIAGO]
        await stage.mentorados.load()
        assert "Escolha um mentorado" in words(stage)


async def test_everything_changes_language_and_dress_at_once(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.show_code(stage.code(2))
        portuguese = words(stage)
        texts.set_language("en")
        english = words(stage)
        assert "Waiting for QR" in english
        assert "code 2 of 6" in english
        kept = {"Thiago Torquato", "+55 98 98301-5662", "Turma 12 · Tráfego", "qr_ready", "00:00"}
        same = set(portuguese.split(" | ")) & set(english.split(" | "))
        assert same <= kept, "something was not translated"
        before = stage.pane.grab().toImage().pixelColor(5, 5)
        theme.set_mode(Mode.DARK)
        assert stage.pane.grab().toImage().pixelColor(5, 5) != before
        texts.set_language("pt-BR")
        await settle()


async def test_a_pane_that_is_gone_hears_no_more(theme: Theme) -> None:
    listeners = len(texts._listeners)
    async with scene(theme) as stage:
        open_pane(stage)
        await settle()
        bus = stage.bus
        subscribed = sum(map(len, bus._listeners.values()))
        assert len(texts._listeners) == listeners + 1
    await asyncio.sleep(0.01)
    assert sum(map(len, bus._listeners.values())) == subscribed - 7
    assert len(texts._listeners) == listeners


@pytest.mark.within(60)
@pytest.mark.parametrize("scale", [100, 150, 200])
@pytest.mark.parametrize("language", ["pt-BR", "en"])
async def test_nothing_is_wider_than_the_pane_at_any_text_size(theme: Theme, scale: int, language: str) -> None:
    theme.set_text_scale(scale)
    texts.set_language(language)
    async with scene(theme, unpaired(people()[0]), *people()[1:]) as stage:
        open_pane(stage)
        width = theme.px(364)
        for state, reason in PAIRS:
            stage.put(state, reason)
            assert stage.pane.minimumSizeHint().width() <= width, (state, reason)


async def test_the_code_is_in_no_name_or_description(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.show_code(stage.code())
        panel = stage.pane._content.pairing
        while not panel._plate.readable:
            await asyncio.sleep(0.001)
        assert panel.stage is Stage.CODE
        for widget in stage.pane.findChildren(QAbstractButton):
            lines = (spoken(widget), widget.accessibleDescription(), widget.toolTip(), widget.text())
            assert not any(LINK in each for each in lines)


async def test_tab_goes_from_top_to_bottom(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        stage.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        stage.pane.show_problem(Problem(ProblemCode.ENGINE_MISSING))
        await settle()
        stops, at = [], stage.pane.nextInFocusChain()
        while at is not None and at is not stage.pane:
            if isinstance(at, QAbstractButton) and at.isVisible() and at.isEnabled():
                stops.append(at.mapTo(stage.pane, at.rect().center()).y())
            at = at.nextInFocusChain()
        assert len(stops) >= 5
        assert stops == sorted(stops)


async def test_a_screen_reader_is_told_what_moved(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        QAccessible.setActive(True)
        try:
            stage.put(LinkState.CONNECTED)
        finally:
            QAccessible.setActive(False)


async def test_nothing_moves_sideways_when_the_scroll_bar_appears(theme: Theme) -> None:
    async with scene(theme) as stage:
        open_pane(stage)
        card_ = stage.pane._content.action_cards.cards[0]
        stage.pane.resize(364, 1400)
        await settle()
        tall = (card_.mapTo(stage.pane, card_.rect().topLeft()).x(), card_.width())
        assert not stage.pane._pages.scroll.verticalScrollBar().isVisible()
        stage.pane.resize(364, 400)
        await settle()
        assert stage.pane._pages.scroll.verticalScrollBar().isVisible()
        assert (card_.mapTo(stage.pane, card_.rect().topLeft()).x(), card_.width()) == tall


def test_what_was_delivered_and_not_taken_in_is_counted_with_its_reason_and_follows_what_happens(
    on_qt: OnQt, theme: Theme
) -> None:
    async def use() -> None:
        async with scene(theme) as stage:
            link_id = stage.mentorados.get(THIAGO).link.id

            def counted(kind: str, reason: SetAsideReason, count: int, whose: MentoradoId = THIAGO) -> SetAsideCount:
                return SetAsideCount(
                    link_id=link_id,
                    mentorado_id=whose,
                    provider=ProviderKind.META_CLOUD,
                    kind=kind,
                    reason=reason,
                    count=count,
                    last=stage.ago(minutes=5),
                )

            stage.set_aside.counted = [counted("calls", SetAsideReason.NOT_UNDERSTOOD, 9, LUIZA)]
            open_pane(stage)
            await settle()
            assert "não entr" not in words(stage)
            stage.set_aside.counted += [
                counted("history", SetAsideReason.NOT_UNDERSTOOD, 2),
                counted("message", SetAsideReason.NOT_STORABLE, 1),
            ]
            stage.bus.publish(DeliverySetAside(THIAGO, link_id))
            await settle()
            text = words(stage)
            assert "3 entregas não entraram no histórico:" in text
            assert "conecta set-aside" in text
            assert "“history”: esta versão do Conecta não sabe o que significa (2×" in text
            assert "Uma mensagem: o banco de dados não consegue guardar do jeito que chegou (1×" in text
            stage.set_aside.counted = []
            stage.bus.publish(MessagesErased(None))
            await settle()
            assert "não entraram" not in words(stage)

    on_qt(use)
