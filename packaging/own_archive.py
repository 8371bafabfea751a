"""Run before each packaged program: what it imports late comes from the file that runs.

PyInstaller reads modules from the executable, by its path. After an update there is another one, in which every module
lies elsewhere: what a window or a host first needed then could not be read, or ended the program.
"""

import sys
from pathlib import Path

import pyimod02_importers  # type: ignore[import-not-found]  # PyInstaller's, whose release is pinned

RUNNING = Path("/proc/self/exe")  # the file itself, also when it was replaced or removed

if sys.platform == "linux" and RUNNING.exists():
    archive = pyimod02_importers.pyz_archive
    if not RUNNING.samefile(archive._filename):  # noqa: SLF001
        raise SystemExit(
            "The program's modules are not in its executable: packaging/own_archive.py is to be looked at."
        )
    archive._filename = str(RUNNING)  # noqa: SLF001
