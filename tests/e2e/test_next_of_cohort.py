"""A cohort that is connected one after the other: each next code is one press away."""

from __future__ import annotations

import pytest

from app.domain.link_status import LinkState
from app.settings import Settings
from app.text.status import texts
from tests.e2e.conftest import conecta
from tests.emulators.whatsapp_web.process import EmulatorProcess
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("on_qt")  # coroutines run on the loop of Qt

PHONES = {"Ana Prates": "5541900000041", "Bia Rocha": "5541900000042", "Caio Luz": "5541900000043"}


@pytest.mark.within(90)
async def test_the_next_one_of_a_cohort_is_connected_in_one_press(
    settings: Settings, emulator: EmulatorProcess
) -> None:
    async with conecta(settings) as session:
        cohort = [await session.core.mentorados.add(name, f"+{phone}", "Turma 12") for name, phone in PHONES.items()]
        ana = cohort[0]
        session.window.choose(ana.id)
        session.click(texts("action.connect.label"), session.window._pane)
        for mentorado, phone in zip(cohort, PHONES.values(), strict=True):
            emulator.control.add_account(phone)
            await session.until_state(mentorado, LinkState.QR_READY)
            await emulator.control.off_loop(emulator.control.scan, phone, await session.code_in_pixels())
            await session.until_state(mentorado, LinkState.CONNECTED)
            pane = session.window._pane
            assert pane is not None
            card = pane._content.outcome
            await until(card.isVisible)
            assert card.accessibleName().startswith(texts("outcome.confirmed", digits=phone[-4:]))
            if mentorado is not cohort[-1]:
                left = len(cohort) - cohort.index(mentorado) - 1
                session.click(texts.plural("outcome.connect_next", left), card)
        assert not card.next.isVisible()
        assert session.actions == len(cohort), "one press each"
