"""Pictures of what is told of whoever fell: ``python -m tests.ui.fallen_gallery OUT_DIR``."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.domain.events import IncidentBegan, IncidentChanged, IncidentEnded
from app.domain.incident import CheckResult, Finding, Incident
from app.domain.link_status import LinkState, LinkStatus, Reason, Retry
from app.domain.mentorado import ProviderKind
from app.text.status import texts
from app.ui.async_slots import run
from app.ui.fallen import FallenNotice
from app.ui.incident_card import IncidentBanner, IncidentCard
from app.ui.theme.theme import Mode, Theme
from tests.ui.window_harness import NOON, WindowHarness, person, status

LOGGED_OUT = LinkStatus(state=LinkState.BLOCKED, reason=Reason.LOGGED_OUT, since=NOON)


async def take_all(folder: Path) -> None:
    """The window with one who fell, and from another page with many, in every look."""
    numbers = range(40)
    for language in ("pt-BR", "en"):
        texts.set_language(language)
        for mode in (Mode.LIGHT, Mode.DARK):
            with tempfile.TemporaryDirectory() as home:
                harness = WindowHarness(Path(home), [person(n) for n in numbers], Theme(mode))
                await harness.load(*(status(n) for n in numbers))
                FallenNotice(harness.window, harness.model, harness.theme)
                harness.window.resize(1280, 720)
                await harness.show()
                harness.window.choose(person(11).id)
                name = f"{language}-{mode}"
                harness.observe(person(7), LOGGED_OUT)
                await _take(harness, folder / f"fallen-{name}-one.png")
                harness.window.go("audit")
                for number in (10, 12, 14, 15):
                    harness.observe(person(number), replace(LOGGED_OUT, reason=Reason.TEMPORARY_BAN))
                await _take(harness, folder / f"fallen-{name}-many.png")
                harness.window.go("home")
                await _take_incident(harness, folder, name)
                await harness.close()


async def _take_incident(harness: WindowHarness, folder: Path, name: str) -> None:
    numbers = (8, 10, 11, 12, 14)
    waiting = LinkStatus(state=LinkState.RECONNECTING, since=NOON, retry=Retry(3, NOON + timedelta(seconds=24)))
    for number in numbers:
        harness.observe(person(number), waiting)

    def make_card() -> IncidentCard:
        return IncidentCard(
            harness.theme,
            harness.clock,
            lambda who: harness.supervisor.status(harness.mentorados.get(who).link.id),
            show=harness.window.show_only,
            try_all=harness.window.controller.try_all,
        )

    notice = IncidentBanner(harness.window.banners, make_card)
    incident = Incident(
        provider=ProviderKind.WHATSAPP_WEB,
        since=NOON - timedelta(minutes=4),
        affected=tuple(person(number).id for number in numbers),
        of=6,
        causes=((Reason.NETWORK_DOWN, 5),),
    )
    down = (Finding(CheckResult.NETWORK_DOWN), Finding(CheckResult.CLOCK_UNKNOWN), Finding(CheckResult.VERSION_GOOD))
    notice.on_lasting(IncidentBegan(incident))
    await _take(harness, folder / f"incident-{name}-begun.png")
    notice.on_lasting(IncidentChanged(replace(incident, findings=down)))
    await _take(harness, folder / f"incident-{name}-checked.png")
    harness.window.resize(760, 620)
    good = (Finding(CheckResult.NETWORK_GOOD), *down[1:])
    notice.on_lasting(IncidentChanged(replace(incident, findings=good)))
    await _take(harness, folder / f"incident-{name}-reached-narrow.png")
    harness.window.resize(1280, 720)
    notice.on_ended(IncidentEnded(incident, NOON, back=incident.affected, away=()))
    await _take(harness, folder / f"incident-{name}-over.png")


async def _take(harness: WindowHarness, file: Path) -> None:
    harness.model.flush()
    await asyncio.sleep(0.5)
    harness.window.grab().save(str(file))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    run(QApplication([]), lambda: take_all(target))
