"""A passkey answered through the provider's extension: the token, the wait, and what follows."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from app.core.diagnostics.passkey import ASK_EVERY, PasskeyToken
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.provider import Blocked
from tests.clock import DAWN, ManualClock, settle
from tests.fake_providers import FakeZapi
from tests.services import Core

TOKEN = PasskeyToken("FA48-HS63", DAWN + timedelta(minutes=5))


class Extension(FakeZapi):
    """Asks for a passkey until a test answers it."""

    def __init__(self) -> None:
        super().__init__()
        self.asks = True
        self.silent: Problem | None = None
        self.why = ""

    async def extension_token(self, link: Link) -> tuple[str, datetime]:
        return TOKEN.text, TOKEN.expires_at

    async def asks_for_passkey(self, link: Link) -> bool:
        if self.silent is not None:
            raise self.silent
        return self.asks

    async def reset_passkey(self, link: Link) -> str:
        return self.why


@pytest.fixture
def zapi() -> Extension:
    return Extension()


@pytest.fixture
def core(manual_clock: ManualClock, zapi: Extension) -> Core:
    return Core(manual_clock, hosted={ProviderKind.ZAPI: zapi})


async def asked(core: Core, zapi: Extension) -> Mentorado:
    """Somebody whose phone asks for a passkey."""
    ana = await core.mentorados.add("Ana", "11 98765-4321", provider=ProviderKind.ZAPI)
    await core.do(ActionName.CONNECT, ana)
    zapi.line.say(Blocked(Reason.PASSKEY_REQUIRED))
    await settle()
    return ana


async def test_the_link_connects_by_itself_once_the_passkey_is_answered(core: Core, zapi: Extension) -> None:
    async with core.running():
        ana = await asked(core, zapi)
        assert await core.services.passkeys.token(ana.id) == TOKEN
        waiting = asyncio.get_running_loop().create_task(core.services.passkeys.wait(ana.id, TOKEN))
        await core.clock.advance(ASK_EVERY)
        assert not waiting.done()
        zapi.asks = False
        await core.clock.advance(ASK_EVERY)
        assert await waiting
        assert core.status(ana).state is LinkState.CONNECTING


async def test_a_token_that_expires_ends_the_wait(core: Core, zapi: Extension) -> None:
    async with core.running():
        ana = await asked(core, zapi)
        waiting = asyncio.get_running_loop().create_task(core.services.passkeys.wait(ana.id, TOKEN))
        await core.clock.advance(300)
        assert not await waiting
        assert core.status(ana).reason is Reason.PASSKEY_REQUIRED


async def test_a_provider_that_is_silent_for_a_moment_is_asked_again(core: Core, zapi: Extension) -> None:
    async with core.running():
        ana = await asked(core, zapi)
        zapi.silent = Problem(ProblemCode.PROVIDER_SILENT)
        waiting = asyncio.get_running_loop().create_task(core.services.passkeys.wait(ana.id, TOKEN))
        await core.clock.advance(ASK_EVERY)
        zapi.silent, zapi.asks = None, False
        await core.clock.advance(ASK_EVERY)
        assert await waiting


async def test_a_provider_that_refuses_ends_the_wait_with_its_problem(core: Core, zapi: Extension) -> None:
    async with core.running():
        ana = await asked(core, zapi)
        zapi.silent = Problem(ProblemCode.PROVIDER_REFUSED, detail="no")
        waiting = asyncio.get_running_loop().create_task(core.services.passkeys.wait(ana.id, TOKEN))
        await core.clock.advance(ASK_EVERY)
        with pytest.raises(Problem) as raised:
            await waiting
        assert raised.value.code is ProblemCode.PROVIDER_REFUSED


async def test_what_the_provider_says_of_an_answer_that_failed_is_passed_on(core: Core, zapi: Extension) -> None:
    zapi.why = "assertion rejected"
    async with core.running():
        ana = await asked(core, zapi)
        assert await core.services.passkeys.begin_anew(ana.id) == "assertion rejected"


async def test_a_provider_without_an_extension_gives_no_token(core: Core) -> None:
    async with core.running():
        ana = await core.add()
        with pytest.raises(Problem) as raised:
            await core.services.passkeys.token(ana.id)
        assert raised.value.code is ProblemCode.NOT_POSSIBLE_NOW


def test_a_token_is_left_out_of_every_representation() -> None:
    assert "FA48" not in repr(TOKEN)
