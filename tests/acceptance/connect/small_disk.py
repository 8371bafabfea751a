"""The core with its sessions on a small disk that is full at first: ``python -m tests.acceptance.connect.small_disk``.

Told by the environment as the program is; the argument is a file that fills the disk, and is removed half-way. Prints
the state, reason and number of codes of the one link, before and after.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from app.bootstrap import build_services
from app.domain.actions import ActionName
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import Mentorado
from app.settings import read_settings


async def _sure(_name: ActionName, _mentorado: Mentorado) -> bool:
    return True


async def _main(ballast: Path) -> None:
    core = build_services(read_settings())
    collected: asyncio.Queue[LinkStatus] = asyncio.Queue()
    core.bus.subscribe(StatusChanged, lambda event: collected.put_nowait(event.after))
    await core.open()
    async with core.running():
        (ana,) = core.mentorados.all()
        for _ in range(2):
            await core.actions.run(ActionName.CONNECT, ana.id, _sure)
            codes = 0
            async with asyncio.timeout(20):
                while (status := await collected.get()).state not in (LinkState.CONNECTED, LinkState.BLOCKED):
                    codes += status.qr is not None
            print(json.dumps([status.state, status.reason, codes]), flush=True)  # noqa: T201 - what the test reads
            await asyncio.to_thread(ballast.unlink, missing_ok=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
