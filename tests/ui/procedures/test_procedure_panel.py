"""The sheet beside the list: what it says at every step, what it offers, and where the keyboard is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.domain.actions import ActionName
from app.domain.backup import BackupPart, BackupProgress
from app.domain.errors import Problem, ProblemCode
from app.domain.procedure import EntryKind, ProcedureKind, StepName
from app.text.status import texts
from app.ui.procedures.commands import CommandId
from app.ui.procedures.panel import ProcedurePanel
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.controls import nameless, out_of_reach, spoken
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.fake_procedures import LEDGER
from tests.ui.procedures.panel_controls import asking, buttons, pairing, words
from tests.ui.procedures.views import Views
from tests.ui.window_harness import person


def clipped(sheet: ProcedurePanel) -> list[str]:
    """Words that have less room than they need."""
    labels = [label for label in sheet.findChildren(QLabel) if label.isVisible() and label.text()]
    cut = [each.text() for each in labels if each.height() + 1 < each.heightForWidth(each.width())]
    pressed = [each for each in buttons(sheet).values() if each.width() + 1 < each.sizeHint().width()]
    return cut + [each.text() for each in pressed]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("scale", [100, 200])
def test_nothing_is_clipped_unnamed_or_out_of_reach_in_any_view(
    on_views: OnViews, theme: Theme, language: str, scale: int
) -> None:
    async def use(views: Views) -> None:
        seen = 0
        async for view in views.all():
            await asyncio.sleep(0.01)
            sheet = views.pane._sides.panels.get(views.who.id)
            if sheet is None:
                continue
            seen += 1
            for _ in range(100):  # what changed is laid out a moment later
                if not clipped(sheet):
                    break
                await asyncio.sleep(0.01)
            assert clipped(sheet) == [], view
            assert sheet._inside.width() <= sheet.width(), view
            assert nameless(sheet) == [], view
            plate = sheet.view.pairing._plate
            assert [each for each in out_of_reach(sheet) if each is not plate] == [], view
        assert seen > 25

    theme.set_text_scale(scale)
    texts.set_language(language)
    on_views(use, within=60)


def test_each_step_is_said_in_plain_words(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        fields: dict[str, str] = {}
        async for view in views.all():
            await asyncio.sleep(0.005)
            sheet = views.pane._sides.panels.get(views.who.id)
            fields[view] = words(sheet) if sheet else words(views.pane)
        wanted = {
            "20-scope": "Vendo se só esta conexão caiu",
            "21-soft-reconnect": "Os arquivos da sessão não são tocados",
            "22-back-up": "Histórico: 8.012 de 12.345",
            "23-asking": "Pronto para o novo código?",
            "24-pair-preparing": "Preparando o novo código",
            "25-pair-code": "Peça a Fábio Sampaio para ler este código com o WhatsApp do número final 0009.",
            "28-pair-signing-in": "O celular aceitou o código",
            "29-smoke-check": "Ninguém mais recebe esta nota.",
            "30-paused-after": "Nada foi perdido.",
            "31-done": "O histórico inteiro foi mantido.",
            "32-failed": "Libere espaço e tente de novo.",
            "33-failed-code": "Ninguém leu o código a tempo.",
            "34-wrong-account": "O celular que leu o código é +55 41 90000-0003",
            "36-undoing": "Desfazendo o que foi feito",
            "37-undone": "Desfeito. Tudo está como antes.",
            "41-backup-done": "O backup está guardado e conferido.",
            "42-restore-asking": "As mensagens que entrarem não podem ser separadas depois.",
            "44-restore-done": "210 mensagens voltaram. As que já existiam ficaram como estavam.",
            "45-restore-locked": "A frase secreta não é guardada: digite-a de novo para continuar.",
            "50-pane-mark": "A recuperação está parada. Nada foi perdido.",
        }
        assert {view: words_ in fields[view] for view, words_ in wanted.items()} == dict.fromkeys(wanted, True)

    on_views(use, within=60)


def test_the_steps_say_what_is_done_now_and_next(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.RECOVERY)
        views.procedures.run_to(procedure, StepName.BACK_UP)
        names = [row.accessibleName() for row in views.sheet.view.steps._rows]
        assert (
            names[0] == "Passo 1 de 7, feito: Verificar se outras conexões também caíram. Só esta conexão tem problema"
        )
        assert names[1].endswith("Não serviria: é preciso um novo código")
        assert names[2] == "Passo 3 de 7, agora: Guardar a sessão e o histórico. Agora"
        assert names[3] == "Passo 4 de 7, depois: Ler o novo código"

    on_views(use)


def test_before_the_way_back_ends_the_ledger_counts_what_is_kept(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.procedures.impact = replace(LEDGER, queue=3)
        await asking(views)
        text = words(views.sheet.view.attention.ledger)
        assert "12.345 mensagens em 87 conversas com 131 contatos, desde 12 de março." in text
        assert "O aparelho antigo, se ainda aparecer na lista do WhatsApp, pode ser removido no celular." in text
        assert "3 mensagens esperam no provedor e saem ao reconectar." in text
        assert "a sessão atual não serve mais" in text
        assert "12.345 mensagens" in views.sheet.view.spoken, "a screen reader is told, too"
        assert "12.345 mensagens" in views.sheet.view.attention.main.accessibleDescription()
        texts.set_language("en")
        await settle()
        assert "12,345 messages in 87 conversations with 131 contacts" in words(views.sheet.view.attention.ledger)

    on_views(use)


def test_the_question_has_cancel_first_and_begins_only_on_its_verb(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.log_out()
        views.harness.window.activateWindow()
        await views.ask(ActionName.RECOVER)
        sheet = views.sheet
        assert sheet.head.title == "Recuperar a conexão de Fábio Sampaio?"
        assert sheet.footer.button(CommandId.NOT_NOW).hasFocus()
        QTest.keyClick(sheet.footer.button(CommandId.NOT_NOW), Qt.Key.Key_Space)
        await settle()
        assert views.pane._sides.panels.get(views.who.id) is None
        assert views.procedures.begun == []
        await views.ask(ActionName.RECOVER)
        QTest.keyClick(views.sheet.footer.button(CommandId.NOT_NOW), Qt.Key.Key_Tab)
        verb = views.sheet.footer.button(CommandId.CONFIRM)
        assert verb.hasFocus()
        assert verb.text() == "Começar a recuperação"
        QTest.keyClick(verb, Qt.Key.Key_Space)
        await settle()
        assert [kind for kind, _facts, _why in views.procedures.begun] == [ProcedureKind.RECOVERY]
        assert views.sheet.procedure is not None

    on_views(use)


def test_a_problem_at_the_beginning_is_said_in_place_and_nothing_typed_is_gone(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.procedures.problem = Problem(ProblemCode.DATABASE_DISK_FULL, path="conecta.db")
        await views.ask(ActionName.BACK_UP)
        form = views.sheet.form
        phrase = form.phrase  # type: ignore[union-attr]
        QTest.keyClicks(phrase.first, "cavalo certo bateria")
        QTest.keyClicks(phrase.again, "cavalo certo bateria")
        views.sheet.footer.button(CommandId.CONFIRM).click()
        await settle()
        assert texts("problem.database_disk_full.sentence", path="conecta.db") in words(views.sheet)
        assert phrase.phrase == "cavalo certo bateria"
        assert views.sheet.footer.button(CommandId.CONFIRM).isEnabled()

    on_views(use)


def test_somebody_else_can_be_looked_at_meanwhile(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        await asking(views)
        views.harness.window.choose(person(3).id)
        await settle()
        assert "Pronto para o novo código?" not in words(views.pane)
        views.harness.window.choose(views.who.id)
        await settle()
        assert "Pronto para o novo código?" in words(views.pane)

    on_views(use)


def test_what_happens_if_the_program_is_closed_is_always_said(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.RECOVERY)
        assert "dá para continuar na próxima vez." in words(views.sheet.footer)
        procedure = await pairing(views)
        assert "na próxima vez, com um novo código." in words(views.sheet.footer)
        views.procedures.write(procedure.head.id, EntryKind.PAUSED)
        assert "isto espera por você" in words(views.sheet.footer)
        views.procedures.write(procedure.head.id, EntryKind.UNDO_BEGAN)
        assert "dá para terminar de desfazer na próxima vez" in words(views.sheet.footer)
        views.procedures.write(procedure.head.id, EntryKind.ENDED, facts={"undone": "yes"})
        assert not views.sheet.footer.isVisible()
        assert list(buttons(views.sheet.view)) == ["Fechar"]

    on_views(use)


def test_an_undoing_that_stopped_goes_on_being_undone(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.RECOVERY)
        views.procedures.run_to(procedure, StepName.BACK_UP)
        views.sheet.footer.button(CommandId.UNDO).click()
        await settle()
        assert views.procedures.asked == ["undo"]
        views.procedures.write(procedure.head.id, EntryKind.PAUSED)
        assert "Desfazer foi interrompido." in words(views.sheet)
        assert not views.sheet.footer.button(CommandId.UNDO).isEnabled()
        buttons(views.sheet)["Continuar a desfazer"].click()
        await settle()
        assert views.procedures.asked == ["undo", "go_on"]
        failed = {"code": ProblemCode.BACKUP_FOLDER_UNUSABLE, "path": "/backups"}
        views.procedures.write(procedure.head.id, EntryKind.UNDO_BEGAN)
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.BACK_UP, failed)
        assert "O que já foi desfeito continua assim." in words(views.sheet)

    on_views(use)


def test_the_bar_follows_messages_and_bytes_and_ends_with_the_step(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.BACKUP)
        views.procedures.run_to(procedure, StepName.COLLECT)
        moving = views.sheet.view.attention.moving
        assert not moving.isVisible()
        views.procedures.move(procedure, BackupProgress(part=BackupPart.SESSION, done=2_202_009, total=None))
        assert "Sessão: 2,1 MB" in words(moving)
        assert (moving.bar.minimum(), moving.bar.maximum()) == (0, 0), "nobody knows how long"
        views.procedures.move(procedure, BackupProgress(part=BackupPart.HISTORY, done=3000, total=12000))
        assert "Histórico: 3.000 de 12.000" in words(moving)
        assert moving.bar.value() / moving.bar.maximum() == 0.25
        assert moving.bar.accessibleDescription() == "Histórico: 3.000 de 12.000"
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.COLLECT, {"code": "unexpected"})
        assert not moving.isVisible()
        views.procedures.move(procedure, BackupProgress(part=BackupPart.HISTORY, done=1, total=2))
        assert not moving.isVisible(), "it was said too late"
        assert texts("detail.crash") in words(views.sheet)

    on_views(use)


def test_a_backup_that_is_done_names_its_file_and_opens_its_folder(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.BACKUP)
        views.procedures.run_to(procedure, StepName.PUT_IN_PLACE)
        made = {"path": "/backups/Conecta Ana.conecta", "messages": "3", "size": "2048"}
        views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.PUT_IN_PLACE, made)
        views.procedures.write(procedure.head.id, EntryKind.STEP_DONE, StepName.RECORD)
        views.procedures.write(procedure.head.id, EntryKind.ENDED)
        assert "Arquivo: Conecta Ana.conecta" in words(views.sheet)
        assert list(buttons(views.sheet.view)) == ["Fechar", "Abrir pasta"]
        buttons(views.sheet)["Abrir pasta"].click()
        await settle()
        assert views.harness.opened == [Path("/backups")]

    on_views(use)


def test_time_goes_by_in_the_head(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.RECOVERY)
        assert "Passo 1 de 7 · 1 min 23 s" in words(views.sheet.head)
        await views.harness.clock.sleep(3600)
        views.sheet._tick()
        assert "1 h 1 min" in words(views.sheet.head)
        views.procedures.write(procedure.head.id, EntryKind.PAUSED)
        assert "começou há 1 h" in words(views.sheet.head), "a pause may take days"

    on_views(use)


def test_a_screen_reader_is_told_once_for_each_move(on_views: OnViews, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: lines.append(event.message()))

    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.BACKUP)
        lines.clear()
        views.procedures.run_to(procedure, StepName.VERIFY_ARCHIVE)
        views.sheet._refresh()
        views.procedures.write(procedure.head.id, EntryKind.PAUSED)
        assert [each for each in lines if "Copiando" in each or "Lendo" in each or "Parado" in each] == [
            "Lendo a cópia de novo para conferir… A conexão continua funcionando.",
            "Parado em “Ler a cópia de novo e conferir”. Nada foi perdido. Continua do mesmo ponto quando você quiser.",
        ]
        lines.clear()
        await asking(views)
        assert [each for each in lines if "Não dá para desfazer" in each] == lines[-1:], "with all that is lost"

    on_views(use)


def test_a_sheet_that_is_gone_hears_no_more(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        before = sum(map(len, views.harness.bus._listeners.values()))
        listeners = len(texts._listeners)
        await views.follow(ProcedureKind.RECOVERY)
        assert sum(map(len, views.harness.bus._listeners.values())) > before
        views.sheet.head.close_button.click()
        await asyncio.sleep(0.02)
        assert sum(map(len, views.harness.bus._listeners.values())) == before
        assert len(texts._listeners) == listeners

    on_views(use)


def test_the_head_names_its_button(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.BACKUP)
        assert spoken(views.sheet.head.close_button) == "Fechar este painel; o procedimento continua"
        views.procedures.write(procedure.head.id, EntryKind.ENDED)
        assert spoken(views.sheet.head.close_button) == "Fechar"

    on_views(use)
