"""Make this checkout ready: `make` calls it on the system's own Python, so it uses the standard library only.

It installs the system packages that are missing (where it may; otherwise it names the one command that does), then
puts the locked environment into `.venv`: what the program needs, or what its tests need as well.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = "uv==0.13.9"  # the release that wrote uv.lock
INSTALL = ["install", "--yes", "--no-install-recommends"]

# What is loaded at run time, and the package that brings it. Newer systems renamed some (libglib2.0-0t64), which still
# answer to their old names.
QT_LIBRARIES = {
    # any program, without a screen too
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    # a window on X11
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
TEST_LIBRARIES = {"libmagic.so.1": "libmagic1"}  # neonize's own Python client, against which the emulator is proven


STAMPS = {
    "ready-for-commands": {},  # no window is opened
    "ready-to-run": QT_LIBRARIES,
    "ready-for-demo": QT_LIBRARIES,
    "ready-to-test": QT_LIBRARIES | TEST_LIBRARIES,
}
"""What must be loadable for each purpose; whoever is ready for one is ready for those before it."""


def main(stamp: str) -> None:
    """Prepare, and leave *stamp* in `.venv` for make to see, with those of the purposes that want less."""
    testing = stamp == "ready-to-test"
    libraries = STAMPS[stamp]
    if missing := missing_packages(libraries):
        install(missing)
        if missing := missing_packages(libraries):
            sys.exit(f"\nConecta needs these system packages: {', '.join(missing)}.\n{advice(missing)}Then make again.")
    if testing and not has_screen():
        install(["xvfb"])
        if not has_screen():
            say(f"There is no Xvfb: the tests of the window on a real screen will be skipped.\n{advice(['xvfb'])}")
    create_environment(development=stamp in ("ready-for-demo", "ready-to-test"))
    for name in STAMPS:
        (VENV / name).touch()
        if name == stamp:
            break


# --- system packages -------------------------------------------------------------------------------------------------


def missing_packages(libraries: dict[str, str]) -> list[str]:
    """Name the packages whose work nothing on this machine does, however it came here."""
    importlib.invalidate_caches()
    # Debian and Ubuntu keep ensurepip out of their Python, and without it there is no `python3 -m venv`.
    venv = [] if importlib.util.find_spec("ensurepip") else [f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"]
    return venv + [package for library, package in libraries.items() if not loads(library)]


def loads(library: str) -> bool:
    if sys.platform != "linux":
        return True  # elsewhere the wheels bring everything
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_screen() -> bool:
    return sys.platform != "linux" or shutil.which("Xvfb") is not None


def install(packages: list[str]) -> None:
    """Install *packages* if that takes nobody's password. The caller looks again whether it worked."""
    if not shutil.which("apt-get"):
        return
    if os.geteuid() == 0:
        as_root = []
    elif shutil.which("sudo") and run(["sudo", "--non-interactive", "true"], quiet=True):
        as_root = ["sudo", "--non-interactive"]
    else:
        return
    say(f"Installing {', '.join(packages)}")
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "--quiet"]
    run([*apt, "update"])  # when it fails, that may concern a source nobody needs: go on
    run([*apt, *INSTALL, *packages])


def advice(packages: list[str]) -> str:
    """Name the one command that installs *packages*."""
    if not shutil.which("apt-get"):
        return "Install what this system calls them. "
    become = "sudo sh" if shutil.which("sudo") else "su root"
    return f"This installs them:\n\n    {become} -c 'apt-get update && apt-get {' '.join([*INSTALL, *packages])}'\n\n"


# --- the locked environment ------------------------------------------------------------------------------------------


def create_environment(*, development: bool) -> None:
    """Bring `.venv` to what uv.lock says, by way of the same tools everywhere: venv, pip, uv.

    Without *development*, the tools of a developer are not installed, and left alone where they are.
    """
    python = VENV / "bin" / "python"
    if not (python.exists() and run([python, "-m", "ensurepip"], quiet=True)):
        say(f"Creating .venv with Python {sys.version.split()[0]}")
        must_run([sys.executable, "-m", "venv", "--clear", VENV])
    must_run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", UV])
    say("Installing what uv.lock names into .venv")
    groups = [] if development else ["--no-default-groups", "--inexact"]
    must_run([python, "-m", "uv", "sync", "--quiet", "--locked", "--python", python, *groups])


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def run(command: Iterable[str | Path], *, quiet: bool = False) -> bool:
    """Run *command* without a keyboard, and tell whether it went well."""
    output = subprocess.DEVNULL if quiet else None
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(VENV)}
    done = subprocess.run(  # noqa: S603 - every command is written in this file
        [*map(str, command)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=False,
    )
    return done.returncode == 0


def must_run(command: list[str | Path]) -> None:
    if not run(command):
        sys.exit(f"\nThis failed, for the reason given above: {shlex.join(map(str, command))}")


if __name__ == "__main__":
    main(sys.argv[1])
