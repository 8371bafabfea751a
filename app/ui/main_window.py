"""The one window: header, list, pane. Built from parts handed in; it constructs no service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from app.core.actions import ActionName, Actions
from app.core.enrolments import Enrolments
from app.core.supervisor import Supervisor
from app.domain.errors import Problem
from app.domain.events import StorageFailed, StorageRecovered
from app.domain.mentorado import MentoradoId
from app.ui.banners import Banners
from app.ui.body import Body
from app.ui.header import Header
from app.ui.icons import icon
from app.ui.loop import asked
from app.ui.mentorado_list.groups import Group
from app.ui.mentorado_list.model import MentoradoListModel
from app.ui.mentorado_list.panel import ListPanel
from app.ui.preferences import Preferences
from app.ui.text import LANGUAGES, texts
from app.ui.theme import SCALES, Theme
from app.ui.toast import Toast

if TYPE_CHECKING:
    from app.ui.detail_pane.pane import DetailPane

AGES_MILLISECONDS = 30_000
_SIZE = (1240, 860)
_SMALLEST = (640, 480)
_STORAGE = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the window is made of. The pane comes as a recipe: it is made once the window is on the screen."""

    theme: Theme
    preferences: Preferences
    model: MentoradoListModel
    actions: Actions
    enrolments: Enrolments
    supervisor: Supervisor
    make_pane: Callable[[], DetailPane]


class MainWindow(QMainWindow):
    """Shows, asks, passes on. Closing it only asks: who built it decides, and calls `finish`."""

    close_requested = Signal()
    closing = Signal()
    painted = Signal()
    """On the screen for the first time."""
    crashed = Signal(object)
    """A bug in something the window was asked to do; carries the exception."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts
        self._theme = parts.theme
        self._finished = False
        self._pane: DetailPane | None = None
        self.header = Header(parts.model, parts.theme)
        self.banners = Banners(parts.theme)
        self.list = ListPanel(parts.model, parts.theme)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banners)
        column.addWidget(self.list, 1)
        self.body = Body(left, parts.theme)
        whole = QWidget()
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.header)
        rows.addWidget(self.body, 1)
        self.setCentralWidget(whole)
        self.toast = Toast(parts.theme, whole)
        self.setMinimumSize(*_SMALLEST)

        self._ages = QTimer(self, interval=AGES_MILLISECONDS)
        self._ages.timeout.connect(parts.model.refresh_ages)
        self._ages.start()
        self._connect_parts()
        self._add_shortcuts()
        self._undo_words = texts.on_change(self._retranslate)
        self._restore()
        self._retranslate()

    # --- what others ask of the window

    def show_problem(self, problem: Problem) -> None:
        self.banners.show_problem(problem)

    def show_crash(self, error: Exception) -> None:
        self.crashed.emit(error)

    def show_report(self, words: str) -> None:
        """Show the report of a crash, without standing in the way."""
        from app.ui.crash import CrashSheet

        CrashSheet(words, self._theme, self).show()

    def on_storage_failed(self, event: StorageFailed) -> None:
        self.banners.show_problem(event.problem, cause=_STORAGE)

    def on_storage_recovered(self, _event: StorageRecovered) -> None:
        self.banners.clear(_STORAGE)

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

    def choose(self, mentorado_id: MentoradoId) -> None:
        """Show somebody in list and pane."""
        self.list.table.choose(mentorado_id)
        self.body.open_drawer()

    # --- wiring

    def _connect_parts(self) -> None:
        header, listed, model = self.header, self.list, self._parts.model
        header.add_wanted.connect(self.add)
        header.language_wanted.connect(self._switch_language)
        header.look_wanted.connect(self._show_look_menu)
        header.search.textChanged.connect(listed.search)
        header.search.left_downwards.connect(self._enter_list)
        listed.add_wanted.connect(self.add)
        listed.clear_wanted.connect(header.search.clear)
        listed.group_picked.connect(self._remember_group)
        listed.table.typed.connect(header.search.take_text)
        listed.table.chosen.connect(self._show_in_pane)
        listed.table.opened.connect(lambda mentorado_id: self.choose(MentoradoId(mentorado_id)))
        listed.table.menu_wanted.connect(self._show_row_menu)
        model.archived.connect(self._offer_undo)
        self.body.painted.connect(self._on_painted)
        listed.emptied.connect(lambda is_empty: self.body.set_pane_wanted(not is_empty))
        self.body.left_drawer.connect(listed.take_focus)
        self.body.drawer_changed.connect(self._on_drawer)
        self._theme.changed.connect(self._remember_look)

    def _add_shortcuts(self) -> None:
        for keys, do in (
            (QKeySequence.StandardKey.Find, self.header.search.take_focus),
            (QKeySequence.StandardKey.New, self.add),
            ("Ctrl+L", self._switch_language),
            ("Ctrl++", lambda: self._scale_text(+1)),
            ("Ctrl+=", lambda: self._scale_text(+1)),
            ("Ctrl+-", lambda: self._scale_text(-1)),
            ("Ctrl+0", lambda: self._theme.set_text_scale(SCALES[0])),
            ("Esc", self.body.close_drawer),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(do)

    def _on_painted(self) -> None:
        from app.ui import qt_words

        qt_words.speak(texts.language)
        self.setWindowIcon(icon("conecta", "", 64))
        self._pane = pane = self._parts.make_pane()
        pane.edit_requested.connect(lambda mentorado_id: self.edit(MentoradoId(mentorado_id)))
        pane.back_requested.connect(self.body.close_drawer)
        self.body.set_pane(pane)
        pane.set_back_visible(self.body.drawer_open)
        pane.show_mentorado(self.list.table.chosen_id)
        if self.focusWidget() is None or self.focusWidget() is self.header.search:
            self.list.take_focus()  # arrows walk it, and typing searches
        self.painted.emit()

    def _show_in_pane(self, mentorado_id: str) -> None:
        if self._pane is not None:
            self._pane.show_mentorado(MentoradoId(mentorado_id))

    def _on_drawer(self, is_open: bool) -> None:
        if self._pane is not None:
            self._pane.set_back_visible(is_open)

    def _enter_list(self) -> None:
        table = self.list.table
        if not table.currentIndex().isValid() and self._parts.model.rowCount():
            table.setCurrentIndex(self._parts.model.index(0))
        table.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- what a person asks for

    @asked
    async def add(self) -> None:
        """Enrol somebody, show them, and connect them when that was the button."""
        from app.ui.dialogs.mentorado_form import ask_for_mentorado

        saved = await ask_for_mentorado(self._theme, self, self._parts.enrolments)
        if saved is None:
            return
        mentorado_id = saved.enrolment.mentorado.id
        self.header.search.clear()
        self.list.chips.pick(Group.ALL)
        self.choose(mentorado_id)
        if saved.connect:
            await self._run(ActionName.CONNECT, mentorado_id)

    @asked
    async def edit(self, mentorado_id: MentoradoId) -> None:
        """Correct who somebody is."""
        from app.ui.dialogs.mentorado_form import ask_for_mentorado

        await ask_for_mentorado(self._theme, self, self._parts.enrolments, mentorado_id)

    @asked
    async def perform(self, name: ActionName, mentorado_id: MentoradoId) -> None:
        """Do what the menu or the toast offered."""
        await self._run(name, mentorado_id)

    async def _run(self, name: ActionName, mentorado_id: MentoradoId) -> None:
        from app.ui.dialogs.question import Questions

        questions = Questions(self._theme, self, self._parts.supervisor.status)
        await self._parts.actions.run(name, mentorado_id, questions.confirm)

    def _show_row_menu(self, mentorado_id: str, where: QPoint) -> None:
        from app.ui.row_menu import row_menu

        menu = row_menu(
            self,
            self._theme,
            self._parts.actions,
            MentoradoId(mentorado_id),
            perform=self.perform,
            edit=self.edit,
        )
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def _show_look_menu(self, button: QWidget) -> None:
        from app.ui.look_menu import look_menu

        menu = look_menu(self, self._theme)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(0, button.height() + 4)))

    def _offer_undo(self, mentorado_id: str) -> None:
        archived = MentoradoId(mentorado_id)
        name = self._parts.enrolments.get(archived).mentorado.name
        self.toast.say(
            texts("window.archived", name=name),
            texts("window.undo"),
            lambda: self.perform(ActionName.BRING_BACK, archived),
        )

    # --- language and look

    def _switch_language(self) -> None:
        after = LANGUAGES[(LANGUAGES.index(texts.language) + 1) % len(LANGUAGES)]
        texts.set_language(after)
        self._parts.preferences.language = after

    def _retranslate(self) -> None:
        self.setWindowTitle(texts("app.name"))
        for part in (self.header, self.banners, self.list, self._parts.model):
            part.retranslate()
        if self._pane is not None:
            from app.ui import qt_words

            qt_words.speak(texts.language)

    def _scale_text(self, steps: int) -> None:
        nearest = min(SCALES, key=lambda scale: abs(scale - self._theme.text_scale))
        place = SCALES.index(nearest) + steps
        self._theme.set_text_scale(SCALES[min(max(place, 0), len(SCALES) - 1)])

    def _remember_look(self) -> None:
        self._parts.preferences.mode = self._theme.mode
        self._parts.preferences.text_scale = self._theme.text_scale

    def _remember_group(self, group: Group) -> None:
        self._parts.preferences.group = group

    def _restore(self) -> None:
        self.resize(*_SIZE)
        geometry = self._parts.preferences.geometry
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.list.chips.pick(self._parts.preferences.group)

    # --- closing

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._finished:
            event.ignore()
            self.close_requested.emit()
            return
        self._parts.preferences.geometry = self.saveGeometry()
        self._parts.preferences.save()
        self._ages.stop()
        self._undo_words()
        self.closing.emit()
        super().closeEvent(event)
