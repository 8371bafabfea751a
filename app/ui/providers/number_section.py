"""Details of a number at its provider: quality, limits, names, templates. Loaded on request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from app.core.provider_setup.selection import CachedDetails, NumberDetailsService
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.names import visible
from app.domain.repositories import Clock
from app.domain.sending import Template
from app.text.providers import (
    fact_name,
    fact_value,
    template_status,
    tone,
)
from app.text.signs import Tone
from app.text.status import age, provider, texts
from app.ui.async_slots import async_slot
from app.ui.theme.icons import icon
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, SPACE_4, TEXT_BODY, TEXT_SMALL, Theme
from app.ui.widgets.labels import Badge, ScaledLabel, text_label
from app.ui.widgets.layouts import hbox, vbox

_ORDER: Final = (
    "quality",
    "tier",
    "throughput",
    "verified_name",
    "name_status",
    "next_name_status",
    "ownership",
    "pin",
    "official",
    "on_business_app",
    "mode",
    "status",
    "platform",
)
_AS_BADGE: Final = frozenset({"quality", "name_status", "status"})
_ICONS: Final = {Tone.CONNECTED: "check-circle", Tone.WAITING: "clock", Tone.ERROR: "triangle-alert", Tone.IDLE: "info"}
_SHOWN_TEMPLATES: Final = 4
_ICON = 16


class NumberSection(QWidget):
    """Shows the details that the service holds. Visible only where the provider offers details."""

    def __init__(self, theme: Theme, service: NumberDetailsService, clock: Clock) -> None:
        super().__init__()
        self._theme = theme
        self._service = service
        self._clock = clock
        self._mentorado_id: MentoradoId | None = None
        self._drawn: tuple[MentoradoId, CachedDetails | None, bool] | None = None
        self._asking: set[MentoradoId] = set()
        self._all = False
        self._heading = ScaledLabel(theme, TEXT_SMALL, QFont.Weight.DemiBold)
        self._age = text_label(role="caption", wraps=False)
        self.ask_button = QPushButton()
        self.ask_button.setProperty("role", "quiet")
        self.ask_button.clicked.connect(self.ask)
        head = hbox((self._heading, 1), self._age, self.ask_button, spacing=SPACE_2)
        self._card = QFrame()
        self._card.setProperty("role", "sunken")
        self._inside = vbox(inside=self._card, margins=(SPACE_4, SPACE_2 + 2, SPACE_4, SPACE_2 + 2), spacing=SPACE_2)
        vbox(head, self._card, inside=self, margins=(0, SPACE_2, 0, 0), spacing=SPACE_2)
        theme.changed.connect(self.retranslate)
        self.hide()

    def show_mentorado(self, mentorado: Mentorado) -> None:
        """Show the known details of this mentorado's number."""
        mentorado_id = mentorado.id
        if mentorado_id != self._mentorado_id:
            self._mentorado_id, self._all = mentorado_id, False
        self.setVisible(self._service.supported(mentorado_id))
        if not self.isHidden():
            self._heading.setText(texts("number.title", provider=provider(mentorado.link.provider)))
            self._refresh()

    def show_age(self) -> None:
        """Update the age of the details."""
        if self._mentorado_id is not None and (details := self._service.cached(self._mentorado_id)) is not None:
            self._age.setText(texts("number.told", age=age(self._clock.now() - details.at)))

    @async_slot
    async def ask(self, _checked: bool = False) -> None:
        """Query the provider; earlier details stay until it answers."""
        mentorado_id = self._mentorado_id
        if mentorado_id is None or mentorado_id in self._asking:
            return
        self._asking.add(mentorado_id)
        self._refresh()
        try:
            await self._service.fetch(mentorado_id)
        finally:
            self._asking.discard(mentorado_id)
            self._refresh()

    def retranslate(self) -> None:
        self._drawn = None
        side = self._theme.px(_ICON)
        self.ask_button.setIcon(icon("refresh", self._theme.tokens.text2, side))
        self.ask_button.setIconSize(QSize(side, side))
        if self._mentorado_id is not None:
            self._refresh()

    def _refresh(self) -> None:
        mentorado_id = self._mentorado_id
        if mentorado_id is None:
            return
        details, asking = self._service.cached(mentorado_id), mentorado_id in self._asking
        self._age.setText(texts("number.told", age=age(self._clock.now() - details.at)) if details else "")
        self.ask_button.setText(texts("number.asking" if asking else "number.ask"))
        self.ask_button.setEnabled(not asking)
        if (now := (mentorado_id, details, self._all)) != self._drawn:
            self._drawn = now
            self._draw(details)

    def _draw(self, details: CachedDetails | None) -> None:
        _empty(self._inside)
        if details is None:
            never = text_label(texts("number.never"), "secondary")
            self._inside.addWidget(never)
            return
        facts = details.details.facts
        names = [*(name for name in _ORDER if name in facts), *(name for name in facts if name not in _ORDER)]
        shown = [(name, facts[name]) for name in names if (name, facts[name]) != ("next_name_status", "none")]
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_3)
        grid.setVerticalSpacing(SPACE_1 + 2)
        grid.setColumnStretch(0, 1)
        for row, (name, value) in enumerate(shown):
            label = text_label(fact_name(name), "secondary")
            grid.addWidget(label, row, 0)
            grid.addWidget(self._value(name, value), row, 1, Qt.AlignmentFlag.AlignRight)
        self._inside.addLayout(grid)
        self._draw_templates(details.details.templates)

    def _value(self, name: str, value: str) -> QWidget:
        text = fact_value(name, value)
        if name in _AS_BADGE:
            badge = Badge(self._theme)
            badge.show_badge(tone(value), _ICONS[tone(value)], text[:1].upper() + text[1:])
            badge.setAccessibleName(f"{fact_name(name)}: {text}")
            return badge
        words = ScaledLabel(self._theme, TEXT_BODY, QFont.Weight.Medium)
        words.setText(text)
        words.setAlignment(Qt.AlignmentFlag.AlignRight)
        words.setAccessibleName(f"{fact_name(name)}: {text}")
        return words

    def _draw_templates(self, templates: Sequence[Template]) -> None:
        line = QFrame()
        line.setProperty("role", "line")
        self._inside.addWidget(line)
        text = texts.plural("number.templates", len(templates))
        if templates:
            text = f"{text} · {texts('number.usable', usable=sum(each.usable for each in templates))}"
        heading = ScaledLabel(self._theme, TEXT_SMALL, QFont.Weight.DemiBold)
        heading.setText(text)
        self._inside.addWidget(heading)
        for template in templates if self._all else templates[:_SHOWN_TEMPLATES]:
            self._inside.addWidget(self._template(template))
        if len(templates) > _SHOWN_TEMPLATES:
            more = QPushButton(texts("number.fewer_templates" if self._all else "number.all_templates"))
            more.setProperty("role", "link")
            more.clicked.connect(partial(self._show_all, not self._all))
            self._inside.addWidget(more, 0, Qt.AlignmentFlag.AlignLeft)

    def _template(self, template: Template) -> QWidget:
        name = ScaledLabel(self._theme, TEXT_SMALL, QFont.Weight.Medium)
        name.setText(visible(template.name).replace("_", "_\u200b"))  # it has no blanks to break at
        under = text_label(f"{template.language} · {template.category.lower()}", "caption", wraps=False)
        badge = Badge(self._theme)
        state = tone(template.status)
        badge.show_badge(state, _ICONS[state], template_status(template.status))
        words = vbox(name, under)
        row = QWidget()
        layout = hbox((words, 1), inside=row, spacing=SPACE_2)
        layout.addWidget(badge, 0, Qt.AlignmentFlag.AlignVCenter)
        row.setAccessibleName(f"{template.name}, {template.language}: {template_status(template.status)}")
        return row

    def _show_all(self, on: bool, _checked: bool = False) -> None:
        self._all = on
        self._refresh()


def _empty(layout: QVBoxLayout | QGridLayout) -> None:
    while item := layout.takeAt(0):
        inner = item.layout()
        if isinstance(inner, QVBoxLayout | QGridLayout):
            _empty(inner)
        elif widget := item.widget():
            widget.hide()
            widget.deleteLater()
