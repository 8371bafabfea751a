"""The core with its sessions on a small disk that is full at first: ``python -m tests.acceptance.connect.small_disk``.

Told by the environment as the program is; the argument is a file that fills the disk, and is removed half-way. Prints
the state, reason and number of codes of the one link, before and after.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from app.bootstrap import build_core
from app.core.action import ActionName
from app.domain.connection import LinkState, LinkStatus
from app.domain.events import StatusChanged
from app.domain.mentorado import Enrolment
from app.settings import read_settings


async def _sure(_name: ActionName, _enrolment: Enrolment) -> bool:
    return True


async def _main(ballast: Path) -> None:
    core = build_core(read_settings())
    told: asyncio.Queue[LinkStatus] = asyncio.Queue()
    core.bus.subscribe(StatusChanged, lambda event: told.put_nowait(event.after))
    await core.open()
    async with core.running():
        (ana,) = core.enrolments.all()
        for _ in range(2):
            await core.actions.run(ActionName.CONNECT, ana.mentorado.id, _sure)
            codes = 0
            async with asyncio.timeout(20):
                while (status := await told.get()).state not in (LinkState.CONNECTED, LinkState.BLOCKED):
                    codes += status.qr is not None
            print(json.dumps([status.state, status.reason, codes]), flush=True)  # noqa: T201 - what the test reads
            await asyncio.to_thread(ballast.unlink, missing_ok=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
