"""What the operating guide forbids is not reached by any way through `Actions`: the whole table, overrides and all."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.procedures.steps import StepContext as StepRun
from app.core.provider_setup.selection import ProviderSelectionService
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import NEW_PAIRING, RECOMMENDED_ACTION, Recommendation, applies_to, recommend
from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureInfo, ProcedureKind, StepName, new_procedure_id, replay
from app.domain.provider import Blocked, Connected, Failed, QrIssued, QrScanned
from app.domain.provider_descriptor import DESCRIPTORS
from tests.clock import ManualClock, settle
from tests.core.links.many_links import ManyLinks
from tests.fake_audit import somebody
from tests.fake_providers import FakeMeta, FakeProvider
from tests.fakes import FakeTransitionLog
from tests.services import Core

ANA = PhoneNumber("+5511987654321")
ENDS_THE_SESSION = (ActionName.RECOVER, ActionName.REAUTHENTICATE, ActionName.NEW_CODE)
FORBIDDEN = {  # and why staff are told so
    Reason.TEMPORARY_BAN: UnavailableReason.SUSPENDED,
    Reason.CLIENT_OUTDATED: UnavailableReason.OUTDATED,
    Reason.CLIENT_REFUSED: UnavailableReason.OUTDATED,
    Reason.STREAM_REPLACED: UnavailableReason.IN_USE_ELSEWHERE,
    Reason.SESSION_IN_USE: UnavailableReason.IN_USE_ELSEWHERE,
}
ROWS = [
    (provider, state, reason)
    for provider, state, reason in itertools.product(ProviderKind, LinkState, Reason)
    if applies_to(provider, reason)
]


def put(core: Core, ana: Mentorado, status: LinkStatus) -> None:
    core.supervisor._board.restore(core.mentorados.get(ana.id).link, status)


async def mentorados(core: Core, provider: ProviderKind, account: PhoneNumber | None = ANA) -> Mentorado:
    ana = await core.add()
    return await core.mentorados.save_link(replace(ana.link, provider=provider, account=account))


@pytest.mark.parametrize("provider", ProviderKind)
def test_every_row_has_one_recommendation_and_at_most_one_button(provider: ProviderKind) -> None:
    rows = [(state, reason) for each, state, reason in ROWS if each is provider]
    assert len(rows) > 7 * 20
    for state, reason in rows:
        recommended = recommend(state, reason)
        assert isinstance(recommended, Recommendation)
        assert recommended in RECOMMENDED_ACTION
        if state in (LinkState.UNKNOWN, LinkState.RECONNECTING, LinkState.CONNECTED):
            assert recommended not in NEW_PAIRING, "nobody loses a session that works or comes back by itself"
            assert RECOMMENDED_ACTION[recommended] not in ENDS_THE_SESSION


@pytest.mark.parametrize(("reason", "why"), FORBIDDEN.items(), ids=[str(reason) for reason in FORBIDDEN])
async def test_no_way_leads_from_there_to_a_new_code(core: Core, reason: Reason, why: UnavailableReason) -> None:
    async with core.running():
        ana = await mentorados(core, ProviderKind.WHATSAPP_WEB)
        blocked = LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now())
        for until in (None, core.clock.now() + timedelta(hours=1)):
            put(core, ana, replace(blocked, until=until))
            assert recommend(LinkState.BLOCKED, reason) not in NEW_PAIRING
            refused = {name: core.actions.unavailable_reason(name, ana.id) for name in ENDS_THE_SESSION}
            assert refused[ActionName.REAUTHENTICATE] is why
            assert refused[ActionName.RECOVER] is why
            assert refused[ActionName.NEW_CODE] is UnavailableReason.NO_EXPIRED_CODE
            assert core.actions.pairing_blocked(ana.id, "I know better") is why, "by no procedure either"
            for name in ENDS_THE_SESSION:  # only an incident can be overridden
                with pytest.raises(Problem):
                    core.actions.require(name, ana.id, override_reason="I know better")


@pytest.mark.parametrize("reason", [reason for reason in FORBIDDEN if reason is not Reason.TEMPORARY_BAN])
async def test_connecting_from_there_opens_the_session_there_is(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await mentorados(core, ProviderKind.WHATSAPP_WEB)
        put(core, ana, LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now()))
        await core.do(ActionName.CONNECT, ana)
        assert not core.provider.line.pairing


@pytest.mark.parametrize("account", [None, ANA])
async def test_a_suspended_number_is_not_even_connected_until_the_suspension_ends(
    core: Core, account: PhoneNumber | None
) -> None:
    async with core.running():
        ana = await mentorados(core, ProviderKind.WHATSAPP_WEB, account)
        until = core.clock.now() + timedelta(hours=1)
        status = LinkStatus(state=LinkState.BLOCKED, reason=Reason.TEMPORARY_BAN, since=core.clock.now(), until=until)
        put(core, ana, status)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.SUSPENDED
        await core.clock.advance(3601)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is None


async def test_a_link_that_works_or_comes_back_by_itself_gets_no_new_code(core: Core) -> None:
    """Only where the session stays here is a connected one re-authenticated: it connects again without a scan."""
    async with core.running():
        ana = await core.add()
        for provider, state, reason in ROWS:
            await core.mentorados.save_link(replace(ana.link, provider=provider, account=ANA))
            put(core, ana, LinkStatus(state=state, reason=reason, since=core.clock.now()))
            if state in (LinkState.CONNECTED, LinkState.CONNECTING, LinkState.QR_READY, LinkState.RECONNECTING):
                why = core.actions.availability(ana.id)
                comes_back = state is LinkState.CONNECTED and DESCRIPTORS[provider].keeps_session
                assert why[ActionName.NEW_CODE] is not None, (provider, state, reason)
                assert (why[ActionName.REAUTHENTICATE] is None) is comes_back, (provider, state, reason)


@pytest.mark.parametrize("provider", [ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI])
async def test_during_an_incident_nobody_gets_a_new_code_whatever_their_own_link_says(provider: ProviderKind) -> None:
    links = ManyLinks(5)
    links.supervisor._providers = dict.fromkeys(ProviderKind, links.served)
    for mentorado_id, link in links.mentorado_repository.links.items():
        links.mentorado_repository.links[mentorado_id] = replace(link, provider=provider)
    async with links.connected():
        links.served.away = True
        for mentorado_id in links.ids[:4]:
            links.served.open[mentorado_id].say(Failed(Reason.NETWORK_DOWN))
        await settle()
        assert links.incidents.for_provider(provider) is not None
        ana = links.mentorados.get(links.ids[4])
        for state, reason in ((state, reason) for each, state, reason in ROWS if each is provider):
            put(links, ana, LinkStatus(state=state, reason=reason, since=links.clock.now()))
            for name in ENDS_THE_SESSION:
                assert links.actions.unavailable_reason(name, ana.id) is not None, (state, reason, name)
        unpaired = await links.mentorados.save_link(replace(ana.link, account=None))
        put(links, unpaired, LinkStatus(since=links.clock.now()))
        assert links.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.INCIDENT


# --- what WhatsApp forbade stays forbidden -------------------------------------------------------------------------

AGAINST_THE_NUMBER = {
    Reason.BANNED: UnavailableReason.BANNED,
    Reason.TEMPORARY_BAN: UnavailableReason.SUSPENDED,
    Reason.MAIN_DEVICE_GONE: UnavailableReason.NEEDS_NEW_CODE,
}
LATER = st.lists(
    st.one_of(
        st.sampled_from(["start again", "command", "incident", "cancel", "reject"]),
        st.sampled_from([Reason.LOGGED_OUT, Reason.SESSION_MISSING, Reason.SIGN_IN_FAILED, Reason.QR_EXPIRED]),
    ),
    max_size=8,
)


async def forbidden(core: Core, reason: Reason, until: datetime | None = None) -> Mentorado:
    """Ana, whose link was connected when WhatsApp said *reason*."""
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(QrIssued("x", 1, 6, 60), Connected(ANA))
    await settle()
    core.provider.line.say(Blocked(reason, until))
    await settle()
    return ana


async def live_on(core: Core, ana: Mentorado, event: str | Reason) -> None:
    """What may come after it: none of it is a person's word, or WhatsApp's, that it is over."""
    match event:
        case Reason():  # of a new pairing, or of a session that was tried elsewhere
            core.supervisor._board.move(core.mentorados.get(ana.id).link, Trigger.REFUSED, event)
        case "incident":
            core.supervisor.reconnect([ana.id])
        case "command":
            with pytest.raises(Problem):
                await core.supervisor.connect(ana.id)
        case "cancel":
            await core.supervisor.pause(ana.id)
        case _:
            await core.supervisor.reject_account(ana.id)
    await settle()


@settings(max_examples=60, deadline=None)
@example(reason=Reason.TEMPORARY_BAN, timed=False, later=[Reason.QR_EXPIRED])
@given(reason=st.sampled_from(sorted(AGAINST_THE_NUMBER)), timed=st.booleans(), later=LATER)
def test_a_reason_that_forbids_is_remembered_whatever_follows(
    reason: Reason, timed: bool, later: list[str | Reason]
) -> None:
    """No start, no incident, no procedure, no command and no later word that keys are gone signs in or forgets it."""

    async def main() -> None:
        core = Core(ManualClock())
        until = core.clock.now() + timedelta(days=9) if timed and reason is Reason.TEMPORARY_BAN else None
        async with core.running():
            ana = await forbidden(core, reason, until)
        for life in _lives(later):
            core = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
            await core.mentorados.load()
            async with core.running():
                await core.supervisor.start_enabled()
                await settle()
                for event in life:
                    await live_on(core, ana, event)
                assert core.provider.lines == [], "nobody signs in"
                assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is AGAINST_THE_NUMBER[reason]
                if reason is Reason.TEMPORARY_BAN:
                    for name in ENDS_THE_SESSION:
                        assert core.actions.unavailable_reason(name, ana.id) is not None
                status = core.status(ana)
                assert status.state is LinkState.BLOCKED
                assert status.reason in (reason, Reason.QR_EXPIRED), "the ban is not taken for a logout"
                assert status.reason is not reason or status.until == until

    asyncio.run(main())


def _lives(events: list[str | Reason]) -> list[list[str | Reason]]:
    """*events*, cut where the program is started anew."""
    lives: list[list[str | Reason]] = [[]]
    for event in events:
        if event == "start again":
            lives.append([])
        else:
            lives[-1].append(event)
    return lives


@pytest.mark.parametrize("reason", AGAINST_THE_NUMBER)
async def test_a_person_can_say_that_whatsapp_released_the_number(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await forbidden(core, reason)
        assert core.actions.unavailable_reason(ActionName.LIFT_BAN, ana.id) is None
        await core.do(ActionName.LIFT_BAN, ana, answer=False)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is AGAINST_THE_NUMBER[reason]
        await core.do(ActionName.LIFT_BAN, ana)
        assert core.actions.unavailable_reason(ActionName.LIFT_BAN, ana.id) is UnavailableReason.NOTHING_FORBIDDEN
        assert core.status(ana).state is LinkState.OFF
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await settle()
        assert len(again.provider.lines) == 1, "and that is remembered, too"
        assert again.actions.unavailable_reason(ActionName.LIFT_BAN, ana.id) is UnavailableReason.NOTHING_FORBIDDEN


async def test_a_ban_is_over_once_the_number_is_connected_by_a_new_pairing(core: Core) -> None:
    """What a pairing says of itself is shown meanwhile; giving it up, the ban is there again."""
    async with core.running():
        ana = await forbidden(core, Reason.BANNED)
        await core.do(ActionName.REAUTHENTICATE, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60), Blocked(Reason.QR_EXPIRED))
        await settle()
        assert core.status(ana).reason is Reason.QR_EXPIRED
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.BANNED
        await core.procedures.undo((await core.stands(ana)).head.id)
        await core.stands(ana)
        assert core.status(ana).reason is Reason.BANNED
        await core.do(ActionName.REAUTHENTICATE, ana)
        assert core.actions.unavailable_reason(ActionName.LIFT_BAN, ana.id) is UnavailableReason.ON_ITS_WAY
        core.provider.line.say(QrIssued("x", 1, 6, 60), QrScanned(ANA), Connected(ANA))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        await core.do(ActionName.DISCONNECT, ana)
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is None


async def test_what_a_pairing_after_a_ban_ended_in_can_be_passed_by_a_persons_word(core: Core) -> None:
    async with core.running():
        ana = await forbidden(core, Reason.BANNED)
        await live_on(core, ana, Reason.QR_EXPIRED)
        await core.supervisor.lift(ana.id)
        await core.supervisor.lift(ana.id)  # said twice
        assert core.status(ana).state is LinkState.OFF
    assert (await core.log.forbidding()) == {}


async def test_a_recovery_taken_up_during_a_suspension_tries_nothing(core: Core) -> None:
    """A soft reconnect signs in: while the number is suspended that step is left out, also when it is gone on with."""
    async with core.running():
        ana = await forbidden(core, Reason.TEMPORARY_BAN, core.clock.now() + timedelta(hours=2))
        core.provider.paired.add(ana.link.id)
        opened = len(core.provider.lines)
        step = next(step for name, step in core.procedures._means.steps.items() if name is StepName.SOFT_RECONNECT)
        head = ProcedureInfo(
            id=new_procedure_id(),
            kind=ProcedureKind.RECOVERY,
            mentorado_id=ana.id,
            actor=somebody(),
            began_at=core.clock.now(),
            facts={},
        )
        facts = await step.do(StepRun(procedure=replay(head, [])))
        assert (facts["came_back"], facts["tries"]) == ("no", "0")
        assert len(core.provider.lines) == opened


async def test_a_gone_main_device_is_no_matter_of_a_provider_that_knows_none(core: Core) -> None:
    """Who never connected may choose another provider; a ban goes with the number, a lost companion device does not."""
    choice = ProviderSelectionService(
        mentorados=core.mentorados, supervisor=core.supervisor, audit_service=core.audit_service
    )
    async with core.running():
        for name, phone, reason, shown in (
            ("Bia", "11 98765-4322", Reason.MAIN_DEVICE_GONE, (LinkState.OFF, Reason.NONE)),
            ("Caio", "11 98765-4323", Reason.BANNED, (LinkState.BLOCKED, Reason.BANNED)),
        ):
            person = await core.add(name, phone)
            put(core, person, LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now()))
            await choice.choose(person.id, ProviderKind.META_CLOUD)
            status = core.status(person)
            assert (status.state, status.reason) == shown


async def test_killed_while_a_code_is_shown_after_a_ban_the_next_start_knows_the_ban(core: Core) -> None:
    async with core.running():
        ana = await forbidden(core, Reason.BANNED)
        await core.do(ActionName.REAUTHENTICATE, ana)
        core.provider.line.say(QrIssued("x", 1, 6, 60))
        await settle()
        assert core.status(ana).state is LinkState.QR_READY
        written = FakeTransitionLog(*core.log.lines)
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=written)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await settle()
        assert again.status(ana).reason is Reason.BANNED
        assert again.provider.lines == []


class SharedProvider(FakeProvider):
    """Has an account that may be another link's: what cannot be given up is said."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = Problem(ProblemCode.ACCOUNT_TAKEN, name="Bia")

    async def rollback_pairing(self, link: Link) -> None:
        raise self.trouble


async def test_a_pairing_is_given_up_although_nothing_of_it_may_be_touched(manual_clock: ManualClock) -> None:
    provider = SharedProvider()
    core = Core(manual_clock, provider=provider, hosted={ProviderKind.META_CLOUD: FakeMeta()})
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        await core.supervisor.give_up_pairing(ana.id)
        assert core.status(ana).state is LinkState.OFF
        provider.trouble = Problem(ProblemCode.PROVIDER_SILENT)
        with pytest.raises(Problem):
            await core.supervisor.give_up_pairing(ana.id)
        bia = await core.mentorados.add("Bia", "21 98765-4321", provider=ProviderKind.META_CLOUD)
        await core.supervisor.give_up_pairing(bia.id)  # there are no codes at all


class DamagedProvider(FakeProvider):
    """Cannot say whether a scan waits for a decision."""

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        raise Problem(ProblemCode.SESSION_CORRUPT, path="")


async def test_what_is_too_damaged_to_be_decided_about_is_replaced_by_a_new_pairing(manual_clock: ManualClock) -> None:
    core = Core(manual_clock, provider=DamagedProvider())
    async with core.running():
        ana = await mentorados(core, ProviderKind.WHATSAPP_WEB)
        await core.do(ActionName.CONNECT, ana)
        assert core.status(ana).reason is Reason.SESSION_CORRUPT
        await core.supervisor.pair_again(ana.id)
        await settle()
        assert core.provider.line.pairing


class ScannedProvider(FakeProvider):
    """A phone has scanned the code, and its account waits for a decision."""

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = 0

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        return PhoneNumber("+5511912345678")

    async def rollback_pairing(self, link: Link) -> None:
        self.rolled_back += 1


async def test_a_phone_that_has_scanned_stays_linked_when_the_pairing_is_given_up(manual_clock: ManualClock) -> None:
    provider = ScannedProvider()
    core = Core(manual_clock, provider=provider)
    async with core.running():
        ana = await core.add()
        await core.supervisor.give_up_pairing(ana.id)
    assert provider.rolled_back == 0
