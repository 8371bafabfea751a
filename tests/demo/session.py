"""The running program, and what a person can see and do in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psutil
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from app import __version__
from app.application import Application
from app.bootstrap import build_services
from app.core.links.reconnect import ReconnectPolicy
from app.domain.actions import ActionName
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import LinkId, Mentorado
from app.domain.procedure import Procedure
from app.frame import Frame
from app.platform.locks import read_owner
from app.platform.system import SystemClock
from app.services import Services
from app.settings import Settings
from app.text.status import texts
from app.ui.crash import CrashReports
from app.ui.detail_pane.pane import DetailPane
from app.ui.dialogs.base import BaseDialog
from app.ui.main_window import MainWindow
from app.ui.procedures.panel import ProcedurePanel
from app.ui.theme.theme import Theme
from tests.demo.people import Person

Seen = tuple[LinkState, Reason]

_TICK = 0.01
_MORNING = 9


class MovedClock(SystemClock):
    """Begins in the morning, and can be moved on: the story of some hours is told in a minute."""

    def __init__(self) -> None:
        now = datetime.now().astimezone()
        self.ahead = now.replace(hour=_MORNING, minute=12, second=0) - now

    def now(self) -> datetime:
        return super().now() + self.ahead

    def pass_minutes(self, minutes: float) -> None:
        self.ahead += timedelta(minutes=minutes)


@dataclass
class Session:
    """A window over its core. What the board says of each link is remembered, however short it was true."""

    core: Services
    window: MainWindow
    theme: Theme
    clock: MovedClock
    crashes: list[object]
    seen: dict[LinkId, list[Seen]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.core.bus.subscribe(StatusChanged, self._on_status)

    def _on_status(self, event: StatusChanged) -> None:
        seen = (event.after.state, event.after.reason)
        states = self.seen.setdefault(event.link_id, [])
        if not states or states[-1] != seen:
            states.append(seen)

    # --- seeing

    def mentorado(self, person: Person) -> Mentorado:
        return self.core.mentorados.find(person.name)

    def status(self, person: Person) -> LinkStatus:
        return self.core.supervisor.status(self.mentorado(person).link.id)

    def is_at(self, person: Person, state: LinkState, reason: Reason = Reason.NONE) -> bool:
        status = self.status(person)
        return (status.state, status.reason) == (state, reason)

    async def until_at(self, person: Person, state: LinkState, reason: Reason = Reason.NONE) -> None:
        await until(lambda: self.is_at(person, state, reason))

    def states(self, person: Person) -> list[LinkState]:
        """The states the link went through, each once."""
        states: list[LinkState] = []
        for state, _reason in self.seen.get(self.mentorado(person).link.id, []):
            if states[-1:] != [state]:
                states.append(state)
        return states

    def host_of(self, person: Person) -> psutil.Process:
        """The process that has the person's session open."""
        owner = read_owner(self.core.settings.session_dir / self.mentorado(person).id / "host.lock")
        if owner is None:
            raise LookupError(f"nobody holds the session of {person.name}")
        return psutil.Process(owner.pid)

    def is_in_another_host(self, person: Person, host: psutil.Process) -> bool:
        """Whether a process other than *host* has the person's session open now."""
        owner = read_owner(self.core.settings.session_dir / self.mentorado(person).id / "host.lock")
        return owner is not None and owner.pid != host.pid

    # --- doing

    def choose(self, person: Person) -> None:
        self.window.choose(self.mentorado(person).id)

    def perform(self, name: ActionName, person: Person) -> None:
        """Choose it from the person's menu."""
        self.window.controller.perform(name, self.mentorado(person).id)

    def button(self, words: str, under: QWidget | None = None) -> QAbstractButton:
        """The visible button that says *words*."""
        for button in (under or self.window).findChildren(QAbstractButton):
            lines = button.text().replace("&", "").strip(), button.accessibleName()
            if words.replace("&", "") in lines and button.isVisible():
                return button
        raise LookupError(f"there is no button {words!r}")

    def click(self, words: str, under: QWidget | None = None) -> None:
        QTest.mouseClick(self.button(words, under), Qt.MouseButton.LeftButton)

    def pane(self) -> DetailPane:
        if self.window._pane is None:
            raise LookupError("the pane is not made yet")
        return self.window._pane

    def lead_button(self) -> QAbstractButton:
        return self.pane()._content.lead.button

    def recommended(self) -> QAbstractButton:
        """The one recommended button, which can be pressed."""
        button = self.lead_button()
        if not (button.isVisible() and button.isEnabled()):
            raise LookupError("there is no recommended button to press")
        return button

    def side(self, person: Person) -> ProcedurePanel | None:
        """The sheet beside the list, if one is open for them."""
        return self.pane()._sides.panels.get(self.mentorado(person).id)

    def procedure(self, person: Person) -> Procedure | None:
        """What that sheet shows."""
        side = self.side(person)
        return side.procedure if side else None

    def open_sheets(self) -> list[BaseDialog]:
        return [sheet for sheet in self.window.findChildren(BaseDialog) if sheet.isVisible()]

    async def sheet(self) -> BaseDialog:
        """The sheet that is open, once it is."""
        await until(self.open_sheets)
        return self.open_sheets()[0]

    async def fill_in(self, person: Person) -> BaseDialog:
        """Open the form and write who it is."""
        self.click(texts("list.add"), self.window.header)
        sheet = await self.sheet()
        lines = [line for line in sheet.findChildren(QLineEdit) if line.isVisible()]
        for line, words in zip(lines, (person.name, person.number, person.cohort), strict=True):
            line.setFocus()
            QTest.keyClicks(line, words)
        return sheet

    async def close(self) -> None:
        """Close the window as a person does, and say yes to its question."""
        self.window.close()
        if self.core.supervisor.running():
            self.click(texts("question.close.confirm"), await self.sheet())


async def until(read: Callable[[], object]) -> None:
    """Wait until it is so; whoever calls sets the limit."""
    while not read():
        await asyncio.sleep(_TICK)


@asynccontextmanager
async def open_session(app: QApplication, settings: Settings, clock: MovedClock) -> AsyncIterator[Session]:
    """The program from its start to its end. Who leaves has closed the window; else it is taken down."""
    # Each pause is as long as it may be, so that it lasts long enough to be seen.
    policy = ReconnectPolicy(first=6.0, random=lambda _least, most: most)
    frame = Frame(app, settings.preferences, clock)
    core = build_services(settings, clock=clock, policy=policy)
    reports = CrashReports(__version__)
    crashes: list[object] = []
    reports.reported.connect(crashes.append)
    program = Application(frame, core, reports)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(program.run(), name="the program")
        await until(lambda: frame.window._pane is not None and frame.model.loaded)
        yield Session(core, frame.window, frame.theme, clock, crashes)
        await running
