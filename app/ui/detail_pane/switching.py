"""The provider switch of whoever is on show: one that waits, and the former provider while it is kept."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from app.domain.actions import ActionName
from app.domain.link_status import LinkState
from app.domain.switch import SwitchItemState, SwitchState
from app.text.signs import Tone
from app.text.status import action, date_time, provider, refusal, state_badge, texts
from app.ui.detail_pane.view import MentoradoView, SwitchView
from app.ui.theme.theme import SPACE_1, SPACE_2, SPACE_3, TEXT_BODY, Theme
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox
from app.ui.widgets.placeholders import IconCircle

_SIGN, _SIGN_ICON = 32, 16


class SwitchCard(QFrame):
    """Who carries the messages since when, what is kept until when, and the two ways to settle it."""

    action_requested = Signal(object)  # an ActionName
    page_requested = Signal()
    """Show the page of all switches."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._sign = IconCircle(theme, "swap", _SIGN, _SIGN_ICON, scales=True)
        self.what = ScaledLabel(theme, TEXT_BODY, QFont.Weight.DemiBold)
        self.line = text_label(role="secondary")
        words = vbox(self.what, self.line, spacing=SPACE_1)
        row = hbox(spacing=SPACE_3)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.open_page = QPushButton()
        self.open_page.clicked.connect(lambda _checked=False: self.page_requested.emit())
        self._choices = QWidget()
        choices = FlowLayout(self._choices, spacing=SPACE_2)
        self.buttons = {name: QPushButton() for name in (ActionName.ROLL_BACK, ActionName.RELEASE_FORMER)}
        for name, button in self.buttons.items():
            button.clicked.connect(lambda _checked=False, name=name: self.action_requested.emit(name))
            choices.addWidget(button)
        choices.addWidget(self.open_page)
        vbox(row, self._choices, inside=self, margins=(SPACE_3, SPACE_3, SPACE_3, SPACE_3), spacing=SPACE_3)
        self.hide()

    def show_switch(self, view: MentoradoView, now: datetime) -> None:
        """Nothing where no switch is open, or where its procedure is on show."""
        switch = view.switch
        waits = switch is not None and switch.item.state is SwitchItemState.WAITING and view.procedure is None
        kept = switch is not None and switch.item.state is SwitchItemState.SWITCHED
        self.setVisible(waits or kept)
        if switch is None or not (waits or kept):
            return
        known = {"former": provider(switch.item.source), "current": provider(switch.item.target)}
        if waits:
            awaited = switch.run is SwitchState.AWAITING_SECOND
            self._show_words(
                ("clock", Tone.WAITING),
                texts("former.waits", **known),
                texts("former.awaits_second" if awaited else "former.in_line", **known),
            )
        else:
            self._show_kept(switch, known, now)
        self.open_page.setVisible(waits)
        self.open_page.setText(texts("switch_sheet.open_page"))
        labels = {ActionName.ROLL_BACK: "switches.back_to", ActionName.RELEASE_FORMER: "switches.release"}
        for name, button in self.buttons.items():
            why = view.availability[name]
            button.setVisible(kept)
            button.setText(texts(labels[name], provider=known["former"]))
            button.setAccessibleName(button.text())
            button.setAccessibleDescription(refusal(why) if why else action(name)[1])
            gone = name is ActionName.ROLL_BACK and switch.gone
            button.setEnabled(why is None and not view.busy and not gone)

    def _show_kept(self, switch: SwitchView, known: dict[str, str], now: datetime) -> None:
        today = now.astimezone().date()
        since, until = (
            date_time(moment.astimezone(), today) if moment else "—"
            for moment in (switch.item.switched_at, switch.until)
        )
        away = switch.former.state is not LinkState.CONNECTED
        key = "gone" if switch.gone else "away" if away else "over" if switch.over else "kept"
        line = texts(f"former.{key}", until=until, why=state_badge(switch.former), **known)
        look = ("swap", None) if key == "kept" else ("triangle-alert", Tone.WAITING)
        self._show_words(look, texts("former.since", since=since, **known), line)

    def _show_words(self, look: tuple[str, Tone | None], what: str, line: str) -> None:
        self._sign.show_icon(*look)
        self.what.setText(what)
        self.line.setText(line)
        self.setAccessibleName(f"{what}. {line}")
