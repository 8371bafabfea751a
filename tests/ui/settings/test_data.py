"""What is kept of people: for how long, exported, and erased."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit

from app.domain.audit import AuditAction
from app.domain.erasure import CopyKind
from app.domain.errors import Problem, ProblemCode
from app.domain.settings import RETENTION
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from tests.core.archive import BIA, COPY
from tests.ui.settings.page_harness import PEOPLE, Harness, InHarness


def test_how_much_is_kept_is_counted_over_everybody(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        assert harness.history.line.startswith("9 mensagens em 6 conversas, desde ")
        assert harness.history.retention.text() == "Guardar tudo"

    in_harness(use)


def test_keeping_less_must_be_confirmed_in_writing_and_keeping_more_not(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.history

        def kept() -> int | None:
            return harness.settings_harness.store.kept.retention_days

        section.retention._select(365)
        words = await harness.answer(accept=False)
        assert "Apagar mensagens com mais de 365 dias?" in words
        assert "Não dá para desfazer" in words
        assert kept() is None
        assert harness.outcomes() == [(RETENTION.action, "declined")]
        assert section.retention.text() == "Guardar tudo"
        section.retention._select(365)
        await harness.answer(accept=True, typed="365")  # not what was asked for: the button stays shut
        assert kept() is None
        await harness.answer(accept=True, typed="365 dias")
        assert kept() == 365
        section.retention._select(730)
        await harness.settle()
        assert kept() == 730
        section.retention._select(None)
        await harness.settle()
        assert kept() is None
        assert [outcome for _, outcome in harness.outcomes()] == ["declined", "done", "done", "done"]

    in_harness(use)


def test_all_that_is_kept_of_somebody_is_exported(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        assert not section.export_button.isEnabled()
        section.whom._select(PEOPLE[0].id)
        assert section.export_button.isEnabled()
        await section.export_to(tmp_path / "out", PEOPLE[0].id, None)
        (folder,) = (tmp_path / "out").iterdir()
        assert f"3 mensagens em {folder.name}." in section.message
        assert harness.settings_harness.opened == [folder]
        assert not section.bar.isVisible()
        await harness.settle()
        assert harness.audited_actions() == [AuditAction.EXPORT_MENTORADO]

    in_harness(use)


def test_an_export_that_is_given_up_leaves_nothing(in_harness: InHarness, tmp_path: Path) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        section.bar.setVisible(False)
        loop = asyncio.get_running_loop()
        exporting = loop.create_task(section.export_to(tmp_path / "out", PEOPLE[0].id, None))
        while not section.cancel_button.isVisible():
            await asyncio.sleep(0)
        section.cancel_button.click()
        await exporting
        assert "Exportação cancelada." in section.message
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
        assert not section.cancel_button.isVisible()

    in_harness(use)


def test_a_contact_is_erased_once_the_number_was_typed_again(in_harness: InHarness) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        assert not section.erase_button.isEnabled()
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await harness.answer(accept=False)
        assert harness.outcomes() == [(AuditAction.ERASE_CONTACT, "declined")]
        assert harness.settings_harness.archive.erased == []
        section.erase_button.click()
        words = await harness.answer(accept=True, typed="+55 21 98765-0001")
        assert PEOPLE[0].name in words
        assert "Não dá para desfazer" in words
        assert len(harness.settings_harness.archive.erased) == 1
        assert "apagados" in section.message
        assert section.contact.text() == ""

    in_harness(use)


@pytest.mark.parametrize("removed", [True, False])
def test_older_copies_are_named_with_their_dates_and_stay_unless_somebody_removes_them(
    in_harness: InHarness, removed: bool
) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.leftovers.held = [COPY, replace(COPY, kind=CopyKind.DATABASE, encrypted=True)]
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await harness.answer(accept=True, typed="+55 21 98765-0001")
        words = await harness.answer(accept=removed)
        assert "Backup de 01/01/2026" in words or "Backup de 31/12/2025" in words
        assert "(com frase secreta)" in words
        assert texts("question.kept") not in words  # what may be removed is not said to be kept
        assert harness.settings_harness.leftovers.held == (
            [] if removed else [COPY, replace(COPY, kind=CopyKind.DATABASE, encrypted=True)]
        )
        assert ("2 cópias foram removidas." in section.message) is removed

    in_harness(use)


def test_what_there_was_no_room_for_is_told_and_the_number_stays_to_ask_again(
    in_harness: InHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(harness: Harness) -> None:
        harness.settings_harness.archive.no_room = Problem(ProblemCode.DATABASE_DISK_FULL, path="/data/conecta.db")
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        section.contact.setText(BIA.value)
        section.erase_button.click()
        await harness.answer(accept=True, typed="+55 21 98765-0001")
        assert "apagados" in section.message
        assert "conclui na hora" in section.message
        assert section.contact.text() == BIA.value

    in_harness(use)
    assert "could not be rewritten after an erasure" in caplog.text


@pytest.mark.parametrize(
    ("typed", "sentence"), [("12", "não é um número de telefone"), ("11900000000", "Nada está guardado sobre")]
)
def test_a_number_nobody_knows_is_told(in_harness: InHarness, typed: str, sentence: str) -> None:
    async def use(harness: Harness) -> None:
        section = harness.personal
        section.whom._select(PEOPLE[0].id)
        section.contact.setText(typed)
        section.erase_button.click()
        await harness.settle()
        for sheet in harness.page.findChildren(ConfirmDialog):
            sheet.findChildren(QLineEdit)[0].setText(sheet._typed)
            sheet.confirm.click()
        await harness.settle()
        assert sentence in section.message
        assert harness.settings_harness.archive.erased == []

    in_harness(use)
