"""The code large enough for a camera on the other side of the desk."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.domain.phone import PhoneNumber, last_digits
from app.ui.detail_pane.countdown import CodeLife
from app.ui.detail_pane.qr_plate import QrPlate
from app.ui.dialogs.sheet import Sheet
from app.ui.text import texts
from app.ui.theme import SPACE_6, Theme

LARGEST_SIDE = 560
_ROUND_THE_PLATE = 220  # title, countdown, button and margins


class EnlargedCode(Sheet):
    """Follows the panel it was opened from: the panel tells it what its own plate shows."""

    def __init__(self, theme: Theme, over: QWidget, account: PhoneNumber) -> None:
        window = over.window()
        side = max(320, min(LARGEST_SIDE, window.height() - _ROUND_THE_PLATE, window.width() - 4 * SPACE_6))
        super().__init__(theme, over, width=side + 2 * SPACE_6)
        self.set_title(texts("qr.for_number", digits=last_digits(account)))
        self.plate = QrPlate(theme, side)
        self.life = CodeLife(theme)
        self.body.addWidget(self.plate, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(self.life)
        close = self.add_button(texts("dialog.close"))
        close.clicked.connect(self.reject)
        self.plate.clicked.connect(self.reject)
        close.setFocus()
