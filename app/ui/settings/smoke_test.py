"""Whom smoke tests write to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from PySide6.QtWidgets import QLineEdit

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService, parse_phone
from app.core.outbound.smoke_test import SmokeTestService
from app.domain.events import MentoradoAdded, MentoradoChanged, OperatorSettingsChanged
from app.domain.phone import readable
from app.domain.smoke_test import SmokeTestTarget
from app.text.status import texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.settings.section import Section, SettingRow
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import DropdownButton, SegmentedControl

_WIDTH = 220
_TARGET = SmokeTestTarget


class SmokeTestSection(Section):
    """The number itself is taken at once; a partner or a number when it is known who that is."""

    def __init__(
        self, theme: Theme, *, bus: EventBus, smoke_tests: SmokeTestService, mentorados: MentoradoService
    ) -> None:
        super().__init__(theme, "smoke", "flask")
        self._smoke_tests, self._mentorados = smoke_tests, mentorados
        self._shown = smoke_tests.chosen.target
        self.target = SegmentedControl(theme, list(_TARGET))
        self.partner = DropdownButton(theme, self._people)
        self.number, self.template = QLineEdit(), QLineEdit()
        self._whom = SettingRow(theme, self.target, below=True)
        self._partner, self._number, self._template = (
            SettingRow(theme, control) for control in (self.partner, self.number, self.template)
        )
        for row in (self._whom, self._partner, self._number, self._template):
            self.add(row)
        self.target.picked.connect(self._pick)
        self.partner.picked.connect(self.save_partner)
        self.number.editingFinished.connect(self._leave_number)
        self.template.editingFinished.connect(self._leave_template)
        until_destroyed(
            self,
            bus.subscribe(OperatorSettingsChanged, self._on_change),
            bus.subscribe(MentoradoAdded, self._on_change),
            bus.subscribe(MentoradoChanged, self._on_change),
        )
        theme.changed.connect(self._fit)
        self._fit()

    def refresh(self) -> None:
        chosen = self._smoke_tests.chosen
        self.target.choose(self._shown)
        self.partner.choose(chosen.partner)
        if not self.number.hasFocus():
            self.number.setText(readable(chosen.number) if chosen.number else "")
        if not self.template.hasFocus():
            self.template.setText(chosen.template)
        self._partner.setVisible(self._shown is _TARGET.PARTNER)
        self._number.setVisible(self._shown is _TARGET.NUMBER)
        self._template.setVisible(self._shown is not _TARGET.OWN)
        self._whom.set_text(texts("settings.smoke.whom"), texts(f"settings.smoke.{self._shown}_line"))

    def retranslate(self) -> None:
        super().retranslate()
        self.target.set_text(texts("settings.smoke.whom"), [texts(f"settings.smoke.{each}") for each in _TARGET])
        self._partner.set_text(texts("settings.smoke.who"), texts("settings.smoke.whom_line"))
        self._number.set_text(texts("settings.smoke.phone"), texts("settings.smoke.whom_line"))
        self._template.set_text(texts("settings.smoke.template"), texts("settings.smoke.template_line"))
        for control, row in ((self.number, self._number), (self.template, self._template)):
            control.setAccessibleName(row.label.text())
        self.number.setPlaceholderText(texts("settings.smoke.phone_hint"))
        self.partner.set_text(texts("settings.smoke.who"))
        self.refresh()

    @async_slot
    async def save_own(self) -> None:
        await self._smoke_tests.choose(replace(self._smoke_tests.chosen, target=_TARGET.OWN))
        self.show_saved(texts("settings.saved"))

    @async_slot
    async def save_partner(self, mentorado_id: object) -> None:
        chosen = replace(self._smoke_tests.chosen, target=_TARGET.PARTNER, partner=str(mentorado_id))
        await self._smoke_tests.choose(chosen)
        self.show_saved(texts("settings.saved"))

    @async_slot
    async def save_number(self) -> None:
        number = parse_phone(self.number.text())
        await self._smoke_tests.choose(replace(self._smoke_tests.chosen, target=_TARGET.NUMBER, number=number))
        self.number.setText(readable(number))
        self.show_saved(texts("settings.saved"))

    @async_slot
    async def save_template(self) -> None:
        template = self.template.text().strip()
        await self._smoke_tests.choose(replace(self._smoke_tests.chosen, template=template))
        self.show_saved(texts("settings.saved"))

    def _pick(self, target: Hashable) -> None:
        assert isinstance(target, SmokeTestTarget)  # noqa: S101 - the options are these
        if target is self._shown:
            return
        self._shown = target
        self.refresh()
        chosen = self._smoke_tests.chosen
        if target is _TARGET.OWN:
            self.save_own()
        elif target is _TARGET.PARTNER and chosen.partner:
            self.save_partner(chosen.partner)
        elif target is _TARGET.NUMBER and chosen.number:
            self.save_number()

    def _leave_number(self) -> None:
        """Only what changed: the field is left when the window closes too, and nothing should begin then."""
        chosen = self._smoke_tests.chosen
        before = readable(chosen.number) if chosen.number else ""
        if self.number.text().strip() not in ("", before):
            self.save_number()

    def _leave_template(self) -> None:
        if self.template.text().strip() != self._smoke_tests.chosen.template:
            self.save_template()

    def _people(self) -> Sequence[tuple[Hashable, str]]:
        active = [(each.id, each.name) for each in self._mentorados.all() if not each.archived]
        return [("", texts("settings.smoke.choose")), *active] if not self._smoke_tests.chosen.partner else active

    def _on_change(self, event: object) -> None:
        if isinstance(event, OperatorSettingsChanged):
            self._shown = event.settings.smoke_test.target
        self.refresh()

    def _fit(self) -> None:
        for field in (self.number, self.template):
            field.setMinimumWidth(min(self._theme.px(_WIDTH), 340))
