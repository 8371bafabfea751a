"""How much may go out, and how fast: every limit in plain words with its default. To loosen one asks for a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import time
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QWidget

from app.core.event_bus import EventBus
from app.core.settings_service import SettingsService
from app.domain.errors import Problem, ProblemCode
from app.domain.events import OperatorSettingsChanged
from app.domain.outbound import DEFAULT_LIMITS, RANGES, OutboundLimits, limit_text, loosened
from app.domain.settings import OUTBOUND_LIMITS
from app.text.status import texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.dialogs.confirm import ReasonDialog
from app.ui.settings.section import Section, SettingRow, read_time
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl

_WIDTH = 88
_FLAG: Final = "partly_confirmed_counts"


class LimitsSection(Section):
    """A value is taken when Enter is pressed or its field is left; one that was not taken goes back to what is true."""

    def __init__(self, theme: Theme, *, bus: EventBus, settings_service: SettingsService) -> None:
        super().__init__(theme, "limits", "shield-check")
        self._settings_service = settings_service
        self._busy = False
        self.fields = {each.name: QLineEdit() for each in fields(OutboundLimits) if each.name != _FLAG}
        self.partly = SegmentedControl(theme, [False, True])
        self.reset = QPushButton()
        self.reset.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        controls: dict[str, QWidget] = {**self.fields, _FLAG: self.partly}
        self.rows = {name: SettingRow(theme, control) for name, control in controls.items()}
        self._reset_row = SettingRow(theme, self.reset)
        for row in (*self.rows.values(), self._reset_row):
            self.add(row)
        for name, field in self.fields.items():
            field.editingFinished.connect(partial(self._leave, name))
        self.partly.picked.connect(self._pick_partly)
        self.reset.clicked.connect(self._reset)
        until_destroyed(self, bus.subscribe(OperatorSettingsChanged, lambda _event: self.refresh()))
        theme.changed.connect(self._fit)
        self._fit()

    @property
    def limits(self) -> OutboundLimits:
        """Those that are true."""
        return self._settings_service.settings.outbound_limits

    def refresh(self) -> None:
        for name, field in self.fields.items():
            if not field.hasFocus():
                field.setText(limit_text(getattr(self.limits, name)))
        self.partly.choose(self.limits.partly_confirmed_counts)
        differing = [name for name in self.rows if getattr(self.limits, name) != getattr(DEFAULT_LIMITS, name)]
        self._reset_row.setVisible(bool(differing))
        self._reset_row.set_text(texts("settings.limits.reset"), texts.plural("settings.limits.differ", len(differing)))

    def retranslate(self) -> None:
        super().retranslate()
        no, yes = texts("settings.limits.no"), texts("settings.limits.yes")
        self.partly.set_text(texts(f"settings.limits.name.{_FLAG}"), [no, yes])
        self.reset.setText(texts("settings.limits.reset_button"))
        self.reset.setAccessibleName(texts("settings.limits.reset"))
        for name, row in self.rows.items():
            range_ = RANGES.get(name)
            default = self._words(name, DEFAULT_LIMITS)
            line = texts(f"settings.limits.line.{name}")
            if range_ is None:
                line += " " + texts("settings.limits.default", default=default)
            else:
                known = {"default": default, "least": _grouped(range_.least), "most": _grouped(range_.most)}
                line += " " + texts("settings.limits.range", **known)
            row.set_text(texts(f"settings.limits.name.{name}"), line)
        for name, field in self.fields.items():
            field.setAccessibleName(self.rows[name].label.text())
        self.refresh()

    @async_slot
    async def save(self, name: str) -> None:
        """Take what was typed for *name*."""
        self.place_message(self.rows[name])
        try:
            await self._change(self._with(name, _value(name, self.fields[name].text())))
        finally:
            self.fields[name].setText(limit_text(getattr(self.limits, name)))

    @async_slot
    async def change(self, limits: OutboundLimits) -> None:
        """Let *limits* be true; whoever loosens one is asked why."""
        await self._change(limits)

    def sheet(self, limits: OutboundLimits, names: Sequence[str]) -> ReasonDialog:
        """What becomes looser, and the field for the reason."""
        sheet = ReasonDialog(
            self._theme, self, texts("settings.limits.ask_title"), texts("settings.limits.ask_confirm")
        )
        for name in names:
            before, after = (self._words(name, each) for each in (self.limits, limits))
            label = texts(f"settings.limits.name.{name}")
            sheet.add_line(texts("settings.limits.ask_line", label=label, before=before, after=after))
        sheet.add_aspect("changes", texts("settings.limits.ask_changes"))
        sheet.ask_for_reason(texts("settings.limits.ask_why"))
        sheet.field.setFocus()
        return sheet

    async def _change(self, limits: OutboundLimits) -> None:
        if self._busy:
            return
        self._busy = True
        self.clear_message()
        try:
            limits = OUTBOUND_LIMITS.check(limits)
            if limits != self.limits:
                names = loosened(self.limits, limits)
                sheet = self.sheet(limits, names) if names else None
                await self.change_setting(self._settings_service, OUTBOUND_LIMITS, limits, sheet)
        finally:
            self._busy = False
            self.refresh()

    def _with(self, name: str, value: int | time) -> OutboundLimits:
        change: dict[str, Any] = {name: value}
        return replace(self.limits, **change)

    def _words(self, name: str, limits: OutboundLimits) -> str:
        if name == _FLAG:
            return texts(f"settings.limits.{'yes' if limits.partly_confirmed_counts else 'no'}")
        return _grouped(getattr(limits, name))

    def _pick_partly(self, counts: object) -> None:
        self.place_message(self.rows[_FLAG])
        self.change(self._with(_FLAG, bool(counts)))

    def _reset(self, _checked: bool = False) -> None:
        self.place_message(self._reset_row)
        self.change(OutboundLimits())

    def _leave(self, name: str) -> None:
        """Only what changed: the field is left when the window closes too, and nothing should begin then."""
        if self.fields[name].text().strip() != limit_text(getattr(self.limits, name)):
            self.save(name)

    def _fit(self) -> None:
        for field in self.fields.values():
            field.setFixedWidth(self._theme.px(_WIDTH))


def _grouped(value: Any) -> str:
    """*value* to be read; in its field it is as one types it."""
    return limit_text(value) if isinstance(value, time) else texts.number(value)


def _value(name: str, typed: str) -> int | time:
    """What *typed* stands for. Raises `Problem`."""
    typed = typed.strip()
    if name in RANGES:
        if not re.fullmatch(r"-?\d{1,9}", typed, re.ASCII):
            raise Problem(
                ProblemCode.LIMIT_INVALID, limit=name, least=str(RANGES[name].least), most=str(RANGES[name].most)
            )
        return int(typed)
    found = read_time(typed)
    if found is None:
        raise Problem(ProblemCode.LIMIT_TIME_INVALID, limit=name)
    return found
