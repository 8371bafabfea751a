"""The moment after a pairing: the number that is confirmed, who is next, and a wrong phone that is sent away."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, MentoradoId
from app.domain.provider import Connected, QrIssued, QrScanned
from app.ui.dialogs.confirm import ConfirmDialog
from app.ui.theme.theme import Theme
from tests.clock import settle
from tests.ui.detail_pane.codes import LINK
from tests.ui.detail_pane.harness import (
    LUIZA,
    OTHER_NUMBER,
    THIAGO,
    PaneHarness,
    mentorado,
    pane_harness,
    people,
    unpaired,
)
from tests.ui.detail_pane.pane_controls import open_pane, words

pytestmark = pytest.mark.usefixtures("on_qt")

COHORT = "Turma 12 · Tráfego"
ANA, BIA = MentoradoId("c" * 32), MentoradoId("d" * 32)


def cohort() -> list[object]:
    return [
        unpaired(people()[0]),
        unpaired(people()[1]),
        mentorado(ANA, "Ana Muniz", "+5511970000001", COHORT, paired=False),
        mentorado(BIA, "Vera Lopes", "+5511970000002", COHORT, paired=False),
        mentorado(MentoradoId("e" * 32), "Zoe Dias", "+5511970000003", COHORT),
    ]


async def pair(harness: PaneHarness) -> None:
    open_pane(harness)
    account = harness.mentorados.get(THIAGO).phone
    await harness.supervisor.connect(THIAGO)
    await settle()
    for signal in (QrIssued(LINK, 1, 6, 60.0), QrScanned(account), Connected(account)):
        harness.provider.line.say(signal)
        await settle()


async def test_the_number_is_confirmed_and_the_next_of_the_cohort_is_one_press_away(theme: Theme) -> None:
    async with pane_harness(theme, *cohort()) as harness:  # type: ignore[arg-type]
        asked: list[str] = []
        harness.pane.mentorado_requested.connect(asked.append)
        await pair(harness)
        card = harness.pane._content.outcome
        assert "Número confirmado: final 5662" in words(harness)
        assert "Próximo da turma: Vera Lopes" in words(harness), "who comes after Thiago; Luíza is of another cohort"
        assert card.next.text() == "Conectar o próximo (faltam 2)"
        assert harness.pane._content.lead.button.isVisible(), "the smoke test, which is offered once"
        assert not card.smoke_test.isVisible()
        card.next.click()
        await settle()
        assert asked == [BIA]
        assert harness.status(BIA).state is LinkState.CONNECTING
        assert not card.isVisible()
        harness.pane.show_mentorado(THIAGO)
        assert not card.isVisible(), "it was seen"


async def test_whoever_is_the_last_of_a_cohort_is_only_confirmed(theme: Theme) -> None:
    async with pane_harness(theme, unpaired(people()[0])) as harness:
        await pair(harness)
        assert "O celular que se conectou é o esperado." in words(harness)
        assert not harness.pane._content.outcome.next.isVisible()
        harness.put(LinkState.RECONNECTING, Reason.NETWORK_DOWN)
        assert not harness.pane._content.outcome.isVisible()


async def test_a_number_without_a_cohort_has_nobody_next(theme: Theme) -> None:
    alone = mentorado(THIAGO, "Thiago", "+5598983015662", paired=False)
    async with pane_harness(theme, alone, unpaired(people()[1])) as harness:
        await pair(harness)
        assert not harness.pane._content.outcome.next.isVisible()


async def test_the_smoke_test_is_offered_again_to_a_number_that_was_paired_anew(theme: Theme) -> None:
    async with pane_harness(theme, unpaired(people()[0])) as harness:
        await pair(harness)
        wanted: list[ActionName] = []
        content = harness.pane._content
        content.outcome.action_requested.disconnect()
        content.outcome.action_requested.connect(wanted.append)
        view = harness.pane._view
        assert view is not None
        content.outcome.show_outcome(view.outcome, view.mentorado, busy=False, offers_test=True)
        content.outcome.smoke_test.click()
        assert wanted == [ActionName.SMOKE_TEST]


async def send_away(harness: PaneHarness, undo: object) -> None:
    """Press and confirm, with the far end doing *undo*."""
    open_pane(harness)
    harness.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT, account=OTHER_NUMBER)
    harness.provider.rollback_pairing = undo  # type: ignore[method-assign, assignment]
    harness.pane._content.lead.button.click()
    await settle()
    assert "Desconectando" not in words(harness), "nobody has said yes yet"
    (question,) = harness.pane.findChildren(ConfirmDialog)
    question.accept()
    await settle()


async def test_sending_a_wrong_phone_away_shows_that_it_runs_and_ends_with_a_sentence(theme: Theme) -> None:
    async with pane_harness(theme) as harness:
        done = asyncio.Event()

        async def undo(_link: Link) -> None:
            await done.wait()

        await send_away(harness, undo)
        assert "Desconectando o celular final 4321…" in words(harness)
        assert harness.pane._content.outcome._moving.isVisible()
        done.set()
        await settle()
        assert "A leitura do celular final 4321 foi desfeita" in words(harness)
        assert "leia o código com o celular final 5662" in words(harness)
        assert not harness.pane._content.outcome._moving.isVisible()
        await harness.supervisor.connect(THIAGO)
        await settle()
        assert not harness.pane._content.outcome.isVisible()


async def test_a_phone_that_could_not_be_sent_away_is_not_said_to_be_gone(theme: Theme) -> None:
    async with pane_harness(theme) as harness:

        async def undo(_link: Link) -> None:
            raise Problem(ProblemCode.SESSION_DIR_NOT_WRITABLE)

        await send_away(harness, undo)
        assert not harness.pane._content.outcome.isVisible()
        assert harness.pane._content.trouble.isVisible()
        harness.pane.show_mentorado(LUIZA)
        assert not harness.pane._content.outcome.isVisible()
