"""Connects several mentorados one after the other: the next one begins once the one before is connected.

It waits where a person is needed, so that no code is shown while nobody is there to read it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.actions import ActionName, UnavailableReason, already_sure
from app.domain.bulk_work import BulkKind, BulkWork
from app.domain.errors import Problem
from app.domain.events import StatusChanged
from app.domain.link_status import LinkState
from app.domain.mentorado import Mentorado, MentoradoId
from app.ui.async_slots import async_slot

if TYPE_CHECKING:
    from app.ui.action_runner import ActionRunner

_ENDED = frozenset({LinkState.OFF, LinkState.BLOCKED})


class ConnectInTurn(QObject):
    """*show* brings the one whose turn it is into the pane, where their code is."""

    changed = Signal()
    connected = Signal(str)
    """Carries the id of one who is connected now."""

    def __init__(
        self, runner: ActionRunner, show: Callable[[MentoradoId], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._show = show
        self._waiting: deque[MentoradoId] = deque()
        self._undo: Callable[[], None] | None = None
        self.current: Mentorado | None = None
        self.waits_for_you = False
        """Whether the one whose turn it is cannot connect without a person."""
        self.count = 0
        self.done: list[MentoradoId] = []
        self.left: list[Mentorado] = []
        self._record: BulkWork | None = None

    @property
    def running(self) -> bool:
        return self._undo is not None

    @property
    def place(self) -> int:
        """Which one of `count` it is."""
        return self.count - len(self._waiting)

    def begin(self, people: Sequence[MentoradoId], continues: BulkWork | None = None) -> None:
        """Connect *people* in their order; behind those who still wait, while it runs. *continues* was interrupted."""
        was_running = self.running
        if not was_running:
            self.count, self.done, self.left = 0, [], []
            self._undo = self._runner.bus.subscribe(StatusChanged, self._on_status)
        here = {*self._waiting} | ({self.current.id} if self.current else set())
        new = [each for each in people if each not in here]
        self._waiting.extend(new)
        self.count += len(new)
        self._keep_record(new, continues)
        if not was_running:
            self._go_on()
        self.changed.emit()

    def skip(self) -> None:
        """Leave the one whose turn it is as they are."""
        if self.current is not None:
            self.left.append(self.current)
            self._mark(self.current.id, done=False)
            self._turn_over()

    def stop(self) -> None:
        """Leave the one whose turn it is as they are, and everybody behind."""
        if self.running:
            self._leave([*([self.current.id] if self.current else []), *self._waiting])
            self._waiting.clear()
            self._end()

    def _turn_over(self) -> None:
        self.current, self.waits_for_you = None, False  # at once: more may be observed before the next one begins
        self._go_on()

    @async_slot
    async def _go_on(self) -> None:
        """Begin with the next one who can be connected now."""
        while self._waiting:
            mentorado_id = self._waiting.popleft()
            why = self._runner.actions.unavailable_reason(ActionName.CONNECT, mentorado_id)
            if why is UnavailableReason.ALREADY_CONNECTED:
                self._tell_connected(mentorado_id)
            elif why in (None, UnavailableReason.ON_ITS_WAY):
                self.current = self._runner.mentorados.get(mentorado_id)
                self.changed.emit()
                self._show(mentorado_id)
                if why is None:
                    await self._connect(self.current)
                return
            else:
                self._leave([mentorado_id])
        self._end()

    async def _connect(self, mentorado: Mentorado) -> None:
        try:
            await self._runner.actions.run(ActionName.CONNECT, mentorado.id, already_sure)
        except Problem:
            self.waits_for_you = True
            self.changed.emit()
            raise

    def _on_status(self, event: StatusChanged) -> None:
        current = self.current
        if current is None or event.mentorado_id != current.id or event.link_id != current.link.id:
            return
        if event.after.state is LinkState.CONNECTED:
            self._tell_connected(current.id)
            self._turn_over()
        elif self.waits_for_you is not (event.after.state in _ENDED):
            self.waits_for_you = not self.waits_for_you
            self.changed.emit()

    def _tell_connected(self, mentorado_id: MentoradoId) -> None:
        self.done.append(mentorado_id)
        self._mark(mentorado_id)
        self.connected.emit(mentorado_id)

    def _keep_record(self, new: Sequence[MentoradoId], continues: BulkWork | None) -> None:
        """From now on closing the program loses nothing of who waits."""
        kept = self._runner.bulk_work
        if kept is None:
            return
        if self._record is None:
            self._record = kept.begin(BulkKind.CONNECT, new, continues=continues)
        else:
            kept.add(self._record.id, new)
            if continues is not None:
                kept.end(continues.id)

    def _mark(self, mentorado_id: MentoradoId, *, done: bool = True) -> None:
        if self._runner.bulk_work is not None and self._record is not None:
            self._record = self._runner.bulk_work.mark(self._record.id, mentorado_id, done=done)

    def _leave(self, people: Iterable[MentoradoId]) -> None:
        self.left.extend(map(self._runner.mentorados.get, people))

    def _end(self) -> None:
        self.current, self.waits_for_you = None, False
        if self._runner.bulk_work is not None and self._record is not None:
            self._runner.bulk_work.end(self._record.id)
            self._record = None
        if self._undo is not None:
            self._undo()
            self._undo = None
        self.changed.emit()
