"""Lends the list's room to a conversation that is too narrow to read in the pane."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.body import Body
from app.ui.detail_pane.pane import DetailPane


class WideReading(QObject):
    """Stands in for *listed* for as long as the pane wants it; banners above stay in view."""

    def __init__(self, pane: DetailPane, body: Body, listed: QWidget) -> None:
        super().__init__(pane)
        self._body = body
        self._listed = listed
        pane.wide_wanted.connect(self._begin)
        pane.wide_done.connect(self._end)

    def _begin(self, reader: QWidget) -> None:
        column = self._listed.parentWidget()
        layout = column.layout() if column is not None else None
        if isinstance(layout, QVBoxLayout):
            self._body.close_drawer()
            self._listed.hide()
            layout.addWidget(reader, 1)
            reader.show()

    def _end(self) -> None:
        self._listed.show()
        self._body.open_drawer()
