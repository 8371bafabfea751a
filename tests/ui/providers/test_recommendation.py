"""What the pane recommends at a hosted provider: its own next step, never that of a phone with a code."""

from __future__ import annotations

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.ui.detail_pane.recommendation import RecommendationModel, recommendation_for
from app.ui.widgets.action_menu import CARDS, MORE, resolve_slots
from tests.ui.controls import read_aloud
from tests.ui.providers.harness import Harness, Play

ZAPI, META = ProviderKind.ZAPI, ProviderKind.META_CLOUD


def lead(harness: Harness, kind: ProviderKind, reason: Reason) -> RecommendationModel:
    now = harness.window_harness.clock.now()
    account = PhoneNumber("+5511912344321")
    status = LinkStatus(state=LinkState.BLOCKED, reason=reason, since=now, account=account)
    mentorado, window = harness.mentorado(kind), harness.window_harness
    window.observe(mentorado, status)
    return recommendation_for(mentorado, status, window.actions.availability(mentorado.id), now)


def test_each_trouble_leads_to_the_sheet_that_mends_it(play: Play) -> None:
    async def act(harness: Harness) -> None:
        for kind, reason, button in (
            (ZAPI, Reason.CREDENTIALS_MISSING, ActionName.ENTER_CREDENTIALS),
            (ZAPI, Reason.CLIENT_TOKEN_MISSING, ActionName.ENTER_CREDENTIALS),
            (ZAPI, Reason.QUEUE_PENDING, ActionName.DECIDE_QUEUE),
            (META, Reason.TOKEN_INVALID, ActionName.ENTER_CREDENTIALS),
            (META, Reason.NOT_REGISTERED, ActionName.REGISTER),
        ):
            shown = lead(harness, kind, reason)
            assert (shown.button, shown.refused) == (button, None), reason

    play(act)


def test_credentials_of_another_number_are_no_phone_that_scanned(play: Play) -> None:
    async def act(harness: Harness) -> None:
        shown = lead(harness, META, Reason.WRONG_ACCOUNT)
        assert (shown.button, shown.second) == (ActionName.ENTER_CREDENTIALS, ActionName.ACCEPT_ACCOUNT)
        assert "Estas credenciais são do número +55 11 91234-4321" in read_aloud(shown.sentence)
        assert "celular" not in shown.sentence + shown.next_step
        scanned = lead(harness, ZAPI, Reason.WRONG_ACCOUNT)
        assert scanned.button is ActionName.REJECT_ACCOUNT
        assert "O celular que leu o código" in scanned.sentence

    play(act)


def test_what_a_provider_does_not_have_is_not_offered(play: Play) -> None:
    async def act(harness: Harness) -> None:
        def offered(kind: ProviderKind) -> set[ActionName]:
            availability = harness.window_harness.actions.availability(harness.mentorado(kind).id)
            return {each.name for each in resolve_slots((*CARDS, *MORE), availability) if each is not None}

        hosted = {ActionName.ENTER_CREDENTIALS}
        register = {ActionName.REGISTER, ActionName.DEREGISTER}
        pairs = {ActionName.RECOVER, ActionName.REAUTHENTICATE}
        assert hosted | {ActionName.DECIDE_QUEUE} | pairs <= offered(ZAPI)
        assert not register & offered(ZAPI)
        assert hosted | register <= offered(META)
        assert not (pairs | {ActionName.DECIDE_QUEUE}) & offered(META)
        assert not (hosted | register | {ActionName.DECIDE_QUEUE}) & offered(ProviderKind.WHATSAPP_WEB)

    play(act)
