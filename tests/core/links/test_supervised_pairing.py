"""How links are paired: codes, turns, the wrong phone, and a session that replaces another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.links.ingest import MessageIngestor
from app.core.links.link_worker import REFUSALS_IN_A_ROW
from app.core.links.supervisor import Supervisor
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem
from app.domain.link_status import (
    LinkState,
    Reason,
    SendCapability,
)
from app.domain.mentorado import ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, Failed, Lost, QrScanned
from app.text.status import sentence
from tests.clock import settle
from tests.core.links.connecting import ANA, code, connected
from tests.services import Core

STRANGER = PhoneNumber("+5521912345678")


async def test_a_first_connection_goes_from_connecting_over_qr_ready_to_connected(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        assert core.listener.states() == ["connecting", "qr_ready", "connected"]
        assert [line.after.state for line in core.log.lines] == [
            "connecting",
            "qr_ready",
            "qr_ready",  # the phone accepted the code
            "connected",
        ]
        assert core.provider.adopted == [ana.link.id]
        status = core.status(ana)
        assert (status.account, status.capability) == (ANA, SendCapability.OK)
        assert status.evidence.connected_since == core.clock.now()
        link = core.mentorados.get(ana.id).link
        assert (link.enabled, link.account) == (True, ANA)
        assert core.supervisor.running() == (ana.link.id,)
    assert core.provider.line.closed


async def test_a_code_that_is_renewed_stays_qr_ready_and_carries_its_number_and_expiry(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(1))
        await core.clock.advance(60)
        core.provider.line.say(code(2))
        await settle()
        shown = core.status(ana).qr
        assert shown is not None
        assert (shown.number, shown.total) == (2, 6)
        assert shown.expires_at - core.clock.now() == timedelta(seconds=20)
        core.provider.line.say(Blocked(Reason.QR_EXPIRED))
        await settle()
        status = core.status(ana)
        assert (status.state, status.reason, status.qr) == (LinkState.BLOCKED, Reason.QR_EXPIRED, None)
        await core.do(ActionName.NEW_CODE, ana)
        assert len(core.provider.lines) == 2
        assert core.provider.line.pairing


async def test_cancelling_while_a_code_is_shown_closes_the_line_and_leaves_the_link_off(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code())
        await settle()
        await core.do(ActionName.CANCEL, ana)
        assert core.provider.line.closed
        assert core.status(ana).state is LinkState.OFF
        assert core.supervisor.running() == ()
        assert not core.mentorados.get(ana.id).link.enabled


async def test_one_pairing_at_a_time_and_the_next_waits_its_turn(core: Core) -> None:
    async with core.running():
        ana, bia = await core.add(), await core.add("Bia", "11 98765-4322")
        caio = await core.add("Caio", "11 98765-4323")
        for somebody in (ana, bia, caio):
            await core.do(ActionName.CONNECT, somebody)
        assert len(core.provider.lines) == 1
        assert core.status(bia).reason is Reason.WAITING_TURN
        assert core.supervisor.pairing.current == ana.link.id
        waiting = list(core.supervisor.pairing.waiting)
        assert waiting == [bia.link.id, caio.link.id]
        await core.do(ActionName.CANCEL, bia)
        assert list(core.supervisor.pairing.waiting) == [caio.link.id]
        core.provider.line.say(code(), QrScanned(ANA), Connected(ANA))
        await settle()
        assert len(core.provider.lines) == 2  # Ana's line goes on; Caio's pairing has begun
        assert core.supervisor.pairing.current == caio.link.id
        assert core.status(caio).reason is Reason.NONE


async def test_the_wrong_phone_blocks_the_link_until_a_person_decides(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(STRANGER))
        await settle()
        status = core.status(ana)
        assert (status.state, status.reason, status.account) == (LinkState.BLOCKED, Reason.WRONG_ACCOUNT, STRANGER)
        assert core.provider.line.closed
        assert core.provider.adopted == []
        assert core.actions.unavailable_reason(ActionName.CONNECT, ana.id) is UnavailableReason.DECIDE_ACCOUNT_FIRST
        await core.do(ActionName.REJECT_ACCOUNT, ana)
        assert core.provider.discarded == [ana.link.id]
        assert (core.status(ana).state, core.status(ana).account) == (LinkState.OFF, None)


async def test_a_person_can_accept_the_other_number(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(STRANGER))
        await settle()
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        assert core.provider.adopted == [ana.link.id]
        assert not core.provider.line.pairing
        core.provider.line.say(Connected(STRANGER))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        assert core.mentorados.get(ana.id).link.accepted_account == STRANGER


async def test_the_registered_number_that_is_accepted_again_leaves_no_other_accepted(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.mentorados.save_link(replace(ana.link, accepted_account=STRANGER))
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(ana.phone))
        await settle()
        words = sentence(core.status(ana), core.mentorados.get(ana.id), core.clock.now())
        assert ANA[-4:] in words.replace("\N{NON-BREAKING HYPHEN}", "")
        assert STRANGER[-4:] in words
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        core.provider.line.say(Connected(ana.phone))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED
        assert core.mentorados.get(ana.id).link.accepted_account is None


async def test_a_stored_session_of_another_number_is_not_shown_as_connected(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.paired.add(ana.link.id)
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Connected(STRANGER))
        await settle()
        assert core.status(ana).reason is Reason.WRONG_ACCOUNT


async def test_a_decision_that_is_open_survives_a_restart(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.undecided[ana.link.id] = STRANGER
        await core.do(ActionName.CONNECT, ana)
        assert core.status(ana).reason is Reason.WRONG_ACCOUNT
    again = Core(core.clock, provider=core.provider, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        assert (again.status(ana).reason, again.status(ana).account) == (Reason.WRONG_ACCOUNT, STRANGER)


async def test_a_scan_that_was_right_is_adopted_after_a_crash(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.provider.undecided[ana.link.id] = ANA
        await core.do(ActionName.CONNECT, ana)
        assert core.provider.adopted == [ana.link.id]
        assert not core.provider.line.pairing


async def test_a_pairing_that_is_interrupted_is_left_to_its_provider(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(code(), QrScanned(ANA), Lost(Reason.STREAM_ERROR))
        await core.clock.advance(60)
        assert not core.provider.line.closed
        core.provider.line.say(Connected(ANA))
        await settle()
        assert core.status(ana).state is LinkState.CONNECTED


async def test_what_a_person_must_decide_is_shown_again_after_a_restart_and_not_tried(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
    again = Core(core.clock, mentorado_repository=core.mentorado_repository, log=core.log)
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.start_enabled()
        await again.clock.advance(5)
        assert again.status(ana).reason is Reason.LOGGED_OUT
        assert again.provider.lines == []


async def test_pairing_anew_keeps_the_old_session_until_the_new_one_is_through(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        await core.do(ActionName.REAUTHENTICATE, ana)
        assert core.provider.line.pairing
        core.provider.line.say(code(), Failed(Reason.HOST_CRASHED))
        await settle()
        await core.clock.advance(1)
        assert core.provider.line.pairing  # still pairing after its host came back
        assert len(core.provider.adopted) == 1
        core.provider.line.say(code(), QrScanned(ANA), Connected(ANA))
        await settle()
        assert len(core.provider.adopted) == 2
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        await core.clock.advance(2)
        assert not core.provider.line.pairing  # the new session connects by itself


class WithoutPairing:
    """A provider that signs in with a token: nothing to pair."""

    def __init__(self, core: Core) -> None:
        self.connect = core.provider.connect
        self.has_credentials = core.provider.has_credentials


async def test_a_provider_without_pairing_connects_with_what_it_has(core: Core) -> None:
    supervisor = Supervisor(
        bus=core.bus,
        providers={ProviderKind.WHATSAPP_WEB: WithoutPairing(core)},
        mentorados=core.mentorados,
        transitions=core.log,
        ingestor=MessageIngestor(bus=core.bus, store=core.history, clock=core.clock),
        clock=core.clock,
        write_queue=core.write_queue,
    )
    ana = await core.add()
    async with supervisor:
        await supervisor.connect(ana.id)
        await settle()
        core.provider.line.say(Connected(None))
        await settle()
        assert supervisor.status(ana.link.id).state is LinkState.CONNECTED


async def test_accepting_needs_a_number_to_accept(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        with pytest.raises(Problem):
            await core.supervisor.accept_account(ana.id)


async def test_hurrying_does_not_jump_the_queue_of_pairings(core: Core) -> None:
    async with core.running():
        ana, bia = await core.add(), await core.add("Bia", "11 98765-4322")
        await core.do(ActionName.CONNECT, bia)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        await core.do(ActionName.CONNECT, ana)
        await core.clock.advance(1)
        assert (core.status(bia).state, core.status(bia).reason) == (LinkState.RECONNECTING, Reason.WAITING_TURN)
        await core.do(ActionName.TRY_NOW, bia)
        assert core.supervisor.pairing.current == ana.link.id
        assert len(core.provider.lines) == 2


@pytest.mark.parametrize("provider", [ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI])
async def test_a_pairing_or_a_hosted_link_is_never_sent_to_a_new_code_because_the_service_is_busy(
    core: Core, provider: ProviderKind
) -> None:
    core.supervisor._providers = {**core.supervisor._providers, ProviderKind.ZAPI: core.provider}
    async with core.running():
        ana = await core.add()
        account = ANA if provider is ProviderKind.ZAPI else None
        await core.mentorados.save_link(replace(ana.link, provider=provider, account=account))
        for _ in range(REFUSALS_IN_A_ROW + 1):
            await core.do(ActionName.CONNECT, ana)
            core.provider.line.say(Blocked(Reason.SERVER_UNAVAILABLE))
            await settle()
            assert core.status(ana).reason is Reason.SERVER_UNAVAILABLE
