"""What the operating guide forbids is not reached by any way through `Actions`: the whole table, overrides and all."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.action import BUTTON_FOR, ActionName, Refusal
from app.core.hosted.provider_choice import ProviderChoice
from app.core.procedure.step import Run as StepRun
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.errors import Code, Problem
from app.domain.guidance import NEW_PAIRING, Recommendation, can_have, recommend
from app.domain.lifecycle import Trigger
from app.domain.mentorado import Enrolment, Link, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureHead, ProcedureKind, StepName, folded, new_procedure_id
from app.domain.provider import CodeAccepted, CodeIssued, Failed, Opened, Refused
from tests.clock import ManualClock, settle
from tests.core.conftest import Core, Run
from tests.core.crowd import Crowd
from tests.played import PlayedLog, PlayedProvider, somebody
from tests.played_hosted import PlayedMeta

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


# --- what WhatsApp forbade stays forbidden -------------------------------------------------------------------------

AGAINST_THE_NUMBER = {
    Reason.BANNED: Refusal.BANNED,
    Reason.TEMPORARY_BAN: Refusal.SUSPENDED,
    Reason.MAIN_DEVICE_GONE: Refusal.NEEDS_NEW_CODE,
}
LATER = st.lists(
    st.one_of(
        st.sampled_from(["start again", "command", "incident", "cancel", "reject"]),
        st.sampled_from([Reason.LOGGED_OUT, Reason.SESSION_MISSING, Reason.SIGN_IN_FAILED, Reason.QR_EXPIRED]),
    ),
    max_size=8,
)


async def forbidden(core: Core, reason: Reason, until: datetime | None = None) -> Enrolment:
    """Ana, whose link was connected when WhatsApp said *reason*."""
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(CodeIssued("x", 1, 6, 60), Opened(ANA))
    await settle()
    core.provider.line.say(Refused(reason, until))
    await settle()
    return ana


async def live_on(core: Core, ana: Enrolment, event: str | Reason) -> None:
    """What may come after it: none of it is a person's word, or WhatsApp's, that it is over."""
    match event:
        case Reason():  # of a new pairing, or of a session that was tried elsewhere
            core.supervisor._board.move(core.enrolments.get(ana.mentorado.id).link, Trigger.REFUSED, event)
        case "incident":
            core.supervisor.bring_back([ana.mentorado.id])
        case "command":
            with pytest.raises(Problem):
                await core.supervisor.connect(ana.mentorado.id)
        case "cancel":
            await core.supervisor.stand_down(ana.mentorado.id)
        case _:
            await core.supervisor.reject_account(ana.mentorado.id)
    await settle()


@settings(max_examples=60, deadline=None)
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
            core = Core(core.clock, roster=core.roster, log=core.log)
            await core.enrolments.load()
            async with core.running():
                await core.supervisor.start_wanted()
                await settle()
                for event in life:
                    await live_on(core, ana, event)
                assert core.provider.lines == [], "nobody signs in"
                assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is AGAINST_THE_NUMBER[reason]
                if reason is Reason.TEMPORARY_BAN:
                    for name in ENDS_THE_SESSION:
                        assert core.actions.refusal(name, ana.mentorado.id) is not None
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
def test_a_person_can_say_that_whatsapp_released_the_number(core: Core, run: Run, reason: Reason) -> None:
    async def main() -> None:
        async with core.running():
            ana = await forbidden(core, reason)
            assert core.actions.refusal(ActionName.LIFT_BAN, ana.mentorado.id) is None
            await core.do(ActionName.LIFT_BAN, ana, answer=False)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is AGAINST_THE_NUMBER[reason]
            await core.do(ActionName.LIFT_BAN, ana)
            assert core.actions.refusal(ActionName.LIFT_BAN, ana.mentorado.id) is Refusal.NOTHING_FORBIDDEN
            assert core.status(ana).state is LinkState.OFF
        again = Core(core.clock, roster=core.roster, log=core.log)
        await again.enrolments.load()
        async with again.running():
            await again.supervisor.start_wanted()
            await settle()
            assert len(again.provider.lines) == 1, "and that is remembered, too"
            assert again.actions.refusal(ActionName.LIFT_BAN, ana.mentorado.id) is Refusal.NOTHING_FORBIDDEN

    run(main())


def test_a_ban_is_over_once_the_number_is_connected_by_a_new_pairing(core: Core, run: Run) -> None:
    """What a pairing says of itself is shown meanwhile; giving it up, the ban is there again."""

    async def main() -> None:
        async with core.running():
            ana = await forbidden(core, Reason.BANNED)
            await core.do(ActionName.REAUTHENTICATE, ana)
            core.provider.line.say(CodeIssued("x", 1, 6, 60), Refused(Reason.QR_EXPIRED))
            await settle()
            assert core.status(ana).reason is Reason.QR_EXPIRED
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is Refusal.BANNED
            await core.procedures.undo((await core.stands(ana)).head.id)
            await core.stands(ana)
            assert core.status(ana).reason is Reason.BANNED
            await core.do(ActionName.REAUTHENTICATE, ana)
            assert core.actions.refusal(ActionName.LIFT_BAN, ana.mentorado.id) is Refusal.ON_ITS_WAY
            core.provider.line.say(CodeIssued("x", 1, 6, 60), CodeAccepted(ANA), Opened(ANA))
            await settle()
            assert core.status(ana).state is LinkState.CONNECTED
            await core.do(ActionName.DISCONNECT, ana)
            assert core.actions.refusal(ActionName.CONNECT, ana.mentorado.id) is None

    run(main())


def test_what_a_pairing_after_a_ban_ended_in_can_be_passed_by_a_persons_word(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await forbidden(core, Reason.BANNED)
            await live_on(core, ana, Reason.QR_EXPIRED)
            await core.supervisor.lift(ana.mentorado.id)
            await core.supervisor.lift(ana.mentorado.id)  # said twice
            assert core.status(ana).state is LinkState.OFF
        assert (await core.log.forbidding()) == {}

    run(main())


def test_a_recovery_taken_up_during_a_suspension_tries_nothing(core: Core, run: Run) -> None:
    """A soft reconnect signs in: while the number is suspended that step is left out, also when it is gone on with."""

    async def main() -> None:
        async with core.running():
            ana = await forbidden(core, Reason.TEMPORARY_BAN, core.clock.now() + timedelta(hours=2))
            core.provider.paired.add(ana.link.id)
            opened = len(core.provider.lines)
            step = next(step for name, step in core.procedures._means.steps.items() if name is StepName.SOFT_RECONNECT)
            head = ProcedureHead(
                id=new_procedure_id(),
                kind=ProcedureKind.RECOVERY,
                mentorado_id=ana.mentorado.id,
                actor=somebody(),
                began_at=core.clock.now(),
                facts={},
            )
            facts = await step.do(StepRun(procedure=folded(head, [])))
            assert (facts["came_back"], facts["tries"]) == ("no", "0")
            assert len(core.provider.lines) == opened

    run(main())


def test_a_gone_main_device_is_no_matter_of_a_provider_that_knows_none(core: Core, run: Run) -> None:
    """Who never connected may choose another provider; a ban goes with the number, a lost companion device does not."""

    async def main() -> None:
        choice = ProviderChoice(enrolments=core.enrolments, supervisor=core.supervisor, witness=core.witness)
        async with core.running():
            for name, phone, reason, shown in (
                ("Bia", "11 98765-4322", Reason.MAIN_DEVICE_GONE, (LinkState.OFF, Reason.NONE)),
                ("Caio", "11 98765-4323", Reason.BANNED, (LinkState.BLOCKED, Reason.BANNED)),
            ):
                person = await core.add(name, phone)
                put(core, person, LinkStatus(state=LinkState.BLOCKED, reason=reason, since=core.clock.now()))
                await choice.choose(person.mentorado.id, ProviderKind.META_CLOUD)
                status = core.status(person)
                assert (status.state, status.reason) == shown

    run(main())


def test_killed_while_a_code_is_shown_after_a_ban_the_next_start_knows_the_ban(core: Core, run: Run) -> None:
    async def main() -> None:
        async with core.running():
            ana = await forbidden(core, Reason.BANNED)
            await core.do(ActionName.REAUTHENTICATE, ana)
            core.provider.line.say(CodeIssued("x", 1, 6, 60))
            await settle()
            assert core.status(ana).state is LinkState.QR_READY
            written = PlayedLog(*core.log.lines)
        again = Core(core.clock, roster=core.roster, log=written)
        await again.enrolments.load()
        async with again.running():
            await again.supervisor.start_wanted()
            await settle()
            assert again.status(ana).reason is Reason.BANNED
            assert again.provider.lines == []

    run(main())


class SharedProvider(PlayedProvider):
    """Has an account that may be another link's: what cannot be given up is said."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = Problem(Code.ACCOUNT_TAKEN, name="Bia")

    async def discard(self, link: Link) -> None:
        raise self.trouble


def test_a_pairing_is_given_up_although_nothing_of_it_may_be_touched(manual_clock: ManualClock, run: Run) -> None:
    provider = SharedProvider()
    core = Core(manual_clock, provider=provider, hosted={ProviderKind.META_CLOUD: PlayedMeta()})

    async def main() -> None:
        async with core.running():
            ana = await core.add()
            await core.do(ActionName.CONNECT, ana)
            await core.supervisor.give_up_pairing(ana.mentorado.id)
            assert core.status(ana).state is LinkState.OFF
            provider.trouble = Problem(Code.PROVIDER_SILENT)
            with pytest.raises(Problem):
                await core.supervisor.give_up_pairing(ana.mentorado.id)
            bia = await core.enrolments.add("Bia", "21 98765-4321", provider=ProviderKind.META_CLOUD)
            await core.supervisor.give_up_pairing(bia.mentorado.id)  # there are no codes at all

    run(main())


class DamagedProvider(PlayedProvider):
    """Cannot say whether a scan waits for a decision."""

    async def undecided_account(self, link: Link) -> PhoneNumber | None:
        raise Problem(Code.SESSION_CORRUPT, path="")


def test_what_is_too_damaged_to_be_decided_about_is_replaced_by_a_new_pairing(
    manual_clock: ManualClock, run: Run
) -> None:
    core = Core(manual_clock, provider=DamagedProvider())

    async def main() -> None:
        async with core.running():
            ana = await enrolled(core, ProviderKind.WHATSAPP_WEB)
            await core.do(ActionName.CONNECT, ana)
            assert core.status(ana).reason is Reason.SESSION_CORRUPT
            await core.supervisor.pair_anew(ana.mentorado.id)
            await settle()
            assert core.provider.line.pairing

    run(main())
