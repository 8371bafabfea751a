"""Twenty real clients whose server goes away: they come back by themselves, without a storm and without a code."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pytest

from app.core.links.reconnect import ReconnectPolicy
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState
from tests.acceptance.connect.harness import Harness, ProgramRun
from tests.acceptance.program import Person, run
from tests.core.links.many_links import most_tries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LINKS: Final = 20
AWAY: Final = 30.0
POLICY: Final = ReconnectPolicy()
"""The one the program is released with."""


class Tries:
    """When each link was tried, by the loop's time."""

    def __init__(self, run: ProgramRun) -> None:
        self.at: list[float] = []
        run.core.bus.subscribe(StatusChanged, self._on_status)

    def _on_status(self, event: StatusChanged) -> None:
        before, after = event.before.retry, event.after.retry
        if after is not None and after.at is None and after != before:
            self.at.append(asyncio.get_running_loop().time())


def test_twenty_clients_that_lose_their_server_together_are_no_storm(harness: Harness) -> None:
    """ "Inspect close reasons and avoid reconnect storms. Respect backoff; do not loop aggressive reconnects." """
    control = harness.emulator.control

    async def main() -> None:
        async with harness.running(policy=POLICY) as run:
            people = [await run.connect_new() for _ in range(LINKS)]
            sessions = {person.id: harness.session_file(person) for person in people}
            tries, loop = Tries(run), asyncio.get_running_loop()
            fell = loop.time()
            await control.off_loop(control.network, False)
            await _all(run, people, LinkState.RECONNECTING, within=AWAY)
            await asyncio.sleep(max(0.0, AWAY - (loop.time() - fell)))
            assert run.core.incidents.for_provider(run.core.mentorados.get(people[0].id).link.provider) is not None
            assert len(tries.at) <= most_tries(POLICY, links=LINKS, seconds=loop.time() - fell)
            await control.off_loop(control.network, True)
            await _all(run, people, LinkState.CONNECTED, within=180)
            # Twice the cap: a busy machine may be late with some, and then do several at once.
            assert max(Counter(int(at - fell) for at in tries.at).values()) <= 2 * POLICY.per_second
            assert {person.id: harness.session_file(person) for person in people} == sessions
            assert all(status.qr is None for person in people for status in run._seen[person.link][-5:])

    try:
        run(main(), within=380)
    finally:
        control.network(True)


async def _all(run: ProgramRun, people: Sequence[Person], state: LinkState, *, within: float) -> None:
    async with asyncio.timeout(within):
        while any(run.status(person).state is not state for person in people):
            await asyncio.sleep(0.1)
