"""The pane: cards in their order, rare ones folded away, the last backup, and the mark of what is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.domain.actions import ActionName
from app.domain.errors import ProblemCode
from app.domain.guidance import RECOMMENDED_ACTION, Recommendation
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.procedure import EntryKind, ProcedureKind, StepName
from app.ui.action_runner import ACTION_DIALOGS
from tests.clock import settle
from tests.ui.procedures.conftest import OnViews
from tests.ui.procedures.fake_procedures import backup
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.procedures.views import Views

_A = ActionName


async def offered(views: Views, provider: ProviderKind) -> list[ActionName]:
    link = replace(views.who.link, provider=provider)
    await views.harness.mentorados.save_link(link)
    views.harness.window.choose(views.who.id)
    await settle()
    return [card.name for card in views.pane._content.action_cards.cards]


@pytest.mark.parametrize(
    ("provider", "own"),
    [
        (ProviderKind.WHATSAPP_WEB, []),
        (ProviderKind.ZAPI, [_A.DECIDE_QUEUE, _A.ENTER_CREDENTIALS]),
        (ProviderKind.META_CLOUD, [_A.ENTER_CREDENTIALS, _A.REGISTER, _A.DEREGISTER]),
    ],
)
def test_each_provider_has_its_own_actions_in_one_order(
    on_views: OnViews, provider: ProviderKind, own: list[ActionName]
) -> None:
    async def use(views: Views) -> None:
        views.log_out()
        names = await offered(views, provider)
        by_code = provider is not ProviderKind.META_CLOUD
        first, recover = ([_A.REAUTHENTICATE], [_A.RECOVER]) if by_code else ([], [])
        shown = [_A.SMOKE_TEST, _A.CONNECT, *first, _A.SWITCH_PROVIDER, *recover]
        more = [_A.BACK_UP, _A.RESTORE, _A.DISCONNECT, _A.TROUBLESHOOT, *own, _A.ARCHIVE]
        assert names == [*shown, *more]
        menu = views.harness.window.controller.menu(views.harness.runner, views.who.id)
        labels = [entry.text().split(" · ")[0] for entry in menu.actions() if entry.text()]
        cards = [card.text() for card in views.pane._content.action_cards.cards]
        assert [label for label in labels if label in cards] == cards, "the same, in the same order"

    on_views(use)


def test_rare_actions_are_folded_away_until_they_are_wanted(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        views.log_out()
        views.harness.window.choose(views.who.id)
        await settle()
        cards = {card.name: card for card in views.pane._content.action_cards.cards}
        assert cards[_A.RECOVER].isVisible()
        assert not cards[_A.BACK_UP].isVisible()
        more = buttons(views.pane)["Mais ações"]
        QTest.keyClick(more, Qt.Key.Key_Space)
        assert cards[_A.BACK_UP].isVisible()
        assert cards[_A.ARCHIVE].isVisible()
        assert more.text() == "Menos ações"

    on_views(use)


def test_the_last_backup_is_among_the_signs_and_a_new_one_is_seen(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        who, now = views.who.id, views.harness.clock.now()
        views.log_out()
        views.backup_list.infos = [backup(who, now - timedelta(hours=20)), backup(who, now - timedelta(days=3))]
        views.harness.window.choose(who)
        await settle()
        assert "Último backup | há 20 h" in words(views.pane)
        views.backup_list.infos.insert(0, backup(who, now))
        procedure = views.procedures.put(ProcedureKind.BACKUP, who)
        views.procedures.write(procedure.head.id, EntryKind.ENDED)
        await settle()
        assert "Último backup | agora" in words(views.pane)

    on_views(use)


def test_every_recommended_button_leads_somewhere() -> None:
    runner = {RECOMMENDED_ACTION[each] for each in Recommendation} & {
        _A.RECOVER,
        _A.REAUTHENTICATE,
        _A.BACK_UP,
        _A.RESTORE,
        _A.ENTER_CREDENTIALS,
        _A.DECIDE_QUEUE,
        _A.REGISTER,
    }
    assert runner <= set(ACTION_DIALOGS)


def test_every_action_that_is_not_done_after_a_yes_has_its_sheet(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        assert {name for name in ActionName if views.harness.actions.needs_dialog(name)} == set(ACTION_DIALOGS)

    on_views(use)


def test_what_goes_on_by_itself_does_not_say_that_it_needs_somebody(on_views: OnViews) -> None:
    async def use(views: Views) -> None:
        procedure = await views.follow(ProcedureKind.RECOVERY)
        views.put(LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        views.procedures.run_to(procedure, StepName.PAIR)
        facts = {"code": ProblemCode.LINK_NOT_BACK, "reason": Reason.WRONG_ACCOUNT}
        views.procedures.write(procedure.head.id, EntryKind.STEP_FAILED, StepName.PAIR, facts)
        QTest.keyClick(views.sheet, Qt.Key.Key_Escape)
        await settle()
        assert "precisa de você" in words(views.pane._content.mark)
        views.put(LinkState.CONNECTING)
        await settle()
        assert "está em andamento" in words(views.pane._content.mark)

    on_views(use)
