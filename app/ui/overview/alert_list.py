"""What needs an admin now, each with its next step and a button that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from app.domain.alert import Alert, AlertKind
from app.text.alert import alert_kind
from app.text.signs import Tone
from app.text.status import texts
from app.ui.theme.theme import SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, TEXT_SMALL, Theme
from app.ui.widgets.labels import ScaledLabel, plain_tip
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle

SHOWN: Final = 4
"""So many are listed; the list of mentorados has the others."""

_DISC, _ICON = 32, 16
_LOOKS: Final = {
    AlertKind.INCIDENT: (Tone.ERROR, "wifi-off"),
    AlertKind.BLOCKED: (Tone.ERROR, "triangle-alert"),
    AlertKind.TOKEN_EXPIRING: (Tone.WAITING, "key"),
    AlertKind.PHONE_UNSEEN: (Tone.WAITING, "phone"),
}


class AlertWords(NamedTuple):
    """An alert, what is the matter, and what to do."""

    alert: Alert
    line: str
    step: str


class _Row(QWidget):
    def __init__(self, theme: Theme, shown: AlertWords) -> None:
        super().__init__()
        tone, icon_name = _LOOKS[shown.alert.kind]
        line, step = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold), ScaledLabel(theme, TEXT_SMALL)
        line.setText(shown.line)
        step.setText(shown.step)
        step.setProperty("role", "secondary")
        self.button = QPushButton(texts("overview.alerts.show"))
        self.button.setAccessibleName(f"{texts('overview.alerts.show')}: {shown.line}")
        self.button.setAccessibleDescription(shown.step)
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        words = vbox(line, step, spacing=1)
        row = hbox(inside=self, spacing=SPACE_3)
        circle = IconCircle(theme, icon_name, _DISC, _ICON, tone=tone, scales=True)
        circle.setToolTip(plain_tip(alert_kind(shown.alert.kind)))
        row.addWidget(circle, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)


class AlertList(QFrame):
    """Rebuilds its rows only when their words change, and keeps the keyboard focus in the list."""

    show_requested = Signal(object)  # an Alert
    others_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[AlertWords, ...] | None = None
        self.rows: list[_Row] = []
        self.setProperty("role", "card")
        self._title = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self.nothing = ScaledLabel(theme, TEXT_SMALL)
        self.nothing.setProperty("role", "secondary")
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.clicked.connect(self.others_requested)
        self._rows = vbox(spacing=SPACE_3)
        column = vbox(self._title, inside=self, margins=(SPACE_4, SPACE_3, SPACE_4, SPACE_3), spacing=SPACE_2)
        column.addWidget(self.nothing)
        column.addLayout(self._rows)
        column.addWidget(self.more)

    def show_alerts(self, alerts: Sequence[AlertWords] | None) -> None:
        """Show the most urgent of *alerts*; None while nobody has looked yet."""
        count = len(alerts or ())
        self._title.setText(texts.plural("overview.alerts.title", count))
        self.setAccessibleName(self._title.text())
        self.nothing.setText(texts("overview.alerts.looking" if alerts is None else "overview.alerts.nothing"))
        self.nothing.setVisible(count == 0)
        self.more.setVisible(count > SHOWN)
        self.more.setText(texts.plural("overview.alerts.more", count - SHOWN))
        shown = tuple(alerts or ())[:SHOWN]
        if shown != self._shown:
            self._shown = shown
            self._rebuild(shown)

    def _rebuild(self, shown: Sequence[AlertWords]) -> None:
        at = next((place for place, row in enumerate(self.rows) if row.button.hasFocus()), None)
        for row in self.rows:
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [_Row(self._theme, each) for each in shown]
        for row, each in zip(self.rows, shown, strict=True):
            self._rows.addWidget(row)
            row.button.clicked.connect(lambda _checked=False, alert=each.alert: self.show_requested.emit(alert))
        if at is not None and self.rows:
            self.rows[min(at, len(self.rows) - 1)].button.setFocus(Qt.FocusReason.OtherFocusReason)
