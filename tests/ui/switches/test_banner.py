"""What home says about a switch of many that waits for a person."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton

from app.domain.events import SwitchesChanged
from app.domain.link_status import Reason
from app.domain.provider import Blocked
from app.domain.settings import SWITCH_SECOND_PERSON
from app.domain.switch import SwitchRunId
from app.text.status import texts
from app.ui.banners import Banners
from app.ui.switches.banner import SwitchBanner
from app.ui.theme.theme import Theme
from tests.ui.controls import text_in
from tests.ui.switches.harness import ZAPI, SwitchesHarness, open_switches

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt


def watched(h: SwitchesHarness, theme: Theme) -> tuple[Banners, list[SwitchRunId]]:
    """Banners that listen, and to which runs they led."""
    banners, led = Banners(theme), list[SwitchRunId]()
    banners.show()
    h.core.bus.subscribe(
        SwitchesChanged, SwitchBanner(banners, lambda: h.core.switches.runs, h.page._name_of, led.append).on_changed
    )
    return banners, led


async def test_a_switch_that_waits_is_announced_until_it_goes_on(theme: Theme) -> None:
    async with open_switches(theme) as h:
        banners, led = watched(h, theme)
        await h.core.people(8)
        h.plan(ZAPI)
        await h.dry_run()
        run = await h.approve()
        await h.moved()
        assert "Troca de provedor 2026 → Z-API. A próxima é a onda 2, e ela espera por você." in text_in(banners)
        texts.set_language("en")
        banners.retranslate()
        assert "Provider switch 2026 → Z-API. Wave 2 is next" in text_in(banners)
        texts.set_language("pt-BR")
        banners.retranslate()
        see = next(each for each in banners.findChildren(QPushButton) if each.text() == "Ver a troca")
        see.click()
        assert led == [run.id]
        assert "Troca" not in text_in(banners)
        h.core.played[ZAPI].trouble = {h.core.run().items[1].mentorado_id: Blocked(Reason.TOKEN_INVALID)}
        await h.core.switches.resume(run.id)
        await h.moved()
        assert "1 de 2 falhou até agora" in text_in(banners), "another reason is announced anew"
        await h.core.switches.stop(run.id)
        await h.moved()
        assert "Troca" not in text_in(banners)
        banners.deleteLater()


async def test_a_switch_of_one_is_announced_by_name_while_a_second_person_must_approve_it(theme: Theme) -> None:
    async with open_switches(theme) as h:
        banners, led = watched(h, theme)
        await h.core.services.settings_service.change(SWITCH_SECOND_PERSON, True)
        h.plan(ZAPI, (await h.core.people(2))[:1])
        await h.dry_run()
        run = await h.approve()
        await h.moved()
        assert "Troca de provedor Ana 00 → Z-API. Esperando uma segunda pessoa" in text_in(banners)
        next(each for each in banners.findChildren(QPushButton) if each.text() == "Ver a troca").click()
        assert led == [run.id]
        banners.deleteLater()


async def test_what_a_person_paused_and_a_switch_of_one_are_not_announced(theme: Theme) -> None:
    async with open_switches(theme) as h:
        banners, _led = watched(h, theme)
        people = await h.core.people(4)
        h.core.played[ZAPI].waits = {people[0].id, people[1].id}
        for chosen in (people[:1], people[1:]):
            h.plan(ZAPI, chosen)
            await h.dry_run()
            run = await h.approve()
            await h.moved()
            await h.core.switches.pause(run.id)
            await h.moved()
            assert "Troca" not in text_in(banners)
        banners.deleteLater()
