"""A pairing as staff see it: codes that come and go, their time, the turn, the phone's answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from app.domain.actions import ActionName
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, QrCode, Reason
from app.domain.provider import Blocked, Connected, QrIssued, QrScanned
from app.ui.detail_pane.pairing import PairingPanel, Stage
from app.ui.detail_pane.qr import QrDialog
from app.ui.theme.theme import Mode, Theme
from tests.clock import ManualClock, settle
from tests.ui.controls import read_aloud
from tests.ui.detail_pane.codes import LINK, decode, qr_text
from tests.ui.detail_pane.harness import LUIZA, THIAGO, PaneHarness, pane_harness, people, unpaired
from tests.ui.detail_pane.pane_controls import statuses

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

TOTAL = 6


def panel_of(harness: PaneHarness) -> PairingPanel:
    return harness.pane._content.pairing


def open_pane(harness: PaneHarness) -> PairingPanel:
    harness.pane.resize(364, 1100)
    harness.pane.show_mentorado(THIAGO)
    harness.pane.show()
    return panel_of(harness)


def stage_of(panel: PairingPanel) -> Stage:
    return panel.stage  # asked anew each time, so that mypy does not think it knows


async def drawn(harness: PaneHarness) -> None:
    """Wait until the code that is to be shown has been computed."""
    panel = panel_of(harness)
    async with asyncio.timeout(5):
        while not panel._plate.readable:
            await asyncio.sleep(0.001)


def seen(harness: PaneHarness) -> list[str]:
    """The codes a camera in front of the whole pane reads."""
    return decode(harness.pane.grab().toImage())


def words(panel: PairingPanel) -> str:
    labels = (label.text() for label in panel.findChildren(QLabel) if label.isVisible() and label.text())
    return read_aloud(" | ".join(labels))


def button(panel: PairingPanel, text: str) -> QPushButton:
    found = [each for each in panel.findChildren(QPushButton) if each.isVisible() and each.text() == text]
    assert len(found) == 1, text
    return found[0]


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
async def test_a_code_is_readable_in_the_window(theme: Theme, mode: Mode) -> None:
    theme.set_mode(mode)
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code(2, age=6))
        await drawn(harness)
        assert seen(harness) == [LINK]
        assert "Expira em 14 s | código 2 de 6" in words(panel)
        assert "Abra o WhatsApp do número final 5662" in words(panel)


@pytest.mark.within(30)
async def test_all_codes_of_a_real_pairing_are_shown_and_then_it_is_over(theme: Theme) -> None:
    """The cadence of the service: the first code lives a minute, the others twenty seconds."""
    async with pane_harness(theme, unpaired(people()[0])) as harness:
        panel = open_pane(harness)
        between: list[str] = []
        harness.bus.subscribe(StatusChanged, lambda _event: between.extend(seen(harness)))
        await harness.supervisor.connect(THIAGO)
        await settle()
        for number in range(1, TOTAL + 1):
            lifetime = 60.0 if number == 1 else 20.0
            harness.provider.line.say(QrIssued(qr_text(number), number, TOTAL, lifetime))
            await settle()
            await drawn(harness)
            assert seen(harness) == [qr_text(number)]
            assert f"Expira em {lifetime:.0f} s | código {number} de 6" in words(panel)
            await harness.clock.advance(lifetime - 1)
            panel.count_down()
            assert "Expira em 1 s" in words(panel)
            assert seen(harness) == [qr_text(number)]
            await harness.clock.advance(1)
            panel.count_down()
            assert stage_of(panel) is Stage.LAPSED
            assert seen(harness) == []
        harness.provider.line.say(Blocked(Reason.QR_EXPIRED))
        await settle()
        assert stage_of(panel) is Stage.EXPIRED
        assert seen(harness) == []
        assert button(panel, "Gerar novo código").isEnabled()

        button(panel, "Gerar novo código").click()
        await settle()
        harness.provider.line.say(QrIssued(qr_text(99), 1, TOTAL, 60.0))
        await settle()
        await drawn(harness)
        assert seen(harness) == [qr_text(99)], "no overlay stays over the fresh code"
        assert not panel._renew.isVisible()
        assert between == [], "from the moment the next code is known, the last one cannot be read"


async def test_a_fresh_code_is_readable_at_once_although_the_last_one_had_expired(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.put(LinkState.BLOCKED, Reason.QR_EXPIRED)
        assert panel._renew.isVisible()
        assert seen(harness) == []
        harness.show_code(harness.code(1, text=qr_text(3)))
        assert not panel._renew.isVisible()
        await drawn(harness)  # and no tick of any timer
        assert seen(harness) == [qr_text(3)]


async def test_a_code_that_was_overtaken_while_it_was_computed_is_never_shown(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        open_pane(harness)
        for number in (1, 2, 3):
            harness.show_code(harness.code(number, text=qr_text(number)))
        await drawn(harness)
        assert seen(harness) == [qr_text(3)]
        await asyncio.sleep(0.05)
        assert seen(harness) == [qr_text(3)]


async def test_the_code_of_one_is_never_seen_under_the_name_of_another(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code())
        await drawn(harness)
        harness.pane.show_mentorado(LUIZA)
        assert seen(harness) == []
        assert stage_of(panel) is Stage.NONE
        harness.pane.show_mentorado(THIAGO)
        await drawn(harness)
        assert seen(harness) == [LINK]


async def test_little_time_left_is_shown_in_red_and_in_words(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code(lifetime=20, age=14.9))
        assert not panel._life.ring.urgent
        harness.clock.time += timedelta(seconds=0.2)
        panel.count_down()
        assert (panel._life.ring.urgent, panel._life.title.property("role")) == (True, "danger")
        assert "Expira em 5 s" in words(panel)
        harness.show_code(harness.code(2))
        assert panel._life.title.property("role") == ""
        await drawn(harness)


async def test_the_countdown_runs_only_while_there_is_one_to_see(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        assert not panel._timer.isActive()
        harness.show_code(harness.code(lifetime=20))
        await drawn(harness)
        assert panel._timer.isActive()
        harness.pane.hide()
        assert not panel._timer.isActive()
        assert not harness.pane._timer.isActive()
        await harness.clock.advance(8)
        harness.pane.show()
        assert panel._timer.isActive()
        assert "Expira em 12 s" in words(panel)
        harness.put(LinkState.CONNECTED)
        assert not panel._timer.isActive()


async def test_the_timer_itself_makes_a_code_lapse(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code(lifetime=20))
        await drawn(harness)
        await harness.clock.advance(20)
        async with asyncio.timeout(2):
            while stage_of(panel) is Stage.CODE:
                await asyncio.sleep(0.02)
        assert "Preparando o próximo código…" in words(panel)
        assert not panel._timer.isActive()


async def test_the_same_code_is_computed_once(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        code = harness.code()
        harness.show_code(code)
        await drawn(harness)
        matrix = panel._matrix
        harness.pane._refresh()
        harness.show_code(QrCode(**{name: getattr(code, name) for name in code.__slots__}))
        assert panel._matrix is matrix


async def test_enlarged_the_code_is_larger_and_follows_the_next_ones(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.pane.resize(900, 900)
        harness.show_code(harness.code(1))
        await drawn(harness)
        QTest.keyClick(panel._plate, Qt.Key.Key_Return)
        await settle()
        (sheet,) = harness.pane.findChildren(QrDialog)
        assert sheet.isVisible()
        assert sheet.plate.width() > panel._plate.width()
        assert decode(sheet.grab().toImage()) == [LINK]
        harness.show_code(harness.code(2, text=qr_text(2)))
        assert decode(sheet.grab().toImage()) == []
        await drawn(harness)
        assert decode(sheet.grab().toImage()) == [qr_text(2)]
        assert sheet.life.caption.text() == "código 2 de 6"
        harness.put(LinkState.QR_READY, Reason.SIGNING_IN)
        await settle()
        assert panel._enlarged is None, "the phone has read it"


async def test_escape_closes_the_enlarged_code_and_the_small_one_stays(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code(1))
        await drawn(harness)
        panel._plate.click()
        await settle()
        (sheet,) = harness.pane.findChildren(QrDialog)
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        await settle()
        assert panel._enlarged is None
        assert seen(harness) == [LINK]


async def test_who_waits_for_a_turn_sees_whose_it_is_and_can_give_up(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        await harness.supervisor.connect(LUIZA)
        await settle()
        await harness.supervisor.connect(THIAGO)
        await settle()
        assert stage_of(panel) is Stage.WAITING_TURN
        assert "A vez é de Luíza Prates | Depois começa esta conexão, sozinha." in words(panel)
        button(panel, "Cancelar").click()
        await settle()
        assert harness.status().state is LinkState.OFF
        assert stage_of(panel) is Stage.NONE
        assert harness.status(LUIZA).state is LinkState.CONNECTING


async def test_the_phones_answer_takes_the_place_of_the_code(theme: Theme) -> None:
    async with pane_harness(theme, unpaired(people()[0])) as harness:
        panel = open_pane(harness)
        account = harness.mentorados.get(THIAGO).phone
        await harness.supervisor.connect(THIAGO)
        await settle()
        harness.provider.line.say(QrIssued(LINK, 1, TOTAL, 60.0))
        await settle()
        await drawn(harness)
        harness.provider.line.say(QrScanned(account))
        await settle()
        assert stage_of(panel) is Stage.SIGNING_IN
        assert panel._matrix is None
        assert seen(harness) == []
        assert "O celular aceitou o código" in words(panel)
        harness.provider.line.say(Connected(account))
        await settle()
        assert stage_of(panel) is Stage.NONE
        assert not panel.isVisible()


async def test_an_expired_code_has_its_one_button_on_the_plate(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.put(LinkState.BLOCKED, Reason.QR_EXPIRED)
        await settle()  # lays everything out
        assert not harness.pane._content.lead.button.isVisible()
        renew = button(panel, "Gerar novo código")
        assert renew.isEnabled() is (harness.actions.unavailable_reason(ActionName.NEW_CODE, THIAGO) is None)
        centre = renew.mapTo(panel, renew.rect().center()) - panel._plate.geometry().center()
        assert centre.manhattanLength() <= 2


async def test_names_say_the_state_and_never_the_text(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code(2))
        assert panel._plate.accessibleName() == "Código QR sendo preparado"
        await drawn(harness)
        assert panel._plate.accessibleName() == "Código QR 2 de 6, pronto para ler"
        harness.put(LinkState.BLOCKED, Reason.QR_EXPIRED)
        assert panel._plate.accessibleName() == "Código QR expirado"


async def test_the_text_of_a_code_is_not_kept_when_it_is_over(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code())
        await drawn(harness)
        assert all(status.qr is None for status in statuses(harness.pane._content.timeline))
        harness.put(LinkState.CONNECTED)
        assert panel._code is None
        assert panel._matrix is None


async def test_a_clock_that_is_put_back_brings_the_code_back(theme: Theme, manual_clock: ManualClock) -> None:
    async with pane_harness(theme) as harness:
        panel = open_pane(harness)
        harness.show_code(harness.code(lifetime=20))
        await drawn(harness)
        await harness.clock.advance(25)
        panel.count_down()
        assert stage_of(panel) is Stage.LAPSED
        harness.clock.time -= timedelta(seconds=20)
        harness.pane._refresh()
        assert stage_of(panel) is Stage.CODE
        assert seen(harness) == [LINK]


def visible_codes(panel: PairingPanel) -> bool:
    return panel._typed.isVisible()


async def test_a_code_to_type_takes_the_place_of_the_qr_until_it_is_wanted_back(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        await harness.core.do(ActionName.CONNECT, harness.mentorados.get(THIAGO))
        harness.provider.line.say(QrIssued(LINK, 1, TOTAL, 60))
        await drawn(harness)
        panel._type_instead.click()
        await settle()
        assert visible_codes(panel)
        assert "ABCD-0001" in words(panel)
        assert seen(harness) == []
        assert not panel._type_instead.isVisible()
        panel._typed._back.click()
        assert not visible_codes(panel)
        assert "ABCD-0001" not in panel._typed._code.text()  # it is not kept where it is not shown
        await asyncio.sleep(0.05)  # the layout makes room again
        assert seen(harness) == [LINK]
        panel._type_instead.click()  # too soon: the pane says so, and the QR stays
        await settle()
        assert not visible_codes(panel)
        assert harness.pane._content.trouble.isVisible()
        assert panel._type_instead.isEnabled()


async def test_asking_for_a_code_to_type_never_leaves_the_keyboard_on_giving_up(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        await harness.core.do(ActionName.CONNECT, harness.mentorados.get(THIAGO))
        harness.provider.line.say(QrIssued(LINK, 1, TOTAL, 60))
        await drawn(harness)
        harness.pane.activateWindow()
        panel._type_instead.setFocus()
        panel._type_instead.click()
        await settle()
        assert panel.window().focusWidget() is panel._typed._copy_steps
        panel._typed._back.setFocus()
        panel._typed._back.click()
        assert panel.window().focusWidget() is panel._plate


async def test_a_code_to_type_goes_with_its_pairing_and_with_its_mentorado(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        thiago = harness.mentorados.get(THIAGO)
        await harness.core.do(ActionName.CONNECT, thiago)
        harness.provider.line.say(QrIssued(LINK, 1, TOTAL, 60))
        await drawn(harness)
        panel._type_instead.click()
        await settle()
        harness.pane.show_mentorado(LUIZA)
        assert not visible_codes(panel)
        assert "ABCD-0001" not in panel._typed._code.text()
        harness.pane.show_mentorado(THIAGO)
        assert visible_codes(panel), "it may be typed just now: it is not lost by looking at somebody else"
        harness.provider.line.say(QrIssued("the next one", 2, TOTAL, 20))
        await drawn(harness)
        assert "ABCD-0001" in words(panel)
        harness.provider.line.say(QrScanned(thiago.phone))
        await settle()
        assert not panel._type_instead.isVisible()
        assert not visible_codes(panel)
        assert "ABCD-0001" not in panel._typed._code.text()


async def test_a_code_to_type_is_announced_and_so_is_the_qr_that_is_wanted_back(
    theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        await harness.core.do(ActionName.CONNECT, harness.mentorados.get(THIAGO))
        harness.provider.line.say(QrIssued(LINK, 1, TOTAL, 60))
        await drawn(harness)
        spoken: list[str] = []
        monkeypatch.setattr(QAccessible, "isActive", lambda: True)
        monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: spoken.append(event.message()))
        panel._type_instead.click()
        await settle()
        assert spoken == ["Peça ao mentorado para digitar este código no WhatsApp do número final 5662."]
        panel._typed._back.click()
        assert spoken[1:] == ["Peça ao mentorado para ler este código com o WhatsApp do número final\xa05662."]


async def test_what_goes_by_itself_hands_the_keyboard_to_no_action(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        thiago = harness.mentorados.get(THIAGO)
        await harness.core.do(ActionName.CONNECT, thiago)
        harness.provider.line.say(QrIssued(LINK, 1, TOTAL, 60))
        await drawn(harness)
        harness.pane.activateWindow()
        panel._type_instead.setFocus()
        await harness.clock.advance(60)
        panel.count_down()
        assert harness.pane.focusWidget() is panel, "the code is over, and the next is not there yet"
        harness.provider.line.say(QrIssued(LINK, 2, TOTAL, 20))
        await drawn(harness)
        panel._cancel.setFocus()
        harness.provider.line.say(QrScanned(thiago.phone))
        harness.provider.line.say(Connected(thiago.phone))
        await settle()
        assert harness.pane._content.outcome.isVisible()
        assert harness.pane.focusWidget() is harness.pane._pages.scroll
