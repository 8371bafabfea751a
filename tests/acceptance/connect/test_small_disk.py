"""A disk that is really full: a small one, mounted for the test alone."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect import small_disk
from tests.acceptance.connect.harness import Harness
from tests.acceptance.program import Person, run
from tests.small_disk import MOUNTS, needs_small_disk

_ON_A_SMALL_DISK = """
mount -t tmpfs -o size=40m,mode=700 none "$1" && cp -a "$2/." "$1" && head -c 30m /dev/zero > "$1/ballast" || exit 9
exec "$3" -m "$4" "$1/ballast"
"""


@needs_small_disk
def test_a_full_disk_is_told_before_a_session_is_opened_and_room_is_all_it_needs(
    harness: Harness, fast_dir: Path
) -> None:
    """Disk full: nothing is opened that could not be saved; with room again the same link connects without a code."""

    async def main() -> tuple[Person, bytes]:
        async with harness.running() as run:
            ana = await run.connect_new()
            await run.do(ActionName.DISCONNECT, ana)
        disk = fast_dir / "disk"
        disk.mkdir()
        environment = {**harness.environment(), "BAILEYS_SESSION_DIR": str(disk)}
        process = await asyncio.create_subprocess_exec(
            *(*MOUNTS, "sh", "-c", _ON_A_SMALL_DISK, "sh", str(disk), str(harness.sessions)),
            *(sys.executable, small_disk.__name__),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            data, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        return ana, data

    ana, data = run(main(), within=60)
    items = [json.loads(line) for line in data.splitlines()]
    assert items == [[LinkState.BLOCKED, Reason.DISK_FULL, 0], [LinkState.CONNECTED, Reason.NONE, 0]]

    async def afterwards() -> None:
        moves = [(move.after.state, move.after.reason) for move in await harness.written(ana)]
        assert (LinkState.BLOCKED, Reason.DISK_FULL) in moves

    run(afterwards())
