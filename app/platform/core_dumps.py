"""Keeps what a process holds in memory out of core dumps."""

from __future__ import annotations

import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # <linux/prctl.h>


def forbid_core_dumps() -> None:
    """Let this process leave no core dump; does nothing on systems that write none unless they are asked to.

    A limit of 0 does not stop a handler that the kernel pipes a dump to. Not being dumpable does.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
