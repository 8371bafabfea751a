"""Tells who needs a person since nobody looked: a toast, a dot on the row, until they are on show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.text.notification import who_needs_you
from app.text.status import texts
from app.ui.mentorado_list.narrowing import EVERYBODY
from app.ui.mentorado_list.row import ListFilter
from app.ui.widgets.toast import Toast

if TYPE_CHECKING:
    from app.domain.mentorado import MentoradoId
    from app.ui.main_window import MainWindow
    from app.ui.mentorado_list.model import MentoradoListModel
    from app.ui.theme.theme import Theme

TOAST_MILLISECONDS = 20_000
GATHER_MILLISECONDS = 200
"""Falls within this time are announced together."""


class FallenNotice(QObject):
    """Announces mentorados whose link stopped while they were not on show. Many at once are one toast. Whoever
    *is_silent* gets the dot, and no toast."""

    def __init__(
        self,
        window: MainWindow,
        model: MentoradoListModel,
        theme: Theme,
        is_silent: Callable[[MentoradoId], bool] = lambda _mentorado_id: False,
    ) -> None:
        super().__init__(window)
        self._is_silent = is_silent
        self._window = window
        self._model = model
        self._unseen: dict[MentoradoId, None] = {}  # in the order of their falls
        self._announced: dict[MentoradoId, None] = {}  # in the toast that is shown, or about to be
        self.toast = Toast(theme, window.places, milliseconds=TOAST_MILLISECONDS, below=window.toast)
        self.toast.closed.connect(self._announced.clear)
        self._gather = QTimer(self, singleShot=True, interval=GATHER_MILLISECONDS)
        self._gather.timeout.connect(self._update_toast)
        model.problem_began.connect(self._remember)
        model.problem_ended.connect(self._forget)
        window.pane_shown.connect(self._forget_seen)
        window.closing.connect(texts.on_change(self._retranslate))

    def _remember(self, mentorado_id: MentoradoId) -> None:
        """Remember who fell, unless a person sees it happen."""
        if not self._window.shows(mentorado_id):
            self._unseen[mentorado_id] = None
            self._model.show_unseen(self._unseen)
            if not self._is_silent(mentorado_id):
                self._announced[mentorado_id] = None
                self._gather.start()

    def _forget(self, mentorado_id: MentoradoId) -> None:
        """They were looked at, or need nobody any more."""
        if mentorado_id not in self._unseen:
            return
        del self._unseen[mentorado_id]
        self._model.show_unseen(self._unseen)
        if mentorado_id in self._announced:
            del self._announced[mentorado_id]
            self._gather.start()

    def _forget_seen(self) -> None:
        for mentorado_id in [each for each in self._unseen if self._window.shows(each)]:
            self._forget(mentorado_id)

    def _update_toast(self) -> None:
        if self._announced:
            show = partial(show_fallen, self._window, tuple(self._announced))
            self.toast.show_message(self._words(), texts("fallen.show"), show)
            QApplication.alert(self._window)  # nothing happens where the window is looked at
        else:
            self.toast.hide()

    def _words(self) -> str:
        rows = [self._model.find_row(each) for each in self._announced]
        return who_needs_you([(row.mentorado.name, row.known) for row in rows])

    def _retranslate(self) -> None:
        if self._announced:
            self._update_toast()


def show_fallen(window: MainWindow, fallen: Sequence[MentoradoId]) -> None:
    """Open the one who fell; of several the first, in the list of all who have a problem."""
    if len(fallen) > 1:
        window.header.search.clear()
        window.list.narrow_to(EVERYBODY)
        window.list.chips.pick(ListFilter.ERROR)
    window.choose(fallen[0])
