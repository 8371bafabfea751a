"""Opens the real window for a person to play with, some mentorados already connected, and the demo's phone beside."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from PySide6.QtWidgets import QApplication

from app import __version__
from app.bootstrap import Core, build_core
from app.clock import SystemClock
from app.core.action import ActionName
from app.domain.connection import LinkState
from app.domain.mentorado import Enrolment
from app.program import Program
from app.ui.crash import CrashReports
from app.ui.frame import Frame
from app.ui.loop import run
from tests.demo.panel import PhonePanel
from tests.demo.people import ANA, CAMILA, CAST, DAVI, FABIO, HEITOR, Person
from tests.demo.phones import Phones
from tests.demo.place import Place, end_on_hangup, open_place
from tests.demo.teller import Teller

CONNECTED_BEFORE = (ANA, CAMILA, DAVI, FABIO, HEITOR)
PAIRING_SECONDS = 30.0


def play_onscreen() -> int:
    """Play until the window is closed; return the exit code."""
    teller = Teller()
    with open_place() as place:
        teller.say("The emulator runs, in a process of its own; the data folder is new")
        asyncio.run(_prepare(place, teller))
        for words in place.gateways.said():
            teller.say(words)
        teller.say("Opening the window, and the demo's phone beside it; close the window to end")
        _open_window(place)
    teller.say("Done; every process and folder is gone")
    return 0


def _open_window(place: Place) -> None:
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Conecta")
    clock = SystemClock()
    frame = Frame(app, place.settings.preferences, clock)
    frame.window.show_at_once()
    reports = CrashReports(__version__)
    give_back = reports.install()
    try:
        run(app, lambda: _run(frame, build_core(place.settings, clock=clock), reports, place.phones))
    finally:
        give_back()


async def _run(frame: Frame, core: Core, reports: CrashReports, phones: Phones) -> None:
    end_on_hangup()
    panel = PhonePanel(frame.window, core, phones)
    panel.show_in_corner()
    try:
        await Program(frame, core, reports).run()
    finally:
        panel.finish()


async def _prepare(place: Place, teller: Teller) -> None:
    """Register everybody and connect some, with the same core and client, before there is a window."""
    core = build_core(place.settings)
    await core.open()
    async with core.running():
        enrolled = [await core.enrolments.add(each.name, each.number, each.cohort) for each in CAST]
        teller.say(f"{len(enrolled)} made-up mentorados are registered")
        for person, enrolment in _chosen(enrolled):
            async with asyncio.timeout(PAIRING_SECONDS):
                await _pair(core, place.phones, person, enrolment)
            teller.say(f"{person.name} is connected")


def _chosen(enrolled: Sequence[Enrolment]) -> list[tuple[Person, Enrolment]]:
    return [each for each in zip(CAST, enrolled, strict=True) if each[0] in CONNECTED_BEFORE]


async def _pair(core: Core, phones: Phones, person: Person, enrolment: Enrolment) -> None:
    await core.actions.run(ActionName.CONNECT, enrolment.mentorado.id, _nothing_is_asked)
    scanned = False
    while (status := core.supervisor.status(enrolment.link.id)).state is not LinkState.CONNECTED:
        if status.qr is not None and not scanned:
            scanned = True
            await phones.scan(person.digits, status.qr.text)
        await asyncio.sleep(0.01)


async def _nothing_is_asked(_name: ActionName, _enrolment: Enrolment) -> bool:
    raise AssertionError("connecting asks nothing")
