"""Tests of storage: real files and a real worker thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.migrated import migrated_quickly as migrated_quickly


@pytest.fixture
def path(fast_dir: Path) -> Path:
    """Where a database may be; nothing is there yet, not even the folder."""
    return fast_dir / "data" / "conecta.db"
