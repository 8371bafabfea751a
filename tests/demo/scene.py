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
from app.bootstrap import Core, build_core
from app.clock import SystemClock
from app.core.action import ActionName
from app.core.links.backoff import ReconnectPolicy
from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.events import StatusChanged
from app.domain.mentorado import Enrolment, LinkId
from app.domain.procedure import Procedure
from app.file_lock import read_owner
from app.program import Program
from app.settings import Settings
from app.ui.crash import CrashReports
from app.ui.detail_pane.pane import DetailPane
from app.ui.dialogs.sheet import Sheet
from app.ui.frame import Frame
from app.ui.main_window import MainWindow
from app.ui.recovery.side_sheet import SideSheet
from app.ui.text import texts
from app.ui.theme import Theme
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
class Scene:
    """A window over its core. What the board says of each link is remembered, however short it was true."""

    core: Core
    window: MainWindow
    theme: Theme
    clock: MovedClock
    crashes: list[str]
    told: dict[LinkId, list[Seen]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.core.bus.subscribe(StatusChanged, self._on_status)

    def _on_status(self, event: StatusChanged) -> None:
        seen = (event.after.state, event.after.reason)
        told = self.told.setdefault(event.link_id, [])
        if not told or told[-1] != seen:
            told.append(seen)

    # --- seeing

    def enrolment(self, person: Person) -> Enrolment:
        return self.core.enrolments.named(person.name)

    def status(self, person: Person) -> LinkStatus:
        return self.core.supervisor.status(self.enrolment(person).link.id)

    def is_at(self, person: Person, state: LinkState, reason: Reason = Reason.NONE) -> bool:
        status = self.status(person)
        return (status.state, status.reason) == (state, reason)

    async def until_at(self, person: Person, state: LinkState, reason: Reason = Reason.NONE) -> None:
        await until(lambda: self.is_at(person, state, reason))

    def states(self, person: Person) -> list[LinkState]:
        """The states the link went through, each once."""
        states: list[LinkState] = []
        for state, _reason in self.told.get(self.enrolment(person).link.id, []):
            if states[-1:] != [state]:
                states.append(state)
        return states

    def host_of(self, person: Person) -> psutil.Process:
        """The process that has the person's session open."""
        owner = read_owner(self.core.settings.session_dir / self.enrolment(person).mentorado.id / "host.lock")
        if owner is None:
            raise LookupError(f"nobody holds the session of {person.name}")
        return psutil.Process(owner.pid)

    # --- doing

    def choose(self, person: Person) -> None:
        self.window.choose(self.enrolment(person).mentorado.id)

    def perform(self, name: ActionName, person: Person) -> None:
        """Choose it from the person's menu."""
        self.window.errands.perform(name, self.enrolment(person).mentorado.id)

    def button(self, words: str, under: QWidget | None = None) -> QAbstractButton:
        """The visible button that says *words*."""
        for button in (under or self.window).findChildren(QAbstractButton):
            said = button.text().replace("&", "").strip(), button.accessibleName()
            if words.replace("&", "") in said and button.isVisible():
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

    def side(self, person: Person) -> SideSheet | None:
        """The sheet beside the list, if one is open for them."""
        return self.pane()._sides.of(self.enrolment(person).mentorado.id)

    def procedure(self, person: Person) -> Procedure | None:
        """What that sheet shows."""
        side = self.side(person)
        return side.procedure if side else None

    def open_sheets(self) -> list[Sheet]:
        return [sheet for sheet in self.window.findChildren(Sheet) if sheet.isVisible()]

    async def sheet(self) -> Sheet:
        """The sheet that is open, once it is."""
        await until(self.open_sheets)
        return self.open_sheets()[0]

    async def fill_in(self, person: Person) -> Sheet:
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


async def until(told: Callable[[], object]) -> None:
    """Wait until it is so; whoever calls sets the limit."""
    while not told():
        await asyncio.sleep(_TICK)


@asynccontextmanager
async def open_scene(app: QApplication, settings: Settings, clock: MovedClock) -> AsyncIterator[Scene]:
    """The program from its start to its end. Who leaves has closed the window; else it is taken down."""
    # Each pause is as long as it may be, so that it lasts long enough to be seen.
    policy = ReconnectPolicy(first=6.0, draw=lambda _least, most: most)
    frame = Frame(app, settings.preferences, clock)
    core = build_core(settings, clock=clock, policy=policy)
    reports = CrashReports(__version__)
    crashes: list[str] = []
    reports.reported.connect(crashes.append)
    program = Program(frame, core, reports)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(program.run(), name="the program")
        await until(lambda: frame.window._pane is not None and frame.model.loaded)
        yield Scene(core, frame.window, frame.theme, clock, crashes)
        await running
