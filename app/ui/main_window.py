"""The one window: rail, header, list, pane. It constructs no service, and can be seen before the core is loaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QCoreApplication,
    QDeadlineTimer,
    QEventLoop,
    QMargins,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QCloseEvent, QGuiApplication, QScreen, QShowEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.domain.errors import Problem
from app.ui.banners import Banners
from app.ui.body import Body
from app.ui.errands import Errands
from app.ui.header import Header
from app.ui.icons import icon
from app.ui.look_control import LookControl
from app.ui.mentorado_list.groups import Group
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.panel import ListPanel
from app.ui.places import Place, Places
from app.ui.preferences import Preferences
from app.ui.shortcuts import add_shortcuts
from app.ui.text import texts
from app.ui.theme import Theme
from app.ui.toast import Toast

if TYPE_CHECKING:
    from app.domain.events import StorageFailed, StorageRecovered
    from app.domain.mentorado import MentoradoId
    from app.ui.detail_pane.pane import DetailPane
    from app.ui.page import Page
    from app.ui.work import Work

AGES_MILLISECONDS = 30_000
FIRST_PICTURE_MILLISECONDS = 1000
_SIZE = (1240, 860)
_SMALLEST = (640, 480)
_USUAL_FRAME = QMargins(1, 38, 1, 1)
_SETTLED_MILLISECONDS = 100
_MADE_UP = QSize(800, 800)
STORAGE = "storage"


class MainWindow(QMainWindow):
    """Shows, asks, passes on. Closing it only asks: who built it decides, and calls `finish`."""

    close_requested = Signal()
    closing = Signal()
    painted = Signal()
    """On the screen for the first time."""
    crashed = Signal(object)
    """A bug in something the window was asked to do; carries the exception."""

    def __init__(self, *, theme: Theme, preferences: Preferences, model: MentoradoListModel) -> None:
        super().__init__()
        self._theme = theme
        self._preferences = preferences
        self._model = model
        self._pane: DetailPane | None = None
        self._painted = False
        self._finished = False
        self._screen: QScreen | None = None
        self._fitting = QTimer(
            self, singleShot=True, interval=_SETTLED_MILLISECONDS
        )  # once a screen that changes is whole again
        self._fitting.timeout.connect(self._fit_screen)
        self.errands = Errands(self)
        self.look = LookControl(theme, preferences, self)
        self.header = Header(model, theme)
        self.header.add_button.setEnabled(False)
        self.banners = Banners(theme)
        self.list = ListPanel(model, theme)
        self.body = Body(_column(self.banners, self.list), theme)
        home = _column(self.header, self.body)
        self.places = Places(home, theme)
        self.setCentralWidget(self.places)
        self.toast = Toast(theme, home)
        self.setMinimumSize(*_SMALLEST)

        self._ages = QTimer(self, interval=AGES_MILLISECONDS)
        self._ages.timeout.connect(model.refresh_ages)
        self._ages.timeout.connect(self.banners.retranslate)
        self._ages.start()
        self._connect_parts()
        add_shortcuts(self)
        self._undo_words = texts.on_change(self._retranslate)
        self._restore()
        self._retranslate()

    # --- what others ask of the window

    def show_at_once(self) -> None:
        """Bring the window on the screen before any loop runs, so that nobody looks at nothing while the rest loads."""
        self.show()
        patience = QDeadlineTimer(FIRST_PICTURE_MILLISECONDS)
        while not self._painted and not patience.hasExpired():
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)

    def attach(self, work: Work) -> None:
        """From now on what is asked for can be done."""
        self.errands.work = work
        self.header.add_button.setEnabled(True)
        work.sheets.place_wanted.connect(self.go)
        self._complete()

    def show_problem(self, problem: Problem) -> None:
        self.banners.show_problem(problem)

    def show_crash(self, error: Exception) -> None:
        self.crashed.emit(error)

    def show_report(self, words: str) -> None:
        """Show the report of a crash, without standing in the way."""
        from app.ui.crash import CrashSheet

        CrashSheet(words, self._theme, self).show()

    def on_storage_failed(self, event: StorageFailed) -> None:
        self.banners.show_problem(event.problem, cause=STORAGE)

    def on_storage_recovered(self, _event: StorageRecovered) -> None:
        self.banners.clear(STORAGE)

    def come_forward(self) -> None:
        """A second start was meant for this window."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def finish(self) -> None:
        """Close for good: everything the window stood for has ended."""
        self._finished = True
        self.close()

    def go(self, place: Place) -> None:
        """Show another place, and put the keyboard there."""
        if self.places.go(place):
            (self.places.page or self.list).take_focus()

    def begin_search(self) -> None:
        """Search what is shown."""
        (self.places.page.begin_search if self.places.page else self.header.search.take_focus)()

    def choose(self, mentorado_id: MentoradoId) -> None:
        """Show somebody in list and pane."""
        self.places.go(Place.HOME)
        self.list.table.choose(mentorado_id)
        self.body.open_drawer()

    def shows_procedure(self, mentorado_id: MentoradoId) -> bool:
        """Whether the procedure of that mentorado can be seen now."""
        return self._pane is not None and self._pane.shows_procedure(mentorado_id)

    def show_procedure(self, mentorado_id: MentoradoId, go_on: bool = False) -> None:
        """Show the open procedure of somebody, and let it continue when *go_on*."""
        self.choose(mentorado_id)
        if self._pane is not None:
            self._pane.see_procedure(go_on=go_on)

    # --- wiring

    def _connect_parts(self) -> None:
        header, listed = self.header, self.list
        self.places.wanted.connect(self.go)
        header.add_wanted.connect(self.errands.add)
        header.language_wanted.connect(self.look.switch_language)
        header.look_wanted.connect(self.look.show_menu)
        header.search.textChanged.connect(listed.search)
        header.search.left_downwards.connect(listed.enter)
        listed.add_wanted.connect(self.errands.add)
        listed.import_wanted.connect(self.errands.import_people)
        listed.clear_wanted.connect(header.search.clear)
        listed.group_picked.connect(self._remember_group)
        listed.emptied.connect(lambda is_empty: self.body.set_pane_wanted(not is_empty))
        listed.table.typed.connect(header.search.take_text)
        listed.table.chosen.connect(self._show_in_pane)
        listed.table.opened.connect(self.choose)
        listed.table.menu_wanted.connect(self.errands.show_menu)
        self._model.archived.connect(self.errands.offer_undo)
        self.body.painted.connect(self._on_painted)
        self.body.left_drawer.connect(listed.take_focus)
        self.body.drawer_changed.connect(self._on_drawer)

    def _on_painted(self) -> None:
        self._painted = True
        self._complete()
        self.painted.emit()

    def _complete(self) -> None:
        """Add what the first picture did not need, once there is a picture and somebody to work for it."""
        work = self.errands.work
        if work is None or not self._painted or self._pane is not None:
            return
        from app.ui import qt_words
        from app.ui.wide_reading import WideReading

        qt_words.speak(texts.language)
        self.setWindowIcon(icon("conecta", "", 64))
        self._pane = pane = work.make_pane()
        pane.edit_requested.connect(self.errands.edit)
        pane.back_requested.connect(self.body.close_drawer)
        pane.mentorado_wanted.connect(self.choose)
        pane.show_span(self._preferences.span)
        pane.span_picked.connect(partial(setattr, self._preferences, "span"))
        self.header.search.textEdited.connect(pane.leave_wide)
        WideReading(pane, self.body, self.list)
        self.body.set_pane(pane)
        self.places.open_up(partial(self._make_page, work))
        pane.set_back_visible(self.body.drawer_open)
        pane.show_mentorado(self.list.table.chosen_id)
        if self.focusWidget() is None or self.focusWidget() is self.header.search:
            self.list.take_focus()  # arrows walk it, and typing searches

    def _make_page(self, work: Work, place: Place) -> Page:
        page = work.make_page(place)
        page.crashed.connect(self.crashed)
        return page

    def _show_in_pane(self, mentorado_id: MentoradoId) -> None:
        if self._pane is not None:
            self._pane.show_mentorado(mentorado_id)

    def _on_drawer(self, is_open: bool) -> None:
        if self._pane is not None:
            self._pane.set_back_visible(is_open)

    def _retranslate(self) -> None:
        self.setWindowTitle(texts("app.name"))
        for part in (self.places, self.header, self.banners, self.list, self._model):
            part.retranslate()
        if self._painted:
            from app.ui import qt_words

            qt_words.speak(texts.language)

    def _remember_group(self, group: Group) -> None:
        self._preferences.group = group

    def _restore(self) -> None:
        self.resize(*_SIZE)
        geometry = self._preferences.geometry
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.list.chips.pick(self._preferences.group)
        self._fit_screen()
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)  # noqa: S101 - there is no window without one
        app.screenRemoved.connect(self._fit_soon)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        handle = self.windowHandle()
        if handle is not None and self._screen is None:
            handle.screenChanged.connect(self._on_screen)
            self._on_screen(handle.screen())

    def _on_screen(self, screen: QScreen | None) -> None:
        """The window is on another screen now: the one it was on may have been unplugged."""
        if self._screen is not None and isValid(self._screen):
            self._screen.availableGeometryChanged.disconnect(self._fit_soon)
        self._screen = screen
        if screen is not None:
            screen.availableGeometryChanged.connect(self._fit_soon)
            self._fit_soon()

    def _fit_soon(self, _changed: object = None) -> None:
        self._fitting.start()

    def _fit_screen(self) -> None:
        """Bring the whole window, title bar included, on the screen it is on."""
        screen = self.screen()
        if screen is None or self.isMaximized() or self.isFullScreen() or _is_nobodys(screen):
            return
        wanted = fitted(self.geometry(), screen.availableGeometry(), self._frame())
        if self.isVisible() or self._preferences.geometry is not None:
            self.setGeometry(wanted)
        else:
            self.resize(wanted.size())  # where a first window stands is for the window manager to say

    def _frame(self) -> QMargins:
        """What the window manager puts around the window; a usual one as long as that is not known."""
        inner, outer = self.geometry(), self.frameGeometry()
        if inner == outer:
            return _USUAL_FRAME
        return QMargins(
            inner.left() - outer.left(),
            inner.top() - outer.top(),
            outer.right() - inner.right(),
            outer.bottom() - inner.bottom(),
        )

    # --- closing

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._finished:
            event.ignore()
            self.close_requested.emit()
            return
        self._preferences.geometry = self.saveGeometry()
        self._preferences.save()
        self._ages.stop()
        self._undo_words()
        self.closing.emit()
        super().closeEvent(event)


def fitted(window: QRect, available: QRect, frame: QMargins) -> QRect:
    """Return *window* no larger than *available* less its *frame*, and moved so that all of it is inside."""
    inside = available.marginsRemoved(frame)
    size = window.size().boundedTo(inside.size())
    left = max(inside.left(), min(window.left(), inside.right() + 1 - size.width()))
    top = max(inside.top(), min(window.top(), inside.bottom() + 1 - size.height()))
    return QRect(QPoint(left, top), size)


def _is_nobodys(screen: QScreen) -> bool:
    """Whether *screen* is what Qt makes up where there is none: nobody looks at it, and pictures may be larger."""
    return QGuiApplication.platformName() == "offscreen" and screen.size() == _MADE_UP


def _column(*parts: QWidget) -> QWidget:
    """A widget with *parts* one below the other, the last taking what is left."""
    whole = QWidget()
    rows = QVBoxLayout(whole)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setSpacing(0)
    for part in parts:
        rows.addWidget(part)
    rows.setStretchFactor(parts[-1], 1)
    return whole
