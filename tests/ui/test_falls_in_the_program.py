"""The whole program tells of who fell, and of an incident, with what can be done about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.domain.events import IncidentBegan, IncidentChanged
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.ui.widgets.toast import Toast
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.procedures.test_program import program, someone

pytestmark = pytest.mark.usefixtures("on_qt")


@pytest.mark.within(40)
async def test_a_fallen_one_is_noticed_on_any_page_and_opened_at_once(qapp: QApplication, fast_dir: Path) -> None:
    async with program(qapp, fast_dir) as started:
        core, window = started.core, started.window
        ana = await someone(core)
        now, board = core.clock.now(), core.supervisor._board
        board.restore(ana.link, LinkStatus(state=LinkState.CONNECTED, since=now))
        window.go("settings")
        board.restore(ana.link, LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=now))
        toasts = [each for each in window.places.children() if isinstance(each, Toast)]
        await started.until(lambda: any(each.isVisible() for each in toasts))
        assert window.windowTitle() == "1 precisa de você · Conecta"
        next(each for each in toasts if each.isVisible()).button.click()
        assert window.shows(ana.id)
        board.restore(ana.link, LinkStatus(since=now))
        window.close()


@pytest.mark.within(40)
async def test_an_incident_shows_who_is_down_and_tries_them_all(qapp: QApplication, fast_dir: Path) -> None:
    async with program(qapp, fast_dir) as started:
        core, window = started.core, started.window
        ana = await someone(core)
        await core.mentorados.add("Bruno", "11 98765-1111")
        now, board = core.clock.now(), core.supervisor._board
        board.restore(ana.link, LinkStatus(state=LinkState.RECONNECTING, since=now))
        incident = Incident(
            provider=ProviderKind.WHATSAPP_WEB, since=now, affected=(ana.id,), of=2, causes=((Reason.NETWORK_DOWN, 1),)
        )
        core.bus.publish(IncidentBegan(incident))
        assert "1 de 2 conexões do WhatsApp Web caíram juntas" in words(window.banners)
        buttons(window.banners)["Mostrar a que falta"].click()
        assert [window._model.painted(place)[0].id for place in range(window._model.rowCount())] == [ana.id]
        reached = (Finding(CheckResult.NETWORK_GOOD),)
        core.bus.publish(IncidentChanged(replace(incident, findings=reached)))
        assert "Tentar todas agora" in buttons(window.banners)
        board.restore(ana.link, LinkStatus(since=now))
        window.close()
