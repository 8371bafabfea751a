"""The core with its sessions on a small disk that fills up: ``python -m tests.acceptance.history.full_disk``.

Told by the environment as the program is; the argument is a folder on that disk. Prints the state and reason of the one
link whenever they change; a line on standard input fills the disk, the next one makes room and connects again.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from app.bootstrap import build_services
from app.domain.actions import ActionName
from app.domain.events import StatusChanged
from app.domain.mentorado import Mentorado
from app.settings import read_settings


async def _sure(_name: ActionName, _mentorado: Mentorado) -> bool:
    return True


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            os.fsync(file.fileno())


async def _main(disk: Path) -> None:
    core = build_services(read_settings())
    last: tuple[str, str] | None = None

    def tell(event: StatusChanged) -> None:
        nonlocal last
        if last != (last := (event.after.state, event.after.reason)):
            print(json.dumps(last), flush=True)  # noqa: T201 - what the test reads

    core.bus.subscribe(StatusChanged, tell)
    await core.open()
    async with core.running():
        (ana,) = core.mentorados.all()
        await core.supervisor.start_enabled()
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.to_thread(_fill, disk / "ballast")
        print(json.dumps(["full", ""]), flush=True)  # noqa: T201 - what the test reads
        await asyncio.to_thread(sys.stdin.readline)
        (disk / "ballast").unlink()
        await core.actions.run(ActionName.CONNECT, ana.id, _sure)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
