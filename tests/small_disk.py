"""A disk of a few megabytes, where this machine lets somebody mount one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Final

import pytest

MOUNTS: Final = ("unshare", "--mount", "--map-root-user")
"""Begins a command that may mount what it likes."""


def _can_mount() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0


needs_small_disk = pytest.mark.skipif(not _can_mount(), reason="this machine lets nobody mount a small disk")
