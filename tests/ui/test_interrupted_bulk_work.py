"""Work on many that closing interrupts is told at the next start, with a way to go on and one to leave it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.core.bulk_work import BulkWorkService
from app.domain.bulk_work import BulkKind
from app.domain.events import BulkWorkChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.procedure import EntryKind
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.dialogs.for_many import ForManyDialog
from app.ui.mentorado_list.tick_bar import ForMany
from app.ui.notices import BulkWorkBanner
from app.ui.theme.theme import Theme
from tests.ui.procedures.fake_procedures import FakeProcedures
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.procedures.test_program import Started, program
from tests.ui.window_checks import settle
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


async def sheet_of(started: Started) -> ForManyDialog:
    found: list[ForManyDialog] = []

    def look() -> bool:
        found[:] = [each for each in started.window.findChildren(ForManyDialog) if each.isVisible()]
        return bool(found)

    await started.until(look)
    return found[0]


async def archiving(started: Started, people: list[Mentorado]) -> ForManyDialog:
    """Archive all, of whom the second takes as long as the test does."""
    started.window.list.ticked.add(each.id for each in people)
    started.window.list.ticks.buttons[ForMany.ARCHIVE].click()
    sheet = await sheet_of(started)
    do, asked = sheet._work.do, list[MentoradoId]()

    async def for_ever(mentorado_id: MentoradoId, typed: str) -> None:
        asked.append(mentorado_id)
        if len(asked) > 1:
            await asyncio.Event().wait()
        await do(mentorado_id, typed)

    sheet._work = replace(sheet._work, do=for_ever)
    sheet.confirm.click()
    await started.until(lambda: len(asked) == 2)
    return sheet


async def closing_question(started: Started) -> ConfirmDialog:
    await started.until(lambda: type(started.questions[-1]) is ConfirmDialog)
    return started.questions[-1]


def archived(started: Started) -> int:
    return sum(each.archived for each in started.core.mentorados.all())


@pytest.mark.within(60)
async def test_an_archiving_that_is_closed_midway_is_told_and_goes_on(qapp: QApplication, fast_dir: Path) -> None:
    async with program(qapp, fast_dir) as first:
        names = ["Ana", "Bia", "Caio", "Davi"]
        people = [await first.core.mentorados.add(name, f"1198765000{n}") for n, name in enumerate(names)]
        await archiving(first, people)
        first.window.close()
        question = await closing_question(first)
        assert "Para no meio: arquivar (1 de 4)." in words(question)
        question.confirm.click()
    async with program(qapp, fast_dir) as second:
        banners = second.window.banners
        await second.until(banners.isVisible)
        sentence = "O Conecta fechou antes de acabar de arquivar: 1 de 4 no arquivo. Nos outros nada mudou."
        assert sentence in words(banners)
        assert archived(second) == 1
        buttons(banners)["Continuar"].click()
        sheet = await sheet_of(second)
        assert sheet.title.text() == "Arquivar 3 mentorados?"
        sheet.cancel.click()
        await asyncio.sleep(0.05)
        assert sentence in words(banners), "nobody decided anything"
        buttons(banners)["Continuar"].click()
        sheet = await sheet_of(second)
        sheet.confirm.click()
        await second.until(lambda: archived(second) == 4)
        await second.until(lambda: not banners.isVisible())
        sheet.cancel.click()
        second.window.close()
    async with program(qapp, fast_dir) as third:
        assert not third.core.bulk_work.interrupted
        third.window.close()


@pytest.mark.within(60)
async def test_it_can_be_left_as_it_is(qapp: QApplication, fast_dir: Path) -> None:
    async with program(qapp, fast_dir) as first:
        ana = await first.core.mentorados.add("Ana", "11987650000")
        first.core.bulk_work.begin(BulkKind.CONNECT, [ana.id])
        first.window.close()
        (await first.question()).confirm.click()
    async with program(qapp, fast_dir) as second:
        banners = second.window.banners
        await second.until(banners.isVisible)
        assert "0 de 1 conectaram" in words(banners)
        buttons(banners)["Deixar assim"].click()
        assert not banners.isVisible()
        await second.core.write_queue.flush()
        second.window.close()
    async with program(qapp, fast_dir) as third:
        assert not third.core.bulk_work.interrupted
        third.window.close()


async def _harness(theme: Theme, folder: Path) -> WindowHarness:
    harness = WindowHarness(folder, [person(number) for number in range(5)], theme)
    harness.runner.procedures = FakeProcedures(harness.bus, harness.clock)
    await harness.load(*(LinkStatus(since=NOON) for _ in range(5)))
    controller, works = harness.window.controller, harness.core.bulk_work
    banner = BulkWorkBanner(harness.window.banners, works, controller.continue_bulk_work)
    harness.bus.subscribe(BulkWorkChanged, banner.on_changed)
    await harness.show()
    return harness


def interrupted(harness: WindowHarness, kind: BulkKind, typed: str = "") -> BulkWorkService:
    works = harness.core.bulk_work
    work = works.begin(kind, [each.id for each in harness.people[:3]], typed=typed)
    works.interrupt(work.id)
    return works


async def test_a_cohort_is_offered_as_it_was_typed(theme: Theme, fast_dir: Path) -> None:
    harness = await _harness(theme, fast_dir)
    interrupted(harness, BulkKind.COHORT, "Turma 20")
    buttons(harness.window.banners)["Continuar"].click()
    await settle()
    (sheet,) = harness.window.findChildren(ForManyDialog)
    assert sheet.field is not None
    assert sheet.field.text() == "Turma 20"
    await harness.close()


async def test_a_backup_that_was_interrupted_goes_on_with_the_others(theme: Theme, fast_dir: Path) -> None:
    harness = await _harness(theme, fast_dir)
    procedures = harness.runner.procedures
    assert isinstance(procedures, FakeProcedures)
    works = interrupted(harness, BulkKind.BACK_UP)
    buttons(harness.window.banners)["Continuar"].click()
    await settle()
    (sheet,) = harness.window.findChildren(ForManyDialog)
    assert sheet.phrase is not None
    sheet.phrase.first.setText("uma frase longa")
    sheet.phrase.again.setText("uma frase longa")
    sheet.confirm.click()
    for _ in range(3):
        await until(lambda: bool(procedures.unfinished()), within=2)
        procedures.write(procedures.unfinished()[0].head.id, EntryKind.ENDED)
        await settle()
    await until(lambda: sheet.cancel.text() == "Fechar", within=2)
    assert not works.running
    assert (sheet.phrase.first.text(), sheet.phrase.again.text()) == ("", ""), "no passphrase is left in a field"
    assert "uma frase longa" not in str(harness.core.bulk_record.kept)
    await harness.close()


async def test_connecting_in_turn_goes_on_behind_who_waits_already(theme: Theme, fast_dir: Path) -> None:
    harness = await _harness(theme, fast_dir)
    async with harness.supervisor:
        works = interrupted(harness, BulkKind.CONNECT)
        harness.model.ticks.add([harness.people[4].id])
        harness.window.list.ticks.buttons[ForMany.CONNECT].click()
        await settle()
        buttons(harness.window.banners)["Continuar"].click()
        await settle()
        assert not harness.window.banners.isVisible()
        assert "1 de 4" in words(harness.window.list.turn)
        (work,) = works.running
        assert (work.done, work.count) == (0, 4)
        harness.observe(harness.people[4], LinkStatus(state=LinkState.CONNECTED, since=NOON))
        await settle()
        harness.window.list.turn.next.click()
        await settle()
        (work,) = works.running
        assert (work.done, len(work.left)) == (1, 2), "who was skipped is nobody's work any more"
        harness.window.list.turn.stop.click()
        await settle()
        assert not works.running
        assert not works.interrupted
    await harness.close()


async def test_a_sheet_that_another_takes_the_place_of_offers_who_is_left_again(theme: Theme, fast_dir: Path) -> None:
    harness = await _harness(theme, fast_dir)
    harness.model.ticks.add(each.id for each in harness.people[:2])
    harness.window.list.ticks.buttons[ForMany.ARCHIVE].click()
    await settle()
    (sheet,) = harness.window.findChildren(ForManyDialog)

    async def stopped(_mentorado_id: MentoradoId, _typed: str) -> None:
        sheet.reject()  # as another sheet does

    sheet._work = replace(sheet._work, do=stopped)
    sheet.confirm.click()
    await until(lambda: sheet.cancel.text() == "Fechar", within=2)
    assert "1 não chegou a ser feito." in words(sheet)
    sheet.reject()
    await settle()
    assert "1 de 2 no arquivo" in words(harness.window.banners)
    texts.set_language("en")
    harness.window.banners.retranslate()
    assert "1 of 2 are archived. Nothing changed for the others." in words(harness.window.banners)
    await harness.close()
