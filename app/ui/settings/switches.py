"""Whether a second person approves provider switches. To demand it no more asks for a reason."""

from __future__ import annotations

from app.core.event_bus import EventBus
from app.core.settings_service import SettingsService
from app.domain.events import OperatorSettingsChanged
from app.domain.settings import SWITCH_SECOND_PERSON
from app.text.status import texts
from app.ui.async_slots import async_slot, show_dialog
from app.ui.dialogs.base import BaseDialog
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.settings.section import Section, SettingRow
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl


class SwitchesSection(Section):
    """The choice is taken at once; one that was not taken goes back to what is true."""

    def __init__(self, theme: Theme, *, bus: EventBus, settings_service: SettingsService) -> None:
        super().__init__(theme, "switches", "swap")
        self._settings_service = settings_service
        self.second = SegmentedControl(theme, [False, True])
        self._row = SettingRow(theme, self.second, below=True)
        self.add(self._row)
        self.second.picked.connect(lambda on: self.change(bool(on)))
        undo = bus.subscribe(OperatorSettingsChanged, lambda _event: self.refresh())
        self.destroyed.connect(lambda _gone: undo())

    def refresh(self) -> None:
        self.second.choose(self._settings_service.settings.switch_second_person)

    def retranslate(self) -> None:
        super().retranslate()
        name = texts("settings.switches.second")
        self.second.set_text(name, [texts(f"settings.switches.second_{each}") for each in ("off", "on")])
        self._row.set_text(name, texts("settings.switches.second_line"))
        self.refresh()

    def sheet(self) -> ReasonDialog:
        """What one person may do alone then, and the field for the reason."""
        sheet = ReasonDialog(
            self._theme, self, texts("settings.switches.ask_title"), texts("settings.switches.ask_confirm")
        )
        sheet.add_aspect("changes", texts("settings.switches.ask_changes"))
        sheet.ask_for_reason(texts("settings.switches.ask_why"))
        sheet.field.setFocus()
        return sheet

    @async_slot
    async def change(self, on: bool) -> None:
        """Let *on* be true; whoever wants no second person any more is asked why."""
        self.clear_message()
        try:
            reason, before = "", self._settings_service.settings.switch_second_person
            if before and not on:
                sheet = self.sheet()
                if await show_dialog(sheet) is not BaseDialog.DialogCode.Accepted:
                    self._settings_service.decline(SWITCH_SECOND_PERSON, on)
                    return
                reason = sheet.reason
            if on is not before:
                await self._settings_service.change(SWITCH_SECOND_PERSON, on, reason=reason)
                self.show_saved(texts("settings.saved"))
        finally:
            self.refresh()
