"""The guided check of a session that seems damaged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from app.domain.actions import ActionName
from app.domain.backup import BackupInfo
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.provider import Blocked, SessionHolder
from app.domain.troubleshooting import (
    CHECKS_OF,
    Trouble,
)
from tests.clock import DAWN, settle
from tests.core.diagnostics.troubleshooting import C, Check, K, M, SessionFiles, connected
from tests.core.diagnostics.troubleshooting import core as core
from tests.core.diagnostics.troubleshooting import files as files
from tests.services import Core


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
