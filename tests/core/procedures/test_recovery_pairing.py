"""The second half of a recovery: what is asked before a new pairing, and what each scan leads to."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.procedures.recovery import SOFT_TRIES
from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureKind, ProcedureState, StepName
from app.domain.provider import Blocked, Connected, Connection, Failed, QrIssued, QrScanned
from app.text.status import texts
from tests.clock import ManualClock, settle
from tests.core.procedures.recovering import _CONNECT, _OPENED, Sending, connected, fallen, pairing, states
from tests.fake_providers import FakeProvider
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName
STRANGER = PhoneNumber("+5521912345678")
CODE = QrIssued("x", 1, 6, 60)


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=Sending())


# --- pairing ----------------------------------------------------------------------------------------------------------


async def test_the_old_session_stays_until_the_new_one_is_connected(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        assert core.status(ana).state is LinkState.QR_READY
        assert shows.step(N.PAIR).facts == {"session_before": "session 1"}
        assert (len(core.provider.adopted), shows.can_be_undone) == (1, True)
        phone = ana.phone
        core.provider.line.say(QrScanned(phone), Connected(phone))
        done = await core.stands(ana)
        assert (done.state, len(core.provider.adopted)) == (S.DONE, 2)
        assert done.step(N.PAIR).facts["account"] == "+55…21"
        provider = core.provider
        assert isinstance(provider, Sending)
        (note,) = provider.sent
        assert (note.to, note.text) == (Address(AddressKind.PHONE, phone), texts("smoke.note"))


@pytest.mark.parametrize("reason", [Reason.QR_EXPIRED, Reason.PAIRING_FAILED, Reason.PASSKEY_REQUIRED])
async def test_a_pairing_that_ends_is_a_step_that_failed_and_again_is_a_new_code(core: Core, reason: Reason) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        core.provider.line.say(Blocked(reason))
        failed = await core.stands(ana)
        assert failed.state is S.FAILED
        why = failed.step(N.PAIR).facts
        assert (why["code"], why["reason"]) == ("link_not_back", reason)
        await core.procedures.resume(shows.head.id)
        await core.stands(ana)
        core.provider.line.say(CODE)
        await settle()
        assert core.status(ana).state is LinkState.QR_READY  # nobody is asked twice
        await core.procedures.undo(shows.head.id)
        assert (await core.stands(ana)).state is S.UNDONE


async def test_the_wrong_phone_is_told_and_nothing_is_replaced(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        core.provider.line.say(QrScanned(STRANGER))
        failed = await core.stands(ana)
        assert failed.step(N.PAIR).facts["reason"] == Reason.WRONG_ACCOUNT
        await core.procedures.resume(shows.head.id)
        refused = await core.stands(ana)
        assert refused.step(N.PAIR).facts["why"] == UnavailableReason.DECIDE_ACCOUNT_FIRST
        await core.do(ActionName.REJECT_ACCOUNT, ana)
        await core.procedures.resume(shows.head.id)
        await core.stands(ana)
        assert core.provider.line.pairing
        assert len(core.provider.adopted) == 1


@pytest.mark.parametrize("wish", ["pause", "undo"])
async def test_a_pairing_that_is_stopped_gives_up_what_was_scanned_and_keeps_the_old_session(
    core: Core, wish: str
) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        phone = ana.phone
        core.provider.line.say(QrScanned(phone))
        await settle()
        line = core.provider.line
        await getattr(core.procedures, wish)(shows.head.id)
        stopped = await core.stands(ana)
        assert line.closed
        assert len(core.provider.adopted) == 1
        assert core.provider.discarded[0] == ana.link.id
        assert stopped.state is (S.PAUSED if wish == "pause" else S.UNDONE)
        if wish == "undo":
            assert not core.provider.line.pairing  # the session that stayed shows what it is worth
            assert core.status(ana).state is LinkState.CONNECTING


@pytest.mark.parametrize("when", ["before the code", "while it is shown"])
async def test_a_suspension_is_sat_out_whatever_is_undone(core: Core, when: str) -> None:
    async with core.running():
        if when == "before the code":
            ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
            open_one = await core.begin(K.RECOVERY, ana)
        else:
            ana, open_one = await pairing(core)
        core.provider.line.say(Blocked(Reason.TEMPORARY_BAN, core.clock.now() + timedelta(hours=1)))
        failed = await core.stands(ana)
        assert failed.state is S.FAILED
        suspended, lines = core.status(ana), len(core.provider.lines)
        await core.procedures.undo(open_one.head.id)
        assert (await core.stands(ana)).state is S.UNDONE
        assert core.status(ana) == suspended
        assert len(core.provider.lines) == lines


async def test_undone_when_the_old_session_is_back_it_is_not_disturbed(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core, Reason.SERVER_UNAVAILABLE)
        core.provider.line.say(Blocked(Reason.QR_EXPIRED))
        await core.stands(ana)
        await core.supervisor.connect(ana.id)  # as the start of the program does
        await settle()
        line = core.provider.line
        line.say(Connected(ana.phone))
        await settle()
        await core.procedures.undo(shows.head.id)
        assert (await core.stands(ana)).state is S.UNDONE
        assert (core.status(ana).state, line.closed) == (LinkState.CONNECTED, False)


async def test_undone_before_anybody_wanted_the_link_it_stays_off(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        await core.do(ActionName.DISCONNECT, ana)
        asks = await core.begin(K.REAUTHENTICATION, ana)
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        await core.procedures.undo(asks.head.id)
        assert (await core.stands(ana)).state is S.UNDONE
        assert core.status(ana).state is LinkState.OFF


async def test_a_pause_between_the_scan_and_the_entry_stops_nothing_that_works(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        phone = ana.phone
        core.provider.line.say(QrScanned(phone), Connected(phone))
        while core.status(ana).state is not LinkState.CONNECTED:
            await settle(1)
        await core.procedures.pause(shows.head.id)
        paused = await core.stands(ana)
        assert core.status(ana).state is LinkState.CONNECTED
        if paused.state is S.PAUSED:
            with pytest.raises(Problem):
                await core.procedures.undo(shows.head.id)
            await core.procedures.resume(shows.head.id)
        assert (await core.stands(ana)).state is S.DONE


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Reason.TEMPORARY_BAN, UnavailableReason.SUSPENDED),
        (Reason.CLIENT_OUTDATED, UnavailableReason.OUTDATED),
        (Reason.STREAM_REPLACED, UnavailableReason.IN_USE_ELSEWHERE),
    ],
)
async def test_no_code_is_shown_for_a_reason_that_came_up_meanwhile_and_forbids_it(
    core: Core, reason: Reason, why: UnavailableReason
) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        core.provider.line.say(Blocked(reason))
        failed = await core.stands(ana)
        assert (failed.state, failed.step(N.PAIR).facts["why"]) == (S.FAILED, why)
        assert states(failed)["back_up"] == "done"
        assert not any(line.pairing for line in core.provider.lines[1:])


async def test_a_link_that_comes_back_before_the_yes_is_not_paired(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        for _ in range(SOFT_TRIES):
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await core.clock.advance(10)
        asks = await core.stands(ana)
        core.provider.line.say(Connected(ana.phone))
        await core.clock.advance(60)
        core.provider.line.say(Connected(ana.phone))
        await settle()
        await core.procedures.confirm(asks.head.id)
        done = await core.stands(ana)
        assert (done.state, states(done)["pair"]) == (S.DONE, "skipped")


async def test_a_link_that_comes_back_at_the_last_moment_is_not_paired_either(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        for _ in range(SOFT_TRIES):
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await core.clock.advance(10)
        asks = await core.stands(ana)

        def comes_back(entry: object) -> None:
            if core.journal.kinds()[-1] == "step_began pair":
                core.supervisor._board.move(ana.link, _OPENED)

        core.journal.on_entry = comes_back
        await core.procedures.confirm(asks.head.id)
        failed = await core.stands(ana)
        assert failed.step(N.PAIR).facts["why"] == UnavailableReason.ALREADY_CONNECTED
        await core.procedures.resume(asks.head.id)
        assert states(await core.stands(ana))["pair"] == "skipped"


async def test_where_nothing_is_paired_that_step_is_left_out(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.SERVER_UNAVAILABLE))
        core.providers[ProviderKind.ZAPI] = plain = _WithoutPairing()
        link = core.mentorados.get(ana.id).link
        ana = await core.mentorados.save_link(replace(link, provider=ProviderKind.ZAPI))
        await core.begin(K.RECOVERY, ana)
        plain.played.line.say(Blocked(Reason.BILLING))
        failed = await core.stands(ana)
        assert states(failed)["pair"] == "skipped"
        assert failed.step(N.VERIFY_ACCOUNT).facts["reason"] == Reason.BILLING
        assert (failed.state, failed.can_be_undone) == (S.FAILED, True)
        await core.procedures.undo(failed.head.id)
        assert (await core.stands(ana)).state is S.UNDONE


async def test_where_sessions_have_no_names_a_link_that_is_through_was_paired(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.SERVER_UNAVAILABLE))
        core.providers[ProviderKind.ZAPI] = nameless = _WithoutSessionNames()
        link = core.mentorados.get(ana.id).link
        ana = await core.mentorados.save_link(replace(link, provider=ProviderKind.ZAPI))
        asks = await core.begin(K.REAUTHENTICATION, ana)
        await core.procedures.confirm(asks.head.id)
        shows = await core.stands(ana)
        assert shows.step(N.PAIR).facts == {"session_before": ""}
        nameless.played.line.say(Blocked(Reason.QR_EXPIRED))
        assert (await core.stands(ana)).state is S.FAILED
        core.supervisor._board.move(ana.link, _CONNECT)
        core.supervisor._board.move(ana.link, _OPENED)
        await core.procedures.resume(asks.head.id)
        assert (await core.stands(ana)).step(N.PAIR).facts["found"] == "connected"


async def test_what_pairs_nobody_has_nothing_to_give_up(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        core.providers[ProviderKind.META_CLOUD] = _WithoutPairing()
        await core.mentorados.save_link(replace(ana.link, provider=ProviderKind.META_CLOUD))
        await core.supervisor.connect(ana.id)
        await core.supervisor.give_up_pairing(ana.id)
        assert core.status(ana).state is LinkState.OFF


# --- afterwards -------------------------------------------------------------------------------------------------------


async def test_a_start_in_the_middle_waits_for_the_link_and_takes_the_new_session(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        phone = ana.phone
    # The program died between the swap and its entry.
    await core.provider.commit_pairing(core.mentorados.get(ana.id).link)
    again = Core(
        core.clock,
        provider=core.provider,
        mentorado_repository=core.mentorado_repository,
        log=core.log,
        audit=core.audit,
        journal=core.journal,
        backups=core.backups,
    )
    await again.mentorados.load()
    async with again.running():
        await again.procedures.load()
        with pytest.raises(Problem):
            await again.procedures.undo(shows.head.id)
        await again.procedures.resume(shows.head.id)
        waits = await again.stands(ana)
        assert (states(waits)["pair"], states(waits)["verify_account"]) == ("done", "running")
        assert not again.provider.line.pairing
        again.provider.line.say(Connected(phone))
        assert (await again.stands(ana)).state is S.DONE


class _WithoutPairing:
    """A provider that signs in with what it has, and pairs nobody."""

    def __init__(self) -> None:
        self.played = FakeProvider()

    def connect(self, mentorado: Mentorado) -> AbstractAsyncContextManager[Connection]:
        return self.played.connect(mentorado)

    async def has_credentials(self, link: Link) -> bool:
        return True


class _WithoutSessionNames(_WithoutPairing):
    """A provider that pairs, and whose sessions have no names."""

    def pair(self, mentorado: Mentorado) -> AbstractAsyncContextManager[Connection]:
        return self.played.pair(mentorado)

    async def commit_pairing(self, link: Link) -> None:
        await self.played.commit_pairing(link)

    async def rollback_pairing(self, link: Link) -> None:
        await self.played.rollback_pairing(link)

    async def pending_account(self, link: Link) -> PhoneNumber | None:
        return await self.played.pending_account(link)
