"""A disk that fills up while messages come in: a small one, mounted for the test alone."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from app.domain.link_status import LinkState, Reason
from tests.acceptance.connect.harness import Harness
from tests.acceptance.history import full_disk
from tests.acceptance.history.storm import MessageLoad
from tests.small_disk import MOUNTS, needs_small_disk

_ON_A_SMALL_DISK = """
mount -t tmpfs -o size=24m,mode=700 none "$1" && cp -a "$2/." "$1" || exit 9
exec "$3" -m "$4" "$1"
"""


@pytest.mark.within(90)
@needs_small_disk
async def test_a_disk_that_fills_up_in_a_storm_costs_no_message(
    harness: Harness, load: MessageLoad, fast_dir: Path
) -> None:
    """ "Disk full: clear sentence, nothing lost, works again when the cause is gone." The line closes, so that the
    server keeps what comes; what was on its way fits into a reserve."""
    disk = fast_dir / "disk"
    disk.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(*MOUNTS, "sh", "-c", _ON_A_SMALL_DISK, "sh", str(disk), str(harness.sessions)),
        *(sys.executable, full_disk.__name__),
        env={**harness.environment(), "BAILEYS_SESSION_DIR": str(disk)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def until(*wanted: str) -> None:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while (line := await process.stdout.readline()) and json.loads(line) != list(wanted):
                pass
            assert line, "the program ended"

    try:
        await until(LinkState.CONNECTED, Reason.NONE)
        await load.burst(50)
        await load.settled()
        process.stdin.write(b"fill\n")
        await until("full", "")
        await load.burst(100)
        await until(LinkState.BLOCKED, Reason.DISK_FULL)
        process.stdin.write(b"room\n")
        await until(LinkState.CONNECTED, Reason.NONE)
        aftermath = await load.settled()
        print(f"\nthe disk was full: {aftermath}")  # noqa: T201 - the figures are wanted
        assert not aftermath.lost
        assert not aftermath.doubled
        process.stdin.close()
        async with asyncio.timeout(10):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
