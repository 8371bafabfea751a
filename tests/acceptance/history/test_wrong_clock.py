"""The wall clock is not believed where it could destroy something: the real core over a real database, opened again and
again with the clock of the computer set to whatever it may be set to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.privacy_service import AT_ONCE_LEAST
from app.domain.mentorado import Mentorado
from app.domain.settings import RETENTION
from app.services import Services
from tests.clock import DAWN, ManualClock
from tests.fakes import FakeProviderTime
from tests.services import build_services
from tests.storage.talk import BIA, a_message, minutes

YEARS = timedelta(days=3 * 365)
THOUSANDS = 3_000


class Computer:
    """Somebody's data folder, opened with the clock at *time*; no provider answers unless it is given one's time."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def core(self, time: datetime, provider: datetime | None = None) -> Services:
        return build_services(self.home / "data", clock=ManualClock(time), provider_time=FakeProviderTime(provider))


@pytest.fixture
def computer(fast_dir: Path) -> Computer:
    return Computer(fast_dir)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 60))


async def filled(computer: Computer) -> Mentorado:
    """Three thousand messages, and thirty days to keep them."""
    core = computer.core(DAWN)
    await core.open()
    async with core.running():
        ana = await core.mentorados.add("Ana Lima", "11 98765-4321")
        facts = [a_message(f"M{number}", minute=number / 100) for number in range(THOUSANDS)]
        await core.history.store(ana, facts, core.clock.now())
        await core.settings_service.change(RETENTION, 30)
        await core.audit_service.flush()
    return ana


@pytest.mark.parametrize("ahead", [timedelta(days=4), timedelta(days=60), YEARS, timedelta(days=365 * 7000)])
async def test_retention_removes_nothing_when_the_clock_jumped_ahead(
    computer: Computer, ahead: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    """A start with the clock three years ahead deleted all messages."""
    await filled(computer)
    core = computer.core(DAWN + ahead)
    await core.open()
    assert not await core.retention.forget_old()
    assert await core.history.total() == THOUSANDS
    assert core.clock.now() < DAWN + timedelta(days=1)
    await core.database.close()

    online = computer.core(DAWN + ahead, provider=DAWN + timedelta(hours=1))
    await online.open()
    assert not await online.retention.forget_old()
    assert await online.history.total() == THOUSANDS
    assert online.clock.now() == DAWN + timedelta(hours=1)
    await online.database.close()


@pytest.mark.parametrize("who", ["provider", "person"])
async def test_once_the_date_is_confirmed_old_messages_go_and_not_all_in_one_day(computer: Computer, who: str) -> None:
    """The program was closed for two months: that the clock is right is known from a provider, or said by a person."""
    later = DAWN + timedelta(days=60)
    await filled(computer)
    core = computer.core(later, provider=later if who == "provider" else None)
    await core.open()
    if who == "person":
        assert not await core.retention.forget_old()
        async with core.supervisor:
            await core.clock_check.confirm()
            await core.audit_service.flush()
        assert (await core.audit.entries(limit=1))[0].record.action == "confirm_date"
    for left in (THOUSANDS - AT_ONCE_LEAST, THOUSANDS - 2 * AT_ONCE_LEAST, 0):
        assert await core.retention.forget_old()
        assert await core.history.total() == left
    await core.database.close()


@pytest.mark.parametrize("offline", [True, False])
async def test_an_erasure_with_the_clock_ahead_does_not_keep_new_messages_out(
    computer: Computer, offline: bool
) -> None:
    """An erasure recorded in the future drops all new messages of a contact for ever, silently."""
    ana = await filled(computer)
    wrong = computer.core(DAWN + YEARS, provider=None if offline else DAWN + timedelta(hours=2))
    await wrong.open()
    async with wrong.supervisor:
        await wrong.personal_data.erase_contact(ana.id, BIA)
    await wrong.database.close()

    right = computer.core(DAWN + timedelta(hours=3))
    await right.open()
    now = right.clock.now()
    assert (now, right.clock.doubt) == (DAWN + timedelta(hours=3), None)
    facts = [a_message("old", sent_at=minutes(1)), a_message("new", sent_at=now - timedelta(minutes=1))]
    await right.history.store(ana, facts, now)
    (talk,) = await right.history.conversations(ana.id)
    assert [each.provider_id for each in await right.history.messages(talk.id)] == ["new"]
    await right.database.close()


@pytest.mark.parametrize("ahead", [timedelta(minutes=4), timedelta(hours=1), timedelta(days=2)])
async def test_an_erasure_with_the_clock_a_little_ahead_keeps_nothing_out_that_is_sent_after_it(
    computer: Computer, ahead: timedelta
) -> None:
    """So little ahead that nobody doubts it, and yet everything that was sent in that time would have been dropped."""
    ana = await filled(computer)
    real = DAWN + timedelta(hours=1)
    core = computer.core(real + ahead, provider=real)
    await core.open()
    assert core.clock.doubt is None
    async with core.supervisor:
        await core.personal_data.erase_contact(ana.id, BIA)
    facts = [a_message("old", sent_at=real), a_message("new", sent_at=real + timedelta(minutes=1))]
    await core.history.store(ana, facts, core.clock.now())
    (talk,) = await core.history.conversations(ana.id)
    assert [each.provider_id for each in await core.history.messages(talk.id)] == ["new"]
    await core.database.close()


async def test_what_former_versions_recorded_in_the_future_is_mended_at_the_start(computer: Computer) -> None:
    ana = await filled(computer)
    core = computer.core(DAWN)
    await core.open()
    contact = await core.history.find_contact(ana.id, BIA)
    assert contact is not None
    await core.history.erase(ana.id, contact, DAWN + YEARS)
    await core.database.close()

    core = computer.core(DAWN + timedelta(hours=1))
    await core.open()
    now = core.clock.now() + timedelta(minutes=1)
    assert await core.history.store(ana, [a_message("new", sent_at=now)], now) != []
    await core.database.close()


async def test_a_clock_that_is_behind_stores_nothing_before_what_is_stored(computer: Computer) -> None:
    await filled(computer)
    core = computer.core(datetime(1970, 1, 1, tzinfo=DAWN.tzinfo))
    await core.open()
    assert core.clock.now() >= DAWN
    assert not await core.retention.forget_old()
    await core.database.close()
