"""One entry in full, with the hashes that chain it, and a way to hand it over."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.domain.names import visible
from app.text import audit as audit_text
from app.text.status import texts
from app.ui.audit.model import AuditRow
from app.ui.dialogs.base import BaseDialog
from app.ui.theme.theme import (
    SPACE_2,
    SPACE_4,
    TEXT_SMALL,
    Theme,
)
from app.ui.widgets.labels import ScaledLabel

_WIDTH = 560
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class EntryDialog(BaseDialog):
    """Shows; copies. Esc closes it."""

    def __init__(self, line: AuditRow, theme: Theme, over: QWidget) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self._rows = _rows(line)
        self.set_title(texts("audit.entry.title", number=audit_text.number(line.entry.number)))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_4)
        grid.setVerticalSpacing(SPACE_2)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self._rows):
            label = ScaledLabel(theme, TEXT_SMALL, QFont.Weight.DemiBold, wraps=False)
            label.setText(name)
            value_label = QLabel(_breakable(value), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
            value_label.setProperty("role", "secondary")
            value_label.setTextInteractionFlags(_SELECTABLE)
            value_label.setAccessibleName(f"{name}: {value}")
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value_label, row, 1)
        self.body.addLayout(grid)
        self._copy = self.add_button(texts("audit.entry.copy"))
        self._copy.clicked.connect(self._on_copy)
        close = self.add_button(texts("dialog.close"), "primary")
        close.clicked.connect(self.accept)
        close.setAutoDefault(True)
        close.setFocus()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name}: {value}" for name, value in self._rows))
        self._copy.setText(texts("audit.copied"))


def _rows(line: AuditRow) -> list[tuple[str, str]]:
    entry, record = line.entry, line.entry.record
    before = ", ".join(f"{name}: {value}" for name, value in record.before.items())
    after = ", ".join(f"{name}: {value}" for name, value in record.after.items())
    rows = (
        ("when", audit_text.exactly(record.at)),
        ("who", line.who),
        ("what", f"{line.what} ({record.action})"),
        ("whom", audit_text.whom(record)),
        ("outcome", line.outcome),
        ("change", audit_text.change(record)),
        ("before", before),
        ("after", after),
        ("reason", line.reason),
        ("previous_hash", entry.previous_hash),
        ("hash", entry.hash),
    )
    return [(texts(f"audit.column.{name}"), visible(value)) for name, value in rows if value]


def _breakable(value: str) -> str:
    """A hash has no space to break at."""
    if len(value) != 64 or " " in value:
        return value
    return f"{value[:32]}\n{value[32:]}"
