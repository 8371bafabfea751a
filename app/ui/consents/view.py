"""One contact: what holds for each purpose, what can be recorded, and everything that was."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QPushButton, QWidget

from app.domain.consent import Purpose, last_about
from app.text import consent as consent_text
from app.text.status import texts
from app.ui.consents.model import ContactConsentRow
from app.ui.theme import tokens as t
from app.ui.theme.icons import pixmap
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox
from app.ui.widgets.split_view import SidePane

_ICON = 16
_SHOWN = 50
"""Entries that are shown; the export has all of them."""


class _PurposePart(QWidget):
    """What holds for one purpose, since when and by whom, with the text that was agreed to."""

    revoked = Signal()
    recorded = Signal()

    def __init__(self, theme: Theme, purpose: Purpose) -> None:
        super().__init__()
        self._theme = theme
        self._purpose = purpose
        self._sign = text_label(wraps=False)
        self._head = ScaledLabel(theme, t.TEXT_BODY, QFont.Weight.DemiBold)
        self.origin, self.wording = (text_label(role=role, selectable=True) for role in ("secondary", "caption"))
        self.record, self.revoke = QPushButton(), QPushButton()
        self.record.clicked.connect(self.recorded)
        self.revoke.clicked.connect(self.revoked)
        head = hbox(spacing=t.SPACE_2)
        head.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._head, 1)
        buttons = FlowLayout(spacing=t.SPACE_2)
        buttons.addWidget(self.record)
        buttons.addWidget(self.revoke)
        column = vbox(head, self.origin, self.wording, inside=self, margins=(0, 0, 0, t.SPACE_2), spacing=t.SPACE_1)
        column.addSpacing(t.SPACE_1)
        column.addLayout(buttons)

    def show_row(self, row: ContactConsentRow, today: date) -> None:
        words, sign, tone = consent_text.state(row.entries, self._purpose)
        name = consent_text.purpose(self._purpose)
        last = last_about(row.entries, self._purpose)
        colour = self._theme.tokens.badge[tone].fg
        self._sign.setPixmap(pixmap(sign, colour, self._theme.px(_ICON), self.devicePixelRatioF()))
        self._head.setText(f"{name[:1].upper()}{name[1:]}: {words}")
        self.origin.setText(consent_text.origin(last, today) if last else "")
        self.origin.setVisible(last is not None)
        granted = row.states[self._purpose].granted
        agreed = f"“{last.wording}”, {texts('consent.wording_version', version=last.version)}" if last else ""
        self.wording.setText(agreed if granted else "")
        self.wording.setVisible(granted)
        self.record.setText(texts("consent.record_again" if granted else "consent.record_for"))
        self.record.setAccessibleName(f"{self.record.text()}: {name}")
        self.record.setVisible(bool(row.addresses))
        self.revoke.setText(texts("consent.revoke"))
        self.revoke.setAccessibleName(f"{self.revoke.text()}: {name}")
        self.revoke.setVisible(granted and bool(row.addresses))


class ConsentView(SidePane):
    """Shows one contact; what is asked for is the page's to do."""

    record_requested = Signal(object)  # a Purpose
    revoke_requested = Signal(object)  # a Purpose
    opt_out_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.name = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self.name.setWordWrap(True)
        self.number = text_label(role="secondary", selectable=True)
        self.parts = {purpose: _PurposePart(theme, purpose) for purpose in consent_text.SHOWN}
        self.opt_out = QPushButton()
        self.opt_out.clicked.connect(self.opt_out_requested)
        self._head = ScaledLabel(theme, t.TEXT_SMALL, QFont.Weight.DemiBold)
        self.history = text_label(role="secondary", selectable=True)
        column = vbox(self.name, self.number, margins=(t.SPACE_6, t.SPACE_4, t.SPACE_6, t.SPACE_4), spacing=t.SPACE_2)
        column.addSpacing(t.SPACE_2)
        for purpose, part in self.parts.items():
            part.recorded.connect(lambda asked_for=purpose: self.record_requested.emit(asked_for))
            part.revoked.connect(lambda asked_for=purpose: self.revoke_requested.emit(asked_for))
            column.addWidget(part)
        column.addWidget(self.opt_out, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(t.SPACE_3)
        column.addWidget(self._head)
        column.addWidget(self.history)
        column.addStretch(1)
        self.fill(column)

    def show_row(self, row: ContactConsentRow, today: date) -> None:
        self.name.setText(row.title)
        others = " · ".join(each.value for each in row.addresses[1:])
        number = row.number if row.name else ""
        self.number.setText(" · ".join(filter(None, (number, others))) or texts("consent.erased_line"))
        self.number.setVisible(bool(number or others or not row.addresses))
        for part in self.parts.values():
            part.show_row(row, today)
        out = all(state.opted_out_at is not None for state in row.states.values())
        self.opt_out.setText(texts("consent.opt_out"))
        self.opt_out.setToolTip(texts("consent.opt_out_tip"))
        self.opt_out.setVisible(bool(row.addresses) and not out)
        self._head.setText(texts("consent.history"))
        shown = [consent_text.details(entry, today) for entry in reversed(row.entries[-_SHOWN:])]
        if len(row.entries) > _SHOWN:
            shown.append(texts.plural("consent.older", len(row.entries) - _SHOWN))
        self.history.setText("\n\n".join(shown))
        self.setAccessibleName(row.title)
