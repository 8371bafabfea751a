"""From an empty page to an approved switch: the plan, its dry run and the approval, over the real services."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from app.domain.audit import AuditAction
from app.domain.errors import ProblemCode
from app.domain.settings import SWITCH_SECOND_PERSON
from app.domain.switch import DEFAULT_GRACE, DEFAULT_STOP_PERCENT, DEFAULT_WAVE, SwitchState
from app.text.signs import Tone
from app.text.status import texts
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.providers.credentials_dialog import CredentialsDialog
from app.ui.switches.dialogs import ApprovalDialog
from app.ui.theme.theme import Theme
from tests.ui.controls import nameless, read_aloud
from tests.ui.switches.harness import META, WEB, ZAPI, SwitchesHarness, open_switches, shut_out
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


def written(part: QWidget) -> str:
    """All that *part* says."""
    return read_aloud("\n".join(label.text() for label in part.findChildren(QLabel) if label.isVisible()))


def rows(h: SwitchesHarness) -> list[str]:
    model = h.page.report.model
    spoken = Qt.ItemDataRole.AccessibleTextRole
    return [str(model.data(model.index(place), spoken)) for place in range(model.rowCount())]


async def opened(h: SwitchesHarness) -> ApprovalDialog:
    """The dialog of an approval that is open."""
    await until(lambda: [each for each in h.page.findChildren(ApprovalDialog) if each.isVisible()])
    return next(each for each in h.page.findChildren(ApprovalDialog) if each.isVisible())


async def test_an_empty_page_says_what_a_switch_does_and_leads_to_a_plan_in_reading_order(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(3)
        assert "Comece por um plano" in written(h.page)
        h.page._empty.pressed.emit()
        form = h.page.form
        assert form.isVisible()
        await asyncio.sleep(0)
        assert h.page.focusWidget() is form.target.button(form.target.chosen)
        assert shut_out(h.page) == []
        fields = [form.target, form.whom, form.cohort, form.canary, form.fields["wave"], form.pause]
        fields += [form.fields["stop"], form.fields["grace"], form.run]
        seen: list[QWidget] = []
        for _ in range(30):
            focused = h.page.focusWidget()
            at = next(
                (each for each in fields if focused is not None and (each is focused or each.isAncestorOf(focused))),
                None,
            )
            if at is not None and at not in seen:
                seen.append(at)
            QTest.keyClick(focused, Qt.Key.Key_Tab)
        assert seen == fields, "Tab walks them as they are read"


async def test_a_plan_for_those_who_were_chosen_in_the_list_is_about_them_alone(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, second, third, *_rest = await h.core.people(4)
        h.page.compose_for([first.id, second.id])
        assert h.page.form.isVisible()
        assert set(h.page.form.plan.mentorados) == {first.id, second.id}
        h.page.compose_for([third.id])
        assert h.page.form.plan.mentorados == (third.id,), "not those of the last time, too"


async def test_without_mentorados_the_plan_says_so_and_no_dry_run_is_offered(theme: Theme) -> None:
    async with open_switches(theme) as h:
        h.page.compose()
        form = h.page.form
        form.whom.button("people").click()
        assert "Ainda não há mentorados" in form.people.count.text()
        assert "Ainda não há mentorados" in form.words.text
        assert not form.run.isEnabled()
        await h.core.people(2)
        form.refresh()
        assert form.run.isEnabled()
        form.people.search.setText("xyz")
        assert form.people.count.text() == "Ninguém com esse nome"


async def test_the_defaults_are_careful_and_the_plan_is_told_in_words(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, *_rest = await h.core.people(7)
        await h.core.mentorados.add("Zoe", "11 98765-9999", "2026", provider=ZAPI)
        h.plan(ZAPI)
        plan, words = h.page.form.plan, h.page.form.words
        assert (plan.target, plan.cohort, plan.mentorados) == (ZAPI, "2026", ())
        assert (plan.wave_size, plan.pause_minutes) == (DEFAULT_WAVE, None)
        assert (plan.stop_at_percent, plan.grace) == (DEFAULT_STOP_PERCENT, DEFAULT_GRACE)
        assert plan.canary == first.id
        assert "7 mentorados vão para Z-API: 7 de WhatsApp Web." in words.text
        assert "1 já está em Z-API e fica como está." in words.text
        assert "Ana 00 vai primeiro, sozinho." in words.text
        assert "Depois, 2 ondas de até 5." in words.text
        assert "espera até alguém continuar" in words.text
        h.page.form.pause.button("minutes").click()
        QTest.keyClicks(h.page.form.fields["minutes"], "\b\b30")
        h.page.form.canary._select("nobody")
        assert "espera 30 min e segue sozinha" in words.text
        assert (h.page.form.plan.pause_minutes, h.page.form.plan.canary) == (30, None)
        h.plan(WEB)
        assert words.text.startswith("1 mentorado vai para WhatsApp Web: 1 de Z-API.")
        texts.set_language("en")
        assert words.text.startswith("1 mentorado goes to WhatsApp Web: 1 from Z-API.")


async def test_people_are_found_and_ticked_by_name_with_the_keyboard_alone(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.mentorados.add("João Prado", "11 98765-0001", "A")
        maria = await h.core.mentorados.add("Maria Sá", "21 98765-0002", "B")
        h.page.compose()
        form = h.page.form
        form.whom.button("people").click()
        picker = form.people
        QTest.keyClicks(picker.search, "joao")
        assert [each.name for each in picker.model.rows] == ["João Prado"]
        picker.search.clear()
        QTest.keyClicks(picker.search, "765-0002")
        assert [each.name for each in picker.model.rows] == ["Maria Sá"]
        QTest.keyClick(picker.search, Qt.Key.Key_Down)
        QTest.keyClick(picker.list, Qt.Key.Key_Space)
        picker.search.clear()
        assert form.plan.mentorados == (maria.id,), "what is ticked stays ticked out of sight"
        assert form.plan.canary is None, "one alone needs nobody to go first"
        spoken = picker.model.data(picker.model.index(1), Qt.ItemDataRole.AccessibleTextRole)
        assert spoken == "Maria Sá, B · WhatsApp Web, marcado"
        picker.all.click()
        assert picker.count.text() == "2 escolhidos"
        form.canary._select(maria.id)
        picker.list.opened.emit(1)
        assert form.canary.chosen == "first", "who is not among them cannot go first"
        picker.none.click()
        assert picker.count.text() == "Ninguém escolhido"
        QTest.keyClicks(picker.search, "zzz")
        assert picker.count.text() == "Ninguém com esse nome"


async def test_a_plan_is_kept_while_one_moves_around_and_its_mistakes_are_named(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(2)
        h.page.compose()
        form = h.page.form
        form.run.click()
        await until(h.page.banners.problems)
        assert h.page.banners.problems()[0].code is ProblemCode.SWITCH_NOBODY
        h.plan(META)
        QTest.keyClicks(form.fields["wave"], "\b99")
        form.run.click()
        await until(lambda: h.page.banners.problems()[0].code is ProblemCode.SWITCH_WAVE_INVALID)
        assert form.fields["wave"].property("invalid") is True
        QTest.keyClick(form.fields["wave"], Qt.Key.Key_Return)
        assert form.isVisible(), "Enter never leaves"
        QTest.keyClick(form.fields["wave"], Qt.Key.Key_Escape)
        assert h.page.overview.isVisible()
        assert h.page.new_button.text() == "Continuar o plano"
        h.page.hide()
        h.page.show()
        h.page.new_button.click()
        assert (form.chosen_target, form.fields["wave"].text()) == (META, "99")


async def test_the_report_says_who_will_switch_and_who_will_not_and_why(theme: Theme) -> None:
    async with open_switches(theme) as h:
        _ana, lacking, _eva = await h.core.people(3)
        await h.lacks(lacking)
        h.plan(ZAPI)
        await h.dry_run()
        report = h.page.report
        assert [tile[0].text() for tile in report.figures.tiles][:2] == ["2", "1"]
        assert len(rows(h)) == 3
        assert shut_out(h.page) == []
        report.filter.button("staying").click()
        assert rows(h)[0].startswith("Ana 01, WhatsApp Web → Z-API, não vai, Faltam credenciais de Z-API")
        found = written(report.details)
        for words in ("Impede a troca", "Digite as credenciais", "Atenção", "Bom saber", "Um mês como os últimos 30"):
            assert words in found
        assert report.details.enter.isVisible()
        report.filter.button("switching").click()
        assert len(rows(h)) == 2
        assert "Impede a troca" not in written(report.details)
        assert "2 mentorados estão prontos" in report.verdict.text()
        assert "Vale enquanto" in report.validity.text()
        texts.set_language("en")
        assert rows(h)[0].startswith("Ana 00, WhatsApp Web → Z-API, will switch")
        assert nameless(h.page) == []


async def test_a_dry_run_can_be_cancelled_and_leads_back_to_the_plan(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(2)
        h.plan(ZAPI)
        h.secrets.opened.clear()
        h.page.form.run.click()
        report = h.page.report
        await until(lambda: report.step.text() == "0 de 2 mentorados conferidos")
        assert h.page.focusWidget() is report.cancel
        report.cancel.click()
        await until(h.page.form.isVisible)
        assert h.page.report.made is None
        assert not h.core.switches.runs


async def test_who_lacks_credentials_gets_a_dialog_for_the_target_and_then_a_new_dry_run(theme: Theme) -> None:
    async with open_switches(theme) as h:
        (ana,) = await h.core.people(1)
        await h.lacks(ana)
        h.plan(ZAPI)
        await h.dry_run()
        report = h.page.report
        assert not report.approve.isVisible()
        assert "Ninguém pode trocar" in report.verdict.text()
        report.details.enter.click()
        await until(lambda: h.page.findChildren(CredentialsDialog))
        (dialog,) = h.page.findChildren(CredentialsDialog)
        assert dialog._mentorado.link.provider is ZAPI
        assert dialog._mentorado.link.id != ana.link.id
        for line in dialog.form.inputs.values():
            line.take("of-the-target")
        dialog.check.click()
        await until(dialog.save.isEnabled)
        dialog.save.click()
        await until(lambda: report.outdated)
        assert "As credenciais mudaram" in report.verdict.text()
        h.secrets.lacking.clear()
        before = report.made
        report.again.click()
        await until(lambda: report.made not in (None, before))
        assert report.approve.isVisible()


async def test_a_dry_run_is_exported_in_both_formats_and_that_is_audited(theme: Theme, tmp_path: Path) -> None:
    async with open_switches(theme) as h:
        await h.core.people(2)
        h.plan(ZAPI)
        await h.dry_run()
        await h.page.export_to(tmp_path / "troca.csv")
        await h.page.export_to(tmp_path / "troca.json")
        assert "Ana 01" in (tmp_path / "troca.csv").read_text("utf-8-sig")
        assert json.loads((tmp_path / "troca.json").read_text("utf-8"))["switching"] == 2
        await h.core.write_queue.flush()
        records = [each.record for each in h.core.audit.outcomes]
        exported = [each for each in records if each.action == AuditAction.EXPORT_SWITCH]
        assert [each.after["file"] for each in exported] == ["troca.csv", "troca.json"]
        assert "troca.json" in written(h.page)


async def test_approving_takes_the_typed_number_and_enter_never_cancels(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(3)
        h.plan(ZAPI)
        await h.dry_run()
        h.page.report.approve.click()
        dialog = await opened(h)
        assert "Trocar 3 mentorados para Z-API?" in written(dialog)
        QTest.keyClicks(dialog.number, "4")
        QTest.keyClick(dialog.number, Qt.Key.Key_Return)
        assert dialog.isVisible()
        assert not dialog.confirm.isEnabled()
        QTest.keyClicks(dialog.number, "\b3")
        QTest.keyClick(dialog.number, Qt.Key.Key_Return)
        assert dialog.focusWidget() is dialog.confirm
        assert dialog.confirm.property("role") == "danger"
        dialog.confirm.click()
        await until(h.page.board.isVisible)
        assert h.page.form.is_empty
        await h.moved()
        assert h.core.run().state is SwitchState.PAUSED, "after the first one"


async def test_one_alone_is_approved_by_name_and_giving_up_changes_nothing(theme: Theme) -> None:
    async with open_switches(theme) as h:
        (ana,) = await h.core.people(1)
        h.plan(ZAPI, [ana])
        await h.dry_run()
        h.page.report.approve.click()
        dialog = await opened(h)
        QTest.keyClicks(dialog.number, "ana 00")
        assert dialog.confirm.isEnabled()
        dialog.cancel.click()
        await asyncio.sleep(0.01)
        assert not h.core.switches.runs
        assert h.page.report.isVisible()


async def test_a_changed_world_asks_for_a_new_dry_run(theme: Theme) -> None:
    async with open_switches(theme) as h:
        _ana, eva = await h.core.people(2)
        h.plan(ZAPI)
        await h.dry_run()
        await h.lacks(eva)
        h.page.report.approve.click()
        dialog = await opened(h)
        QTest.keyClicks(dialog.number, "2")
        dialog.confirm.click()
        report = h.page.report
        await until(lambda: report.problem is not None)
        assert "Alguma coisa mudou desde a simulação" in report.verdict.text()
        assert not report.approve.isVisible()
        assert h.page.focusWidget() is report.again
        assert not h.core.switches.runs


async def test_where_the_setting_demands_it_another_person_approves_too(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(2)
        await h.core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        h.plan(ZAPI)
        await h.dry_run()
        h.page.report.approve.click()
        first = await opened(h)
        assert "uma segunda pessoa precisa aprovar" in written(first)
        QTest.keyClicks(first.number, "2")
        first.confirm.click()
        await until(h.page.board.isVisible)
        await h.moved()
        run, head = h.core.run(), h.page.board.head
        assert run.state is SwitchState.AWAITING_SECOND
        assert f"não seja {run.approved_by}" in head.next.text()
        assert not head.resume.isVisible()
        head.second.click()
        dialog = await opened(h)
        assert dialog.focusWidget() is dialog.name
        QTest.keyClicks(dialog.name, run.approved_by)
        assert not dialog.confirm.isEnabled()
        QTest.keyClicks(dialog.number, "2")
        dialog.confirm.click()
        await until(dialog.trouble.isVisible)
        assert "já aprovou esta troca" in dialog.trouble.text()
        assert (dialog.approver, dialog.typed) == (run.approved_by, "2"), "what was typed stays"
        assert dialog.focusWidget() is dialog.name
        dialog.name.selectAll()
        QTest.keyClicks(dialog.name, "Rosa Prado")
        dialog.confirm.click()
        await until(lambda: not [each for each in h.page.findChildren(BaseDialog) if each.isVisible()])
        await h.moved()
        assert h.core.run().second_approver == "Rosa Prado"
        assert "e Rosa Prado" in h.page.board.approved.text()


async def test_what_changed_before_the_second_approval_is_planned_again_with_the_same_choices(theme: Theme) -> None:
    async with open_switches(theme) as h:
        people = await h.core.people(3)
        await h.core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        h.plan(ZAPI, people[:2])
        h.page.form.canary._select(people[1].id)
        h.page.form.fields["grace"].setText("12")
        plan = h.page.form.plan
        await h.dry_run()
        run = await h.approve()
        await h.moved()
        await h.lacks(people[0])
        h.page.board.head.stop.click()
        await until(lambda: [each for each in h.page.findChildren(BaseDialog) if each.isVisible()])
        asked = next(each for each in h.page.findChildren(BaseDialog) if each.isVisible())
        assert "pause" not in written(asked), "there is nothing to pause yet"
        asked.reject()
        h.page.board.head.second.click()
        dialog = await opened(h)
        QTest.keyClicks(dialog.name, "Rosa Prado")
        QTest.keyClicks(dialog.number, "2")
        dialog.confirm.click()
        await until(dialog.trouble.isVisible)
        assert "Alguma coisa mudou" in dialog.trouble.text()
        assert not dialog.confirm.isVisible(), "it can never pass"
        assert h.core.run().state is SwitchState.AWAITING_SECOND
        dialog.plan_again.click()
        await until(h.page.form.isVisible)
        assert h.core.switches.runs[0].id == run.id
        assert h.core.run().state is SwitchState.STOPPED
        assert h.page.form.plan == plan


async def test_a_number_that_cannot_be_is_brought_into_view_and_its_limits_are_said(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(2)
        h.plan(ZAPI)
        h.page.resize(760, 480)
        await asyncio.sleep(0.05)
        grace = h.page.form.fields["grace"]
        grace.setText("5000")
        h.page.form.run.click()
        await asyncio.sleep(0.05)
        assert h.page.focusWidget() is grace
        await until(lambda: not grace.visibleRegion().isEmpty())
        spoken = " ".join(each.text() for each in h.page.findChildren(QLabel))
        assert "de 0 a 2160 horas" in spoken


async def test_where_all_are_there_already_nothing_is_in_the_way(theme: Theme) -> None:
    async with open_switches(theme) as h:
        await h.core.people(2)
        h.plan(WEB)
        assert "Ninguém precisa trocar" in h.page.form.words.text
        await h.dry_run()
        assert h.page.report.verdict.text() == "Ninguém precisa trocar: todos já estão em WhatsApp Web."
        listed = h.page.report.model.rows
        assert {(row.outcome, row.look[0]) for row in listed} == {("já está lá", Tone.IDLE)}
        spoken = [each.text() for each in h.page.report.details.findChildren(QLabel)]
        assert "Impede a troca" not in spoken


async def test_a_new_name_is_shown_in_the_dry_run(theme: Theme) -> None:
    async with open_switches(theme) as h:
        first, *_rest = await h.core.people(2)
        h.plan(ZAPI)
        await h.dry_run()
        await h.core.mentorados.edit(first.id, "Zulmira", str(first.phone), first.cohort)
        assert [row.name for row in h.page.report.model.rows] == ["Zulmira", "Ana 01"]


async def test_whose_former_provider_is_not_released_is_named(theme: Theme) -> None:
    async with open_switches(theme) as h:
        people = await h.core.people(1)
        h.plan(ZAPI)
        await h.dry_run()
        await h.approve()
        await h.moved()
        item = h.core.item(people[0])
        await h.core.switches.release(people[0].id)
        releasing = asyncio.get_running_loop().create_task(h.page._release_all([item]))
        await until(lambda: [each for each in h.page.findChildren(ConfirmDialog) if each.isVisible()])
        next(each for each in h.page.findChildren(ConfirmDialog) if each.isVisible()).confirm.click()
        await releasing
        spoken = " ".join(each.text() for each in h.page.findChildren(QLabel))
        assert "Não liberados: Ana 00." in spoken


async def test_large_letters_in_a_narrow_window_leave_the_list_some_rows_and_the_verdict_its_words(
    theme: Theme,
) -> None:
    async with open_switches(theme) as h:
        await h.core.people(6)
        h.plan(ZAPI)
        await h.dry_run()
        theme.set_text_scale(200)
        try:
            h.page.resize(760, 640)
            await asyncio.sleep(0.1)
            report = h.page.report
            assert report.list.height() >= 3 * theme.px(60)
            assert report.verdict.height() >= report.verdict.heightForWidth(report.verdict.width())
            assert h.page.width() == 760
            assert shut_out(h.page) == []
        finally:
            theme.set_text_scale(100)
