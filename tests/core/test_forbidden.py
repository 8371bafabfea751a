"""What the operating guide forbids is not reached by any way through `Actions`: the whole table, overrides and all."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.action import BUTTON_FOR, ActionName, Refusal
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Problem
from app.domain.guidance import NEW_PAIRING, Recommendation, can_have, recommend
from app.domain.mentorado import Enrolment, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Failed
from tests.clock import settle
from tests.core.conftest import Core, Run
from tests.core.crowd import Crowd

ANA = PhoneNumber("+5511987654321")
ENDS_THE_SESSION = (ActionName.RECOVER, ActionName.REAUTHENTICATE, ActionName.NEW_CODE)
FORBIDDEN = {  # and why staff are told so
    Reason.TEMPORARY_BAN: Refusal.SUSPENDED,
    Reason.CLIENT_OUTDATED: Refusal.OUTDATED,
    Reason.CLIENT_REFUSED: Refusal.OUTDATED,
    Reason.STREAM_REPLACED: Refusal.IN_USE_ELSEWHERE,
    Reason.SESSION_IN_USE: Refusal.IN_USE_ELSEWHERE,
}
ROWS = [
    (provider, state, reason)
    for provider, state, reason in itertools.product(ProviderKind, LinkState, Reason)
    if can_have(provider, reason)
]


def put(core: Core, ana: Enrolment, status: LinkStatus) -> None:
    core.supervisor._board.restore(core.enrolments.get(ana.mentorado.id).link, status)


async def enrolled(core: Core, provider: ProviderKind, account: PhoneNumber | None = ANA) -> Enrolment:
    ana = await core.add()
    return await core.enrolments.save_link(replace(ana.link, provider=provider, account=account))


@pytest.mark.parametrize("provider", ProviderKind)
def test_every_row_has_one_recommendation_and_at_most_one_button(provider: ProviderKind) -> None:
    rows = [(state, reason) for each, state, reason in ROWS if each is provider]
    assert len(rows) > 7 * 20
    for state, reason in rows:
        recommended = recommend(state, reason)
        assert isinstance(recommended, Recommendation)
        assert recommended in BUTTON_FOR
        if state in (LinkState.UNKNOWN, LinkState.RECONNECTING, LinkState.CONNECTED):
            assert recommended not in NEW_PAIRING, "nobody loses a session that works or comes back by itself"
            assert BUTTON_FOR[recommended] not in ENDS_THE_SESSION


@pytest.mark.parametrize(("reason", "why"), FORBIDDEN.items(), ids=[str(reason) for reason in FORBIDDEN])
def test_no_way_leads_from_there_to_a_new_code(core: Core, run: Run, reason: Reason, why: Refusal) -> None:
    async def main() -> None:
        async with core.running():
            ana = await enrolled(core, ProviderKind.WHATSAPP_WEB)
            blocked = LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now())
            for until in (None, core.clock.now() + timedelta(hours=1)):
                put(core, ana, replace(blocked, until=until))
                assert recommend(LinkState.BLOCKED, reason) not in NEW_PAIRING
                refused = {name: core.actions.refusal(name, ana.mentorado.id) for name in ENDS_THE_SESSION}
                assert refused[ActionName.REAUTHENTICATE] is why
                assert refused[ActionName.RECOVER] is why
                assert refused[ActionName.NEW_CODE] is Refusal.NO_EXPIRED_CODE
                assert core.actions.no_pairing(ana.mentorado.id, "I know better") is why, "by no procedure either"
                for name in ENDS_THE_SESSION:  # only an incident can be overridden
                    with pytest.raises(Problem):
                        core.actions.require(name, ana.mentorado.id, override_reason="I know better")

    run(main())


@pytest.mark.parametrize("reason", [reason for reason in FORBIDDEN if reason is not Reason.TEMPORARY_BAN])
def test_connecting_from_there_opens_the_session_there_is(core: Core, run: Run, reason: Reason) -> None:
    async def main() -> None:
        async with core.running():
            ana = await enrolled(core, ProviderKind.WHATSAPP_WEB)
            put(core, ana, LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now()))
            await core.do(ActionName.CONNECT, ana)
            assert not core.provider.line.pairing

    run(main())


@pytest.mark.parametrize("account", [None, ANA])
def test_a_suspended_number_is_not_even_connected_until_the_suspension_ends(
    core: Core, run: Run, account: PhoneNumber | None
) -> None:
    async def main() -> None:
        async with core.running():
            ana = await enrolled(core, ProviderKind.WHATSAPP_WEB, account)
            until = core.clock.now() + timedelta(hours=1)
            status = LinkStatus(
                state=LinkState.BLOCKED, reason=Reason.TEMPORARY_BAN, since=core.clock.now(), until=until
            )
            put(core, ana, status)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.SUSPENDED
            await core.clock.advance(3601)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is None

    run(main())


def test_in_every_row_the_session_in_use_ends_only_where_it_is_over_or_a_person_stopped_it(
    core: Core, run: Run
) -> None:
    """A link that is connected, being paired or coming back by itself is never re-authenticated over."""

    async def main() -> None:
        async with core.running():
            ana = await core.add()
            for provider, state, reason in ROWS:
                await core.enrolments.save_link(replace(ana.link, provider=provider, account=ANA))
                put(core, ana, LinkStatus(state=state, reason=reason, since=core.clock.now()))
                if state in (LinkState.CONNECTED, LinkState.CONNECTING, LinkState.QR_READY, LinkState.RECONNECTING):
                    for name in (ActionName.REAUTHENTICATE, ActionName.NEW_CODE):
                        assert core.actions.refusal(name, ana.mentorado.id) is not None, (provider, state, reason, name)

    run(main())


@pytest.mark.parametrize("provider", [ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI])
def test_during_an_incident_nobody_gets_a_new_code_whatever_their_own_link_says(
    run: Run, provider: ProviderKind
) -> None:
    async def main() -> None:
        crowd = Crowd(5)
        crowd.supervisor._providers = dict.fromkeys(ProviderKind, crowd.served)
        for mentorado_id, link in crowd.roster.links.items():
            crowd.roster.links[mentorado_id] = replace(link, provider=provider)
        async with crowd.connected():
            crowd.served.away = True
            for mentorado_id in crowd.ids[:4]:
                crowd.served.open[mentorado_id].say(Failed(Reason.NETWORK_DOWN))
            await settle()
            assert crowd.incidents.of(provider) is not None
            ana = crowd.enrolments.get(crowd.ids[4])
            for state, reason in ((state, reason) for each, state, reason in ROWS if each is provider):
                put(crowd, ana, LinkStatus(state=state, reason=reason, since=crowd.clock.now()))
                for name in ENDS_THE_SESSION:
                    assert crowd.actions.refusal(name, ana.mentorado.id) is not None, (state, reason, name)
            unpaired = await crowd.enrolments.save_link(replace(ana.link, account=None))
            put(crowd, unpaired, LinkStatus(since=crowd.clock.now()))
            assert crowd.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.INCIDENT

    run(main())
