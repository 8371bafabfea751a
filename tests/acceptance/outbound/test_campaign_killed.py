"""Campaigns: whatever kills the program, nobody gets a message twice and nobody is forgotten."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.domain.campaign import RecipientState
from app.domain.cases import CaseKind
from app.storage.campaigns import SqlCampaigns
from app.storage.cases import SqlCases
from app.storage.database import Database
from tests.acceptance.outbound.campaign_process import AheadClock
from tests.emulators.meta_cloud.graph import MetaCloud
from tests.emulators.meta_cloud.state import MetaState, Sent
from tests.emulators.serving import Served

pytestmark = pytest.mark.slow

WHOLE = os.environ.get("CONECTA_KILL_EVERY", "1") == "1"
RECIPIENTS, PARTS, ROUNDS = (1000, 10, 10) if WHOLE else (60, 1, 6)
"""The rounds are those of each part: one test may not take longer than some minutes."""


class Program:
    """The end of `campaign_process` that a test holds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = 0

    def begin(self, minutes: int) -> str:
        """Start one whose clock is that far ahead; returns its first line once it sends."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{minutes}\n")
        self._process.stdin.flush()
        self.pid = int(self.line())
        return self.line()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def program(folder: Path, url: str) -> Iterator[Program]:
    command = [sys.executable, "-m", "tests.acceptance.outbound.campaign_process", str(folder), url, str(RECIPIENTS)]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            yield Program(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its copies too


async def _stored(folder: Path) -> tuple[dict[str, RecipientState], int]:
    """Each recipient's state by their digits, and how many uncertain messages are cases."""
    async with Database(folder / "conecta.db") as database:
        repository = SqlCampaigns(database)
        (campaign,) = await repository.all()
        recipients = await repository.recipients(campaign.id)
        cases = [each for each in await SqlCases(database).open_cases() if each.kind is CaseKind.UNCERTAIN_MESSAGE]
    return {each.address.value.lstrip("+"): each.state for each in recipients}, len(cases)


@dataclass
class Killed:
    """A campaign, the program that sends it, and what arrived."""

    folder: Path
    run: Program
    sent: list[Sent]
    chance: random.Random

    def kill_while_sending(self) -> None:
        assert self.run.begin(0) == "sending"
        target = len(self.sent) + self.chance.randrange(2 * RECIPIENTS // (PARTS * ROUNDS))
        while len(self.sent) < min(target, RECIPIENTS - 5):
            time.sleep(0.001)
        time.sleep(self.chance.random() / 50)
        os.kill(self.run.pid, signal.SIGKILL)
        assert self.run.line() == f"ended {-signal.SIGKILL}"


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    folder = tmp_path_factory.mktemp("campaign")
    state = MetaState(AheadClock(0).now)
    state.per_second = 10**6
    with Served(MetaCloud(state)) as served, program(folder, served.url) as run:
        yield Killed(folder, run, state.number.sent, random.Random(11))  # noqa: S311 - when to kill


@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_a_campaign_that_is_killed_again_and_again_reaches_everybody_once(killed: Killed, part: int) -> None:
    """`kill -9` at any point of a 1,000-recipient campaign, 100 rounds: 0 doubled, 0 lost, the ambiguous ones listed
    as cases."""
    for _round in range(ROUNDS):
        killed.kill_while_sending()
    arrived = Counter(each.to for each in killed.sent)
    assert [digits for digits, times in arrived.items() if times > 1] == []
    if part < PARTS:
        return
    assert killed.run.begin(15) == "sending"
    assert killed.run.line() == "finished"
    arrived = Counter(each.to for each in killed.sent)
    states, cases = asyncio.run(_stored(killed.folder))
    assert [digits for digits, times in arrived.items() if times > 1] == []
    missing = [digits for digits in states if digits not in arrived]
    assert {states[digits] for digits in missing} <= {RecipientState.UNCERTAIN}
    assert set(states.values()) <= {RecipientState.ACCEPTED, RecipientState.UNCERTAIN}
    assert len(states) == RECIPIENTS
    assert cases == sum(each is RecipientState.UNCERTAIN for each in states.values()) <= PARTS * ROUNDS
