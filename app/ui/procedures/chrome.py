"""The head of a side sheet: what it is about, how far it is, and a way to put it aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.domain.backup import BackupPart, BackupProgress
from app.text.conversation import number, size
from app.text.status import texts
from app.ui.detail_pane.pairing import PairingPanel, Stage, bring_code_into_view
from app.ui.detail_pane.qr import LEAST_SIDE
from app.ui.procedures.commands import CommandId, ProcedureCommand
from app.ui.theme.icons import icon
from app.ui.theme.theme import (
    SPACE_1,
    SPACE_2,
    SPACE_3,
    SPACE_4,
    SPACE_6,
    TEXT_HEADING,
    Theme,
)
from app.ui.widgets.accessibility import announce, follow_where_it_stands
from app.ui.widgets.labels import ScaledLabel, plain_tip, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox

_ICON = 18
_ABOVE = SPACE_6 - 4


class SheetHead(QFrame):
    """The header of the panel, which does not scroll."""

    close_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "header")
        self._theme = theme
        self._short = False
        self._title = ScaledLabel(theme, TEXT_HEADING, QFont.Weight.DemiBold)
        self._line = text_label(role="secondary")
        self.close_button = QPushButton()
        self.close_button.setProperty("role", "quiet")
        self.close_button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.close_button.clicked.connect(self.close_requested)
        words = vbox(self._title, self._line, spacing=SPACE_1 // 2)
        row = hbox((words, 1), inside=self, margins=(SPACE_6, SPACE_4, SPACE_4 - 2, SPACE_4 - 2), spacing=SPACE_2)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self._update_style)
        self._update_style()

    @property
    def title(self) -> str:
        return self._title.text()

    def set_text(self, title: str, line: str) -> None:
        self._title.setText(title)
        self._line.setText(line)
        self.shorten(self._short)

    def shorten(self, short: bool) -> None:
        """Leave out the line below the title."""
        self._short = short
        self._line.setVisible(bool(self._line.text()) and not short)

    def set_close_text(self, words: str) -> None:
        """Set the label of the close button."""
        self.close_button.setAccessibleName(words)
        self.close_button.setToolTip(plain_tip(words))

    def _update_style(self) -> None:
        side = self._theme.px(_ICON)
        self.close_button.setIcon(icon("x", self._theme.tokens.text2, side))
        self.close_button.setIconSize(QSize(side, side))


class Footer(QFrame):
    """A locked button stays in its place, and the line above the row says why."""

    wanted = Signal(object)  # a Control

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "footer")
        self._closing, self._why = (text_label() for _ in range(2))
        for label in (self._closing, self._why):
            label.setProperty("role", "caption")
        self._row = QWidget()
        row = FlowLayout(self._row, spacing=SPACE_2)
        self._buttons = {control: QPushButton() for control in CommandId}
        for control, button in self._buttons.items():
            button.hide()
            button.clicked.connect(lambda _checked=False, control=control: self.wanted.emit(control))
            row.addWidget(button)
        column = vbox(inside=self, margins=(SPACE_6, SPACE_3, SPACE_6, SPACE_4), spacing=SPACE_2)
        for part in (self._closing, self._why, self._row):
            column.addWidget(part)
        self._short = False

    @property
    def closing(self) -> str:
        """What happens if the program is closed now."""
        return self._closing.text()

    def shorten(self, short: bool) -> None:
        """Leave out what happens if the program is closed now: it is said elsewhere."""
        self._short = short
        self._closing.setVisible(bool(self.closing) and not short)

    def height_when(self, width: int, *, short: bool) -> int:
        """How high it is when it is *width* wide."""
        words = [label for label in (self._why, self._closing) if label.text()]
        parts = [self._row, *(label for label in words if not (short and label is self._closing))]
        heights = [height_of(part, width - 2 * SPACE_6) for part in parts]
        return sum(heights) + SPACE_2 * (len(heights) - 1) + SPACE_3 + SPACE_4

    def button(self, control: CommandId) -> QPushButton:
        return self._buttons[control]

    def show_offers(
        self, closing: str, offers: Sequence[ProcedureCommand], *, busy: bool, strong: CommandId | None = None
    ) -> None:
        """*strong* is the one that is recommended, if it is among *offers*."""
        by_control = {offer.control: offer for offer in offers}
        for control, button in self._buttons.items():
            offer = by_control.get(control)
            button.setVisible(offer is not None)
            if offer is None:
                continue
            role = "primary" if control is strong else ""
            if button.property("role") != role:
                button.setProperty("role", role)
                button.style().unpolish(button)
                button.style().polish(button)
            button.setText(offer.label)
            button.setAccessibleName(offer.label)
            button.setAccessibleDescription(offer.why)
            button.setToolTip(plain_tip(offer.why))
            button.setEnabled(not offer.why and not busy)
        reasons = [f"{offer.label}: {offer.why}." for offer in offers if offer.why]
        for label, text in ((self._closing, closing), (self._why, " ".join(dict.fromkeys(reasons)))):
            label.setText(text)
            label.setVisible(bool(text))
        self.shorten(self._short)
        self._row.setVisible(bool(offers))
        self.setVisible(bool(offers or closing))


def height_of(part: QWidget, width: int) -> int:
    """How high *part* wants to be in this width."""
    return part.heightForWidth(width) if part.hasHeightForWidth() else part.sizeHint().height()


class CodeRoom(QObject):
    """Makes room for a code in a panel that is low: first goes what the code itself says, and what stands in the footer
    moves below; then the footer, too."""

    def __init__(
        self,
        panel: QWidget,
        inside: QVBoxLayout,
        head: SheetHead,
        scroll: QScrollArea,
        footer: Footer,
        card: QWidget,
        pairing: PairingPanel,
    ) -> None:
        super().__init__(panel)
        self._panel, self._inside, self._head, self._scroll, self._footer = panel, inside, head, scroll, footer
        self._card, self._pairing = card, pairing
        self._closing = text_label(role="caption")
        self._inside.addWidget(self._closing)
        self._tight = self._under = False
        self._apply()

    def bring_into_view(self) -> None:
        """Have a code that is on show whole in view."""
        self.arrange()
        if self._shows_code and (layout := self._panel.layout()) is not None:
            layout.activate()
            if self._under and self._scroll.viewport().height() < LEAST_SIDE:
                self._head.shorten(True)
                layout.activate()
            bring_code_into_view(self._scroll, self._pairing)

    @property
    def _shows_code(self) -> bool:
        return self._pairing.stage in (Stage.CODE, Stage.LAPSED) and not self._pairing.isHidden()

    def arrange(self) -> None:
        """Look how much room there is now."""
        before = self._tight, self._under
        self._tight, self._under = self._measure() if self._shows_code else (False, False)
        self._closing.setText(self._footer.closing)
        if not self._under:
            self._head.shorten(False)
        if before != (self._tight, self._under):
            self._apply()

    def start_anew(self) -> None:
        """The text grew or shrank; what is hidden does not know yet how high it is now."""
        self._tight = self._under = False
        self._apply()
        QTimer.singleShot(0, self, self.bring_into_view)

    def _measure(self) -> tuple[bool, bool]:
        """Whether the code has too little room with everything, and too little even with a short footer."""
        width = self._panel.width() - 1
        inner = width - 2 * SPACE_6
        room = self._panel.height() - height_of(self._head, width)
        code = height_of(self._pairing, inner)
        whole = _ABOVE + height_of(self._card, inner) + SPACE_4 + code
        tight = whole > room - self._footer.height_when(width, short=False)
        least = self._pairing.least_height
        return tight, tight and least > room - self._footer.height_when(width, short=True)

    def _apply(self) -> None:
        self._card.setVisible(not self._tight)
        self._footer.shorten(self._tight)
        self._closing.setVisible(self._tight)
        self._inside.setContentsMargins(SPACE_6, SPACE_3 if self._tight else _ABOVE, SPACE_6, SPACE_6)
        wanted = self._inside if self._under else self._panel.layout()
        if wanted is not None and wanted.indexOf(self._footer) < 0:
            focused = self._panel.focusWidget()
            wanted.addWidget(self._footer)
            if focused is not None and self._footer.isAncestorOf(focused):
                focused.setFocus()  # whoever is given to another parent loses the focus


_FULL = 1000


class BackupProgressBar(QWidget):
    """Progress of one part of a backup; indeterminate while the total is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: BackupProgress | None = None
        self._words = text_label(role="secondary")
        self.bar = QProgressBar(textVisible=False)
        vbox(self._words, self.bar, inside=self, margins=(0, SPACE_1, 0, 0), spacing=SPACE_1)
        self.hide()

    def show_progress(self, progress: BackupProgress | None) -> None:
        """Show *progress*; None hides the bar."""
        self._shown = progress
        self.setVisible(progress is not None)
        if progress is not None:
            self._render(progress)

    def retranslate(self) -> None:
        self.show_progress(self._shown)

    def _render(self, progress: BackupProgress) -> None:
        shown_as = number if progress.part is BackupPart.HISTORY else size  # messages; the rest are bytes
        known = {"part": texts(f"procedure.part.{progress.part}"), "done": shown_as(progress.done)}
        if progress.total:
            self.bar.setRange(0, _FULL)
            self.bar.setValue(min(_FULL, _FULL * progress.done // progress.total))
            self._words.setText(texts("procedure.part_of", total=shown_as(progress.total), **known))
        else:
            self.bar.setRange(0, 0)
            self._words.setText(texts("procedure.part_so_far", **known))
        self.bar.setAccessibleName(texts("procedure.bar"))
        self.bar.setAccessibleDescription(self._words.text())


class FocusMemory:
    """Minds the buttons on *sheet*."""

    def __init__(self, sheet: QWidget) -> None:
        self._sheet = sheet
        self._announced = ""

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """A button that goes, or is locked, would hand the focus on to the next: perhaps the wrong one to press."""
        focused = QApplication.focusWidget()
        if not isinstance(focused, QPushButton) or not self._sheet.isAncestorOf(focused):
            yield
            return
        self._sheet.setFocus()
        yield
        if focused.isVisible() and focused.isEnabled() and self._sheet.hasFocus():
            focused.setFocus()

    def go_through(self, fields: Sequence[QWidget], *, before: QWidget) -> None:
        """Have Tab lead through *fields* in their order, and only then to *before*, whatever was made first."""
        follow_where_it_stands(before, fields)

    def focus_first(self, *buttons: QPushButton) -> None:
        """Put the focus, if it is on nothing else, on the first of *buttons* that can be pressed."""
        if not self._sheet.hasFocus():
            return
        for button in buttons:
            if button.isVisible() and button.isEnabled():
                button.setFocus()
                return

    def announce(self, text: str) -> None:
        """Announce *text* to screen readers once, wherever the focus is."""
        if text == self._announced:
            return
        self._announced = text
        announce(self._sheet, text)
