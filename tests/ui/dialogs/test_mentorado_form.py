"""Adding and correcting somebody, with what goes wrong said beside the field it is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel

from app.core.provider_setup.selection import ProviderSelectionService
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import ProviderKind
from app.text.status import texts
from app.ui.dialogs.mentorado import MentoradoDialog, Saved, edit_mentorado
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach
from tests.ui.detail_pane.harness import LUIZA, THIAGO, PaneHarness, pane_harness

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


class Asked:
    """A form that is open, and what it will answer."""

    def __init__(self, harness: PaneHarness, form: MentoradoDialog, answer: asyncio.Task[Saved | None]) -> None:
        self.stage = harness
        self.form = form
        self.answer = answer

    def write(self, name: str = "", phone: str = "", cohort: str = "") -> None:
        for field, words in ((self.form.name, name), (self.form.phone, phone), (self.form.cohort, cohort)):
            field.line.clear()
            field.line.insert(words)  # `keyClicks` knows no accents


@asynccontextmanager
async def opened(theme: Theme, *, edit: bool = False) -> AsyncIterator[Asked]:
    async with pane_harness(theme) as harness:
        harness.pane.resize(900, 800)
        harness.pane.show()
        answer = asyncio.get_running_loop().create_task(
            edit_mentorado(theme, harness.pane, harness.mentorados, THIAGO if edit else None)
        )
        await settle()
        (form,) = harness.pane.findChildren(MentoradoDialog)
        try:
            yield Asked(harness, form, answer)
        finally:
            if not answer.done():
                form.reject()
            await answer


async def test_somebody_is_added_and_may_be_connected_at_once(theme: Theme) -> None:
    async with opened(theme) as asked:
        asked.write("  Débora   Falcão ", "98 98408-8104", "Mentoria")
        assert asked.form.add_and_connect is not None
        asked.form.add_and_connect.click()
        saved = await asked.answer
        assert saved is not None
        assert saved.connect
        assert saved.mentorado.name == "Débora Falcão"
        assert saved.mentorado.phone == "+5598984088104"
        assert saved.mentorado.cohort == "Mentoria"
        assert asked.stage.mentorados.get(saved.mentorado.id) == saved.mentorado


async def test_somebody_is_added_for_later(theme: Theme) -> None:
    async with opened(theme) as asked:
        asked.write("Débora Falcão", "98 98408-8104")
        asked.form.save.click()
        saved = await asked.answer
        assert saved is not None
        assert not saved.connect


async def test_enter_does_what_the_coloured_button_says(theme: Theme) -> None:
    async with opened(theme) as asked:
        asked.write("Débora Falcão", "98 98408-8104")
        QTest.keyClick(asked.form.phone.line, Qt.Key.Key_Return)
        saved = await asked.answer
        assert saved is not None
        assert saved.connect


async def test_escape_leaves_everything_as_it_was(theme: Theme) -> None:
    async with opened(theme) as asked:
        asked.write("Débora Falcão", "98 98408-8104")
        QTest.keyClick(asked.form, Qt.Key.Key_Escape)
        assert await asked.answer is None
        assert len(list(asked.stage.mentorados.all())) == 2


async def test_a_name_that_is_taken_away_is_missed_at_once(theme: Theme) -> None:
    async with opened(theme) as asked:
        QTest.keyClicks(asked.form.name.line, "D")
        assert asked.form.name.error == ""
        QTest.keyClick(asked.form.name.line, Qt.Key.Key_Backspace)
        assert asked.form.name.error == "Falta o nome do mentorado."
        assert asked.form.name.line.property("invalid") is True
        QTest.keyClicks(asked.form.name.line, "D")
        assert asked.form.name.error == ""


async def test_the_number_is_checked_and_written_nicely_on_leaving_it(theme: Theme) -> None:
    async with opened(theme) as asked:
        form = asked.form
        form.phone.line.setFocus()
        QTest.keyClicks(form.phone.line, "9898301")
        assert form.phone.error == "", "not while it is being written"
        form.cohort.line.setFocus()
        assert "“9898301” não é um número de telefone completo." in form.phone.error
        assert form.phone.error in form.phone.line.accessibleDescription()
        form.phone.line.setFocus()
        QTest.keyClicks(form.phone.line, "5662")
        assert form.phone.error == ""
        form.cohort.line.setFocus()
        assert form.phone.line.text() == "+55 98 98301-5662"


@pytest.mark.parametrize(
    ("name", "phone", "code", "about"),
    [
        ("", "98 98408-8104", ProblemCode.NAME_MISSING, "name"),
        ("Débora Falcão", "", ProblemCode.PHONE_MISSING, "phone"),
        ("Débora Falcão", "12", ProblemCode.PHONE_INVALID, "phone"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(
    theme: Theme, name: str, phone: str, code: ProblemCode, about: str
) -> None:
    async with opened(theme) as asked:
        asked.write(name, phone)
        asked.form.main_button.click()
        await settle()
        field = getattr(asked.form, about)
        assert texts(f"problem.{code}.next") in field.error
        assert asked.form.focusWidget() is field.line
        assert asked.form.isVisible()


async def test_a_taken_number_names_who_has_it(theme: Theme) -> None:
    async with opened(theme) as asked:
        asked.write("Débora Falcão", asked.stage.mentorados.get(LUIZA).phone)
        asked.form.main_button.click()
        await settle()
        assert "Luíza Prates" in asked.form.phone.error
        asked.write("Débora Falcão", "98 98408-8104")
        asked.form.main_button.click()
        assert await asked.answer is not None


async def test_what_the_disk_says_is_shown_in_the_form(theme: Theme) -> None:
    async with opened(theme) as asked:
        asked.stage.mentorado_repository.problem = Problem(ProblemCode.DATABASE_DISK_FULL, path="conecta.db")
        asked.write("Débora Falcão", "98 98408-8104")
        asked.form.main_button.click()
        await settle()
        assert texts("problem.database_disk_full.sentence", path="conecta.db") in asked.form.trouble.text()
        asked.stage.mentorado_repository.problem = None
        asked.form.main_button.click()
        assert await asked.answer is not None


async def test_editing_begins_with_what_is_known(theme: Theme) -> None:
    async with opened(theme, edit=True) as asked:
        form = asked.form
        assert form.title.text() == "Editar Thiago Torquato"
        lines = [field.line.text() for field in (form.name, form.phone, form.cohort)]
        assert lines == ["Thiago Torquato", "+55 98 98301-5662", "Turma 12 · Tráfego"]
        assert form.add_and_connect is None
        asked.write("Thiago T. Torquato", lines[1], "Mentoria")
        form.save.click()
        saved = await asked.answer
        assert saved is not None
        assert saved.mentorado.id == THIAGO
        assert saved.mentorado.name == "Thiago T. Torquato"


async def test_known_cohorts_are_offered(theme: Theme) -> None:
    async with opened(theme) as asked:
        completer = asked.form.cohort.line.completer()
        completer.setCompletionPrefix("turma")
        offered = {completer.completionModel().index(row, 0).data() for row in range(completer.completionCount())}
        assert offered == {"Turma 12 · Tráfego", "Turma 9"}


@pytest.mark.parametrize("edit", [False, True])
async def test_everything_can_be_reached_and_has_a_name(theme: Theme, edit: bool) -> None:
    async with opened(theme, edit=edit) as asked:
        assert nameless(asked.form) == []
        assert out_of_reach(asked.form) == []
        assert asked.form.focusWidget() is asked.form.name.line
        assert asked.form.accessibleName()


KINDS = (ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI)


@asynccontextmanager
async def choosing(theme: Theme, *, edit: bool = False, account: bool = False) -> AsyncIterator[Asked]:
    """The form where there are two providers to choose from."""
    async with pane_harness(theme) as harness:
        harness.pane.resize(900, 800)
        harness.pane.show()
        if edit and not account:
            link = harness.mentorados.get(THIAGO).link
            await harness.mentorados.save_link(replace(link, account=None))
        choice = ProviderSelectionService(
            mentorados=harness.mentorados, supervisor=harness.supervisor, audit_service=harness.core.audit_service
        )
        answer = asyncio.get_running_loop().create_task(
            edit_mentorado(
                theme, harness.pane, harness.mentorados, THIAGO if edit else None, choice=choice, kinds=KINDS
            )
        )
        await settle()
        (form,) = harness.pane.findChildren(MentoradoDialog)
        try:
            yield Asked(harness, form, answer)
        finally:
            if not answer.done():
                form.reject()
            await answer


async def test_whatsapp_web_is_chosen_until_somebody_says_otherwise(theme: Theme) -> None:
    async with choosing(theme) as asked:
        form = asked.form
        assert form.provider is not None
        assert form.provider.choice.chosen is ProviderKind.WHATSAPP_WEB
        assert form.main_button.text() == texts("dialog.add_and_connect")
        form.provider.choice.button(ProviderKind.ZAPI).click()
        assert form.main_button.text() == texts("dialog.add_and_enter"), "credentials come first"
        assert nameless(form) == []
        assert out_of_reach(form) == []
        asked.write("Débora Falcão", "98 98408-8104")
        form.save.click()
        saved = await asked.answer
        assert saved is not None
        assert saved.mentorado.link.provider is ProviderKind.ZAPI


async def test_another_provider_can_be_chosen_while_nothing_ever_connected(theme: Theme) -> None:
    async with choosing(theme, edit=True) as asked:
        assert asked.form.provider is not None
        asked.form.provider.choice.button(ProviderKind.ZAPI).click()
        asked.form.save.click()
        saved = await asked.answer
        assert saved is not None
        assert saved.mentorado.link.provider is ProviderKind.ZAPI


async def test_a_provider_in_use_is_named_with_the_reason_why_it_stays(theme: Theme) -> None:
    async with choosing(theme, edit=True, account=True) as asked:
        field = asked.form.provider
        assert field is not None
        lines = [label.text() for label in field.findChildren(QLabel)]
        assert "WhatsApp Web" in lines
        assert f"{texts('refusal.connected_before')}." in lines
        assert field.findChildren(QAbstractButton) == []
        asked.form.save.click()
        assert await asked.answer is not None
