"""What is asked before a backup and before a restore."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.procedure import EntryKind, ProcedureKind, StepName
from app.text.status import texts
from app.ui.procedures.commands import CommandId
from app.ui.procedures.forms import BackupForm, RestoreForm
from tests.clock import settle
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.fake_procedures import backup
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.procedures.views import Views

PHRASE = "cavalo certo bateria"


async def backing_up(views: Views) -> BackupForm:
    await views.ask(ActionName.BACK_UP)
    form = views.sheet.form
    assert isinstance(form, BackupForm)
    return form


async def restoring(views: Views) -> RestoreForm:
    views.log_out()
    await views.ask(ActionName.RESTORE)
    form = views.sheet.form
    assert isinstance(form, RestoreForm)
    await settle()
    return form


def test_without_a_passphrase_it_says_who_can_read_the_file_and_begins(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await backing_up(views)
        assert "Sem frase secreta, quem tiver o arquivo pode ler as conversas" in words(views.sheet)
        views.sheet.footer.button(CommandId.CONFIRM).click()
        await settle()
        assert views.procedures.begun == [(ProcedureKind.BACKUP, {}, "")]
        assert views.procedures.secrets == [""]

    on_views(use)


# --- with the keyboard alone -----------------------------------------------------------------------------------------


def typed(views: Views, keys: str) -> None:
    """Into whatever has the keyboard; ``\t`` is Tab, ``\n`` is Enter."""
    for key in keys:
        focused = QApplication.focusWidget()
        assert focused is not None
        press = {"\t": Qt.Key.Key_Tab, "\n": Qt.Key.Key_Return}.get(key)
        if press is None:
            QTest.keyClicks(focused, key)
        else:
            QTest.keyClick(focused, press)


@pytest.mark.parametrize(
    "keys",
    [
        f"{PHRASE}\n{PHRASE}\n",
        f"{PHRASE}\t{PHRASE}\n",
        f"{PHRASE}\t{PHRASE}\t\t ",
        f"\n\n{PHRASE}\n\n{PHRASE}\n\n\n",
    ],
)
def test_a_passphrase_that_is_typed_blindly_protects_the_file(on_views: OnViews, keys: str) -> None:
    """ "A backup by keyboard is made without its passphrase." """

    async def use(views: Views) -> None:
        await backing_up(views)
        typed(views, keys)
        await settle()
        assert views.procedures.secrets == [PHRASE]

    on_views(use)


@pytest.mark.parametrize("keys", ["\n", "\n\n\n", " ", f"{PHRASE}\n\n\n", f"{PHRASE}\n{PHRASE[:-1]}\n\n", "curta\n\n"])
def test_enter_in_a_field_never_begins_an_unprotected_backup(on_views: OnViews, keys: str) -> None:
    async def use(views: Views) -> None:
        await backing_up(views)
        typed(views, keys)
        await settle()
        assert views.procedures.begun == []

    on_views(use)


def test_the_keyboard_goes_through_the_sheet_as_it_is_read(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.log_out()
        await views.ask(ActionName.RECOVER)
        form = await backing_up(views)
        assert form.phrase.first.hasFocus(), "also where another question was asked before"
        button = views.sheet.footer.button
        assert gone_through(2) == [button(CommandId.NOT_NOW), button(CommandId.CONFIRM)]
        form.phrase.first.setText(PHRASE)
        form.phrase.first.setFocus()
        assert gone_through(2) == [form.phrase.again, button(CommandId.NOT_NOW)]

    on_views(use)


def test_the_keyboard_goes_through_a_restore_as_it_is_read(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        now, who = views.harness.clock.now(), views.who.id
        views.backup_list.infos = [backup(who, now - timedelta(days=days), encrypted=True) for days in (1, 2)]
        form = await restoring(views)
        form._buttons[0].click()
        form._buttons[0].setFocus()
        assert gone_through(2) == [form.choose_file, form.phrase.first], "arrows lead through the backups"
        assert gone_through(1) == [views.sheet.footer.button(CommandId.NOT_NOW)]
        form.phrase.first.setFocus()
        typed(views, f"{PHRASE}\n")
        await settle()
        assert views.procedures.secrets == [PHRASE]

    on_views(use)


def test_the_passphrase_that_is_asked_again_comes_before_the_button(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.BACKUP)
        locked = {"code": ProblemCode.BACKUP_LOCKED, "path": "x"}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.COLLECT, locked)
        views.sheet.take_focus()
        view = views.sheet.view
        assert view.phrase.first.hasFocus()
        assert gone_through(1) == [view.attention.main]
        view.phrase.first.setFocus()
        typed(views, f"{PHRASE}\n")
        await settle()
        assert views.procedures.secrets == [PHRASE]

    on_views(use)


def gone_through(count: int) -> list[QWidget | None]:
    """What has the keyboard after each Tab."""
    found = []
    for _ in range(count):
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, Qt.Key.Key_Tab)
        found.append(QApplication.focusWidget())
    return found


def test_the_button_says_whether_the_file_will_be_protected(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        form = await backing_up(views)
        begin = views.sheet.footer.button(CommandId.CONFIRM)
        assert (begin.text(), begin.accessibleName()) == ("Fazer backup sem proteção",) * 2
        form.phrase.first.setText(PHRASE)
        form.phrase.again.setText(PHRASE)
        assert (begin.text(), begin.accessibleName()) == ("Fazer backup com esta frase",) * 2

    on_views(use)


def test_a_form_that_was_not_answered_goes_when_its_mentorado_is_left(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        form = await backing_up(views)
        form.phrase.first.setText(PHRASE)
        views.harness.window.choose(views.harness.people[1].id)
        await settle()
        assert views.who.id not in views.pane._sides.panels
        views.harness.window.choose(views.who.id)
        await settle()
        assert PHRASE not in [each.text() for each in views.pane.findChildren(QLineEdit) if each.isVisible()]
        procedure = await views.follow(ProcedureKind.BACKUP)
        views.harness.window.choose(views.harness.people[1].id)
        await settle()
        views.harness.window.choose(views.who.id)
        assert views.sheet.procedure == views.procedures.active(views.who.id), "what was begun stays"
        assert procedure

    on_views(use)


# --- a backup --------------------------------------------------------------------------------------------------------


def test_a_passphrase_is_typed_twice_and_the_button_says_what_is_missing(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        form = await backing_up(views)
        begin = views.sheet.footer.button(CommandId.CONFIRM)
        QTest.keyClicks(form.phrase.first, "curta")
        assert not begin.isEnabled()
        assert "A frase secreta precisa de ao menos 12 caracteres" in begin.accessibleDescription()
        form.phrase.first.clear()
        assert begin.isEnabled(), "none is an answer, too"
        QTest.keyClicks(form.phrase.first, PHRASE)
        assert "Sem ela, ninguém abre este arquivo, nem o suporte." in words(views.sheet)
        assert begin.accessibleDescription() == "As duas frases ainda são diferentes"
        QTest.keyClicks(form.phrase.again, PHRASE)
        begin.click()
        await settle()
        assert views.procedures.secrets == [PHRASE]

    on_views(use)


def test_what_is_typed_is_shown_as_dots_and_stands_nowhere_else(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        form = await backing_up(views)
        QTest.keyClicks(form.phrase.first, PHRASE)
        assert form.phrase.first.displayText() == "●" * len(PHRASE)
        assert PHRASE not in repr(form) + words(views.sheet) + form.accessibleName()

    on_views(use)


def test_no_backup_yet_says_so_and_another_file_can_be_chosen(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await restoring(views)
        assert "Ainda não há backup de Fábio Sampaio neste computador." in words(views.sheet)
        assert views.sheet.footer.button(CommandId.CONFIRM).accessibleDescription() == "Escolha um backup"
        assert "Escolher arquivo…" in buttons(views.sheet)

    on_views(use)


def test_a_backup_is_chosen_by_key_and_says_what_will_happen(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        now, who = views.harness.clock.now(), views.who.id
        older = backup(who, now - timedelta(days=9))
        views.backup_list.infos = [backup(who, now - timedelta(hours=20)), older]
        form = await restoring(views)
        assert [button.text() for button in form._buttons] == ["21/11 19:00 · há 20 h", "13/11 15:00 · há 9 dias"]
        assert form._buttons[0].accessibleName().endswith("12.135 mensagens · com sessão · sem proteção · 4,2 MB")
        QTest.keyClick(form._buttons[1], Qt.Key.Key_Return)
        assert [button.isChecked() for button in form._buttons] == [False, True]
        assert "nada é apagado nem duplicado" in words(views.sheet)
        views.sheet.footer.button(CommandId.CONFIRM).click()
        await settle()
        assert views.procedures.begun == [(ProcedureKind.RESTORE, {"path": str(older.path)}, "")]

    on_views(use)


def test_a_protected_backup_waits_for_its_passphrase(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.backup_list.infos = [backup(views.who.id, views.harness.clock.now(), encrypted=True)]
        form = await restoring(views)
        assert not form.phrase.isVisible()
        form._buttons[0].click()
        assert form.phrase.isVisible()
        begin = views.sheet.footer.button(CommandId.CONFIRM)
        assert begin.accessibleDescription() == "Digite a frase secreta deste arquivo"
        QTest.keyClicks(form.phrase.first, PHRASE)
        begin.click()
        await settle()
        assert views.procedures.secrets == [PHRASE]

    on_views(use)


def test_a_file_from_elsewhere_joins_the_list_or_is_said_to_be_none(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        form = await restoring(views)
        file = Path("/elsewhere/ana.conecta")
        views.backup_list.files[file] = backup(views.who.id, views.harness.clock.now(), path=file)
        await form.take(file)
        assert form._buttons[0].isChecked()
        assert form.facts == {"path": str(file)}
        with pytest.raises(Problem) as refused:
            await form.take(Path("/elsewhere/picture.png"))
        assert refused.value.code is ProblemCode.BACKUP_UNREADABLE
        assert form.facts == {"path": str(file)}, "what was chosen before stays"
        locked = Path("/elsewhere/locked.conecta")
        views.backup_list.files[locked] = Problem(ProblemCode.BACKUP_LOCKED, path=locked.name)
        await form.take(locked)
        assert "locked.conecta está protegido." in words(views.sheet)
        assert form.facts == {"path": str(locked)}
        assert form.phrase.isVisible()
        assert not any(button.isChecked() for button in form._buttons)

    on_views(use)


def test_the_file_dialog_does_not_stop_the_window(on_views: OnViews, tmp_path: Path) -> None:
    async def use(views: Views) -> None:
        form = await restoring(views)
        broken = tmp_path / "broken.conecta"
        broken.write_bytes(b"no backup")
        form.choose_file.click()
        await settle()
        (dialog,) = form.findChildren(QFileDialog)
        written = dialog.findChild(QLineEdit)
        assert isinstance(written, QLineEdit)
        written.setText(str(broken))
        dialog.accept()
        async with asyncio.timeout(5):
            while not views.sheet.trouble.isVisible():
                await asyncio.sleep(0.005)
        assert texts("problem.backup_unreadable.next") in words(views.sheet.trouble)

    on_views(use)


def test_a_restore_that_was_closed_asks_for_its_passphrase_again(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.RESTORE)
        views.procedures.run_to(procedure, StepName.CHECK_ARCHIVE)
        locked = {"code": ProblemCode.BACKUP_LOCKED, "path": "ana.conecta"}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.CHECK_ARCHIVE, locked)
        view = views.sheet.view
        assert view.phrase.isVisible()
        QTest.keyClicks(view.phrase.first, PHRASE)
        buttons(views.sheet)["Tentar de novo"].click()
        await settle()
        assert views.procedures.secrets == [PHRASE]
        assert view.phrase.phrase == "", "forgotten once it was handed over"

    on_views(use)


def test_the_forms_change_their_language_and_keep_what_was_typed(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        form = await backing_up(views)
        QTest.keyClicks(form.phrase.first, PHRASE)
        texts.set_language("en")
        assert views.sheet.head.title == "Back up Fábio Sampaio?"
        assert "Without it nobody can open this file" in words(views.sheet)
        assert form.phrase.phrase == PHRASE
        views.backup_list.infos = [backup(views.who.id, views.harness.clock.now() - timedelta(hours=20))]
        form_ = await restoring(views)
        assert (
            form_._buttons[0].accessibleName()
            == "21 Nov 19:00 · 20 h ago. 12,135 messages · with session · not protected · 4.2 MB"
        )
        texts.set_language("pt-BR")
        assert form_._buttons[0].accessibleName().endswith("12.135 mensagens · com sessão · sem proteção · 4,2 MB")

    on_views(use)
