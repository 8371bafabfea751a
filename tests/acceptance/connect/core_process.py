"""The core in a process of its own, which a test can kill: ``python -m tests.acceptance.connect.core_process``.

Run so, it reads its settings as the program does, starts the links that should run, and prints a line per move until
its standard input closes. `CoreProcess` is the test's end of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from app.bootstrap import build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado
from app.platform.logging import configure_logging
from app.settings import read_settings


class CoreProcess:
    """A program that runs elsewhere, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._seen: list[dict[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def started(cls, environment: Mapping[str, str], *connect: str) -> AsyncIterator[CoreProcess]:
        """Start one that also connects the people named by *connect*; it ends, or is killed, with the context."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, *connect),
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield cls(process)
            if process.stdin is not None:
                process.stdin.close()
            async with asyncio.timeout(10):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def kill(self) -> None:
        """End it as a crash would: nothing of its own runs any more."""
        self.process.kill()
        await self.process.wait()

    async def until(self, link: str, state: LinkState, within: float = 30) -> dict[str, Any]:
        """The first line about *link* that tells of *state*."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            while True:
                for fields in self._seen:
                    if fields["link"] == link and fields["state"] == state:
                        return fields
                line = await self.process.stdout.readline()
                assert line, "the program ended"
                self._seen.append(json.loads(line))


def _tell(event: StatusChanged) -> None:
    after = event.after
    fields = {
        "link": event.link_id,
        "state": after.state,
        "reason": after.reason,
        "qr": after.qr.text if after.qr else "",
    }
    print(json.dumps(fields), flush=True)  # noqa: T201 - what the test reads


async def _sure(_name: ActionName, _mentorado: Mentorado) -> bool:
    return True


async def _main() -> None:
    settings = read_settings()
    configure_logging(settings.log_file)
    core = build_services(settings, policy=ReconnectPolicy(first=0.05, factor=1.0))
    core.bus.subscribe(StatusChanged, _tell)
    await core.open()
    async with core.running():
        await core.supervisor.start_enabled()
        for name in sys.argv[1:]:
            await core.actions.run(ActionName.CONNECT, core.mentorados.find(name).id, _sure)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
