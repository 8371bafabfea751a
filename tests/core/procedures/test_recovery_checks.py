"""The end of a recovery: the account, the smoke test and the figures that are shown before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.links.status_store import StatusWaiter, is_settled
from app.domain.actions import ActionName
from app.domain.audit import AuditOutcome
from app.domain.backup import SessionOutcome
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import ProcedureKind, ProcedureState, StepName, StepState
from app.domain.provider import Blocked, Connected, Failed, QrIssued, QrScanned
from app.domain.sending import Accepted, NotSent, QueuedMessage, SendErrorKind, SendResult, Uncertain
from tests.clock import ManualClock, settle
from tests.core.procedures.recovering import _LOST, Sending, fallen, pairing
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName
STRANGER = PhoneNumber("+5521912345678")
CODE = QrIssued("x", 1, 6, 60)


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=Sending())


async def test_a_link_that_does_not_come_back_is_said_and_in_the_end_left_so(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        phone = ana.phone
        core.provider.line.say(QrScanned(phone), Connected(phone), Blocked(Reason.LOGGED_OUT))
        failed = await core.stands(ana)
        assert (failed.state, failed.can_be_undone) == (S.FAILED, False)
        assert failed.step(N.VERIFY_ACCOUNT).facts["reason"] == Reason.LOGGED_OUT
        await core.procedures.resume(shows.head.id)
        assert (await core.stands(ana)).step(N.SMOKE_CHECK).state is StepState.FAILED
        await core.procedures.resume(shows.head.id)
        assert (await core.stands(ana)).state is S.DONE  # with both checks left out
    assert core.audit.outcomes[-1].record.outcome is AuditOutcome.FAILED


async def test_an_account_that_is_not_the_expected_one_fails_the_check(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)

        def differs(entry: object) -> None:
            if core.journal.kinds()[-1] == "step_began verify_account":
                core.supervisor._board.update(ana.link, account=STRANGER)

        core.journal.on_entry = differs
        core.provider.line.say(Connected(ana.phone))
        failed = await core.stands(ana)
        assert failed.step(N.VERIFY_ACCOUNT).facts["reason"] == Reason.WRONG_ACCOUNT


@pytest.mark.parametrize(
    ("result", "trouble"),
    [
        (NotSent(trouble=SendErrorKind.POLICY_BLOCK, code="463"), "policy_block"),
        (Uncertain(detail="no answer"), "uncertain"),
    ],
)
async def test_a_note_that_does_not_leave_fails_the_smoke_check(core: Core, result: SendResult, trouble: str) -> None:
    provider = core.provider
    assert isinstance(provider, Sending)
    provider.result = result
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        core.provider.line.say(Connected(None))
        failed = await core.stands(ana)
        assert (failed.state, failed.step(N.SMOKE_CHECK).facts["trouble"]) == (S.FAILED, trouble)
        assert core.status(ana).evidence.last_smoke_test is None
        provider.result = Accepted(provider_id="1")
        await core.outbound.release(ana.id)  # what WhatsApp restricts sends again when a person says so
        await core.procedures.resume(failed.head.id)
        await core.clock.advance(15)  # never two messages at once
        assert (await core.stands(ana)).state is S.DONE
        assert core.status(ana).evidence.last_smoke_test is not None


async def test_a_link_that_fell_again_sends_nothing(core: Core) -> None:
    provider = core.provider
    assert isinstance(provider, Sending)
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)

        def falls(entry: object) -> None:
            if core.journal.kinds()[-1] == "step_began smoke_check":
                core.supervisor._board.move(ana.link, _LOST, Reason.NETWORK_DOWN)

        core.journal.on_entry = falls
        core.provider.line.say(Connected(ana.phone))
        failed = await core.stands(ana)
        assert failed.step(N.SMOKE_CHECK).facts["trouble"] == SendErrorKind.NOT_CONNECTED
        assert provider.sent == []


async def test_what_cannot_send_is_not_checked_by_sending(manual_clock: ManualClock) -> None:
    core = Core(manual_clock)
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        core.provider.line.say(Connected(None))
        done = await core.stands(ana)
        assert (done.state, done.step(N.SMOKE_CHECK).facts) == (S.DONE, {"why": "cannot_send"})


async def test_a_number_that_cannot_write_to_itself_is_not_asked_to(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        core.providers[ProviderKind.META_CLOUD] = core.provider
        link = core.mentorados.get(ana.id).link
        core.provider.line.say(Connected(ana.phone))
        await core.mentorados.save_link(replace(link, provider=ProviderKind.META_CLOUD))
        done = await core.stands(ana)
        assert done.step(N.SMOKE_CHECK).facts == {"why": "not_to_itself"}


# --- the ledger -------------------------------------------------------------------------------------------------------


async def test_the_ledger_says_what_is_kept_and_what_not(core: Core) -> None:
    provider = core.provider
    assert isinstance(provider, Sending)
    async with core.running():
        ana = await core.add()
        first = await core.procedures.ledger(K.REAUTHENTICATION, ana.id)
        assert (first.session, first.old_device_stays, first.last_backup) == (SessionOutcome.NONE, False, None)
        ana = await _connect(core, ana)
        provider.waiting = [QueuedMessage(id=str(n), to="1", text="oi", since=None) for n in range(37)]
        ledger = await core.procedures.ledger(K.RECOVERY, ana.id)
        assert (ledger.history.messages, ledger.contacts, ledger.queue) == (12_431, 41, 37)
        assert (ledger.session, ledger.old_device_stays) == (SessionOutcome.REPLACED, True)
        provider.silent = True
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        asks = await core.begin(K.REAUTHENTICATION, ana)
        ledger = await core.procedures.ledger(K.BACKUP, ana.id)
        assert (ledger.queue, ledger.session) == (None, SessionOutcome.NONE)
        assert ledger.last_backup == core.clock.now()
        asked = core.journal.journals[asks.head.id][1][-1].facts
        assert asked["last_backup"] == core.clock.now().isoformat()
        assert "queue" not in asked
        await core.procedures.undo(asks.head.id)
        await core.stands(ana)
        await core.mentorados.save_link(replace(ana.link, provider=ProviderKind.META_CLOUD))
        nowhere = await core.procedures.ledger(K.RESTORE, ana.id)
        assert nowhere.session is SessionOutcome.NONE


async def _connect(core: Core, ana: Mentorado) -> Mentorado:
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(CODE, QrScanned(ana.phone), Connected(ana.phone))
    await settle()
    return core.mentorados.get(ana.id)


async def test_a_watch_hears_one_link_only(core: Core) -> None:
    async with core.running():
        ana, bia = await core.add(), await core.add("Bia", "11 98765-0000")
        with StatusWaiter(core.bus, core.clock, ana.link.id) as watch:
            await core.supervisor.connect(bia.id)
            await core.supervisor.disconnect(bia.id)
            await core.supervisor.connect(ana.id)
            await core.supervisor.disconnect(ana.id)
            status = await watch.wait_until(is_settled)
        assert status is not None
        assert status.state is LinkState.OFF
