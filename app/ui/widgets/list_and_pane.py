"""A list with one of its rows beside it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.ui.theme.theme import Theme
from app.ui.widgets.placeholders import EmptyState
from app.ui.widgets.split_view import SplitView
from app.ui.widgets.tables import RowDelegate, RowList, RowsModel

T = TypeVar("T")


class ListAndPane(SplitView, Generic[T]):
    """Has *show* put a row into *pane*: the one that is walked to or opened, else the first. *empty* is for no rows."""

    def __init__(
        self,
        theme: Theme,
        model: RowsModel[T],
        delegate: RowDelegate,
        empty: EmptyState,
        pane: QWidget,
        show: Callable[[T], object],
    ) -> None:
        left = QWidget()
        super().__init__(left, theme)
        self._model, self._empty, self._show = model, empty, show
        self.list = RowList(model, delegate, theme)
        self.shown: Hashable = None
        """The key of the row that is shown, or is to be shown by `refresh`."""
        self._stack = QStackedLayout(left)
        self._stack.addWidget(self.list)
        self._stack.addWidget(empty)
        self.set_pane(pane)
        self.list.opened.connect(self._on_opened)
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._on_walked(index.row()))

    @property
    def row(self) -> T | None:
        """The row that is shown."""
        place = self._model.place_of(self.shown)
        return None if place is None else self._model.rows[place]

    def refresh(self) -> None:
        """Show the row of before as it is now."""
        count = self._model.rowCount()
        self._stack.setCurrentWidget(self.list if count else self._empty)
        place = self._model.place_of(self.shown)
        if place is None and count:
            place = 0
        self.set_pane_needed(place is not None)
        if place is None:
            self.shown = None
        else:
            self._show_place(place)

    def take_focus(self) -> None:
        if self._model.rowCount():
            self.list.enter()
        else:
            self._empty.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_place(self, place: int) -> None:
        row = self._model.rows[place]
        self.shown = self._model.key(row)
        self.list.setCurrentIndex(self._model.index(place))
        self._show(row)

    def _on_walked(self, place: int) -> None:
        if place >= 0 and self._model.key(self._model.rows[place]) != self.shown:
            self._show_place(place)

    def _on_opened(self, place: int) -> None:
        self._show_place(place)
        self.open_side_panel()
