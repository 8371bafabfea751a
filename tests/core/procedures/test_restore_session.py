"""Session keys come back from a backup only when the link was off all the while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.procedures.restore import used_since
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.procedure import (
    StepName,
)
from app.domain.repositories import Transition
from tests.clock import DAWN
from tests.core.procedures.step_by_step import OFF, ON, line, restoring
from tests.core.secret_store import (
    KEYS,
    TALK,
    SelectableSecretStore,
    secret_store,
)
from tests.fake_providers import FakeProvider
from tests.storage.talk import a_message

CHECK, MERGE, SESSION = StepName.CHECK_ARCHIVE, StepName.MERGE_HISTORY, StepName.RESTORE_SESSION


# --- the keys --------------------------------------------------------------------------------------------------------


async def test_keys_come_back_when_the_link_was_off_all_the_while(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = restoring(v, await v.backup())
        await procedure.log.append(line(v.ana.link.id, DAWN - timedelta(hours=1), ON, OFF))
        facts = await procedure.do(CHECK, MERGE, SESSION)
        assert facts == {"session": "restored"}
        assert v.provider.restored == [(KEYS, DAWN, False)]
        assert not [name for name in v.files() if name.endswith(".session")]


@pytest.mark.parametrize("why", ["session_used_since", "session_corrupt", "another_account", "no_session", "no_keys"])
async def test_keys_stay_as_they_are_for_a_reason(fast_dir: Path, why: str) -> None:
    async with secret_store(fast_dir) as v:
        if why == "no_session":
            v.provider.keys = None
        if why == "another_account":
            v.provider.account = PhoneNumber("+5511900000000")
        path = await v.backup()
        procedure = restoring(v, path)
        if why != "session_used_since":
            await procedure.log.append(line(v.ana.link.id, DAWN, ON, OFF))
        if why == "session_corrupt":
            v.provider.restore_problem = Problem(ProblemCode.SESSION_CORRUPT, path="x")
        if why == "no_keys":
            procedure = restoring(replace_provider(v, FakeProvider()), path)
        facts = await procedure.do(CHECK, MERGE, SESSION)
        assert facts == {"why": "no_session" if why == "no_keys" else why}
        assert v.provider.restored == []
        assert not [name for name in v.files() if name.endswith(".session")]


def replace_provider(v: SelectableSecretStore, provider: FakeProvider) -> SelectableSecretStore:
    v.backups._providers = {ProviderKind.WHATSAPP_WEB: provider}
    return v


async def test_keys_that_another_program_uses_are_tried_again_later(fast_dir: Path) -> None:
    async with secret_store(fast_dir) as v:
        procedure = restoring(v, await v.backup())
        await procedure.log.append(line(v.ana.link.id, DAWN, ON, OFF))
        v.provider.restore_problem = Problem(ProblemCode.SESSION_IN_USE, owner="another")
        await procedure.do(CHECK, MERGE)
        assert (await procedure.refused(SESSION)).code is ProblemCode.SESSION_IN_USE
        v.provider.restore_problem = None
        assert await procedure.do(SESSION) == {"session": "restored"}


A, B = LinkId("a" * 32), LinkId("b" * 32)
NOON = DAWN + timedelta(hours=12)


@pytest.mark.parametrize(
    ("lines", "used"),
    [
        ([], True),  # nobody knows
        ([line(A, DAWN, ON, OFF)], False),
        ([line(A, NOON, ON, OFF)], False),  # in the same moment
        ([line(A, DAWN, OFF, ON)], True),  # it was on when the backup was taken
        ([line(B, DAWN, ON, OFF)], True),  # another link
        ([line(B, NOON + timedelta(hours=1), OFF, ON), line(A, DAWN, ON, OFF)], False),
        ([line(A, NOON + timedelta(hours=1), OFF, LinkState.CONNECTING), line(A, DAWN, ON, OFF)], True),
        ([line(A, NOON + timedelta(hours=1), ON, OFF), line(A, DAWN, ON, OFF)], True),
        ([line(A, NOON + timedelta(hours=1), OFF, LinkState.BLOCKED), line(A, DAWN, ON, OFF)], False),
        ([line(A, NOON + timedelta(hours=1), OFF, OFF)], True),  # the log does not reach back so far
    ],
)
def test_whether_a_device_was_used_since_is_yes_when_nobody_knows(lines: list[Transition], used: bool) -> None:
    assert used_since(lines, A, NOON) is used


async def test_a_pause_in_the_middle_leaves_no_keys_lying_about(fast_dir: Path) -> None:
    async with secret_store(fast_dir, [*TALK, *(a_message(f"X{n}", "x" * 200) for n in range(3000))]) as v:
        path = await v.backup()
        procedure = restoring(v, path)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(procedure.do(CHECK))
            await asyncio.sleep(0.01)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert v.files() in ([path.name], [f".{procedure.id}.archive", path.name])
        assert await procedure.steps[CHECK].undo(procedure.run()) == {}
        assert v.files() == [path.name]
