"""One guided check at a time over the whole core; provider and clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from app.domain.actions import ActionName
from app.domain.errors import Problem
from app.domain.incident import CheckResult, Finding
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.phone import PhoneNumber
from app.domain.provider import Connected, QrIssued, SessionHolder
from app.domain.troubleshooting import (
    ConclusionKind,
    FindingMark,
    Trouble,
    TroubleCheck,
    TroubleConclusion,
    TroubleFinding,
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


@pytest.fixture
def files() -> SessionFiles:
    return SessionFiles()


@pytest.fixture
def core(manual_clock: ManualClock, files: SessionFiles) -> Core:
    """One whose WhatsApp Web has session files, over a network that is there."""
    core = Core(manual_clock, provider=files, hosted={ProviderKind.ZAPI: Extension()})
    core.checks.findings = list(GOOD)
    return core
