"""Migrations that the program does not have yet."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

from app.storage.migrations import OURS, Migrations

NEXT = f"{int(OURS.head) + 1:04}"
"""The revision that `with_next` adds."""


def with_next(folder: Path, upgrade: str) -> Migrations:
    """Our migrations and one more, made in *folder*, that runs the statements of *upgrade*."""
    shutil.copytree(OURS.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    header = f"from alembic import op\n\nrevision = {NEXT!r}\ndown_revision = {OURS.head!r}\n\n\ndef upgrade():\n"
    body = textwrap.indent(textwrap.dedent(upgrade).strip(), "    ")
    (folder / "versions" / f"m{NEXT}_next.py").write_text(header + body + "\n")
    return Migrations(folder, (*OURS.revisions, NEXT))
