"""What changes by itself is told to a screen reader, wherever its user is, and once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget

from app.domain.campaign import CampaignState
from app.domain.errors import Problem, ProblemCode
from app.domain.events import IncidentBegan, IncidentChanged
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.text.status import problem, texts
from app.ui.banners import Banners
from app.ui.dialogs.mentorado import MentoradoDialog
from app.ui.incident_card import IncidentBanner, IncidentCard
from app.ui.theme.theme import Theme
from app.ui.widgets.accessibility import announce
from app.ui.widgets.toast import Toast
from tests.clock import StillClock, settle
from tests.ui.campaigns.harness import open_campaigns
from tests.ui.keyboard.surfaces import SURFACES
from tests.ui.window_harness import NOON, WindowHarness, person
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a screen reader is told from now on."""
    lines: list[str] = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: lines.append(event.message()))
    return lines


@pytest.fixture
def window(theme: Theme) -> Iterator[QWidget]:
    assert theme
    widget = QWidget()
    widget.resize(600, 400)
    widget.show()
    yield widget
    widget.hide()
    widget.deleteLater()


async def test_what_cannot_be_seen_is_not_told(window: QWidget, spoken: Sequence[str]) -> None:
    announce(window, "visível")
    announce(window, " ")
    window.hide()
    announce(window, "escondido")
    assert spoken == ["visível"]


async def test_a_toast_is_told_and_so_are_its_other_words_while_it_is_there(
    theme: Theme, window: QWidget, spoken: Sequence[str]
) -> None:
    toast = Toast(theme, window)
    for words in ("Ana foi para o arquivo.", "Ana foi para o arquivo.", "2 foram para o arquivo."):
        toast.show_message(words, "Desfazer", lambda: None)
    assert spoken == ["Ana foi para o arquivo.", "2 foram para o arquivo."]


async def test_a_problem_and_each_turn_of_an_incident_are_told(
    theme: Theme, window: QWidget, spoken: list[str]
) -> None:
    banners = Banners(theme, window)
    banners.show_problem(Problem(ProblemCode.DATABASE_DISK_FULL))
    assert spoken == [" ".join(problem(Problem(ProblemCode.DATABASE_DISK_FULL)))]
    spoken.clear()
    waiting = LinkStatus(state=LinkState.RECONNECTING, since=NOON)
    clock = StillClock(NOON)
    notice = IncidentBanner(banners, lambda: IncidentCard(theme, clock, lambda _who: waiting, lambda _: 0, lambda _: 0))
    people = tuple(person(number).id for number in range(3))
    incident = Incident(
        provider=ProviderKind.WHATSAPP_WEB, since=NOON, affected=people, of=3, causes=((Reason.NETWORK_DOWN, 3),)
    )
    notice.on_lasting(IncidentBegan(incident))
    notice.on_lasting(IncidentChanged(incident))
    assert len(spoken) == 1
    found = replace(incident, findings=(Finding(CheckResult.NETWORK_DOWN),))
    notice.on_lasting(IncidentChanged(found))
    assert "3 de 3 conexões do WhatsApp Web caíram juntas" in spoken[0]
    assert "Este computador não consegue chegar ao WhatsApp" in spoken[1]


async def test_a_connection_that_falls_is_told_from_the_pane(theme: Theme, fast_dir: Path, spoken: list[str]) -> None:
    harness = WindowHarness(fast_dir, [person(0)], theme)
    await harness.load(LinkStatus(state=LinkState.CONNECTED, since=NOON - timedelta(hours=1)))
    await harness.show()
    harness.window.choose(person(0).id)
    await settle()
    spoken.clear()
    harness.observe(person(0), LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON))
    await until(lambda: spoken)
    assert "O celular encerrou esta conexão" in spoken[0]
    await harness.close()


async def test_what_is_wrong_in_a_form_is_told_where_the_keyboard_stays(
    theme: Theme, fast_dir: Path, spoken: list[str]
) -> None:
    async with SURFACES["add a mentorado"](theme, fast_dir) as form:
        assert isinstance(form, MentoradoDialog)
        spoken.clear()
        form.phone.show_error("Este número já é de Bia Rocha.")
        form.phone.show_error("Este número já é de Bia Rocha.")
        assert spoken == ["Este número já é de Bia Rocha."]


async def test_what_came_of_the_work_for_many_is_told(theme: Theme, fast_dir: Path, spoken: list[str]) -> None:
    async with SURFACES["archive many"](theme, fast_dir) as dialog:
        spoken.clear()
        dialog.confirm.click()  # type: ignore[attr-defined]
        await until(lambda: spoken)
        assert spoken[-1].startswith(texts.plural("many.archive.result", 6))


async def test_a_campaign_that_pauses_is_told_and_one_that_is_only_looked_at_is_not(
    theme: Theme, fast_dir: Path, spoken: list[str]
) -> None:
    async with open_campaigns(theme, fast_dir) as harness:
        await harness.consenting(3)
        campaign = await harness.begin()
        await settle()
        assert spoken == []
        await harness.service.pause(campaign.id)
        await until(lambda: harness.service.campaigns[0].state is CampaignState.PAUSED and spoken)
        assert len(spoken) == 1
