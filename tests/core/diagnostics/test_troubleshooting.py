"""The guided checks: what each sees of a link, and what it ends with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.backup import BackupInfo
from app.domain.errors import Problem, ProblemCode
from app.domain.incident import CheckResult, Finding
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Link, Mentorado, MentoradoId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Blocked, Connected, Failed, HostAnswered, Lost, QrIssued, SessionHolder
from app.domain.troubleshooting import (
    CHANNEL_WITHIN,
    CHECKS_OF,
    CODE_WITHIN,
    ConclusionKind,
    FindingMark,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
    suggested_trouble,
)
from tests.clock import DAWN, ManualClock, settle
from tests.fake_providers import FakeProvider, FakeZapi
from tests.services import Core

K, M, C = ConclusionKind, FindingMark, TroubleCheck
GOOD = [Finding(CheckResult.NETWORK_GOOD), Finding(CheckResult.CLOCK_GOOD)]
CODE = QrIssued("x", 1, 6, 60)


class SessionFiles(FakeProvider):
    """A provider whose sessions are files, as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.holder = (SessionHolder.NOBODY, "")
        self.account: PhoneNumber | None = PhoneNumber("+5511987654321")
        self.damage: Problem | None = None

    async def session_holder(self, link: Link) -> tuple[SessionHolder, str]:
        return self.holder

    async def read_session(self, link: Link) -> PhoneNumber | None:
        if self.damage is not None:
            raise self.damage
        return self.account


class Extension(FakeZapi):
    """A hosted provider that gives tokens for a browser extension."""

    async def extension_token(self, link: Link) -> tuple[str, datetime]:
        return "FA48-HS63", DAWN + timedelta(minutes=5)

    async def asks_for_passkey(self, link: Link) -> bool:
        return True

    async def reset_passkey(self, link: Link) -> str:
        return ""


@pytest.fixture
def files() -> SessionFiles:
    return SessionFiles()


@pytest.fixture
def core(manual_clock: ManualClock, files: SessionFiles) -> Core:
    core = Core(manual_clock, provider=files, hosted={ProviderKind.ZAPI: Extension()})
    core.checks.findings = list(GOOD)
    return core


class Check:
    """One check of *mentorado*, begun in a task of its own."""

    def __init__(self, core: Core, trouble: Trouble, mentorado: Mentorado) -> None:
        self._core, self._trouble, self._mentorado = core, trouble, mentorado
        self.findings: list[TroubleFinding] = []

    async def end(self, *, after: float = 0.0) -> TroubleConclusion:
        """How it ends, when *after* so many seconds nothing else has happened."""
        service = self._core.services.troubleshooting
        task = asyncio.get_running_loop().create_task(
            service.check(self._trouble, self._mentorado.id, self.findings.append)
        )
        await settle(50)
        if after:
            await self._core.clock.advance(after)
        await settle(50)
        return await task

    def seen(self, check: TroubleCheck) -> tuple[FindingMark, str]:
        found = next(each for each in self.findings if each.check is check)
        return found.mark, found.words

    @property
    def checks(self) -> Sequence[TroubleCheck]:
        return [each.check for each in self.findings]


async def connected(core: Core) -> Mentorado:
    ana = await core.add()
    core.provider.paired.add(ana.link.id)
    await core.do(ActionName.CONNECT, ana)
    core.provider.line.say(Connected(ana.phone))
    await settle()
    return ana


# --- no code appears


async def test_a_link_that_shows_a_code_ends_with_it(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        task = asyncio.get_running_loop().create_task(check.end())
        await settle(60)
        core.provider.line.say(CODE)
        found = await task
    assert (found.kind, found.action) == (K.CODE_SHOWN, None)
    assert check.checks == list(CHECKS_OF[Trouble.NO_CODE])
    assert check.seen(C.SESSION_LOCK) == (M.GOOD, "free")
    assert check.seen(C.REQUEST) == (M.GOOD, "begun")
    assert check.seen(C.ANSWER) == (M.GOOD, "code")


async def test_a_link_that_is_on_its_way_is_watched_and_not_connected_again(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(CODE)
        await settle()
        check = Check(core, Trouble.NO_CODE, ana)
        assert (await check.end()).kind is K.CODE_SHOWN
        assert check.seen(C.REQUEST) == (M.GOOD, "under_way")
        assert len(core.provider.lines) == 1


async def test_a_connected_link_needs_no_code(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.NO_CODE, ana)
        assert (await check.end()).kind is K.CONNECTED
        assert check.seen(C.REQUEST) == (M.GOOD, "not_needed")


async def test_a_link_that_is_lost_says_why_instead_of_waiting_for_a_code(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Lost(Reason.NETWORK_DOWN))
        await settle()
        found = await Check(core, Trouble.NO_CODE, ana).end()
        assert (found.kind, found.reason, found.action) == (K.STATUS, Reason.NETWORK_DOWN, ActionName.TRY_NOW)


async def test_a_refusal_ends_the_check_with_its_own_next_step(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        task = asyncio.get_running_loop().create_task(check.end())
        await settle(60)
        core.provider.line.say(Blocked(Reason.PASSKEY_REQUIRED))
        found = await task
        assert (found.kind, found.reason) == (K.STATUS, Reason.PASSKEY_REQUIRED)
        assert check.seen(C.ANSWER) == (M.BAD, "reason")


async def test_a_logged_out_link_is_not_connected_and_leads_to_its_recovery(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end()
        assert (found.kind, found.action) == (K.STATUS, ActionName.REAUTHENTICATE)
        assert check.seen(C.REQUEST) == (M.BAD, "refused")
        assert len(core.provider.lines) == 1


async def test_a_code_that_ran_out_is_asked_for_anew(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.BANNED))
        await settle()
        found = await Check(core, Trouble.NO_CODE, ana).end()
        assert (found.kind, found.status.reason) == (K.STATUS, Reason.BANNED)


async def test_an_archived_mentorado_cannot_be_connected(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.ARCHIVE, ana)
        found = await Check(core, Trouble.NO_CODE, ana).end()
        assert (found.kind, found.why) == (K.NOT_ALLOWED, UnavailableReason.ARCHIVED)


async def test_who_waits_for_the_pairing_of_another_is_told_whose(core: Core) -> None:
    async with core.running():
        bruno = await core.add("Bruno", "11 98765-0000")
        await core.do(ActionName.CONNECT, bruno)
        core.provider.line.say(CODE)
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end(after=CHANNEL_WITHIN)
        assert (found.kind, found.values) == (K.WAITING_TURN, {"name": "Bruno"})
        assert check.seen(C.EVENT_CHANNEL) == (M.GOOD, "waits")


async def test_a_connection_that_says_nothing_is_a_silent_channel_and_switches_the_detailed_log_on(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end(after=CODE_WITHIN)
        assert (found.kind, found.action) == (K.SILENT_CHANNEL, ActionName.CANCEL)
        assert check.seen(C.EVENT_CHANNEL) == (M.BAD, "silent")
        assert check.seen(C.ANSWER) == (M.BAD, "nothing")
        assert core.services.provider_log.until == found.values["until"]


async def test_a_host_that_answers_its_heartbeat_is_no_silent_channel(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(HostAnswered(core.clock.now()))
        await settle()
        found = await Check(core, Trouble.NO_CODE, ana).end(after=CODE_WITHIN)
        assert found.kind is K.NO_ANSWER


@pytest.mark.parametrize("holder", [SessionHolder.ELSEWHERE, SessionHolder.UNPROVEN])
async def test_a_session_that_another_program_holds_is_not_connected(
    core: Core, files: SessionFiles, holder: SessionHolder
) -> None:
    files.holder = (holder, "notebook, PID 7")
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.NO_CODE, ana)
        found = await check.end()
        assert (found.kind, found.values, found.action) == (K.HELD, {"holder": "notebook, PID 7"}, None)
        assert check.seen(C.SESSION_LOCK) == (M.BAD, holder.value)
        assert core.provider.lines == []


async def test_an_unproven_lock_that_blocks_the_link_can_be_overruled(core: Core, files: SessionFiles) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.SESSION_HELD_ELSEWHERE, detail="notebook"))
        await settle()
        files.holder = (SessionHolder.UNPROVEN, "notebook")
        found = await Check(core, Trouble.SESSION, ana).end()
        assert (found.kind, found.action) == (K.HELD, ActionName.OVERRULE_LOCK)


async def test_the_lock_of_a_dead_program_is_no_trouble(core: Core, files: SessionFiles) -> None:
    files.holder = (SessionHolder.NOBODY, "notebook, PID 7")
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.NO_CODE, ana)
        await check.end()
        assert check.seen(C.SESSION_LOCK) == (M.GOOD, "left")


# --- it disconnects often


async def test_a_link_that_holds_is_steady(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.DISCONNECTS, ana)
        found = await check.end()
        assert (found.kind, found.values) == (K.STEADY, {"count": 0})
        assert check.checks == list(CHECKS_OF[Trouble.DISCONNECTS])
        assert {each.mark for each in check.findings} == {M.GOOD}


@pytest.mark.parametrize(
    ("network", "clock", "kind"),
    [
        (CheckResult.NETWORK_DOWN, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.PROXY_REFUSED, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.CERTIFICATE_REFUSED, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.SERVER_SILENT, CheckResult.CLOCK_UNKNOWN, K.NETWORK),
        (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_WRONG, K.CLOCK),
        (CheckResult.NETWORK_GOOD, CheckResult.CLOCK_UNKNOWN, K.STEADY),
    ],
)
async def test_the_network_and_the_clock_come_before_anything_else(
    core: Core, network: CheckResult, clock: CheckResult, kind: ConclusionKind
) -> None:
    core.checks.findings = [Finding(network), Finding(clock, "+7200 s")]
    async with core.running():
        ana = await connected(core)
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).kind is kind


async def fallen(core: Core, times: int) -> Mentorado:
    ana = await connected(core)
    for _ in range(times):
        core.provider.line.say(Lost(Reason.KEEPALIVE_TIMEOUT))
        await settle()
        core.provider.line.say(Connected(ana.phone))
        await settle()
    return ana


async def test_a_link_that_falls_often_names_the_most_frequent_reason(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 4)
        check = Check(core, Trouble.DISCONNECTS, ana)
        found = await check.end()
        assert (found.kind, found.reason) == (K.FALLS_OFTEN, Reason.KEEPALIVE_TIMEOUT)
        counted = next(each for each in check.findings if each.check is C.CLOSE_REASONS)
        assert (counted.mark, counted.reasons) == (M.BAD, ((Reason.KEEPALIVE_TIMEOUT, 4),))


async def test_one_fall_a_day_is_nothing_unusual(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 1)
        check = Check(core, Trouble.DISCONNECTS, ana)
        assert (await check.end()).kind is K.STEADY
        assert check.seen(C.CLOSE_REASONS) == (M.WARNING, "some")


async def test_falls_of_the_day_before_are_not_counted(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 4)
        core.clock.time += timedelta(hours=25)
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).kind is K.STEADY


async def test_a_link_that_waits_says_when_the_next_try_is(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        check = Check(core, Trouble.DISCONNECTS, ana)
        await check.end()
        assert check.seen(C.WAITS) == (M.GOOD, "waiting")


async def test_a_try_that_is_under_way_is_said_to_be(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Failed(Reason.NETWORK_DOWN))
        await settle()
        await core.do(ActionName.TRY_NOW, ana)
        check = Check(core, Trouble.DISCONNECTS, ana)
        await check.end()
        assert check.seen(C.WAITS) == (M.GOOD, "trying")


async def test_a_link_that_was_stopped_for_flapping_can_be_connected_again(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 5)
        core.provider.line.say(Lost(Reason.STREAM_ERROR))
        await settle()
        assert core.status(ana).reason is Reason.FLAPPING
        check = Check(core, Trouble.DISCONNECTS, ana)
        found = await check.end()
        assert (found.kind, found.action) == (K.FALLS_OFTEN, ActionName.CONNECT)
        assert check.seen(C.WAITS) == (M.WARNING, "stopped")


async def test_a_flapping_link_whose_log_is_gone_still_says_so(core: Core) -> None:
    async with core.running():
        ana = await fallen(core, 5)
        core.provider.line.say(Lost(Reason.STREAM_ERROR))
        await settle()
        core.log.lines.clear()
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).reason is Reason.FLAPPING


async def test_a_blocked_link_leads_to_what_blocks_it(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        found = await Check(core, Trouble.DISCONNECTS, ana).end()
        assert (found.kind, found.action) == (K.STATUS, ActionName.REAUTHENTICATE)


async def test_a_session_that_is_open_elsewhere_explains_the_falls(core: Core, files: SessionFiles) -> None:
    async with core.running():
        ana = await connected(core)
        files.holder = (SessionHolder.ELSEWHERE, "notebook")
        assert (await Check(core, Trouble.DISCONNECTS, ana).end()).kind is K.HELD


async def test_an_incident_is_not_the_trouble_of_one_link(core: Core) -> None:
    async with core.running():
        everybody = []
        for number in range(4):
            each = await core.add(f"Ana {number}", f"11 98765-432{number}")
            core.provider.paired.add(each.link.id)
            await core.do(ActionName.CONNECT, each)
            core.provider.line.say(Connected(each.phone))
            await settle()
            everybody.append(each)
        for line in core.provider.lines:
            line.say(Lost(Reason.NETWORK_DOWN))
        await settle()
        assert core.incidents.for_provider(ProviderKind.WHATSAPP_WEB) is not None
        assert (await Check(core, Trouble.DISCONNECTS, everybody[0]).end()).kind is K.INCIDENT


# --- the session seems damaged


async def test_a_whole_session_is_said_to_be(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.SESSION, ana)
        found = await check.end()
        assert (found.kind, found.action) == (K.SESSION_WHOLE, None)
        assert check.checks == list(CHECKS_OF[Trouble.SESSION])
        assert check.seen(C.SESSION_FILE) == (M.GOOD, "whole")
        assert check.seen(C.SIGN_IN) == (M.UNKNOWN, "not_tried")
        assert check.seen(C.BACKUP) == (M.WARNING, "none")
        assert check.seen(C.HISTORY)[0] is M.GOOD


async def test_a_session_that_is_open_here_is_not_read(core: Core, files: SessionFiles) -> None:
    async with core.running():
        ana = await connected(core)
        files.holder = (SessionHolder.HERE, "")
        files.damage = Problem(ProblemCode.SESSION_CORRUPT, path="/s", why="x")
        check = Check(core, Trouble.SESSION, ana)
        assert (await check.end()).kind is K.SESSION_WHOLE
        assert check.seen(C.SESSION_FILE) == (M.GOOD, "open")
        assert check.seen(C.SIGN_IN) == (M.GOOD, "in")


@pytest.mark.parametrize(
    ("code", "reason", "action"),
    [
        (ProblemCode.SESSION_CORRUPT, Reason.SESSION_CORRUPT, ActionName.REAUTHENTICATE),
        (ProblemCode.SESSION_MISSING, Reason.SESSION_MISSING, ActionName.REAUTHENTICATE),
        (ProblemCode.SESSION_DIR_NOT_WRITABLE, Reason.SESSION_DIR_NOT_WRITABLE, ActionName.CONNECT),
    ],
)
async def test_a_damaged_session_leads_to_the_recovery_that_makes_a_backup_first(
    core: Core, files: SessionFiles, code: ProblemCode, reason: Reason, action: ActionName
) -> None:
    files.damage = Problem(code, path="/sessions/ana", why="x")
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.SESSION, ana)
        found = await check.end()
        assert (found.kind, found.reason, found.action) == (K.STATUS, reason, action)
        assert check.seen(C.SESSION_FILE) == (M.BAD, "bad")


async def test_a_session_without_keys_was_logged_out(core: Core, files: SessionFiles) -> None:
    files.account = None
    async with core.running():
        ana = await core.add()
        check = Check(core, Trouble.SESSION, ana)
        assert (await check.end()).reason is Reason.LOGGED_OUT
        assert check.seen(C.SESSION_FILE) == (M.BAD, "empty")


async def test_a_session_that_whatsapp_turns_away_is_not_called_whole(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(Blocked(Reason.LOGGED_OUT))
        await settle()
        check = Check(core, Trouble.SESSION, ana)
        found = await check.end()
        assert (found.kind, found.action) == (K.STATUS, ActionName.REAUTHENTICATE)
        assert check.seen(C.SIGN_IN) == (M.BAD, "refused")


async def test_a_hosted_provider_has_no_session_here(core: Core) -> None:
    async with core.running():
        ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        check = Check(core, Trouble.SESSION, ana)
        assert (await check.end()).kind is K.NO_SESSION
        assert check.seen(C.SESSION_LOCK) == (M.GOOD, "none_here")
        assert C.SESSION_FILE not in check.checks


@pytest.mark.parametrize(("encrypted", "words"), [(True, "protected"), (False, "unprotected")])
async def test_the_last_backup_is_told_with_its_protection(core: Core, encrypted: bool, words: str) -> None:
    service = core.services.troubleshooting
    async with core.running():
        ana = await core.add()
        service._backups = backup_of(ana, encrypted=encrypted)
        check = Check(core, Trouble.SESSION, ana)
        await check.end()
        assert check.seen(C.BACKUP) == (M.GOOD, words)


def backup_of(ana: Mentorado, *, encrypted: bool) -> Callable[[MentoradoId], Awaitable[Sequence[BackupInfo]]]:
    async def all_of(_mentorado_id: MentoradoId) -> Sequence[BackupInfo]:
        info = BackupInfo(
            path=Path("/b"),
            at=DAWN,
            mentorado_id=ana.id,
            name=ana.name,
            provider=ana.link.provider,
            account=None,
            messages=1,
            conversations=1,
            size=1,
            encrypted=encrypted,
        )
        return [info]

    return all_of


# --- a passkey


async def test_a_passkey_that_nobody_asks_for_is_no_trouble(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        check = Check(core, Trouble.PASSKEY, ana)
        assert (await check.end()).kind is K.NO_PASSKEY
        assert check.seen(C.SIGN_IN) == (M.GOOD, "no_passkey")


async def test_a_passkey_on_whatsapp_web_leads_to_another_provider(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        await core.do(ActionName.CONNECT, ana)
        core.provider.line.say(Blocked(Reason.PASSKEY_REQUIRED))
        await settle()
        found = await Check(core, Trouble.PASSKEY, ana).end()
        assert (found.kind, found.action) == (K.PASSKEY_ELSEWHERE, ActionName.SWITCH_PROVIDER)


async def test_a_passkey_at_a_provider_with_an_extension_can_be_answered(core: Core) -> None:
    async with core.running():
        ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
        zapi = core.providers[ProviderKind.ZAPI]
        assert isinstance(zapi, Extension)
        await core.do(ActionName.CONNECT, ana)
        zapi.line.say(Blocked(Reason.PASSKEY_REQUIRED))
        await settle()
        assert (await Check(core, Trouble.PASSKEY, ana).end()).kind is K.PASSKEY_HERE


@pytest.mark.parametrize(
    ("state", "reason", "trouble"),
    [
        (LinkState.BLOCKED, Reason.PASSKEY_REQUIRED, Trouble.PASSKEY),
        (LinkState.BLOCKED, Reason.SESSION_CORRUPT, Trouble.SESSION),
        (LinkState.CONNECTING, Reason.NONE, Trouble.NO_CODE),
        (LinkState.BLOCKED, Reason.QR_EXPIRED, Trouble.NO_CODE),
        (LinkState.BLOCKED, Reason.FLAPPING, Trouble.DISCONNECTS),
        (LinkState.RECONNECTING, Reason.NETWORK_DOWN, Trouble.DISCONNECTS),
        (LinkState.CONNECTED, Reason.NONE, Trouble.DISCONNECTS),
        (LinkState.OFF, Reason.NONE, Trouble.NO_CODE),
    ],
)
def test_the_check_that_fits_what_is_seen_is_suggested(state: LinkState, reason: Reason, trouble: Trouble) -> None:
    assert suggested_trouble(LinkStatus(state=state, reason=reason, since=DAWN)) is trouble


def test_every_check_belongs_to_a_guided_check() -> None:
    assert {check for checks in CHECKS_OF.values() for check in checks} == set(TroubleCheck)
