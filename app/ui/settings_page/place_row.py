"""Where something lies on this computer: its path, to be read, copied and opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.ui.icons import icon
from app.ui.settings_page.section import Row
from app.ui.text import texts
from app.ui.theme import Theme

_ICON = 16


class PlaceRow(Row):
    """The path can be selected; it breaks anywhere, because it has no spaces to break at."""

    def __init__(self, theme: Theme, path: Path, open_folder: Callable[[Path], object]) -> None:
        self.button = QPushButton()
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        super().__init__(theme, self.button)
        self._path = path
        self.line.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.button.clicked.connect(lambda _checked=False: open_folder(self._path))
        theme.changed.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        side = self._theme.px(_ICON)
        self.button.setIcon(icon("folder", self._theme.tokens.text2, side))
        self.button.setIconSize(QSize(side, side))

    def name(self, label: str) -> None:
        """Go by *label*."""
        self.button.setText(texts("settings.open_folder"))
        self.button.setAccessibleName(f"{texts('settings.open_folder')}: {label}")
        self.say(label, breakable(self._path))


def breakable(path: Path) -> str:
    """*path* with places where a line may end."""
    return str(path).replace("/", "/\u200b").replace("\\", "\\\u200b")
