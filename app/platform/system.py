"""This computer: its clock, its user, its time zones, its core dumps. Light to import."""

from __future__ import annotations

import os
import platform
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app import __version__

if TYPE_CHECKING:
    from app.domain.audit import Actor
    from app.domain.messages import Address


class SystemClock:
    """A `Clock` in UTC. Light to import: the window shows ages before any loop is loaded."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)


def elapsed() -> float:
    """Seconds of real time, those that the computer slept included, whatever its clock is set to."""
    return time.monotonic() if _WITH_SLEEP is None else time.clock_gettime(_WITH_SLEEP)


def _with_sleep() -> int | None:
    """The clock that goes on while the computer sleeps, where `time.monotonic` does not."""
    on_linux: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.CLOCK_MONOTONIC if sys.platform == "darwin" else on_linux


_WITH_SLEEP: Final = _with_sleep()


def current_actor(operator: str = "") -> Actor:
    """The user who is signed in to this computer, and the name the *operator* goes by."""
    import getpass

    from app.domain.audit import Actor

    try:
        return Actor(user=getpass.getuser(), operator=operator)
    except (KeyError, OSError):  # a user without a name
        return Actor(user=str(os.getuid()) if hasattr(os, "getuid") else "", operator=operator)


def zones_of(address: Address) -> Sequence[tzinfo]:
    """Every zone that the area code of a number lies in, or the country in which Meta's user id begins; this computer's
    own where neither is known."""
    from app.domain.messages import AddressKind

    found = _of_number(address) if address.kind in (AddressKind.PHONE, AddressKind.META_USER) else []
    local = datetime.now(UTC).astimezone().tzinfo or UTC
    return found or [local]


def _of_number(address: Address) -> list[tzinfo]:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    import phonenumbers.timezone  # a second table of all countries: only a campaign needs it

    from app.domain.messages import AddressKind

    try:
        if address.kind is AddressKind.PHONE:
            names = phonenumbers.timezone.time_zones_for_number(phonenumbers.parse(address.value))
        else:
            code = phonenumbers.country_code_for_region(address.value.partition(".")[0])
            whole = phonenumbers.PhoneNumber(country_code=code, national_number=0)
            names = phonenumbers.timezone.time_zones_for_geographical_number(whole)
        return [ZoneInfo(name) for name in names if name != "Etc/Unknown"]
    except (phonenumbers.NumberParseException, ZoneInfoNotFoundError):
        return []


def own_memory() -> int | None:
    """Bytes of memory that this process alone has written to; None where the system does not tell.

    Another process may not ask that of one that leaves no core dump (proc(5), ptrace access mode).
    """
    try:
        found = re.search(
            r"^Private_Dirty: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text("ascii"), re.MULTILINE
        )
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def process_memory(pid: int) -> int | None:
    """Bytes of memory of process *pid* that is no file's; None where the system does not tell.

    What processes share that were forked from one another is counted for each.
    """
    try:
        _size, resident, shared = Path(f"/proc/{pid}/statm").read_text("ascii").split()[:3]
    except (OSError, ValueError):
        return None
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def give_back_memory() -> None:
    """Give back to the system what this process freed; the C library keeps what lies between what is in use."""
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """The function that does it; only GNU's library has one."""
    import ctypes

    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    return found


def ending_signals() -> list[signal.Signals]:
    """What asks a program to end in order: also the end of its terminal, unless it is to outlive that (``nohup``)."""
    asking = [signal.SIGTERM, signal.SIGINT]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        asking.append(signal.SIGHUP)
    return asking


def ignore_terminal() -> None:
    """Leave Ctrl+C and the end of the terminal to the program that started this process, which then ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


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


PACKAGES: Final = (
    "PySide6-Essentials", "shiboken6", "qasync", "neonize", "SQLAlchemy", "alembic", "httpx", "keyring", "cryptography",
    "phonenumbers", "uvicorn",
)  # fmt: skip
"""Whose versions matter to support."""


def installed_versions() -> dict[str, object]:
    """The versions of the program, of what it stands on and of the system; empty where there is none."""
    import sqlite3
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, object] = {
        "Conecta": __version__,
        "frozen": bool(getattr(sys, "frozen", False)),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a frozen build has no metadata of some
            found[package] = ""
    release = re.match(r"\d+(?:\.\d+){0,3}", platform.release())
    return {
        **found,
        "system": platform.system(),
        "release": release[0] if release else "",
        "machine": platform.machine(),
        "desktop": os.environ.get("XDG_SESSION_TYPE", ""),
    }


def own_names() -> list[str]:
    """The names of this computer, of its user and of their home."""
    home = Path.home() if os.environ.get("HOME") or sys.platform == "win32" else Path()
    return [platform.node(), platform.node().partition(".")[0], current_actor().user, home.name]
