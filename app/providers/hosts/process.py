"""The app's end of a child process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress


def kill_child(child: asyncio.SubprocessTransport | asyncio.subprocess.Process) -> None:
    """Kill *child*, unless its exit is known already.

    `kill()` of both polls first in Python 3.11: a child that is just ending is then reaped twice, there and by the
    thread that waits for it, and its exit code is lost.
    """
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            child.kill()
            return
        if isinstance(child, asyncio.subprocess.Process):
            pid, code = child.pid, child.returncode
        else:
            pid, code = child.get_pid(), child.get_returncode()
        if code is None:
            os.kill(pid, signal.SIGKILL)
