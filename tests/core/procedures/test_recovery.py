"""The recovery of the operating guide, step by step: nothing is replaced before softer means have failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.links.status_store import StatusWaiter, is_settled
from app.core.procedures.recovery import SOFT_SECONDS, SOFT_TRIES
from app.domain.actions import ActionName, UnavailableReason
from app.domain.audit import AuditOutcome
from app.domain.backup import SessionOutcome
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.messages import Address, AddressKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState, StepName, StepState
from app.domain.provider import Blocked, Connected, Connection, ConnectionEvent, Failed, Lost, QrIssued, QrScanned
from app.domain.sending import Accepted, NotSent, OutgoingMessage, QueuedMessage, SendErrorKind, SendResult, Uncertain
from app.domain.state_machine import Trigger
from tests.clock import ManualClock, settle
from tests.core.links.many_links import ManyLinks
from tests.fakes import FakeProvider
from tests.services import Core

K, S, N = ProcedureKind, ProcedureState, StepName
STRANGER = PhoneNumber("+5521912345678")
CODE = QrIssued("x", 1, 6, 60)


class Sending(FakeProvider):
    """A provider that takes messages, and keeps a queue."""

    reaches: Sequence[AddressKind] = (AddressKind.PHONE,)
    echoes_sent = True
    window: timedelta | None = None

    def __init__(self) -> None:
        super().__init__()
        self.result: SendResult = Accepted(provider_id="3EB0")
        self.sent: list[OutgoingMessage] = []
        self.waiting: list[QueuedMessage] = []
        self.silent = False

    async def send(self, mentorado: Mentorado, message: OutgoingMessage) -> SendResult:
        self.sent.append(message)
        return self.result

    async def queue(self, link: Link) -> Sequence[QueuedMessage]:
        if self.silent:
            raise Problem(ProblemCode.PROVIDER_SILENT)
        return self.waiting

    async def purge_queue(self, link: Link) -> int:
        raise NotImplementedError

    def allow_flush(self, link: Link) -> None:
        raise NotImplementedError


@pytest.fixture
def core(manual_clock: ManualClock) -> Core:
    return Core(manual_clock, provider=Sending())


async def connected(core: Core) -> Mentorado:
    ana = await core.add()
    await core.do(ActionName.CONNECT, ana)
    phone = ana.phone
    core.provider.line.say(CODE, QrScanned(phone), Connected(phone))
    await settle()
    return ana


async def fallen(core: Core, signal: ConnectionEvent) -> Mentorado:
    ana = await connected(core)
    core.provider.line.say(signal)
    await settle()
    return ana


async def pairing(core: Core, reason: Reason = Reason.LOGGED_OUT) -> tuple[Mentorado, Procedure]:
    """A re-authentication that shows its code."""
    ana = await fallen(core, Blocked(reason))
    asks = await core.begin(K.REAUTHENTICATION, ana)
    await core.procedures.confirm(asks.head.id)
    shows = await core.stands(ana)
    core.provider.line.say(CODE)
    await settle()
    return ana, shows


def states(procedure: Procedure) -> dict[str, str]:
    return {step.name: step.state for step in procedure.steps}


# --- scope ------------------------------------------------------------------------------------------------------------


async def test_in_an_incident_nobody_is_repaired_alone_unless_a_person_says_why() -> None:
    links = ManyLinks(4)
    async with links.connected():
        links.served.away = True
        links.served.fall()
        await settle()
        one = links.mentorados.get(links.ids[0])
        with pytest.raises(Problem) as caught:
            await links.procedures.begin(K.RECOVERY, one.id)
        assert caught.value.context["why"] == UnavailableReason.INCIDENT
        begun = await links.begin(K.RECOVERY, one, override_reason=" só o dela caiu ")
        assert begun.head.facts["override_reason"] == "só o dela caiu"
        assert begun.step(N.SCOPE).facts == {"links": "many", "affected": "4", "of": "4"}
    assert links.audit.outcomes[-1].record.reason == "só o dela caiu"


async def test_an_incident_that_begins_meanwhile_stops_at_the_scope() -> None:
    links = ManyLinks(4)
    async with links.connected():
        one = links.mentorados.get(links.ids[0])
        links.served.gone.add(links.ids[0])
        links.served.fall(links.ids[0])
        await settle()
        await links.procedures.begin(K.RECOVERY, one.id)
        links.served.away = True
        links.served.fall()
        stopped = await links.stands(one)
        assert stopped.state is S.FAILED
        assert stopped.step(N.SCOPE).facts["why"] == "incident"


# --- soft reconnect ---------------------------------------------------------------------------------------------------


async def test_a_link_that_comes_back_is_neither_backed_up_nor_paired(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        adopted = list(core.provider.adopted)
        await core.begin(K.RECOVERY, ana)
        assert not core.provider.line.pairing
        core.provider.line.say(Connected(ana.phone))
        done = await core.stands(ana)
        assert done.state is S.DONE
        assert done.step(N.SOFT_RECONNECT).facts == {"came_back": "yes", "tries": "1"}
        assert states(done) | {"back_up": "skipped", "pair": "skipped"} == states(done)
        assert done.step(N.VERIFY_ACCOUNT).facts == {"account": "+55…21"}
        assert (core.backups.placed, core.provider.adopted) == ([], adopted)
        assert core.status(ana).evidence.last_smoke_test == core.clock.now()
    assert core.audit.outcomes[-1].record.outcome is AuditOutcome.DONE


async def test_after_repeated_failure_it_is_backed_up_and_asked(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        lines = len(core.provider.lines)
        await core.begin(K.RECOVERY, ana)
        for _ in range(SOFT_TRIES):
            core.provider.line.say(Failed(Reason.NETWORK_DOWN))
            await core.clock.advance(10)
        asks = await core.stands(ana)
        assert asks.state is S.ASKING
        soft = asks.step(N.SOFT_RECONNECT).facts
        assert soft == {"came_back": "no", "tries": str(SOFT_TRIES), "reason": "network_down"}
        assert len(core.provider.lines) - lines >= SOFT_TRIES
        assert not any(line.pairing for line in core.provider.lines[1:])
        assert asks.step(N.BACK_UP).facts["messages"] == "12431"
        assert core.backups.placed == [asks.head.id]


async def test_a_link_that_says_nothing_is_not_waited_for_forever(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.SERVER_UNAVAILABLE))
        waits = await core.begin(K.RECOVERY, ana)
        assert states(waits)["soft_reconnect"] == "running"
        await core.clock.advance(SOFT_SECONDS)
        asks = await core.stands(ana)
        assert asks.step(N.SOFT_RECONNECT).facts["tries"] == "1"
        await core.procedures.confirm(asks.head.id)
        await core.stands(ana)
        assert core.provider.lines[-2].closed  # the line that said nothing made way
        assert core.provider.line.pairing


@pytest.mark.parametrize("reason", [Reason.LOGGED_OUT, Reason.MAIN_DEVICE_GONE, Reason.BANNED])
async def test_keys_that_whatsapp_took_back_are_not_tried(core: Core, reason: Reason) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(reason))
        lines = len(core.provider.lines)
        if core.actions.unavailable_reason(ActionName.RECOVER, ana.id) is None:
            asks = await core.begin(K.RECOVERY, ana)
            soft = {"came_back": "no", "tries": "0", "reason": reason.value}
            assert asks.step(N.SOFT_RECONNECT).facts == soft
        assert len(core.provider.lines) == lines


async def test_who_was_never_paired_is_shown_no_code_before_being_asked(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.QR_EXPIRED))
        await settle()
        asks = await core.begin(K.RECOVERY, ana)
        assert (asks.state, len(core.provider.lines)) == (S.ASKING, 1)


async def test_a_link_that_came_back_before_the_first_try_is_left_alone(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Lost(Reason.STREAM_ERROR))
        await core.procedures.begin(K.RECOVERY, ana.id)
        core.provider.line.say(Connected(ana.phone))
        done = await core.stands(ana)
        assert done.step(N.SOFT_RECONNECT).facts == {"came_back": "yes", "tries": "0"}


async def test_a_link_that_is_switched_off_while_it_is_tried_pauses_the_recovery(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Failed(Reason.NETWORK_DOWN))
        await core.begin(K.RECOVERY, ana)
        await core.do(ActionName.DISCONNECT, ana)
        assert (await core.stands(ana)).state is S.PAUSED
        assert core.status(ana).state is LinkState.OFF


# --- backup -----------------------------------------------------------------------------------------------------------


async def test_without_a_backup_nothing_is_replaced(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.LOGGED_OUT))
        core.backups.problem = Problem(ProblemCode.BACKUP_DISK_FULL, path="/backups")
        failed = await core.begin(K.REAUTHENTICATION, ana, secret="open sesame")
        assert (failed.state, states(failed)["pair"]) == (S.FAILED, "waiting")
        core.backups.problem = None
        await core.procedures.resume(failed.head.id)
        asks = await core.stands(ana)
        assert asks.state is S.ASKING
        assert asks.step(N.BACK_UP).facts["encrypted"] == "yes"
        assert core.backups.passphrases == ["open sesame"] * 2


async def test_what_began_with_a_passphrase_never_goes_on_without_it(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.LOGGED_OUT))
        core.backups.collecting = asyncio.Event()
        begun = await core.begin(K.REAUTHENTICATION, ana, secret="open sesame")
    again = Core(
        core.clock,
        provider=core.provider,
        mentorado_repository=core.mentorado_repository,
        log=core.log,
        audit=core.audit,
        journal=core.journal,
        backups=core.backups,
    )
    core.backups.collecting = None
    await again.mentorados.load()
    async with again.running():
        await again.supervisor.restore()
        await again.procedures.load()
        await again.procedures.resume(begun.head.id)
        locked = await again.stands(ana)
        assert locked.step(N.BACK_UP).facts["code"] == ProblemCode.BACKUP_LOCKED
        await again.procedures.resume(begun.head.id, secret="open sesame")
        asks = await again.stands(ana)
        assert (asks.state, asks.step(N.BACK_UP).facts["encrypted"]) == (S.ASKING, "yes")


async def test_undone_it_leaves_no_part_of_an_archive_and_the_finished_one_stays(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, Blocked(Reason.LOGGED_OUT))
        core.backups.problem = Problem(ProblemCode.BACKUP_DISK_FULL)
        failed = await core.begin(K.REAUTHENTICATION, ana)
        assert core.backups.parts == {failed.head.id}
        await core.procedures.undo(failed.head.id)
        assert (await core.stands(ana)).state is S.UNDONE
        assert core.backups.parts == set()
        core.backups.problem = None
        asks = await core.begin(K.REAUTHENTICATION, ana)
        await core.procedures.undo(asks.head.id)
        await core.stands(ana)
        assert core.backups.placed == [asks.head.id]


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
        assert (note.to, note.text) == (Address(AddressKind.PHONE, phone), "Conecta: teste")


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


async def test_another_number_that_a_person_accepts_is_the_new_session(core: Core) -> None:
    async with core.running():
        ana, shows = await pairing(core)
        core.provider.line.say(QrScanned(STRANGER))
        await core.stands(ana)
        await core.do(ActionName.ACCEPT_ACCOUNT, ana)
        core.provider.line.say(Connected(STRANGER))
        await settle()
        await core.procedures.resume(shows.head.id)
        done = await core.stands(ana)
        assert (done.state, done.step(N.PAIR).facts["found"]) == (S.DONE, "paired")


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
            status = await watch.until(is_settled)
        assert status is not None
        assert status.state is LinkState.OFF


_CONNECT, _OPENED, _LOST = Trigger.CONNECT, Trigger.OPENED, Trigger.LOST


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
