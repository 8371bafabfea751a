"""A code that leaves the window, for a mentorado who is elsewhere: as steps, as characters, and as a picture."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from app.domain.actions import ActionName
from app.domain.provider import QrIssued, QrScanned
from app.text.pairing import spelled
from app.text.status import texts
from app.ui.detail_pane.code_clipboard import CodeClipboard
from app.ui.detail_pane.pairing import PairingPanel
from app.ui.theme.theme import Theme
from tests.clock import ManualClock, settle
from tests.ui.detail_pane.codes import LINK, decode, qr_text
from tests.ui.detail_pane.harness import THIAGO, PaneHarness, pane_harness, people, unpaired
from tests.ui.detail_pane.test_pairing_panel import drawn, open_pane, words

pytestmark = pytest.mark.usefixtures("on_qt")

BELOW_THE_TOOLBAR = 720 - 72 - 28
"""Of a window of 1280 by 720, with a title bar."""


async def show_first_code(harness: PaneHarness) -> PairingPanel:
    panel = open_pane(harness)
    await harness.core.do(ActionName.CONNECT, harness.mentorados.get(THIAGO))
    harness.provider.line.say(QrIssued(LINK, 1, 6, 60))
    await drawn(harness)
    return panel


async def copied_picture(panel: PairingPanel) -> QImage:
    panel._copy.click()
    for _ in range(1000):
        await settle()
        if panel._copied.holds_picture:
            break
    return QGuiApplication.clipboard().image()


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def bottom_of(part: QWidget, harness: PaneHarness) -> int:
    return part.mapTo(harness.pane, QPoint(0, part.height())).y()


@pytest.mark.parametrize("language", ["pt-BR", "en"])
async def test_in_a_small_window_the_code_its_time_the_steps_and_both_buttons_are_seen_at_once(
    theme: Theme, language: str
) -> None:
    texts.set_language(language)
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = open_pane(harness)
        harness.pane.resize(364, BELOW_THE_TOOLBAR)
        await show_first_code(harness)
        harness.pane.resize(364, BELOW_THE_TOOLBAR)
        await settle(5)
        for part in (panel._plate, panel._life, panel._steps, panel._type_instead, panel._cancel):
            assert part.isVisible()
            assert bottom_of(part, harness) <= BELOW_THE_TOOLBAR, part
        assert not harness.pane._content.lead.isVisible()


async def test_a_code_to_type_is_spelled_has_a_time_and_names_whose_phone(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = await show_first_code(harness)
        panel._type_instead.click()
        await settle()
        shown = words(panel)
        assert "Peça ao mentorado para digitar este código no WhatsApp do número final 5662." in shown
        assert "A de Ana, B de bola, C de casa, D de dado\nzero, zero, zero, um" in shown
        assert "Expira em 2:40" in shown, "six codes: a minute, and five times twenty seconds"
        assert harness.pane._content.state._badge.accessibleName() == texts("badge.code_to_type")
        await harness.clock.advance(15)
        panel.count_down()
        assert "Expira em 2:25" in words(panel)
        panel._typed._back.click()
        assert harness.pane._content.state._badge.accessibleName() == texts("badge.qr_ready")


def test_what_has_no_word_of_its_own_is_read_out_as_it_is() -> None:
    texts.set_language("pt-BR")
    assert spelled("1?-z") == "um, ?\nZ de zebra"


async def test_the_steps_are_portuguese_in_an_english_window_and_leave_with_the_pairing(theme: Theme) -> None:
    texts.set_language("en")
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = await show_first_code(harness)
        panel._type_instead.click()
        await settle()
        panel._typed._copy_steps.click()
        sent = clipboard()
        assert sent.startswith("Para conectar o seu WhatsApp (número final 5662):")
        assert "ABCD-0001" in sent
        assert "Copied until it expires" in words(panel)
        harness.provider.line.say(QrScanned(harness.mentorados.get(THIAGO).phone))
        await settle()
        assert clipboard() == ""


async def test_a_copied_code_is_taken_back_when_it_expires_and_not_before(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = await show_first_code(harness)
        panel._type_instead.click()
        await settle()
        panel._typed._copy_code.click()
        harness.clock.time += timedelta(seconds=159)
        panel._copied.look()
        assert clipboard() == "ABCD-0001"
        harness.clock.time += timedelta(seconds=1)
        panel._copied.look()
        assert clipboard() == ""


async def test_the_picture_of_a_code_can_be_read_and_goes_with_its_code(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = await show_first_code(harness)
        assert decode(await copied_picture(panel)) == [LINK]
        assert "Imagem copiada até expirar" in words(panel)
        await harness.clock.advance(60)
        panel._copied.look()
        assert QGuiApplication.clipboard().image().isNull()
        harness.provider.line.say(QrIssued(qr_text(2), 2, 6, 20))
        await settle()
        assert "código 2 de 6" in words(panel)


async def test_what_somebody_copied_since_stays(theme: Theme) -> None:
    async with pane_harness(theme, *(unpaired(each) for each in people())) as harness:
        panel = await show_first_code(harness)
        await copied_picture(panel)
        QGuiApplication.clipboard().setText("a name")
        assert not panel._copied.holds_picture
        await harness.clock.advance(60)
        panel._copied.look()
        assert clipboard() == "a name"
        QGuiApplication.clipboard().clear()


async def test_nothing_stays_behind_when_the_window_goes(manual_clock: ManualClock) -> None:
    holder = QWidget()
    copied = CodeClipboard(manual_clock, holder)
    copied.put_text("ABCD-0001", manual_clock.now() + timedelta(seconds=60))
    assert clipboard() == "ABCD-0001"
    holder.deleteLater()
    await settle()
    await settle()
    assert clipboard() == ""
