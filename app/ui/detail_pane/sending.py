"""Whether the number may send, beside its state, and why it was stopped, with the way to let it send again."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from app.domain.actions import ActionName
from app.domain.outbound import OutboundStop
from app.text.outbound import send_error
from app.text.send_state import SendState
from app.text.status import action, date_time, texts
from app.ui.theme.theme import SPACE_2, SPACE_3, TEXT_SMALL, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_CIRCLE, _ICON = 22, 13


class SendLine(QWidget):
    """A sign, whether the number may send and for how long not, and what it may still do."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._shown: SendState | None = None
        self._sign = IconCircle(theme, "send", _CIRCLE, _ICON, scales=True)
        self.what = ScaledLabel(theme, TEXT_SMALL, QFont.Weight.Medium)
        self.may = text_label(role="caption")
        words = vbox(self.what, self.may)
        row = hbox(inside=self, spacing=SPACE_2)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_state(self, state: SendState) -> None:
        """Change what differs: a countdown changes one label."""
        before, self._shown = self._shown, state
        if before is None or (before.icon, before.tone) != (state.icon, state.tone):
            self._sign.show_icon(state.icon, state.tone)
        if before is None or before.what != state.what:
            self.what.setText(state.what)
        if before is None or before.may != state.may:
            self.may.setText(state.may)
        self.setAccessibleName(state.line)


class SendingStopCard(QFrame):
    """Since when and why nothing is sent, the next step, the provider's own code, and the way to let it send again."""

    release_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self._words, self._code = (text_label() for _ in range(2))
        self._words.setProperty("role", "banner")
        self._code.setProperty("role", "caption")
        self._code.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.release = QPushButton()
        self.release.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.release.clicked.connect(lambda _checked=False: self.release_requested.emit())
        column = vbox(inside=self, margins=(SPACE_3, SPACE_3, SPACE_3, SPACE_3), spacing=SPACE_2)
        for part in (self._words, self._code, self.release):
            column.addWidget(part)
        self.hide()

    def show_stop(self, stop: OutboundStop | None, now: datetime, *, busy: bool) -> None:
        """None where nothing is stopped."""
        self.setVisible(stop is not None)
        if stop is None:
            return
        at = date_time(stop.at.astimezone(), now.astimezone().date())
        self._words.setText(texts("sending.card", at=at, why=" ".join(send_error(stop.trouble))))
        self._code.setText(texts("sending.code", code=stop.code))
        self._code.setVisible(bool(stop.code))
        self.setAccessibleName(self._words.text())
        label, line = action(ActionName.RELEASE_SENDING)
        self.release.setText(f"{label}…")
        self.release.setAccessibleName(label)
        self.release.setAccessibleDescription(line)
        self.release.setEnabled(not busy)
