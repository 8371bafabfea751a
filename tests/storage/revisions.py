"""Migrations that the program does not have yet."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

from app.storage.migrations import OURS, Migrations


def with_next(folder: Path, upgrade: str) -> Migrations:
    """Our migrations and one more, made in *folder*, that runs the statements of *upgrade*."""
    revision = f"{int(OURS.head) + 1:04}"
    shutil.copytree(OURS.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    header = f"from alembic import op\n\nrevision = {revision!r}\ndown_revision = {OURS.head!r}\n\n\ndef upgrade():\n"
    body = textwrap.indent(textwrap.dedent(upgrade).strip(), "    ")
    (folder / "versions" / f"m{revision}_next.py").write_text(header + body + "\n")
    return Migrations(folder, (*OURS.revisions, revision))
