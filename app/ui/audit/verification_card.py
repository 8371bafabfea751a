"""The result of a verification: a card above the entries that can be dismissed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from app.domain.audit import AuditEntry, ChainBreak, Verification
from app.text import audit as audit_text
from app.text.signs import Tone
from app.text.status import date_time, texts
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.labels import IndeterminateBar, ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_DISC, _ICON = 40, 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `verify`, its time, and the last entry then."""

    at: datetime
    verified: Verification
    last: AuditEntry | None

    @property
    def broken(self) -> ChainBreak | None:
        return self.verified.broken


class VerificationCard(QFrame):
    """Shows the result of a verification: for a broken chain where, what it means and what to do."""

    entry_requested = Signal(int)
    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._running = 0
        self._verdict: Verdict | None = None
        self.setProperty("role", "card")
        self._sign = IconCircle(theme, "refresh", _DISC, _ICON, tone=Tone.PROGRESS, scales=True)
        self._title = ScaledLabel(theme, t.TEXT_NAME, QFont.Weight.DemiBold)
        self._line = text_label(role="secondary")
        self._step = text_label()
        self._bar = IndeterminateBar(theme)  # the walk says nothing on its way
        self._show_entry = self._button("")
        self._show_entry.clicked.connect(self._ask_for_entry)
        self._copy = self._button("")
        self._copy.clicked.connect(self._on_copy)
        self._cross = self._button("quiet")
        self._cross.clicked.connect(self._dismiss)
        buttons = QWidget()
        row = FlowLayout(buttons)
        row.addWidget(self._show_entry)
        row.addWidget(self._copy)
        self._buttons = buttons
        column = vbox(self._title, self._line, self._step, spacing=t.SPACE_1)
        column.addSpacing(t.SPACE_1)
        column.addWidget(self._bar)
        column.addSpacing(t.SPACE_1)
        column.addWidget(buttons)
        layout = hbox(inside=self, margins=(t.SPACE_4, t.SPACE_3, t.SPACE_2, t.SPACE_3), spacing=t.SPACE_4)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(column, 1)
        layout.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self.retranslate)
        self.hide()

    def show_running(self, count: int) -> None:
        """Show that about *count* entries are being verified."""
        self._running, self._verdict = count, None
        self.show()
        self.retranslate()

    def show_verdict(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.retranslate()

    def give_up(self) -> None:
        """Hide: the verification did not finish."""
        self.hide()

    @property
    def title(self) -> str:
        return self._title.text()

    def retranslate(self) -> None:
        verdict = self._verdict
        broken = verdict.broken if verdict else None
        for part, shown in (
            (self._bar, verdict is None),
            (self._buttons, verdict is not None and (broken is not None or verdict.last is not None)),
            (self._show_entry, broken is not None),
            (self._copy, verdict is not None and broken is None),
            (self._cross, verdict is not None),
            (self._step, broken is not None),
        ):
            part.setVisible(shown)
        if verdict is None:
            self._set_text(Tone.PROGRESS, "refresh", texts("audit.verify.running"), self._count_text(self._running))
        elif broken is None:
            count = verdict.last.number if verdict.last else 0
            proven = (
                texts("audit.verify.intact_line"),
                audit_text.sealing(verdict.verified),
                self._checked_line(verdict),
            )
            line = " ".join(filter(None, proven))
            self._set_text(
                Tone.CONNECTED,
                "shield-check",
                texts.plural("audit.verify.intact", count, n=audit_text.number(count)),
                line,
            )
        else:
            title = texts("audit.verify.broken", number=audit_text.number(broken.number))
            line = f"{audit_text.found(broken)} {texts('audit.verify.proven', number=audit_text.number(broken.number))}"
            self._set_text(Tone.ERROR, "triangle-alert", title, line)
            self._step.setText(texts("audit.verify.what_to_do"))
        self._show_entry.setText(texts("audit.verify.show", number=audit_text.number(broken.number) if broken else ""))
        self._copy.setText(texts("audit.verify.copy"))
        self._copy.setToolTip(texts("audit.verify.copy_tip"))
        self._cross.setIcon(icon("x", self._theme.tokens.text2, self._theme.px(16)))
        self._cross.setAccessibleName(texts("window.dismiss"))
        self._cross.setToolTip(texts("window.dismiss"))

    def _set_text(self, tone: Tone, icon_name: str, title: str, line: str) -> None:
        self._sign.show_icon(icon_name, tone)
        self._title.setText(title)
        self._line.setText(line)
        self.setAccessibleName(f"{title} {line}")

    def _count_text(self, count: int) -> str:
        return texts.plural("audit.entries", count, n=audit_text.number(count))

    def _checked_line(self, verdict: Verdict) -> str:
        local = verdict.at.astimezone()
        return texts("audit.verify.checked", time=date_time(local))

    def _button(self, role: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("role", role)
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return button

    def _ask_for_entry(self) -> None:
        if self._verdict is not None and self._verdict.broken is not None:
            self.entry_requested.emit(self._verdict.broken.number)

    def _on_copy(self) -> None:
        """Copy the number and hash of the last entry; noted elsewhere, they reveal a rewritten log."""
        if self._verdict is not None and self._verdict.last is not None:
            last = self._verdict.last
            QGuiApplication.clipboard().setText(
                f"Conecta · {audit_text.exact_time(self._verdict.at)} · {last.number} · {last.hash}"
            )
            self._copy.setText(texts("audit.copied"))

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()
