"""Several mentorados at once: they are ticked in the list, read before, and each has a result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from app.domain.actions import ActionName
from app.domain.audit import AuditOutcome
from app.domain.bulk_work import BulkKind
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkStatus
from app.domain.mentorado import MentoradoId
from app.domain.procedure import EntryKind, StepName
from app.text.status import texts
from app.ui.dialogs.for_many import ForManyDialog
from app.ui.mentorado_list.tick_bar import ForMany
from tests.ui.controls import text_in
from tests.ui.keyboard.surfaces import for_many
from tests.ui.procedures.fake_procedures import FakeProcedures
from tests.ui.window_checks import InWindow, settle
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

Key = Qt.Key
Keys = Qt.KeyboardModifier
LEFT = Qt.MouseButton.LeftButton


def click(harness: WindowHarness, place: int, keys: Keys = Keys.NoModifier, x: int | None = None) -> None:
    table = harness.window.list.table
    area = table.visualRect(harness.model.index(place))
    where = area.center() if x is None else QPoint(x, area.center().y())
    QTest.mouseClick(table.viewport(), LEFT, keys, where)


def ticked(harness: WindowHarness) -> Sequence[MentoradoId]:
    return harness.model.ticks.ids


def at(harness: WindowHarness, *places: int) -> list[MentoradoId]:
    return [harness.model.shown_ids()[place] for place in places]


async def switched_off(harness: WindowHarness) -> None:
    for each in harness.people:
        harness.observe(each, LinkStatus(since=NOON))
    harness.model.flush()


def dialog_of(harness: WindowHarness) -> ForManyDialog | None:
    return next((each for each in harness.window.findChildren(ForManyDialog) if each.isVisible()), None)


async def opened(harness: WindowHarness, what: ForMany) -> ForManyDialog:
    QTest.mouseClick(harness.window.list.ticks.buttons[what], LEFT)
    await until(lambda: dialog_of(harness) is not None, within=2)
    dialog = dialog_of(harness)
    assert dialog is not None
    return dialog


def results(dialog: ForManyDialog) -> list[tuple[str, str]]:
    rows = [dialog.table.topLevelItem(place) for place in range(dialog.table.topLevelItemCount())]
    return [(row.text(0), row.text(1)) for row in rows if row is not None]


def test_rows_are_ticked_with_ctrl_and_shift_and_then_by_their_boxes(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        await settle()
        shown = harness.window.list.table.chosen_id
        click(harness, 1, Keys.ControlModifier)
        click(harness, 3, Keys.ShiftModifier)
        assert list(ticked(harness)) == at(harness, 1, 2, 3)
        assert harness.window.list.table.chosen_id == shown, "who is shown stays"
        click(harness, 2, x=40)
        assert list(ticked(harness)) == at(harness, 1, 3)
        click(harness, 4)
        assert harness.window.list.table.chosen_id == at(harness, 4)[0], "beside the box it is who is clicked"
        assert list(ticked(harness)) == at(harness, 1, 3)
        spoken = harness.model.data(harness.model.index(1), Qt.ItemDataRole.AccessibleTextRole)
        assert spoken.endswith(", selecionado")

    in_window(use)


def test_keys_tick_one_or_all_that_match_and_esc_takes_the_boxes_away(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        window, table = harness.window, harness.window.list.table
        window.activateWindow()
        table.setFocus()
        table.begin()
        QTest.keyClick(table, Key.Key_Space)
        assert list(ticked(harness)) == at(harness, 0)
        window.header.search.setText("joao")
        await settle()
        assert "1 selecionado · 1 deles fora da lista" in text_in(window.list)
        QTest.keyClick(table, Key.Key_A, Keys.ControlModifier)
        assert len(ticked(harness)) == 2
        window.header.search.clear()
        await settle()
        assert list(window.list.ticks.buttons) == list(ForMany)
        assert not window.list.bar.isVisible()
        QTest.keyClick(table, Key.Key_Escape)
        assert not ticked(harness)
        assert window.list.bar.isVisible()
        assert not window.list.ticks.isVisible()

    in_window(use)


def test_the_button_opens_the_boxes_and_the_keyboard_goes_to_the_list(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        listed = harness.window.list
        listed.bar.ticking.setFocus()
        listed.bar.ticking.click()
        assert "Nenhum selecionado" in text_in(listed)
        assert not listed.ticks.buttons[ForMany.ARCHIVE].isEnabled()
        listed.ticks.all.click()
        assert len(ticked(harness)) == 40
        assert not listed.ticks.all.isEnabled()
        listed.ticks.done.setFocus()
        listed.ticks.done.click()
        assert QApplication.focusWidget() in (listed.table, None)

    in_window(use)


def test_the_one_who_is_selected_stays_whole_when_the_boxes_open(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        table = harness.window.list.table
        harness.window.resize(640, 480)
        await settle()
        last = table.viewport().height() // table.rowHeight(0) - 1
        table.choose(harness.model.shown_ids()[last])
        harness.model.ticks.begin()
        await settle()
        area = table.visualRect(table.currentIndex())
        assert table.viewport().rect().contains(area)

    in_window(use)


def test_many_are_archived_after_their_names_were_read_and_all_come_back(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        await switched_off(harness)
        harness.model.ticks.add(each.id for each in harness.people[:25])
        dialog = await opened(harness, ForMany.ARCHIVE)
        assert dialog.title.text() == "Arquivar 25 mentorados?"
        assert {name for name, _ in results(dialog)} == {each.name for each in harness.people[:25]}
        assert dialog.focusWidget() is dialog.cancel
        await settle()
        longest = max(dialog.table.fontMetrics().horizontalAdvance(name) for name, _ in results(dialog))
        assert dialog.table.columnWidth(0) > longest, "names are read whole"
        assert "Saem da lista" in text_in(dialog)
        titles: list[str] = []
        dialog.windowTitleChanged.connect(titles.append)
        dialog.confirm.click()
        await until(lambda: dialog.cancel.text() == "Fechar", within=5)
        assert titles[0] == "Arquivando 25 mentorados"
        assert "Saem da lista" not in text_in(dialog), "what is over is not said to be about to happen"
        assert dialog.accessibleDescription() == ""
        assert {result for _, result in results(dialog)} == {"Arquivado"}
        assert "25 foram para o arquivo." in text_in(dialog)
        assert not dialog.confirm.isVisible()
        dialog.cancel.click()
        await settle()
        assert not ticked(harness)
        written = [entry for entry in harness.audit.outcomes if entry.record.action == ActionName.ARCHIVE]
        assert len(written) == 25
        assert {entry.record.outcome for entry in written} == {AuditOutcome.DONE}
        assert "25 foram para o arquivo." in text_in(harness.window.toast)
        harness.window.toast.button.click()
        await until(lambda: not any(each.archived for each in harness.mentorados.all()), within=5)

    in_window(use)


def test_who_cannot_be_archived_is_said_before_and_left_alone(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        await switched_off(harness)
        await harness.mentorados.archive(person(2).id)
        harness.model.ticks.add([person(1).id, person(2).id])
        dialog = await opened(harness, ForMany.ARCHIVE)
        assert dialog.title.text() == "Arquivar 1 mentorado?"
        assert "1 dos selecionados fica como está; a lista diz por quê." in text_in(dialog)
        assert results(dialog)[0][0] == person(2).name
        assert results(dialog)[0][1] == "Traga de volta antes."
        dialog.cancel.click()
        await settle()
        assert not harness.mentorados.get(person(1).id).archived

    in_window(use)


def test_what_failed_is_tried_again_and_what_was_stopped_can_go_on(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        await switched_off(harness)
        harness.model.ticks.add([person(1).id, person(2).id, person(3).id])
        dialog = await opened(harness, ForMany.COHORT)
        assert dialog.field is not None
        assert dialog.focusWidget() is dialog.field
        QTest.keyClicks(dialog.field, "Turma 20")
        asked: list[MentoradoId] = []
        do, dialog_work = dialog._work.do, dialog._work

        async def fails_once(mentorado_id: MentoradoId, typed: str) -> None:
            asked.append(mentorado_id)
            await asyncio.sleep(0)
            if len(asked) == 1:
                raise Problem(ProblemCode.DATABASE_DISK_FULL)
            dialog.cancel.click()  # a person stops it meanwhile
            await do(mentorado_id, typed)

        dialog._work = replace(dialog_work, do=fails_once)
        QTest.keyClick(dialog.field, Key.Key_Return)
        assert dialog.focusWidget() is dialog.confirm, "Enter goes on to the button"
        assert asked == []
        QTest.keyClick(dialog.confirm, Key.Key_Return)
        await until(lambda: dialog.cancel.text() == "Fechar", within=2)
        assert len(asked) == 2
        assert "1 foi mudado." in text_in(dialog)
        assert "1 não deu certo; a lista diz por quê. 1 não chegou a ser feito." in text_in(dialog)
        assert dialog.confirm.text() == "Tentar de novo os 2 que faltam"
        dialog._work = dialog_work
        dialog.confirm.click()
        await until(lambda: "3 foram mudados." in text_in(dialog), within=2)
        dialog.cancel.click()
        await settle()
        assert {harness.mentorados.get(person(n).id).cohort for n in (1, 2, 3)} == {"Turma 20"}
        assert not ticked(harness)

    in_window(use)


def test_a_switch_of_those_who_are_ticked_is_planned(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        asked: list[Sequence[MentoradoId]] = []
        harness.window.controller.switch_requested.connect(asked.append)
        harness.model.ticks.add([person(1).id, person(2).id])
        harness.window.list.ticks.buttons[ForMany.SWITCH_PROVIDER].click()
        await settle()
        assert asked == [(person(1).id, person(2).id)]
        assert len(ticked(harness)) == 2

    in_window(use)


def phrase_fields(dialog: ForManyDialog) -> tuple[QLineEdit, QLineEdit]:
    assert dialog.phrase is not None
    return dialog.phrase.first, dialog.phrase.again


def test_many_are_backed_up_with_one_passphrase_and_what_failed_is_tried_again(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        procedures = FakeProcedures(harness.bus, harness.clock)
        harness.runner.procedures = procedures
        harness.model.ticks.add([person(1).id, person(2).id])
        dialog = await opened(harness, ForMany.BACK_UP)
        assert dialog.confirm.text() == "Fazer 2 backups sem proteção"
        first, again = phrase_fields(dialog)
        assert dialog.focusWidget() is first
        QTest.keyClick(first, Key.Key_Return)
        await settle()
        assert dialog.isVisible(), "Enter neither begins nor cancels"
        assert procedures.asked == []
        QTest.keyClicks(first, "uma frase longa")
        assert not dialog.confirm.isEnabled()
        QTest.keyClick(first, Key.Key_Return)
        assert dialog.focusWidget() is again
        QTest.keyClicks(again, "uma frase longa")
        QTest.keyClick(again, Key.Key_Return)
        await until(lambda: dialog.focusWidget() is dialog.confirm, within=2)
        assert procedures.asked == []
        assert dialog.confirm.text() == "Fazer 2 backups com esta frase"
        QTest.keyClick(dialog.confirm, Key.Key_Return)
        await until(lambda: procedures.asked == ["begin"], within=2)
        assert harness.window.shows_procedure(person(1).id), "its result is in the sheet: no notice says it once more"
        assert not harness.window.shows_procedure(person(3).id)
        (ana,) = procedures.unfinished()
        procedures.write(ana.head.id, EntryKind.STEP_BEGAN, StepName.COLLECT)
        full = {"code": ProblemCode.BACKUP_DISK_FULL.value}
        procedures.write(ana.head.id, EntryKind.STEP_FAILED, StepName.COLLECT, full)
        await until(lambda: procedures.asked == ["begin", "begin"], within=2)
        procedures.write(procedures.unfinished()[1].head.id, EntryKind.ENDED)
        await until(lambda: dialog.cancel.text() == "Fechar", within=2)
        assert "1 backup foi feito." in text_in(dialog)
        assert {result for _, result in results(dialog)} >= {"Backup feito, protegido"}
        dialog.confirm.click()
        await until(lambda: procedures.asked == ["begin", "begin", "go_on"], within=2)
        procedures.write(ana.head.id, EntryKind.ENDED)
        await until(lambda: "2 backups foram feitos." in text_in(dialog), within=2)
        assert set(procedures.secrets) == {"uma frase longa"}
        assert (first.text(), again.text()) == ("", ""), "no passphrase is left in a field"
        dialog.cancel.click()
        await settle()
        assert not ticked(harness)

    in_window(use)


def test_a_backup_that_somebody_stopped_is_said_to_be_under_way(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        procedures = FakeProcedures(harness.bus, harness.clock)
        harness.runner.procedures = procedures
        harness.model.ticks.add([person(1).id])
        dialog = await opened(harness, ForMany.BACK_UP)
        dialog.confirm.click()
        await until(lambda: bool(procedures.unfinished()), within=2)
        await procedures.pause(procedures.unfinished()[0].head.id)
        await until(lambda: dialog.cancel.text() == "Fechar", within=2)
        assert "Nenhum backup foi feito." in text_in(dialog)
        assert len(ticked(harness)) == 1

    in_window(use)


def test_in_english_too(in_window: InWindow, tmp_path: Path) -> None:
    async def use(harness: WindowHarness) -> None:
        texts.set_language("en")
        harness.model.ticks.add([person(1).id])
        await settle()
        assert "1 selected" in text_in(harness.window.list)

    in_window(use)


def test_whoever_is_on_several_puts_their_name_to_those_who_need_somebody(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        fallen, connected = [person(5), person(9)], person(1)
        harness.model.ticks.add([each.id for each in (*fallen, connected)])
        dialog = await opened(harness, ForMany.HANDLE)
        assert dialog.title.text() == "Pôr o seu nome em 2 mentorados?"
        assert "1 dos selecionados fica como está; a lista diz por quê." in text_in(dialog)
        assert results(dialog)[0] == (connected.name, "Não precisa de ninguém agora.")
        dialog.confirm.click()
        await until(lambda: dialog.cancel.text() == "Fechar", within=5)
        assert "Você está cuidando de 2." in text_in(dialog)
        assert {result for _, result in results(dialog)[1:]} == {"Com o seu nome"}
        dialog.cancel.click()
        await settle()
        assert set(harness.core.handlings.current) == {each.id for each in fallen}
        assert ticked(harness) == (connected.id,)
        harness.model.flush()
        assert all(harness.model.find_row(each.id).handling for each in fallen)

    in_window(use)


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize("kind", ["archive", "cohort", "back_up"])
def test_it_fits_the_smallest_window(in_window: InWindow, kind: str, scale: int) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.theme.set_text_scale(scale)
        harness.window.resize(640, 480)
        await settle()
        dialog = for_many(harness, kind=BulkKind(kind))
        dialog.open()
        await settle()
        assert dialog.height() <= 480
        assert dialog.width() <= 640
        for button in (dialog.cancel, dialog.confirm):
            assert dialog.rect().contains(button.geometry())
        dialog.reject()

    in_window(use, range(25))


def test_what_is_done_to_many_can_be_read_and_reached_with_the_largest_text(in_window: InWindow) -> None:
    async def use(harness: WindowHarness) -> None:
        harness.theme.set_text_scale(200)
        bar = harness.window.list.ticks
        for height in (700, 480):
            harness.window.resize(760, height)
            harness.model.ticks.add([each.id for each in harness.people[:3]])
            await settle()
            await settle()
            for button in (bar.all, *bar.buttons.values(), bar.done):
                if height == 700:
                    assert not cut(button)
                button.setFocus()
                assert not cut(button), "the keyboard came to it"
            assert harness.window.list.table.height() >= 70

    in_window(use, range(6))


def cut(button: QPushButton) -> bool:
    """Whether a part of it is not to be seen."""
    return button.visibleRegion().boundingRect() != button.rect()
