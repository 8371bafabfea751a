"""Nothing of a switch is cut off at the side, whatever the language and the text size."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QScrollArea

from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureState
from app.domain.provider import Connected
from app.text.status import texts
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.procedures.panel_controls import buttons
from tests.ui.provider_switch.conftest import OnSwitches
from tests.ui.provider_switch.harness import SwitchHarness
from tests.ui.provider_switch.reports import bad, good


async def fits(area: QScrollArea) -> bool:
    await settle()
    inside = area.widget()
    return inside is not None and inside.minimumSizeHint().width() <= area.viewport().width()


@pytest.mark.within(60)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("scale", [100, 150, 200])
def test_everything_fits_into_the_pane(on_switches: OnSwitches, theme: Theme, scale: int, language: str) -> None:
    theme.set_text_scale(scale)
    texts.set_language(language)

    async def use(harness: SwitchHarness) -> None:
        form = await harness.open_form()
        for planned, target in ((bad, ProviderKind.META_CLOUD), (good, ProviderKind.ZAPI)):
            harness.planned = planned
            form.targets[target].click()
            await settle(100)
            assert form.report.isVisible()
            assert await fits(harness.sheet._scroll), planned.__name__
        harness.planned = None
        harness.pane._sides.close(harness.who.id)
        await harness.approve(ProviderKind.ZAPI)
        line = await harness.line_of(harness.zapi)
        harness.pane.see_procedure()
        line.say(Connected(PhoneNumber("+5511912344321")))
        await harness.pass_time(lambda: harness.procedure.state is ProcedureState.FAILED)
        assert await fits(harness.sheet._scroll), "another phone"
        buttons(harness.sheet)[texts("procedure.switch.send_away")].click()
        await harness.pass_time(lambda: harness.sheet.procedure and harness.sheet.procedure.ended)
        assert await fits(harness.sheet._scroll), "taken back"
        harness.pane._sides.close(harness.who.id)
        await harness.approve(ProviderKind.ZAPI)
        line = await harness.line_of(harness.zapi, known=1)
        line.say(Connected(harness.who.phone))
        await harness.pass_time(lambda: harness.who.link.provider is ProviderKind.ZAPI)
        await harness.pass_time(lambda: harness.item.switched_at)
        assert harness.pane._content.switch.isVisible()
        assert await fits(harness.pane._pages.scroll), "kept"

    on_switches(use, within=50)
