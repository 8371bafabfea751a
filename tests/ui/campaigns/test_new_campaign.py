"""From the first word of a campaign to its approval, and its recipients afterwards, over the real services."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from app.domain.campaign import CampaignState, RecipientState
from app.domain.consent import ConsentChange
from app.domain.errors import ProblemCode
from app.domain.mentorado import Link
from app.domain.prices import TemplateCategory
from app.domain.sending import NotSent, NumberDetails, SendErrorKind, Template, TemplateMessage, Uncertain
from app.text.status import texts
from app.ui.campaigns.report import ReportPart
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.tables import Role
from tests.core.outbound.harness import phone
from tests.ui.campaigns.harness import CampaignsHarness, open_campaigns
from tests.ui.controls import nameless, out_of_reach, read_aloud
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    return fast_dir


def write(h: CampaignsHarness, text: str = "A aula de {mentorado} começa às 19 h.") -> None:
    h.page.compose()
    composer = h.page.composer
    composer.name.setText("Aviso")
    composer.cohort._select("Turma A")
    composer.text.setPlainText(text)


def shut_out(h: CampaignsHarness) -> list[QWidget]:
    """Controls without a name, and those that Tab does not reach; within a choice the arrows go on."""
    beyond = [each for each in out_of_reach(h.page) if not isinstance(each.parent(), SegmentedControl)]
    return nameless(h.page) + beyond


async def dry_run(h: CampaignsHarness) -> str:
    """Press the button, and return all that the summary says."""
    h.page.composer.run.click()
    await until(lambda: h.page.report.made is not None)
    return read_aloud("\n".join(label.text() for label in h.page.report.summary.findChildren(QLabel)))


def people(h: CampaignsHarness) -> list[str]:
    model = h.page.recipients.people.model
    return [str(model.data(model.index(n), Role.AccessibleTextRole)) for n in range(model.rowCount())]


async def test_from_the_first_word_to_the_last_message(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(3)
        await h.s.receive(phone(9))
        await h.s.grant(phone(8))
        await h.s.say(phone(8), ConsentChange.REVOKED)
        h.page._empty.pressed.emit()
        assert h.page.composer.isVisible()
        write(h)
        assert h.page.composer._preview.words.text() == "A aula de Ana começa às 19 h."
        assert shut_out(h) == []
        summary = await dry_run(h)
        assert "3\nrecebem" in summary
        assert "sem custo" in summary
        assert "Não há consentimento deste contato para campanhas." in summary
        report = h.page.report
        assert shut_out(h) == []
        report.part.button(ReportPart.EXCLUDED).click()
        assert report.people.model.rowCount() == len(report.made.recipients) - 3 if report.made else 0
        assert not report.approve.isEnabled()
        report.field.setText("4")
        assert not report.approve.isEnabled()
        QTest.keyClicks(report.field, "\b3")
        report.approve.click()
        await until(lambda: h.service.campaigns and h.service.campaigns[0].state is CampaignState.FINISHED)
        assert len(h.s.provider.sent) == 3
        assert {each.text for each in h.s.provider.sent} == {"A aula de Ana começa às 19 h."}
        assert h.page.view.isVisible()
        assert h.page.composer.is_empty


async def test_a_draft_is_kept_when_the_page_is_left_and_its_mistakes_are_named(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        composer = h.page.composer
        h.page.compose()
        composer.run.click()
        await until(h.page.banners.problems)
        assert h.page.banners.problems()[0].code is ProblemCode.CAMPAIGN_COHORT_MISSING
        composer.text.setPlainText("Oi ")
        composer.insert[next(iter(composer.insert))].click()
        assert composer.text.toPlainText() in ("Oi {nome}", "{nome}Oi ")
        composer.text.setPlainText("Oi {cidade}")
        assert "{cidade} não é um marcador." in composer._preview.wrong.text()
        QTest.keyClick(composer.text, Qt.Key.Key_Escape)
        assert h.page.split.isVisible()
        assert h.page.new_button.text() == "Continuar o rascunho"
        h.page.hide()
        h.page.show()
        h.page.new_button.click()
        assert composer.text.toPlainText() == "Oi {cidade}"
        write(h, "x" * 4097)
        composer.run.click()
        await until(lambda: h.page.banners.problems()[0].code is ProblemCode.CAMPAIGN_TEXT_LONG)
        assert composer.isVisible(), "where the text can be shortened"
        texts.set_language("en")
        assert composer.counter.text() == "4,097 of 4,096 characters"


async def test_a_dry_run_can_be_cancelled_and_one_that_is_out_of_date_is_made_again(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(2)
        write(h)
        h.page.composer.run.click()
        await asyncio.sleep(0)  # it has begun, and waits for the database
        assert h.page.report.cancel.isVisible()
        h.page.report.cancel.click()
        await until(h.page.composer.isVisible)
        await dry_run(h)
        await h.consenting(1, first=3)
        report = h.page.report
        report.field.setText("2")
        report.approve.click()
        await until(lambda: report.problem is not None)
        assert "Algo mudou desde a simulação" in report.asked.text()
        assert not report.approve.isVisible()
        assert not h.service.campaigns
        report.again.click()
        await until(lambda: report.made is not None and len(report.made.included) == 3)
        assert report.field.isVisible()
        assert report.field.text() == ""


@pytest.mark.parametrize("scale", [100, 200])
async def test_in_the_smallest_window_the_approval_is_within_reach(theme: Theme, folder: Path, scale: int) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(2)
        theme.set_text_scale(scale)
        h.page.resize(556, 480)
        write(h)
        await dry_run(h)
        h.page.report._arrange()
        await until(lambda: h.page.width() == 556)
        report = h.page.report
        report.field.setText("2")
        await asyncio.sleep(0)
        content = report.summary.widget()
        assert content is not None
        assert content.width() <= report.summary.viewport().width()
        for control in (report.field, report.approve, report.again, report.edit):
            assert control.width() >= min(control.sizeHint().width(), control.maximumWidth())
            assert report._decisions.rect().contains(control.geometry())
            assert control.mapTo(h.page, control.rect().topRight()).x() <= h.page.width()


async def test_nobody_and_a_link_that_is_off_are_explained(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.has("Bruno Tavares", "Turma A")
        write(h)
        summary = await dry_run(h)
        assert "ainda não têm contatos" in summary
        assert "Bruno Tavares" in summary
        assert "Esta conexão está desligada ou caiu." in summary
        assert "Ninguém receberia" in h.page.report.asked.text()
        assert not h.page.report.field.isVisible()
        QTest.keyClick(h.page.report.edit, Qt.Key.Key_Escape)
        assert h.page.composer.isVisible()


async def test_a_template_of_metas_list_is_chosen_and_many_recipients_recommend_it(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(51)
        write(h)
        assert "A API oficial da Meta é recomendada para Ana" in await dry_run(h)
        approved = Template(name="aviso", language="pt_BR", category="UTILITY", status="APPROVED", usable=True)

        async def details(_link: Link) -> NumberDetails:
            return NumberDetails(facts={}, templates=(approved,))

        h.s.provider.window = timedelta(hours=24)
        h.s.provider.details = details  # type: ignore[attr-defined]
        composer = h.page.composer
        write(h)
        composer.ask.click()
        await until(lambda: len(composer._templates()) == 3)
        composer.template._select(approved)
        assert composer.category.chosen is TemplateCategory.UTILITY
        composer.parameters.setPlainText("{mentorado}\n19 h")
        assert "{{1}}  Ana\n{{2}}  19 h" in composer._preview.template.text()
        assert composer.draft.template == TemplateMessage(
            name="aviso", language="pt_BR", parameters=("{mentorado}", "19 h")
        )
        composer.template._select("typed")
        composer.template_name.setText("outro")
        composer.template_language.setText("en")
        assert shut_out(h) == []
        await dry_run(h)
        assert h.page.report.made is not None
        assert h.page.report.made.draft.template == TemplateMessage(
            name="outro", language="en", parameters=("{mentorado}", "19 h")
        )


async def test_the_recipients_say_what_became_of_each_and_are_exported(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(3)
        h.s.provider.answers = [Uncertain(), NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, code="=131026")]
        await h.begin()
        await until(lambda: h.service.campaigns[0].state is CampaignState.FINISHED)
        h.page.view.recipients.click()
        await until(lambda: len(people(h)) == 3)
        assert people(h) == [
            "sem nome, +55 11 90000-0001 · Ana, incerta, " + texts("campaign.people.uncertain"),
            "sem nome, +55 11 90000-0002 · Ana, não enviada, "
            + " ".join((texts("send.recipient_invalid.sentence"), texts("send.recipient_invalid.next"))),
            "sem nome, +55 11 90000-0003 · Ana, aceita 12:00",
        ]
        h.page.recipients.filter.button(RecipientState.NOT_SENT).click()
        await until(lambda: len(people(h)) == 1)
        assert shut_out(h) == []
        await h.page.export_to(folder / "quem.csv", of_report=False)
        h.page.refresh()
        assert h.page._summary.text() == "1 linha em quem.csv"
        lines = (folder / "quem.csv").read_text("utf-8-sig").splitlines()
        assert len(lines) == 2
        assert '"\'=131026"' in lines[1], "no spreadsheet calculates it"
        assert h.s.core.audit.entries_[-1].record.action == "export_campaign"
        write(h)
        await dry_run(h)
        await h.page.export_to(folder / "simulação.csv", of_report=True)
        assert len((folder / "simulação.csv").read_text("utf-8-sig").splitlines()) == 4


async def test_the_recipients_follow_a_campaign_that_runs(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(5)
        h.page.show_campaign((await h.begin()).id)
        h.page.view.recipients.click()
        await until(lambda: sum("aceita" in each for each in people(h)) == 3)
        for _ in range(4):
            await h.s.later(seconds=61)
        await until(lambda: sum("aceita" in each for each in people(h)) == 5)
        QTest.keyClick(h.page.recipients.filter, Qt.Key.Key_Escape)
        assert h.page.split.isVisible()
