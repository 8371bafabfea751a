"""The comparison over the window: to read, or to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.domain.mentorado import ProviderKind
from app.ui.dialogs.tall_sheet import TallSheet
from app.ui.providers.comparison import Comparison
from app.ui.text import texts
from app.ui.theme import Theme

_WIDTH = 1080


class ComparisonSheet(TallSheet):
    """With *choosing*, `chosen` is what was picked once the sheet is accepted."""

    def __init__(
        self,
        theme: Theme,
        over: QWidget,
        kinds: Sequence[ProviderKind],
        *,
        chosen: ProviderKind | None = None,
        choosing: bool = False,
    ) -> None:
        super().__init__(theme, over, width=_WIDTH)
        self.chosen = chosen
        self.set_title(texts("comparison.title"))
        advice = QLabel(texts("comparison.advice"), wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.comparison = Comparison(theme, kinds, chosen=chosen, choosing=choosing)
        self.comparison.picked.connect(self._pick)
        for part in (advice, self.comparison):
            self.inside.addWidget(part)
        self.setAccessibleDescription(advice.text())
        self.back = self.add_button(texts("comparison.back" if choosing else "dialog.close"))
        self.back.setAutoDefault(True)
        self.back.clicked.connect(self.reject)
        self.back.setFocus()

    def _pick(self, kind: ProviderKind) -> None:
        self.chosen = kind
        self.accept()
