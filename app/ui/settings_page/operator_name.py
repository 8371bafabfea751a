"""Who is at the keyboard."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from app.ui.loop import asked
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.section import Row, Section
from app.ui.text import texts
from app.ui.theme import Theme

_WIDTH = 260


class OperatorSection(Section):
    """The name is taken when Enter is pressed or the field is left."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "operator", "user-check")
        self._parts = parts
        self.field = QLineEdit()
        self.field.setMaxLength(80)
        self.field.editingFinished.connect(self._take)
        self._row = Row(theme, self.field)
        self.add(self._row)
        theme.changed.connect(self._fit)
        self._fit()

    def refresh(self) -> None:
        if not self.field.hasFocus():
            self.field.setText(self._parts.desk.settings.operator_name)

    @asked
    async def save(self) -> None:
        """From the next deed on this name stands in the audit."""
        await self._parts.desk.set_operator_name(self.field.text())
        self.field.setText(self._parts.desk.settings.operator_name)
        self.say_done(texts("settings.saved"))

    def _take(self) -> None:
        """Only what changed: the field is left when the window closes too, and nothing should begin then."""
        if self.field.text().strip() != self._parts.desk.settings.operator_name:
            self.save()

    def retranslate(self) -> None:
        super().retranslate()
        self._row.say(texts("settings.operator.name"), texts("settings.operator.name_line"))
        self.field.setPlaceholderText(texts("settings.operator.name_hint"))
        self.field.setAccessibleName(texts("settings.operator.name"))

    def _fit(self) -> None:
        self.field.setMinimumWidth(min(self._theme.px(_WIDTH), 340))
