"""The filter above the entries: words, outcome, period and mentorado."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.domain.audit import AuditOutcome
from app.domain.mentorado import Mentorado, MentoradoId
from app.text import audit as audit_text
from app.text.status import texts
from app.ui.audit.model import Filter, Period
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, Option
from app.ui.widgets.layouts import FlowLayout
from app.ui.widgets.search_field import SearchField

TYPING_MILLISECONDS = 150
"""Milliseconds of pause before a change is applied: each one reads the audit log again."""

_SEARCH_WIDTH = 300


def _searched() -> tuple[str, str]:
    return texts("audit.search"), texts("audit.search_tip")


class FilterBar(QWidget):
    """Emits `changed` when the filter changes; `wanted` is the filter."""

    changed = Signal()

    def __init__(self, theme: Theme, people: Callable[[], Iterable[Mentorado]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._people = people
        self.search = SearchField(theme, _searched, width=_SEARCH_WIDTH)
        self._outcome = DropdownButton(theme, _outcomes)
        self._period = DropdownButton(theme, _periods)
        self._period.choose(Period.ALL)
        self._mentorado = DropdownButton(theme, self._mentorado_options)
        self.clear_button = QPushButton()
        self.clear_button.setProperty("role", "link")
        self.clear_button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clear_button.clicked.connect(self.clear)
        self._pause = QTimer(self, singleShot=True, interval=TYPING_MILLISECONDS)
        self._pause.timeout.connect(self._emit_changed)
        self.search.textChanged.connect(lambda _typed: self._pause.start())
        self._row = row = FlowLayout(self)
        for part in (self.search, self._outcome, self._period, self._mentorado, self.clear_button):
            row.addWidget(part)
        for pick in (self._outcome, self._period, self._mentorado):
            pick.picked.connect(lambda _option: self._emit_changed())
        theme.changed.connect(self._fit)
        self.retranslate()
        self._show_clear()

    @property
    def wanted(self) -> Filter:
        outcome, period, mentorado = self._outcome.chosen, self._period.chosen, self._mentorado.chosen
        return Filter(
            words=self.search.text().strip(),
            outcome=outcome if isinstance(outcome, AuditOutcome) else None,
            period=period if isinstance(period, Period) else Period.ALL,
            mentorado_id=MentoradoId(mentorado) if isinstance(mentorado, str) else None,
        )

    def only(self, mentorado_id: MentoradoId) -> None:
        """Filter by one mentorado."""
        self._mentorado.choose(mentorado_id)
        self._emit_changed()

    def clear(self) -> None:
        """Remove all filters."""
        self.reset()
        self._emit_changed()

    def reset(self) -> None:
        """Remove all filters without emitting `changed`."""
        self.search.clear()
        self._pause.stop()
        for pick, everything in ((self._outcome, None), (self._period, Period.ALL), (self._mentorado, None)):
            pick.choose(everything)
        self._show_clear()

    def retranslate(self) -> None:
        self.search.retranslate()
        self._outcome.set_text(texts("audit.filter.outcome"))
        self._period.set_text(texts("audit.filter.period"))
        self._mentorado.set_text(texts("audit.filter.mentorado"))
        self.clear_button.setText(texts("audit.filter.clear"))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:  # the words in it became longer or larger
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        """Set the height: layouts do not ask for the height of a wrapping row."""
        self.setFixedHeight(max(1, self._row.heightForWidth(self.width())))

    def _emit_changed(self) -> None:
        self._pause.stop()
        self._show_clear()
        self.changed.emit()

    def _show_clear(self) -> None:
        if self.clear_button.hasFocus() and not self.wanted.narrows:
            self.search.setFocus()
        self.clear_button.setVisible(self.wanted.narrows)
        self._fit()

    def _mentorado_options(self) -> Sequence[Option]:
        named = sorted((each.name, each.id) for each in self._people())
        return [(None, texts("audit.filter.everybody")), *((mentorado_id, name) for name, mentorado_id in named)]


def _outcomes() -> Sequence[Option]:
    return [(None, texts("audit.filter.all")), *((result, audit_text.outcome(result)) for result in AuditOutcome)]


def _periods() -> Sequence[Option]:
    return [(period, texts(f"audit.period.{period}")) for period in Period]
