"""The one window: rail, header, list, pane. It constructs no service, and can be seen before the core is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QCoreApplication,
    QDeadlineTimer,
    QEvent,
    QEventLoop,
    QMargins,
    QObject,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QCloseEvent, QGuiApplication, QScreen, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.domain.errors import Problem
from app.text.status import texts
from app.ui.appearance import AppearanceController, Preferences
from app.ui.banners import Banners
from app.ui.dialogs.files import last_folder
from app.ui.header import Header
from app.ui.main_window_controller import MainWindowController, add_page_shortcuts, add_shortcuts
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.narrowing import Narrowing
from app.ui.mentorado_list.row import ListFilter
from app.ui.mentorado_list.view import ListPanel
from app.ui.navigation import HOME, PageStack
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.layouts import vbox
from app.ui.widgets.split_view import SplitView
from app.ui.widgets.toast import Toast

if TYPE_CHECKING:
    from app.core.csv_import import CsvImportService
    from app.domain.crash_report import CrashReport
    from app.domain.events import StorageFailed, StorageRecovered
    from app.domain.mentorado import MentoradoId
    from app.ui.action_runner import ActionRunner
    from app.ui.crash import CrashSheet
    from app.ui.detail_pane.pane import DetailPane
    from app.ui.navigation import PageSpec


AGES_MILLISECONDS = 30_000
FIRST_PICTURE_MILLISECONDS = 1000
_SIZE = (1240, 860)
_SMALLEST = (640, 480)
_USUAL_FRAME = QMargins(1, 38, 1, 1)
_SETTLED_MILLISECONDS = 100
_MADE_UP = QSize(800, 800)
STORAGE = "storage"


class MainWindow(QMainWindow):
    """The main window. Closing it emits `close_requested`; its owner decides and calls `finish`."""

    close_requested = Signal()
    closing = Signal()
    painted = Signal()
    """On the screen for the first time."""
    pane_shown = Signal()
    """The pane is looked at: somebody else is on show, or it came into view. `shows` tells whom it shows."""
    sample_requested = Signal()
    """Sample data are to be shown, in a window of their own."""
    crashed = Signal(object)
    """A bug in something the window was asked to do; carries the exception."""
    bundle_requested = Signal(object)
    """A support bundle is wanted, with the crash reports of these keys checked."""

    def __init__(self, *, theme: Theme, preferences: Preferences, model: MentoradoListModel) -> None:
        super().__init__()
        self._theme = theme
        self._preferences = preferences
        last_folder.keep_in(preferences)
        self._model = model
        self._pane: DetailPane | None = None
        self._make_pane: Callable[[], DetailPane] | None = None
        self._page_specs: Sequence[PageSpec] = ()
        self._needing = 0
        self.of_sample = False
        self._painted = False
        self._finished = False
        self._crash_sheet: CrashSheet | None = None
        self.put_away: Callable[[], bool] = lambda: False
        """Called when the window is closed; whether it went somewhere else instead, as into the tray."""
        self._screen: QScreen | None = None
        self._fitting = QTimer(
            self, singleShot=True, interval=_SETTLED_MILLISECONDS
        )  # once a screen that changes is whole again
        self._fitting.timeout.connect(self._fit_screen)
        self.controller = MainWindowController(self, theme)
        self.check = AppearanceController(theme, preferences, self)
        self.header = Header(model, theme)
        self.header.add_button.setEnabled(False)
        self.banners = Banners(theme)
        self.list = ListPanel(model, theme)
        self.body = SplitView(_column(self.banners, self.list), theme)
        home = _column(self.header, self.body)
        self.places = PageStack(home, theme)
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
        timeouts = QDeadlineTimer(FIRST_PICTURE_MILLISECONDS)
        while not self._painted and not timeouts.hasExpired():
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)

    def paint_now(self) -> None:
        """Bring on the screen what changed, before any loop runs."""
        QCoreApplication.processEvents()

    def attach(
        self,
        runner: ActionRunner,
        csv_import: CsvImportService,
        make_pane: Callable[[], DetailPane],
        pages: Sequence[PageSpec],
    ) -> None:
        """Connect the window to the services. Until then it does nothing."""
        self.controller.attach(runner, csv_import)
        self._make_pane, self._page_specs = make_pane, pages
        self.header.add_button.setEnabled(True)
        runner.page_requested.connect(self.go)
        self._add_late_parts()

    def mark_as_sample(self) -> None:
        """Say as long as the window is open that nothing in it is real, and offer to remove it all."""
        self.of_sample = True
        self.list.withdraw_sample()
        remove = (lambda: texts("sample.remove"), self.close_requested.emit)
        self.banners.show_words(lambda: texts("sample.banner"), "sample", dismissible=False, choices=[remove])
        self._retitle()

    def show_problem(self, problem: Problem) -> None:
        self.banners.show_problem(problem)

    def show_crash(self, error: Exception) -> None:
        self.crashed.emit(error)

    def show_report(self, report: CrashReport) -> None:
        """Show the report of a crash, without standing in the way."""
        from app.ui.crash import CrashSheet

        if self._crash_sheet is not None and isValid(self._crash_sheet):
            self._crash_sheet.add(report)
            return
        self._crash_sheet = CrashSheet(report, self._theme, self)
        self._crash_sheet.bundle_requested.connect(self.bundle_requested)
        self._crash_sheet.show()

    def on_storage_failed(self, event: StorageFailed) -> None:
        self._model.forget_early()
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
        """Close for good, after everything behind the window has ended."""
        self._finished = True
        self.close()

    def go(self, name: str, section: str = "") -> None:
        """Show another page, or a *section* of it, and put the keyboard there."""
        if self.places.show_page(name):
            (self.places.page or self.list).take_focus()
            if section and self.places.page is not None:
                self.places.page.reveal(section)

    def begin_search(self) -> None:
        """Focus the search of the current page."""
        (self.places.page.begin_search if self.places.page else self.header.search.take_focus)()

    def choose(self, mentorado_id: MentoradoId) -> None:
        """Select a mentorado in the list, and show them in the pane."""
        self.places.show_page(HOME)
        self.list.table.choose(mentorado_id)
        self.body.open_side_panel()

    def show_only(self, mentorado_ids: Iterable[MentoradoId]) -> None:
        """Show these and no others in the list, until the filter is cleared."""
        self.go(HOME)
        self.header.search.clear()
        self.list.chips.pick(ListFilter.ALL)
        self.list.narrow_to(Narrowing(only=frozenset(mentorado_ids)))

    def shows(self, mentorado_id: MentoradoId) -> bool:
        """Whether a person who looks at this program sees that mentorado in the pane now."""
        pane, app = self._pane, QApplication.instance()
        looked_at = isinstance(app, QApplication) and app.activeWindow() is not None and not self.isMinimized()
        return looked_at and pane is not None and pane.isVisible() and self.list.table.chosen_id == mentorado_id

    def shows_procedure(self, mentorado_id: MentoradoId) -> bool:
        """Whether the procedure of that mentorado can be seen now, in the pane or among the many it is done for."""
        from app.ui.dialogs.for_many import ForManyDialog

        many = any(each.isVisible() and each.lists(mentorado_id) for each in self.findChildren(ForManyDialog))
        return many or (self._pane is not None and self._pane.shows_procedure(mentorado_id))

    def show_procedure(self, mentorado_id: MentoradoId, go_on: bool = False) -> None:
        """Show the open procedure of somebody, and let it continue when *go_on*."""
        self.choose(mentorado_id)
        if self._pane is not None:
            self._pane.see_procedure(go_on=go_on)

    def write_note(self, mentorado_id: MentoradoId) -> None:
        """Show a mentorado with the place to write a note."""
        self.choose(mentorado_id)
        if self._pane is not None:
            self._pane.write_note()

    def show_conversations(self, mentorado_id: MentoradoId) -> None:
        """Show a mentorado with their conversations."""
        self.choose(mentorado_id)
        if self._pane is not None:
            self._pane.show_conversations()

    # --- wiring

    def _connect_parts(self) -> None:
        header, listed = self.header, self.list
        self.places.wanted.connect(self.go)
        header.add_requested.connect(self.controller.add)
        header.language_requested.connect(self.check.switch_language)
        header.look_requested.connect(self.check.show_menu)
        header.search.textChanged.connect(listed.search)
        header.search.left_downwards.connect(listed.enter)
        header.search.returnPressed.connect(listed.open_first)
        listed.add_requested.connect(self.controller.add)
        listed.import_requested.connect(self.controller.import_people)
        listed.sample_requested.connect(self.sample_requested)
        listed.clear_requested.connect(header.search.clear)
        listed.group_selected.connect(partial(setattr, self._preferences, "group"))
        listed.order_selected.connect(partial(setattr, self._preferences, "sort"))
        listed.bar.narrowing.views_changed.connect(partial(setattr, self._preferences, "views"))
        listed.loaded.connect(self._focus_list)
        listed.emptied.connect(self._on_emptied)
        listed.table.typed.connect(header.search.take_text)
        listed.table.chosen.connect(self._show_in_pane)
        listed.table.opened.connect(self.choose)
        listed.table.menu_requested.connect(self.controller.show_menu)
        listed.ticks.requested.connect(self.controller.do_for_ticked)
        self._model.archived.connect(self.controller.undo.on_archived)
        self._model.needing_changed.connect(self._on_needing)
        self.body.painted.connect(self._on_painted)
        self.body.side_panel_left.connect(listed.take_focus)
        self.body.side_panel_changed.connect(self._on_side_panel)

    def _focus_list(self) -> None:
        """Put the keyboard on the list unless somebody works elsewhere: arrows walk it, and typing searches.

        Where there is nobody, it is on the button that adds the first.
        """
        focused = self.focusWidget()
        is_free = focused is None or focused is self.header.search or self.list.isAncestorOf(focused)
        if is_free and not self.header.search.text() and self.places.page is None:
            self.list.take_focus()

    def _on_emptied(self, is_empty: bool) -> None:
        self.body.set_pane_needed(not is_empty)
        if is_empty:
            self._focus_list()

    def _on_painted(self) -> None:
        self._painted = True
        self._add_late_parts()
        self.painted.emit()

    def _add_late_parts(self) -> None:
        """Build the parts that the first paint did not need."""
        if self._make_pane is None or not self._painted or self._pane is not None:
            return
        from app.ui import appearance as qt_words

        qt_words.install_qt_translation(texts.language)
        self.setWindowIcon(icon("conecta", "", 64))
        self._pane = pane = self._make_pane()
        pane.looked_at.connect(self.pane_shown)
        pane.edit_requested.connect(self.controller.edit)
        pane.back_requested.connect(self.body.close_side_panel)
        pane.mentorado_requested.connect(self.choose)
        pane.show_span(self._preferences.span)
        pane.span_selected.connect(partial(setattr, self._preferences, "span"))
        pane.note_removed.connect(self.controller.undo.on_note_removed)
        pane.note_discarded.connect(self.controller.undo.on_note_discarded)
        self.header.search.textEdited.connect(pane.leave_wide)
        ReadingMode(pane, self.body, self.list)
        self.body.set_pane(pane)
        self.places.enable(self._page_specs)
        add_page_shortcuts(self)
        pane.set_back_visible(self.body.side_panel_open)
        pane.show_mentorado(self.list.table.chosen_id)
        self._focus_list()

    def _show_in_pane(self, mentorado_id: MentoradoId) -> None:
        if self._pane is not None:
            self._pane.show_mentorado(mentorado_id)

    def _on_side_panel(self, is_open: bool) -> None:
        if self._pane is not None:
            self._pane.set_back_visible(is_open)

    def _on_needing(self, needing: int) -> None:
        self._needing = needing
        self._retitle()

    def _retitle(self) -> None:
        """Let the title say how many will not come back without a person."""
        needing, name = self._needing, texts("sample.window" if self.of_sample else "app.name")
        self.setWindowTitle(texts.plural("window.needing", needing, name=name) if needing else name)

    def _retranslate(self) -> None:
        self._retitle()
        for part in (self.places, self.header, self.banners, self.list, self._model):
            part.retranslate()
        if self._painted:
            from app.ui import appearance as qt_words

            qt_words.install_qt_translation(texts.language)

    def _restore(self) -> None:
        self.resize(*_SIZE)
        geometry = self._preferences.geometry
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.list.sort_by(self._preferences.sort)
        self.list.bar.narrowing.views = self._preferences.views
        self.list.chips.pick(self._preferences.group)
        self._fit_screen()
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)  # noqa: S101 - there is no window without one
        app.screenRemoved.connect(self._fit_soon)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays out of a list that an open side panel dims and covers."""
        moved, first = super().focusNextPrevChild(forward), self.focusWidget()
        while moved and self.body.dims(self.focusWidget()):
            moved = super().focusNextPrevChild(forward) and self.focusWidget() is not first
        return moved

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.ActivationChange, QEvent.Type.WindowStateChange):
            self.pane_shown.emit()

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

    def quit(self) -> None:
        """Ask for the end of the program, wherever the window would go when it is closed."""
        self.close_requested.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._finished:
            event.ignore()
            if not self.put_away():
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
    rows = vbox(inside=whole)
    for part in parts:
        rows.addWidget(part)
    rows.setStretchFactor(parts[-1], 1)
    return whole


class ReadingMode(QObject):
    """Stands in for *listed* for as long as the pane wants it; banners above stay in view."""

    def __init__(self, pane: DetailPane, body: SplitView, listed: QWidget) -> None:
        super().__init__(pane)
        self._body = body
        self._listed = listed
        pane.wide_requested.connect(self._begin)
        pane.wide_done.connect(self._end)

    def _begin(self, reader: QWidget) -> None:
        column = self._listed.parentWidget()
        layout = column.layout() if column is not None else None
        if isinstance(layout, QVBoxLayout):
            self._body.close_side_panel()
            self._listed.hide()
            layout.addWidget(reader, 1)
            reader.show()

    def _end(self) -> None:
        self._listed.show()
        self._body.open_side_panel()
