"""Pictures of the overview, for people to judge: ``python -m tests.ui.overview.gallery OUT``."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.domain.link_status import LinkState, Reason
from app.domain.uptime import TimeRange
from app.text.status import texts
from app.ui import async_slots
from app.ui.theme.theme import Mode, Theme
from tests.clock import settle
from tests.ui.overview.harness import OverviewHarness, begin_incident, open_overview, with_memory

SIZES = {"wide": (1220, 720), "narrow": (640, 620)}


async def take_all(app: QApplication, folder: Path) -> None:
    for language in ("pt-BR", "en"):
        for mode in (Mode.LIGHT, Mode.DARK):
            texts.set_language(language)
            theme = Theme(mode)
            theme.apply(app)
            name = f"{language}-{mode}"
            async with open_overview(theme) as harness:
                await harness.show()
                _grab(harness, folder, f"{name}-empty")
            async with open_overview(theme, people=40) as harness:
                await _fill(harness)
                for span in TimeRange:
                    harness.page.show_span(span)
                    await settle()
                    _grab(harness, folder, f"{name}-{span}")
                bar = harness.page.area.verticalScrollBar()
                bar.setValue(bar.maximum())
                harness.page.failures.setFocus()
                harness.page.messages._point_at(20)
                await settle()
                _grab(harness, folder, f"{name}-below")
                bar.setValue(bar.maximum() // 2)
                await settle()
                _grab(harness, folder, f"{name}-middle")
                harness.page.resize(*SIZES["narrow"])
                await settle()
                bar.setValue(0)
                _grab(harness, folder, f"{name}-narrow")
                theme.set_text_scale(200)
                harness.page.resize(*SIZES["wide"])
                await settle()
                _grab(harness, folder, f"{name}-text200")
                bar.setValue(bar.maximum() // 2)
                await settle()
                _grab(harness, folder, f"{name}-text200-below")


async def _fill(harness: OverviewHarness) -> None:
    await harness.add_past(timedelta(days=95), links=500)
    with_memory(harness, 31, 734_000_000)
    for number in range(40):
        harness.put(number, LinkState.CONNECTED)
    for number in range(10):
        harness.put(number, LinkState.BLOCKED, Reason.LOGGED_OUT, ago=timedelta(hours=number + 1))
    soon = harness.core.clock.now() + timedelta(days=3)
    harness.put(11, LinkState.CONNECTED, Reason.TOKEN_EXPIRING, until=soon)
    begin_incident(harness, range(20, 26))
    await harness.look()
    await harness.show()


def _grab(harness: OverviewHarness, folder: Path, name: str) -> None:
    harness.page.grab().save(str(folder / f"{name}.png"))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    qt = QApplication([])
    async_slots.run(qt, lambda: take_all(qt, out))
