"""What only time brings about, all of it waited for at once."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.provider import Blocked, Connected, ConnectionEvent, HostAnswered, Lost, QrIssued
from app.providers.whatsapp_web.connection import SessionTimeouts
from tests.emulators.whatsapp_web.process import EmulatorProcess, quick_directory
from tests.providers.conftest import ProviderHarness, run, until, world_in

pytestmark = pytest.mark.slow


@dataclass
class Timed:
    """What became of three lines whose far end fell silent."""

    pings: list[ConnectionEvent] = field(default_factory=list)
    codes: list[ConnectionEvent] = field(default_factory=list)
    send: Problem | None = None
    send_took: float = 0.0


async def _wait_for_timers(harness: ProviderHarness) -> Timed:
    control, seen = harness.emulator.control, Timed()
    listener, sender = harness.somebody(), harness.somebody()
    await harness.pair(listener)
    await harness.pair(sender)
    control.set_ref_count(1)
    async with (
        harness.connected(listener) as listening,
        harness.connected(sender) as sending,
        harness.provider.pair(harness.somebody()) as pairing,
    ):
        seen.codes.append(await until(pairing, QrIssued))
        control.answer_pings(False)
        control.answer_iqs(False)

        async def pings() -> None:
            seen.pings.append(await until(listening, Lost))
            control.answer_pings(True)
            seen.pings.append(await until(listening, Connected))

        async def codes() -> None:
            seen.codes.extend([each async for each in pairing.events() if not isinstance(each, HostAnswered)])

        async def send() -> None:
            began = time.monotonic()
            try:
                await sending.send_text(listener.phone, "lost")
            except Problem as problem:
                seen.send = problem
            seen.send_took = time.monotonic() - began

        async with asyncio.TaskGroup() as all_three:
            for wait in (pings, codes, send):
                all_three.create_task(wait())
    return seen


@pytest.fixture(scope="module")
def timed() -> Timed:
    with (
        EmulatorProcess() as own,  # its manners are bad all the while
        tempfile.TemporaryDirectory(dir=quick_directory()) as home,
    ):
        return run(_wait_for_timers(world_in(own, Path(home), timeouts=SessionTimeouts())), within=110)


def test_unanswered_pings_are_a_fall_and_answered_ones_its_end(timed: Timed) -> None:
    fallen, back = timed.pings
    assert isinstance(fallen, Lost)
    assert fallen.reason is Reason.KEEPALIVE_TIMEOUT
    assert isinstance(back, Connected)


def test_codes_run_out(timed: Timed) -> None:
    issued, end = timed.codes
    assert isinstance(issued, QrIssued)
    assert isinstance(end, Blocked)
    assert end.reason is Reason.QR_EXPIRED


def test_a_send_nobody_answers_ends_by_the_library_s_own_timer(timed: Timed) -> None:
    assert timed.send is not None
    assert timed.send.code is ProblemCode.REQUEST_REFUSED
    assert 70 < timed.send_took < 80
