"""The board of a switch: who is on which provider, what is under way, and what a person does about it."""

from __future__ import annotations

import asyncio
from time import perf_counter

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont, QPaintEvent
from PySide6.QtTest import QTest

from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.procedure import StepState
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from app.domain.switch import SwitchItemState, SwitchPause, SwitchState
from app.text.signs import Tone
from app.text.status import texts
from app.ui.detail_pane.pairing import Stage
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.switches.board import BoardFilter
from app.ui.switches.cards import Card, CardView
from app.ui.theme.theme import TEXT_SMALL, Theme
from tests.ui.controls import read_aloud
from tests.ui.switches.harness import WEB, ZAPI, SwitchesHarness, open_switches, shut_out
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

S = SwitchItemState


async def begun(h: SwitchesHarness, count: int) -> list[MentoradoId]:
    """A switch of so many to Z-API that has gone as far as it goes by itself; in the order of the run."""
    await h.core.people(count)
    h.plan(ZAPI)
    await h.dry_run()
    await h.approve()
    await h.moved()
    return [item.mentorado_id for item in h.core.run().items]


def card(h: SwitchesHarness, mentorado_id: MentoradoId) -> Card:
    return h.page.board.waves.cards[mentorado_id].card


def mentorado(h: SwitchesHarness, mentorado_id: MentoradoId) -> Mentorado:
    return h.core.mentorados.get(mentorado_id)


async def resume(h: SwitchesHarness) -> None:
    before = h.core.run()
    h.page.board.head.resume.click()
    await until(lambda: h.core.run() is not before)
    await h.moved()


async def question(h: SwitchesHarness) -> ConfirmDialog:
    """The question that is open; Cancel has the focus."""
    await until(lambda: [each for each in h.page.findChildren(ConfirmDialog) if each.isVisible()])
    found = next(each for each in h.page.findChildren(ConfirmDialog) if each.isVisible())
    assert found.focusWidget() is found.cancel
    return found


async def test_each_card_says_on_which_provider_somebody_is_and_how_far(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, second, *_rest = await begun(h, 7)
        board = h.page.board
        assert [wave.heading.text() for wave in board.waves.waves] == ["O primeiro, sozinho", "Onda 2", "Onda 3"]
        assert (card(h, first).provider, card(h, first).moved, card(h, first).state) == ("Z-API", True, "Trocado")
        assert card(h, first).line == "WhatsApp Web em silêncio até 04/01 00:00"
        assert (card(h, second).provider, card(h, second).moved) == ("WhatsApp Web", False)
        assert (card(h, second).state, card(h, second).line) == ("Esperando a vez", "Vai para Z-API.")
        assert board.head.sentence.text() == "A próxima é a onda 2, e ela espera por você."
        assert "continue" in board.head.next.text()
        assert board.head.resume.isVisible()
        assert shut_out(h.page) == []
        await resume(h)
        assert board.waves.waves[1].summary.text() == "5 de 5 trocados"
        await resume(h)
        assert h.core.run().state is SwitchState.FINISHED
        assert {each.card.provider for each in board.waves.cards.values()} == {"Z-API"}
        assert "Todos os que estavam na troca foram trocados." in board.head.sentence.text()
        assert not board.head.stop.isVisible()
        texts.set_language("en")
        assert card(h, first).state == "Switched"
        assert board.waves.cards[first].accessibleName().startswith("Ana 00. Now on: Z-API. Switched")
        assert shut_out(h.page) == []


async def test_it_follows_by_itself_and_paints_only_what_changed(theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_switches(theme) as h:
        _first, second, third, *_rest = await begun(h, 8)
        board = h.page.board
        await asyncio.sleep(0.1)
        before = dict(board.waves.cards)
        painted: set[MentoradoId] = set()
        paint = CardView.paintEvent

        def noted(view: CardView, event: QPaintEvent) -> None:
            painted.add(view.card.mentorado_id)
            paint(view, event)

        monkeypatch.setattr(CardView, "paintEvent", noted)
        h.core.played[ZAPI].waits = {second}
        await h.core.switches.resume(h.core.run().id)
        await until(lambda: card(h, second).state == "Esperando a leitura do código")
        await asyncio.sleep(0.1)
        assert board.waves.cards == before, "the cards stay"
        assert third not in painted, "nothing changed there"


async def test_the_code_of_the_target_is_in_view_with_whose_phone_is_to_scan_it(theme: Theme) -> None:
    async with open_switches(theme) as h:
        _first, second, third, *_rest = await begun(h, 4)
        zapi, board = h.core.played[ZAPI], h.page.board
        zapi.waits = {second}
        await resume(h)
        await until(board.scan.isVisible)
        assert "Ana 01" in board.scan.heading.text()
        assert "4001" in read_aloud(board.scan.heading.text())
        await until(lambda: board.scan.pairing._plate.readable)
        assert card(h, second).tone is Tone.WAITING
        QTest.mouseClick(board.waves.cards[third], Qt.MouseButton.LeftButton)
        assert board.item.name.text() == "Ana 02"
        assert board.scan.isVisible(), "whomever one looks at meanwhile"
        assert shut_out(h.page) == []
        h.page.resize(700, 640)
        await until(board.head.show_code.isVisible)
        assert not board.scan.isVisible()
        board.head.show_code.click()
        assert board.scan.isVisible()
        QTest.keyClick(board.pane, Qt.Key.Key_Escape)
        assert board.isVisible(), "Esc puts the side away first"
        h.page.resize(1220, 720)
        link = h.core.item(mentorado(h, second)).to_link
        assert link is not None
        zapi.open[link].say(QrIssued("another", 2, 6, 60))
        await h.moved()
        assert board.scan.pairing.stage is Stage.CODE
        zapi.open[link].say(QrScanned(mentorado(h, second).phone), Connected(mentorado(h, second).phone))
        await h.moved()
        assert not board.scan.isVisible()
        assert card(h, second).provider == "Z-API"


async def test_nothing_that_happens_takes_the_focus(theme: Theme) -> None:
    async with open_switches(theme) as h:
        _first, second, third, *_rest = await begun(h, 4)
        board = h.page.board
        board.waves.cards[third].setFocus()
        h.core.played[ZAPI].waits = {second}
        await h.core.switches.resume(h.core.run().id)
        await until(board.scan.isVisible)
        assert h.page.focusWidget() is board.waves.cards[third]
        assert board.item.name.text() == "Ana 01", "who is under way is shown until a person picks another"
        QTest.keyClick(board.waves.cards[third], Qt.Key.Key_Space)
        await h.moved()
        assert board.item.name.text() == "Ana 02"


async def test_a_failure_names_the_reason_and_what_to_do_and_can_be_tried_again(theme: Theme) -> None:
    async with open_switches(theme) as h:
        zapi = h.core.played[ZAPI]
        people = await h.core.people(3)
        zapi.trouble = {people[0].id: Blocked(Reason.TOKEN_INVALID)}
        zapi.refuses = {people[1].id}
        h.plan(ZAPI)
        await h.dry_run()
        await h.approve()
        await h.moved()
        run, board, first = h.core.run(), h.page.board, people[0].id
        assert (run.state, run.pause) == (SwitchState.PAUSED, SwitchPause.CANARY)
        assert board.head.sentence.text().startswith("O primeiro não deu certo")
        assert (card(h, first).state, card(h, first).tone) == ("Falhou", Tone.ERROR)
        assert card(h, first).line == "A Z-API recusou o token deste número."
        assert card(h, first).provider == "WhatsApp Web"
        assert board.item.name.text() == "Ana 00", "who failed is shown"
        assert "WhatsApp Web continua em uso." in board.item.line.text()
        assert board.item.step.text() == "Informe as credenciais deste número."
        assert board.item.line.property("role") == "danger"
        board.item.enter.click()
        await until(lambda: h.page.findChildren(CredentialsDialog))
        (dialog,) = h.page.findChildren(CredentialsDialog)
        assert dialog._mentorado.link.id == h.core.item(people[0]).to_link
        dialog.reject()
        await resume(h)
        assert h.core.item(people[1]).state is S.FAILED
        assert h.core.run().pause is SwitchPause.FAILURES
        assert "2 de 2 falharam" in board.head.sentence.text()
        board.filter.button(BoardFilter.FAILED).click()
        assert set(board.waves.cards) == {people[0].id, people[1].id}
        board.filter.button(BoardFilter.ALL).click()
        zapi.trouble.clear()
        zapi.refuses.clear()
        assert board.head.retry.text() == "Tentar de novo os 2 que falharam"
        board.head.retry.click()
        await until(lambda: h.core.run().count(S.FAILED) < 2)
        await h.moved()
        assert {item.state for item in h.core.run().items} == {S.SWITCHED}
        assert board.item.line.property("role") == ""


async def test_a_person_pauses_continues_and_stops_after_a_question(theme: Theme) -> None:
    async with open_switches(theme) as h:
        _first, second, third, *_rest = await begun(h, 4)
        board = h.page.board
        h.core.played[ZAPI].waits = {second}
        await resume(h)
        board.head.pause.click()
        await until(lambda: h.core.run().state is SwitchState.PAUSED)
        h.page.refresh()
        assert "Uma pessoa pausou a troca." in board.head.sentence.text()
        board.head.stop.click()
        dialog = await question(h)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await asyncio.sleep(0.01)
        assert h.core.run().is_open
        board.head.stop.click()
        (await question(h)).confirm.click()
        await until(lambda: h.core.run().state is SwitchState.STOPPED)
        await h.moved()
        assert card(h, third).state == "Ficou de fora"
        assert "WhatsApp Web continua em uso." in card(h, third).line
        assert not board.head.stop.isVisible()


async def test_going_back_and_letting_go_are_questions_first(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, *_rest = await begun(h, 2)
        board = h.page.board
        board._pick(first)
        assert (board.item.back.text(), board.item.release.text()) == (
            "Voltar para WhatsApp Web…",
            "Liberar WhatsApp Web…",
        )
        board.item.back.click()
        (await question(h)).reject()
        await asyncio.sleep(0.01)
        assert h.core.item(mentorado(h, first)).state is S.SWITCHED
        board.item.back.click()
        (await question(h)).confirm.click()
        await until(lambda: h.core.item(mentorado(h, first)).state is S.ROLLED_BACK)
        await h.moved()
        assert (card(h, first).provider, card(h, first).state) == ("WhatsApp Web", "Voltou")
        assert not board.item.back.isVisible()
        await resume(h)
        other = h.core.run().items[1].mentorado_id
        board._pick(other)
        board.item.release.click()
        (await question(h)).confirm.click()
        await until(lambda: h.core.item(mentorado(h, other)).state is S.RELEASED)
        await h.moved()
        assert card(h, other).state == "Trocado e liberado"
        assert h.core.connected(mentorado(h, other)) == {ZAPI}
        board.item.open.click()
        assert h.opened == [other]


async def test_those_whose_time_is_over_are_released_together_by_a_person_and_never_before(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await begun(h, 3)
        await resume(h)
        head = h.page.board.head
        assert not head.release.isVisible()
        await h.core.clock.advance(73 * 3600)
        h.page._on_second()
        assert {item.state for item in h.core.run().items} == {S.SWITCHED}, "nothing happens by itself"
        assert head.release.text() == "Liberar os 3 anteriores com prazo vencido…"
        head.release.click()
        dialog = await question(h)
        assert "3 mentorados" in dialog.title.text()
        dialog.confirm.click()
        await until(lambda: {item.state for item in h.core.run().items} == {S.RELEASED})
        await h.moved()
        assert not head.release.isVisible()
        assert "Não há mais nada a fazer aqui." in head.next.text()


async def test_a_pause_in_minutes_counts_down(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(3)
        h.plan(ZAPI)
        h.page.form.pause.button("minutes").click()
        await h.dry_run()
        await h.approve()
        await h.moved()
        await h.core.clock.advance(300)
        h.page._on_second()
        assert read_aloud(h.page.board.head.sentence.text()) == "A onda 2 começa sozinha em 10 min."
        await h.core.clock.advance(601)
        await h.moved()
        assert h.core.run().state is SwitchState.FINISHED


async def test_the_open_ones_come_first_in_the_list_and_esc_leads_back_to_it(theme: Theme) -> None:
    async with open_switches(theme) as h:
        people = await h.core.people(4)
        for chosen in (people[:2], people[2:3]):
            h.plan(ZAPI, chosen)
            await h.dry_run()
            await h.approve()
            await h.moved()
        QTest.keyClick(h.page.board.waves, Qt.Key.Key_Escape)
        assert h.page.overview.isVisible()
        spoken = [
            h.page.model.data(h.page.model.index(place), Qt.ItemDataRole.AccessibleTextRole) for place in range(2)
        ]
        assert spoken == [
            "2 mentorados → Z-API, Pausada, 1 de 2 trocados · 1 esperando",
            "Ana 02 → Z-API, Concluída, 1 de 1 trocados",
        ]
        QTest.keyClick(h.page.list, Qt.Key.Key_Return)
        assert h.page.board.isVisible()
        assert h.page.board.run is not None
        assert h.page.board.run.is_open


async def test_two_hundred_people_are_shown_and_followed_without_a_wait(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await begun(h, 200)
        board = h.page.board
        began = perf_counter()
        for _ in range(5):
            board.refresh()
        refreshing = (perf_counter() - began) / 5
        board.waves.waves = []
        began = perf_counter()
        board.refresh()
        building = perf_counter() - began
        assert len(board.waves.cards) == 200
        assert refreshing < 0.1, "some milliseconds"
        assert building < 1.5, "once, when it is opened"


async def test_a_way_back_that_is_barred_says_so_and_leaves_the_target_in_use(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, *_rest = await begun(h, 2)
        board = h.page.board
        former = h.core.item(mentorado(h, first)).from_link
        h.core.played[WEB].open[former].say(Blocked(Reason.LOGGED_OUT))
        await h.moved()
        board._pick(first)
        await h.core.switches.roll_back(first)
        await h.moved()
        assert card(h, first).provider == "Z-API"
        assert (card(h, first).state, card(h, first).tone) == ("Parado: precisa de você", Tone.ERROR)
        assert card(h, first).line.startswith("O celular encerrou esta conexão.")
        assert "A volta de Ana 00 está parada. Abra Ana 00" in board.head.next.text()
        assert board.head.decide.isVisible()
        assert not board.item.back.isVisible()
        assert board.item.steps.isVisible()
        assert board.item.line.property("role") == "danger"
        assert board.item.step.text() == "Abra Ana 00: tente de novo, ou desista ali."
        lines = [row._line for row in board.item.steps._rows if row._state is StepState.FAILED]
        assert [line.property("role") for line in lines] == ["danger"]
        board.item.open.click()
        assert h.opened == [first], "where it can be tried again, or given up"


async def test_arrows_walk_the_cards_across_waves_and_enter_opens_one_where_it_is_narrow(theme: Theme) -> None:
    async with open_switches(theme) as h:
        ids = await begun(h, 8)
        board, cards = h.page.board, h.page.board.waves.cards
        h.page.board.take_focus()
        for key, place in (
            (Qt.Key.Key_Left, 0),
            (Qt.Key.Key_Up, 0),
            (Qt.Key.Key_Down, 1),  # the next wave
            (Qt.Key.Key_Right, 2),
            (Qt.Key.Key_Down, 5),
            (Qt.Key.Key_Down, 7),
            (Qt.Key.Key_Right, 7),
        ):
            QTest.keyClick(h.page.focusWidget(), key)
            assert h.page.focusWidget() is cards[ids[place]], key
            assert board.shown == ids[place]
        assert board.item.name.text() == "Ana 07"
        h.page.resize(700, 640)
        await asyncio.sleep(0.1)
        QTest.keyClick(cards[ids[7]], Qt.Key.Key_Up)
        assert not board.split.side_panel_open
        QTest.keyClick(h.page.focusWidget(), Qt.Key.Key_Return)
        assert board.split.side_panel_open


async def test_the_focus_stays_on_a_card_while_a_filter_lets_others_come_and_go(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, *_rest = await begun(h, 3)
        board = h.page.board
        board.filter.button(BoardFilter.KEPT).click()
        assert list(board.waves.cards) == [first]
        board.waves.cards[first].setFocus()
        await resume(h)
        assert len(board.waves.cards) == 3
        assert h.page.focusWidget() is board.waves.cards[first]


async def test_in_a_low_window_with_large_letters_nothing_is_cut_and_the_keyboard_shows_where_it_is(
    theme: Theme,
) -> None:
    async with open_switches(theme) as h:
        await h.core.people(7)
        theme.set_text_scale(200)
        h.page.resize(556, 480)  # beside the rail of the smallest window
        h.plan(ZAPI)
        await h.dry_run()
        await asyncio.sleep(0)
        report, foot = h.page.report, h.page.report._foot.parentWidget()
        assert foot is not None
        assert report._found.indexOf(foot) >= 0, "it scrolls with the rest"
        assert report.approve.geometry().bottom() <= report._decisions.height()
        await h.approve()
        await h.moved()
        board, page = h.page.board, h.page
        assert (page.width(), page.height()) == (556, 480)
        page.activateWindow()
        board.take_focus()
        for _ in range(20):
            focused = page.focusWidget()
            assert focused is not None
            words = getattr(focused, "text", str)()
            assert focused.visibleRegion().boundingRect().height() >= min(focused.height(), 60), words
            assert focused.mapTo(page, QPoint(focused.width(), 0)).x() <= page.width()
            QTest.keyClick(focused, Qt.Key.Key_Tab)
        page.compose()
        await asyncio.sleep(0)
        form = page.form
        assert form._area.isAncestorOf(form._beside), "below what is chosen, where it does not fit beside it"
        content = form._form.parentWidget()
        assert content is not None
        assert content.width() <= form._area.viewport().width()
        page.resize(1220, 660)
        await asyncio.sleep(0)
        assert not form._area.isAncestorOf(form._beside)
        assert form._beside._heading.font() == theme.font(TEXT_SMALL, QFont.Weight.DemiBold)
