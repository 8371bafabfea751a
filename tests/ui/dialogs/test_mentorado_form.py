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

from app.core.hosted.provider_choice import ProviderChoice
from app.domain.errors import Code, Problem
from app.domain.mentorado import ProviderKind
from app.ui.dialogs.mentorado_form import MentoradoForm, Saved, ask_for_mentorado
from app.ui.text import texts
from app.ui.theme import Theme
from tests.clock import settle
from tests.conftest import OnQt
from tests.ui.controls import nameless, out_of_reach
from tests.ui.detail.scene import LUIZA, THIAGO, Scene, scene


class Asked:
    """A form that is open, and what it will answer."""

    def __init__(self, stage: Scene, form: MentoradoForm, answer: asyncio.Task[Saved | None]) -> None:
        self.stage = stage
        self.form = form
        self.answer = answer

    def write(self, name: str = "", phone: str = "", cohort: str = "") -> None:
        for field, words in ((self.form.name, name), (self.form.phone, phone), (self.form.cohort, cohort)):
            field.line.clear()
            field.line.insert(words)  # `keyClicks` knows no accents


@asynccontextmanager
async def opened(theme: Theme, *, edit: bool = False) -> AsyncIterator[Asked]:
    async with scene(theme) as stage:
        stage.pane.resize(900, 800)
        stage.pane.show()
        answer = asyncio.get_running_loop().create_task(
            ask_for_mentorado(theme, stage.pane, stage.enrolments, THIAGO if edit else None)
        )
        await settle()
        (form,) = stage.pane.findChildren(MentoradoForm)
        try:
            yield Asked(stage, form, answer)
        finally:
            if not answer.done():
                form.reject()
            await answer


def test_somebody_is_added_and_may_be_connected_at_once(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.write("  Débora   Falcão ", "98 98408-8104", "Mentoria")
            assert asked.form.add_and_connect is not None
            asked.form.add_and_connect.click()
            saved = await asked.answer
            assert saved is not None
            assert saved.connect
            assert saved.enrolment.mentorado.name == "Débora Falcão"
            assert saved.enrolment.mentorado.phone == "+5598984088104"
            assert saved.enrolment.mentorado.cohort == "Mentoria"
            assert asked.stage.enrolments.get(saved.enrolment.mentorado.id) == saved.enrolment

    on_qt(main)


def test_somebody_is_added_for_later(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.write("Débora Falcão", "98 98408-8104")
            asked.form.save.click()
            saved = await asked.answer
            assert saved is not None
            assert not saved.connect

    on_qt(main)


def test_enter_does_what_the_coloured_button_says(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.write("Débora Falcão", "98 98408-8104")
            QTest.keyClick(asked.form.phone.line, Qt.Key.Key_Return)
            saved = await asked.answer
            assert saved is not None
            assert saved.connect

    on_qt(main)


def test_escape_leaves_everything_as_it_was(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.write("Débora Falcão", "98 98408-8104")
            QTest.keyClick(asked.form, Qt.Key.Key_Escape)
            assert await asked.answer is None
            assert len(list(asked.stage.enrolments.all())) == 2

    on_qt(main)


def test_a_name_that_is_taken_away_is_missed_at_once(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            QTest.keyClicks(asked.form.name.line, "D")
            assert asked.form.name.error == ""
            QTest.keyClick(asked.form.name.line, Qt.Key.Key_Backspace)
            assert asked.form.name.error == "Falta o nome do mentorado."
            assert asked.form.name.line.property("invalid") is True
            QTest.keyClicks(asked.form.name.line, "D")
            assert asked.form.name.error == ""

    on_qt(main)


def test_the_number_is_checked_and_written_nicely_on_leaving_it(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
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

    on_qt(main)


@pytest.mark.parametrize(
    ("name", "phone", "code", "about"),
    [
        ("", "98 98408-8104", Code.NAME_MISSING, "name"),
        ("Débora Falcão", "", Code.PHONE_MISSING, "phone"),
        ("Débora Falcão", "12", Code.PHONE_INVALID, "phone"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    on_qt: OnQt, theme: Theme, name: str, phone: str, code: Code, about: str
) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.write(name, phone)
            asked.form.main_button.click()
            await settle()
            field = getattr(asked.form, about)
            assert texts(f"problem.{code}.next") in field.error
            assert asked.form.focusWidget() is field.line
            assert asked.form.isVisible()

    on_qt(main)


def test_a_taken_number_names_who_has_it(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.write("Débora Falcão", asked.stage.enrolments.get(LUIZA).mentorado.phone)
            asked.form.main_button.click()
            await settle()
            assert "Luíza Prates" in asked.form.phone.error
            asked.write("Débora Falcão", "98 98408-8104")
            asked.form.main_button.click()
            assert await asked.answer is not None

    on_qt(main)


def test_what_the_disk_says_is_shown_in_the_form(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            asked.stage.roster.problem = Problem(Code.DATABASE_DISK_FULL, path="conecta.db")
            asked.write("Débora Falcão", "98 98408-8104")
            asked.form.main_button.click()
            await settle()
            assert texts("problem.database_disk_full.sentence", path="conecta.db") in asked.form.trouble.text()
            asked.stage.roster.problem = None
            asked.form.main_button.click()
            assert await asked.answer is not None

    on_qt(main)


def test_editing_begins_with_what_is_known(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
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
            assert saved.enrolment.mentorado.id == THIAGO
            assert saved.enrolment.mentorado.name == "Thiago T. Torquato"

    on_qt(main)


def test_known_cohorts_are_offered(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with opened(theme) as asked:
            completer = asked.form.cohort.line.completer()
            completer.setCompletionPrefix("turma")
            offered = {completer.completionModel().index(row, 0).data() for row in range(completer.completionCount())}
            assert offered == {"Turma 12 · Tráfego", "Turma 9"}

    on_qt(main)


@pytest.mark.parametrize("edit", [False, True])
def test_everything_can_be_reached_and_has_a_name(on_qt: OnQt, theme: Theme, edit: bool) -> None:
    async def main() -> None:
        async with opened(theme, edit=edit) as asked:
            assert nameless(asked.form) == []
            assert out_of_reach(asked.form) == []
            assert asked.form.focusWidget() is asked.form.name.line
            assert asked.form.accessibleName()

    on_qt(main)


KINDS = (ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI)


@asynccontextmanager
async def choosing(theme: Theme, *, edit: bool = False, account: bool = False) -> AsyncIterator[Asked]:
    """The form where there are two providers to choose from."""
    async with scene(theme) as stage:
        stage.pane.resize(900, 800)
        stage.pane.show()
        if edit and not account:
            link = stage.enrolments.get(THIAGO).link
            await stage.enrolments.save_link(replace(link, account=None))
        choice = ProviderChoice(enrolments=stage.enrolments, supervisor=stage.supervisor, witness=stage.core.witness)
        answer = asyncio.get_running_loop().create_task(
            ask_for_mentorado(theme, stage.pane, stage.enrolments, THIAGO if edit else None, choice=choice, kinds=KINDS)
        )
        await settle()
        (form,) = stage.pane.findChildren(MentoradoForm)
        try:
            yield Asked(stage, form, answer)
        finally:
            if not answer.done():
                form.reject()
            await answer


def test_whatsapp_web_is_chosen_until_somebody_says_otherwise(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
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
            assert saved.enrolment.link.provider is ProviderKind.ZAPI

    on_qt(main)


def test_another_provider_can_be_chosen_while_nothing_ever_connected(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with choosing(theme, edit=True) as asked:
            assert asked.form.provider is not None
            asked.form.provider.choice.button(ProviderKind.ZAPI).click()
            asked.form.save.click()
            saved = await asked.answer
            assert saved is not None
            assert saved.enrolment.link.provider is ProviderKind.ZAPI

    on_qt(main)


def test_a_provider_in_use_is_named_with_the_reason_why_it_stays(on_qt: OnQt, theme: Theme) -> None:
    async def main() -> None:
        async with choosing(theme, edit=True, account=True) as asked:
            field = asked.form.provider
            assert field is not None
            said = [label.text() for label in field.findChildren(QLabel)]
            assert "WhatsApp Web" in said
            assert f"{texts('refusal.connected_before')}." in said
            assert field.findChildren(QAbstractButton) == []
            asked.form.save.click()
            assert await asked.answer is not None

    on_qt(main)
