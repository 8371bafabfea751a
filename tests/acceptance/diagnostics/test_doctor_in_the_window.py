"""The window checks quietly after its start, and the page Diagnostics says what was found and puts it right."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.domain.audit import AuditAction
from app.domain.diagnosis import CheckName, CheckOutcome
from app.ui.diagnostics.page import DiagnosticsPage
from app.ui.navigation import DIAGNOSTICS
from tests.ui.procedures.panel_controls import buttons, words
from tests.ui.procedures.test_program import program
from tests.waiting import until

pytestmark = [
    pytest.mark.usefixtures("on_qt"),
    pytest.mark.within(60),
    pytest.mark.skipif(sys.platform != "linux", reason="permissions are broken as they are on Linux"),
]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.application.CHECK_AFTER_SECONDS", 0.05)


def allow(folder: Path, mode: int) -> None:
    folder.chmod(mode)


def is_private(folder: Path) -> bool:
    return folder.stat().st_mode & 0o077 == 0


async def test_what_failed_is_mentioned_at_the_start_and_put_right_on_the_page(
    qapp: QApplication, fast_dir: Path
) -> None:
    """ "Preflight (at start, on demand, ...)": "and a 'fix it' button where that is safe"."""
    allow(fast_dir, 0o755)
    async with program(qapp, fast_dir) as started:
        window = started.window
        await until(window.banners.isVisible)
        assert "Outros usuários deste computador" in words(window.banners)
        buttons(window.banners)["Abrir o diagnóstico"].click()
        page = window.places.page
        assert isinstance(page, DiagnosticsPage)
        assert window.places.here == DIAGNOSTICS
        assert not window.banners.isVisible(), "whoever looks at it is not told again"
        card = page.cards[CheckName.DATA_FOLDER]
        await until(lambda: card.fixes)
        card.fixes[0].click()
        await until(lambda: card.outcome is CheckOutcome.OK)
        assert is_private(fast_dir)
        entries = await started.core.audit.entries()
        assert AuditAction.MAKE_PRIVATE in [entry.record.action for entry in entries]
        window.close()


async def test_a_healthy_start_is_silent(qapp: QApplication, fast_dir: Path) -> None:
    """ "Run quietly at start"; "a healthy machine gives no false alarm"."""
    allow(fast_dir, 0o700)
    async with program(qapp, fast_dir) as started:
        await asyncio.sleep(2)
        assert not started.window.banners.isVisible()
        started.window.close()
