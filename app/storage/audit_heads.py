"""The number and hash of each audit entry once more, in a file beside the database that is only ever appended to.

Whoever exchanges the database for an older or an empty one, sets its head back or works the whole chain out anew is
told by it, unless they rewrite this file as well. A line is written after its entry is committed, so that the file may
lack the latest entries after a crash, and never knows one that the database does not.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.domain.audit import AuditEntry

log = logging.getLogger(__name__)

NAME: Final = "audit-heads.jsonl"
_LONGEST_LINE: Final = 400


class AuditHeads:
    """The file at *path*. What keeps it from being written is logged; the audit itself does not depend on it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: AuditEntry) -> None:
        """Note *entry*, which is committed."""
        line = {"number": entry.number, "hash": entry.hash, "at": entry.deed.at.astimezone(UTC).isoformat()}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                # Begins with a line end: what a crash or a full disk cut short spoils no line but its own.
                os.write(descriptor, f"\n{json.dumps(line)}".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("The head of the audit could not be noted in %s: %s", self.path.name, error.strerror)

    def known(self) -> Mapping[int, str]:
        """The hash of each entry that was noted, by its number; the one noted first counts. Raises `OSError`."""
        noted: dict[int, str] = {}
        try:
            with self.path.open(encoding="utf-8", errors="replace") as lines:
                while line := lines.readline(_LONGEST_LINE):
                    if found := _read(line):
                        noted.setdefault(*found)
        except FileNotFoundError:
            pass
        return noted

    def set_aside(self) -> None:
        """Begin a new file: a person put another database in place. The former is kept under the date of today."""
        if self.path.exists():
            at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            self.path.rename(self.path.with_name(f"{self.path.stem}.{at}{self.path.suffix}"))


def _read(line: str) -> tuple[int, str] | None:
    try:
        noted = json.loads(line)
        return int(noted["number"]), str(noted["hash"])
    except (ValueError, TypeError, LookupError):
        return None
