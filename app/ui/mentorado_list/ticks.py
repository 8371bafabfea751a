"""Who is ticked in the list, to do something to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal

from app.domain.mentorado import MentoradoId


class Ticks(QObject):
    """Rows show a box while it is *open*. Who is ticked stays so when a search or a filter takes them out of sight."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ticked: dict[MentoradoId, None] = {}  # in the order in which they were ticked
        self._open = False

    def __contains__(self, mentorado_id: object) -> bool:
        return mentorado_id in self._ticked

    def __len__(self) -> int:
        return len(self._ticked)

    @property
    def open(self) -> bool:
        return self._open

    @property
    def ids(self) -> Sequence[MentoradoId]:
        return tuple(self._ticked)

    def begin(self) -> None:
        """Show the boxes."""
        if not self._open:
            self._open = True
            self.changed.emit()

    def toggle(self, mentorado_id: MentoradoId) -> None:
        """Tick somebody, or take their tick away."""
        self._open = True
        if mentorado_id in self._ticked:
            del self._ticked[mentorado_id]
        else:
            self._ticked[mentorado_id] = None
        self.changed.emit()

    def add(self, mentorado_ids: Iterable[MentoradoId]) -> None:
        self._open = True
        self._ticked.update(dict.fromkeys(mentorado_ids))
        self.changed.emit()

    def discard(self, mentorado_ids: Iterable[MentoradoId]) -> None:
        """Take the ticks of those with whom a person is done."""
        before = len(self._ticked)
        for mentorado_id in mentorado_ids:
            self._ticked.pop(mentorado_id, None)
        if len(self._ticked) != before:
            self.changed.emit()

    def end(self) -> None:
        """Take every tick and the boxes away."""
        if self._open:
            self._open = False
            self._ticked.clear()
            self.changed.emit()
