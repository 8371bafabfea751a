"""The list of campaigns as a person uses it, over the real services and database."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.campaign import CampaignState, RecipientState
from app.domain.sending import NotSent, SendErrorKind, Uncertain
from app.text.status import texts
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from app.ui.widgets.tables import Role
from tests.ui.campaigns.harness import CampaignsHarness, open_campaigns
from tests.ui.controls import nameless, out_of_reach, read_aloud
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture
def folder(fast_dir: Path) -> Path:
    return fast_dir


def rows(h: CampaignsHarness) -> list[str]:
    model = h.page.model
    return [str(model.data(model.index(n), Role.AccessibleTextRole)) for n in range(model.rowCount())]


async def accepted(h: CampaignsHarness, count: int) -> None:
    await until(lambda: h.service.campaigns[0].counts.get(RecipientState.ACCEPTED, 0) >= count)


async def test_an_empty_page_says_what_a_campaign_is(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        assert h.page._empty.isVisible()
        assert "que consentiram" in h.page._empty._line.text()
        assert not h.page.new_button.isVisible()
        assert nameless(h.page) == []
        h.page.take_focus()


async def test_a_running_campaign_shows_how_far_it_is_and_what_it_waits_for(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(5)
        await h.begin()
        await accepted(h, 3)
        await until(lambda: h.service.waits(h.service.campaigns[0].id))
        assert rows(h) == ["Aviso de aula, Enviando, 3 de 5 aceitas pelo provedor · 2 esperam"]
        view = h.page.view
        assert view.pause.isVisible()
        assert not view.resume.isVisible()
        assert view.waits.text().startswith("Ana: ")
        assert read_aloud(view.waits.text()).endswith("Segue em 1 min.")
        assert (
            read_aloud(h.page.model.data(h.page.model.index(0), Role.UserRole)[2])
            == "1 conexão espera. Segue em 1 min."
        )
        await h.s.later(seconds=20)
        h.page._on_second()
        assert read_aloud(view.waits.text()).endswith("Segue em 40 s.")
        assert [value.text() for _label, value in view.counts.values()] == ["3", "2", "0", "0"]


async def test_it_is_paused_resumed_and_stopped_after_a_question(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(5)
        campaign = await h.begin()
        await accepted(h, 3)
        view = h.page.view
        view.pause.click()
        await until(view.resume.isVisible)
        assert view.sentence.text() == texts("campaign.sentence.person")
        assert not view.waits.isVisible()
        view.resume.click()
        await until(view.pause.isVisible)
        for answer in ("cancel", "confirm"):
            view.stop.click()
            await until(lambda: h.page.findChildren(ConfirmDialog))
            dialog = h.page.findChildren(ConfirmDialog)[0]
            assert dialog.title.text() == "Parar a campanha “Aviso de aula”?"
            assert "2 contatos que esperam" in dialog.accessibleDescription()
            getattr(dialog, answer).click()
            await until(lambda: not h.page.findChildren(ConfirmDialog))
            assert h.service.campaigns[0].state is CampaignState.RUNNING or answer == "confirm"
        await until(lambda: h.service.campaigns[0].state is CampaignState.STOPPED)
        assert rows(h) == ["Aviso de aula, Parada, 3 de 5 aceitas pelo provedor · 2 sem envio"]
        assert not view.stop.isVisible()
        assert campaign.id == h.service.campaigns[0].id


async def test_an_uncertain_message_leads_to_the_cases_and_many_failures_pause_it(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(1)
        h.s.provider.answers = [Uncertain()]
        await h.begin()
        await until(lambda: h.service.campaigns[0].state is CampaignState.FINISHED)
        h.page.view.cases.click()
        assert h.cases_asked == [True]
        assert rows(h) == ["Aviso de aula, Concluída, 0 de 1 aceitas pelo provedor · 1 incerta"]
        h.s.limits = h.s.limits.__class__(similar_texts_per_day=1000, per_minute=100)
        await h.consenting(12)
        h.s.provider.answers = [NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, code="131026")] * 12
        await h.begin()
        await until(lambda: h.service.campaigns[0].state is CampaignState.PAUSED)
        h.page.show_campaign(h.service.campaigns[0].id)
        assert h.page.view.sentence.text() == texts("campaign.sentence.failures")
        assert h.page.view.resume.isVisible()


async def test_it_works_by_keys_and_in_both_languages(theme: Theme, folder: Path) -> None:
    async with open_campaigns(theme, folder) as h:
        await h.consenting(1)
        await h.begin()
        await until(lambda: h.service.campaigns[0].state is CampaignState.FINISHED)
        await h.consenting(1, first=2)
        await h.begin()
        h.page.resize(700, 640)
        h.page.take_focus()
        QTest.keyClick(h.page.list, Qt.Key.Key_Down)
        h.page._on_second()
        assert h.page.view.badge.accessibleName() == "Concluída", "what is walked to is shown, and stays"
        QTest.keyClick(h.page.list, Qt.Key.Key_Return)
        assert h.page.split.side_panel_open
        assert nameless(h.page) == out_of_reach(h.page) == []
        texts.set_language("en")
        assert rows(h)[1] == "Aviso de aula, Finished, 1 of 1 accepted by the provider"
        QTest.keyClick(h.page.view.recipients, Qt.Key.Key_Escape)
        assert not h.page.split.side_panel_open
