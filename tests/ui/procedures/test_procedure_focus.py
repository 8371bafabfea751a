"""Where the keyboard goes while a procedure moves."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.domain.errors import ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.procedure import EntryKind, ProcedureKind, StepName
from app.text.status import texts
from app.ui.detail_pane.qr import LEAST_SIDE, PLATE_SIDE, QrView
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.procedures.commands import CommandId
from tests.clock import settle
from tests.ui.detail_pane.codes import LINK
from tests.ui.detail_pane.harness import OTHER_NUMBER
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.panel_controls import asking, buttons, pairing, words
from tests.ui.procedures.views import Views


def test_a_button_that_goes_never_hands_the_keyboard_to_undo(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.harness.window.activateWindow()
        procedure = await asking(views)
        sheet = views.sheet
        assert sheet.view.attention.not_now.hasFocus()
        sheet.view.attention.main.setFocus()
        QTest.keyClick(sheet.view.attention.main, Qt.Key.Key_Space)
        await settle()
        assert views.procedures.asked == ["confirm"]
        assert sheet.hasFocus(), "nothing is asked now"
        QTest.keyClick(sheet, Qt.Key.Key_Space)
        await settle()
        assert views.procedures.asked == ["confirm"], "a second press does nothing"
        views.procedures.write(procedure.head.id, EntryKind.STEP_BEGAN, StepName.PAIR)
        sheet.footer.button(CommandId.PAUSE).setFocus()
        QTest.keyClick(sheet.footer.button(CommandId.PAUSE), Qt.Key.Key_Space)
        await settle()
        assert views.procedures.asked[-1] == "pause"
        assert sheet.view.attention.main.hasFocus(), "what one would press next"
        assert sheet.view.attention.main.text() == "Continuar"

    on_views(use)


def test_the_question_in_the_middle_takes_the_keyboard_but_not_from_somebody_who_types(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.harness.window.activateWindow()
        search = views.harness.window.header.search
        search.setFocus()
        await asking(views)
        views.procedures.open.clear()
        search.setFocus()
        procedure = views.procedures.put(ProcedureKind.RECOVERY, views.who.id)
        views.procedures.write(procedure.head.id, EntryKind.ASKED, StepName.PAIR)
        await settle()
        assert search.hasFocus()

    on_views(use)


def test_escape_puts_the_panel_aside_and_the_procedure_goes_on(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.harness.window.activateWindow()
        procedure = await views.follow(ProcedureKind.RECOVERY)
        views.procedures.run_to(procedure, StepName.SCOPE)
        QTest.keyClick(views.sheet, Qt.Key.Key_Escape)
        await settle()
        assert views.pane._sides.panels.get(views.who.id) is None
        assert views.procedures.asked == []
        assert "A recuperação está em andamento." in words(views.pane)
        assert views.pane._pages.scroll.hasFocus(), "and not a button that nobody chose"
        buttons(views.pane)["Ver"].click()
        await settle()
        assert views.sheet.procedure == views.procedures.active(views.who.id)

    on_views(use)


def test_once_the_phone_read_the_code_undo_is_locked_and_says_why(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await pairing(views)
        undo = views.sheet.footer.button(CommandId.UNDO)
        assert undo.isEnabled()
        views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.PAIR)
        assert not undo.isEnabled()
        why = "O celular já leu o novo código: agora não dá mais para desfazer"
        assert undo.accessibleDescription() == why
        assert f"Desfazer: {why}." in words(views.sheet.footer)
        assert views.sheet.footer.button(CommandId.PAUSE).isEnabled()

    on_views(use)


async def code_in_sight(views: Views) -> QrView:
    views.show_code()
    plate = views.sheet.view.pairing._plate
    async with asyncio.timeout(5):
        while not plate.readable:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    return plate


def is_whole(part: QWidget) -> bool:
    return part.visibleRegion().boundingRect() == part.rect()


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(700, 620, 100), (1280, 720, 200), (760, 720, 200), (760, 720, 150), (640, 480, 100), (640, 480, 200)],
)
def test_the_code_is_whole_in_a_low_window(on_views: OnViews, width: int, height: int, scale: int) -> None:
    async def use(views: Views) -> None:
        window, theme = views.harness.window, views.harness.theme
        theme.set_text_scale(scale)
        window.resize(width, height)
        await pairing(views)
        plate = await code_in_sight(views)
        assert is_whole(plate)
        assert plate.width() >= LEAST_SIDE
        theme.set_text_scale(100)
        window.resize(1240, 860)
        await settle()
        assert plate.width() == PLATE_SIDE
        assert is_whole(views.sheet.view.attention)
        assert is_whole(views.sheet.footer)

    on_views(use)


def test_beside_a_code_all_that_belongs_to_it_is_in_sight_in_the_usual_window(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.harness.window.resize(1280, 720)
        procedure = await pairing(views)
        await code_in_sight(views)
        sheet, code = views.sheet, views.sheet.view.pairing
        for part in (code._plate, code._life, code._steps, code._choices, sheet.footer):
            assert is_whole(part), part
        assert not sheet.view.attention.isVisible(), "the code says it, too"
        assert texts("procedure.if_closed.pair") in words(sheet), "further down"
        views.put(LinkState.QR_READY, Reason.SIGNING_IN)
        await settle()
        assert is_whole(sheet.view.attention)
        assert texts("procedure.if_closed.pair") in words(sheet.footer)
        views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.PAIR)

    on_views(use)


def test_the_keyboard_stays_on_pause_when_the_footer_makes_room_for_a_code(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.harness.window.activateWindow()
        views.harness.window.resize(640, 480)
        await pairing(views)
        views.sheet.footer.button(CommandId.PAUSE).setFocus()
        await code_in_sight(views)
        assert views.sheet.footer.button(CommandId.PAUSE).hasFocus()

    on_views(use)


def test_a_code_is_in_no_name(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await pairing(views)
        await code_in_sight(views)
        assert "Cancelar" not in buttons(views.sheet), "giving up is offered below"
        for each in views.sheet.findChildren(QWidget):
            assert LINK not in f"{each.accessibleName()}{each.accessibleDescription()}{each.toolTip()}"

    on_views(use)


def test_the_wrong_phone_is_decided_on_first(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await pairing(views)
        views.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        failed = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.PAIR, failed)
        assert list(buttons(views.sheet.view)) == ["Desconectar este celular", "Aceitar este número"]
        buttons(views.sheet)["Aceitar este número"].click()
        await settle()
        (question,) = views.harness.window.findChildren(ConfirmDialog)
        question.reject()
        await settle()
        buttons(views.sheet)["Desconectar este celular"].click()
        await settle()
        assert views.harness.provider.discarded == [], "nothing is unlinked before a yes"
        (question,) = [each for each in views.harness.window.findChildren(ConfirmDialog) if each.isVisible()]
        question.accept()
        await settle()
        assert views.harness.provider.discarded == [views.who.link.id]
        assert list(buttons(views.sheet.view)) == ["Gerar novo código"]

    on_views(use)


def test_a_decision_made_elsewhere_leaves_the_keyboard_on_nothing_that_harms(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.harness.window.activateWindow()
        procedure = await pairing(views)
        views.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
        failed = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.PAIR, failed)
        buttons(views.sheet)["Aceitar este número"].setFocus()
        views.put(LinkState.CONNECTING, account=OTHER_NUMBER)
        await settle()
        assert buttons(views.sheet.view) == {}
        assert views.sheet.hasFocus()

    on_views(use)
