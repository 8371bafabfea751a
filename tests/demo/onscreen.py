"""Opens the real window for a person to play with, some mentorados already connected, and the demo's phone beside."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from PySide6.QtWidgets import QApplication

from app import __version__
from app.application import Application
from app.bootstrap import build_services
from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado
from app.frame import Frame
from app.platform.system import SystemClock
from app.services import Services
from app.ui.async_slots import run
from app.ui.crash import CrashReports
from tests.demo.narration import Narrator
from tests.demo.panel import PhonePanel
from tests.demo.people import ANA, CAMILA, CAST, DAVI, FABIO, HEITOR, Person
from tests.demo.phones import Phones
from tests.demo.place import DemoSetup, end_on_hangup, open_place

CONNECTED_BEFORE = (ANA, CAMILA, DAVI, FABIO, HEITOR)
PAIRING_SECONDS = 30.0


def play_onscreen() -> int:
    """Play until the window is closed; return the exit code."""
    narrator = Narrator()
    with open_place() as setup:
        narrator.say("The emulator runs, in a process of its own; the data folder is new")
        asyncio.run(_prepare(setup, narrator))
        for words in setup.gateways.lines():
            narrator.say(words)
        narrator.say("Opening the window, and the demo's phone beside it; close the window to end")
        _open_window(setup)
    narrator.say("Done; every process and folder is gone")
    return 0


def _open_window(setup: DemoSetup) -> None:
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Conecta")
    clock = SystemClock()
    frame = Frame(app, setup.settings.preferences, clock)
    frame.window.show_at_once()
    reports = CrashReports(__version__)
    give_back = reports.install()
    try:
        run(app, lambda: _run(frame, build_services(setup.settings, clock=clock), reports, setup.phones))
    finally:
        give_back()


async def _run(frame: Frame, core: Services, reports: CrashReports, phones: Phones) -> None:
    end_on_hangup()
    panel = PhonePanel(frame.window, core, phones)
    panel.show_in_corner()
    try:
        await Application(frame, core, reports).run()
    finally:
        panel.finish()


async def _prepare(setup: DemoSetup, narrator: Narrator) -> None:
    """Register everybody and connect some, with the same core and client, before there is a window."""
    core = build_services(setup.settings)
    await core.open()
    async with core.running():
        mentorados = [await core.mentorados.add(each.name, each.number, each.cohort) for each in CAST]
        narrator.say(f"{len(mentorados)} made-up mentorados are registered")
        for person, mentorado in _chosen(mentorados):
            async with asyncio.timeout(PAIRING_SECONDS):
                await _pair(core, setup.phones, person, mentorado)
            narrator.say(f"{person.name} is connected")


def _chosen(mentorados: Sequence[Mentorado]) -> list[tuple[Person, Mentorado]]:
    return [each for each in zip(CAST, mentorados, strict=True) if each[0] in CONNECTED_BEFORE]


async def _pair(core: Services, phones: Phones, person: Person, mentorado: Mentorado) -> None:
    await core.actions.run(ActionName.CONNECT, mentorado.id, _nothing_is_asked)
    scanned = False
    while (status := core.supervisor.status(mentorado.link.id)).state is not LinkState.CONNECTED:
        if status.qr is not None and not scanned:
            scanned = True
            await phones.scan(person.digits, status.qr.text)
        await asyncio.sleep(0.01)


async def _nothing_is_asked(_name: ActionName, _mentorado: Mentorado) -> bool:
    raise AssertionError("connecting asks nothing")
