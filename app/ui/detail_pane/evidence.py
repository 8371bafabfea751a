"""What the badge rests on: the last signs of life, each with its age."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.domain.connection import LinkState, LinkStatus
from app.ui.text import age, date_time, texts
from app.ui.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, Theme
from app.ui.words import Words

_ROWS = ("connected_since", "last_inbound", "last_ack", "host_answered", "last_backup")
_OF_OUR_HOSTS = frozenset({"host_answered"})
"""Shown where there is one: other providers have no process of ours."""


class EvidenceCard(QFrame):
    """One line per sign. While the link is connected, a sign that never came says so; later it says nothing."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "sunken")
        self._backup: datetime | None = None
        self._labels = {name: QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText) for name in _ROWS}
        self._values = {name: Words(theme, TEXT_BODY, QFont.Weight.Medium, wraps=False) for name in _ROWS}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        layout.setSpacing(0)
        self._lines: dict[str, QFrame] = {}
        self._pairs: dict[str, QWidget] = {}
        for name in _ROWS:
            line = self._lines[name] = QFrame()
            line.setProperty("role", "line")
            layout.addWidget(line)
            label, value = self._labels[name], self._values[name]
            label.setProperty("role", "secondary")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            pair = self._pairs[name] = QWidget()
            both = QHBoxLayout(pair)  # a label would lose margins of its own when it is dressed anew while hidden
            both.setContentsMargins(0, SPACE_2 + SPACE_1 // 2, 0, SPACE_2 + SPACE_1 // 2)
            both.setSpacing(SPACE_3)
            both.addWidget(label, 1)
            both.addWidget(value)
            layout.addWidget(pair)
        self.retranslate()

    def show_backup(self, at: datetime | None) -> None:
        """When everything was put into a backup last."""
        self._backup = at

    def show_evidence(self, status: LinkStatus, now: datetime) -> bool:
        """Returns whether there is anything to show."""
        evidence, since, today = status.evidence, status.evidence.connected_since, now.astimezone().date()
        values = {
            "connected_since": date_time(since.astimezone(), today) if since else None,
            "last_inbound": age(now - evidence.last_inbound) if evidence.last_inbound else None,
            "last_ack": age(now - evidence.last_ack) if evidence.last_ack else None,
            "host_answered": age(now - evidence.host_answered) if evidence.host_answered else None,
            "last_backup": age(now - self._backup) if self._backup else None,
        }
        connected = status.state is LinkState.CONNECTED
        shown = [name for name in _ROWS if values[name] or (connected and name not in _OF_OUR_HOSTS)]
        for name in _ROWS:
            value = self._values[name]
            value.setText(values[name] or texts("detail.not_yet"))
            value.setAccessibleName(f"{self._labels[name].text()}: {value.text()}")
            self._pairs[name].setVisible(name in shown)
            self._lines[name].setVisible(name in shown[1:])
        return bool(shown)

    def retranslate(self) -> None:
        self.setAccessibleName(texts("detail.evidence"))
        for name, label in self._labels.items():
            label.setText(texts(f"detail.{name}"))
