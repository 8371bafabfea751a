"""Webhooks: whether they are received, where, what is known with and without them, and what came."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.core.hosted.webhooks import Phase
from app.domain.errors import Problem
from app.domain.events import DeliverySetAside, MentoradoChanged, OperatorSettingsChanged, WebhooksChanged
from app.domain.mentorado import ProviderKind
from app.domain.webhooks import REFUSED, Outcome
from app.ui import text
from app.ui import tokens as t
from app.ui.choice import Choice
from app.ui.loop import asked
from app.ui.settings_page.parts import Parts
from app.ui.settings_page.section import Row, Section
from app.ui.settings_page.ways_in import WaysIn
from app.ui.text import texts
from app.ui.theme import Theme

OFF, ON = "off", "on"
_ADDRESS_WIDTH, _PORT_WIDTH, _URL_WIDTH = 150, 70, 300
_TOLD = (*(outcome for outcome in Outcome if outcome in REFUSED), Outcome.UNREADABLE, Outcome.DUPLICATE)


class WebhooksSection(Section):
    """Fields are taken on Enter, or when they are left. What fails is said, and stays as it was."""

    def __init__(self, theme: Theme, parts: Parts) -> None:
        super().__init__(theme, "webhooks", "globe")
        self._parts = parts
        self._desk = parts.webhooks
        self._turn = 0
        self.choice = Choice(theme, [OFF, ON])
        self._receive = Row(theme, self.choice)
        self.address, self.port, self.url = QLineEdit(), QLineEdit(), QLineEdit()
        self.port.setMaxLength(5)
        both = QWidget()
        side_by_side = QHBoxLayout(both)
        side_by_side.setContentsMargins(0, 0, 0, 0)
        side_by_side.setSpacing(t.SPACE_2)
        side_by_side.addWidget(self.address)
        side_by_side.addWidget(self.port)
        side_by_side.addStretch(1)
        self._place = Row(theme, both)
        self._public = Row(theme, self.url)
        self.ways = WaysIn(theme)
        self._ways = Row(theme, self.ways, below=True)
        self._counts = Row(theme)
        self._counts.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._set_aside = Row(theme)
        self._set_aside.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for row in (self._receive, self._place, self._public, self._ways, self._counts, self._set_aside):
            self.add(row)
        self.choice.picked.connect(self.switch)
        self.address.editingFinished.connect(self._take_place)
        self.port.editingFinished.connect(self._take_place)
        self.url.editingFinished.connect(self._take_url)
        undo = [
            parts.bus.subscribe(WebhooksChanged, lambda _event: self._follow()),
            parts.bus.subscribe(OperatorSettingsChanged, lambda _event: self._follow(anew=True)),
            parts.bus.subscribe(MentoradoChanged, self._on_changed),
            parts.bus.subscribe(DeliverySetAside, lambda _event: self._follow_set_aside()),
        ]
        self.destroyed.connect(lambda _gone: [each() for each in undo])
        theme.changed.connect(self._fit)
        self._fit()

    @property
    def line(self) -> str:
        """What is said of them now."""
        return self._receive.line.text()

    @property
    def counted(self) -> str:
        """What is said of what was refused."""
        return self._counts.line.text()

    @property
    def set_aside(self) -> str:
        """What is said of what was accepted and not taken into the history."""
        return self._set_aside.line.text()

    @asked
    async def switch(self, chosen: Hashable) -> None:
        """Begin to receive them, if one can listen there; or stop."""
        try:
            await (self._desk.switch_on() if chosen == ON else self._desk.switch_off())
            self.say_done(texts("settings.saved"))
        finally:
            self._show_state()

    @asked
    async def save_place(self, address: str, port: str) -> None:
        """As typed."""
        await self._desk.move(address, port)
        self.say_done(texts("settings.saved"))
        self._show_fields()

    @asked
    async def save_url(self, typed: str) -> None:
        """As typed."""
        await self._desk.set_public_url(typed)
        self.say_done(texts("settings.saved"))
        self._show_fields()

    @asked
    async def refresh(self) -> None:
        """Look at the credentials, too: which links have an address depends on them."""
        self.read_set_aside()
        self._turn += 1
        turn = self._turn
        self._show_fields()
        self._show_state()
        try:
            ways = await self._desk.ways_in()
            token = await self._desk.verify_token() if any(not way.secret for way in ways) else ""
        except Problem as problem:
            self._ways.say(texts("settings.webhooks.ways"), " ".join(text.problem(problem)))
            self.ways.hide()
            return
        if turn != self._turn:
            return  # somebody looks again already
        self.ways.show_ways(ways, token)
        self.ways.setVisible(bool(ways))
        self._ways.say(
            texts("settings.webhooks.ways"),
            texts("settings.webhooks.ways_line" if ways else "settings.webhooks.no_ways"),
        )
        self._show_counts()

    @asked
    async def read_set_aside(self) -> None:
        """What came and was not taken into the history: whose, what, why."""
        today = self._parts.clock.now().astimezone().date()
        names = {each.mentorado.id: each.mentorado.name for each in self._parts.enrolments.all()}
        lines = [
            f"{names.get(each.mentorado_id, '')}: {text.set_aside_count(each, today)}"
            for each in await self._parts.set_aside()
        ]
        said = "\n".join(lines) or texts("settings.webhooks.nothing_set_aside")
        self._set_aside.say(texts("settings.webhooks.set_aside"), said)

    def retranslate(self) -> None:
        super().retranslate()
        self.choice.say(texts("settings.webhooks.receive"), [texts(f"settings.webhooks.{name}") for name in (OFF, ON)])
        self._place.say(texts("settings.webhooks.place"), texts("settings.webhooks.place_line"))
        self.address.setAccessibleName(texts("settings.webhooks.address"))
        self.port.setAccessibleName(texts("settings.webhooks.port"))
        self._public.say(texts("settings.webhooks.public"), texts("settings.webhooks.public_line"))
        self.url.setPlaceholderText(texts("settings.webhooks.public_hint"))
        self._show_state()
        self._show_counts()
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_counts()

    def _on_changed(self, event: MentoradoChanged) -> None:
        if event.enrolment.link.provider is not ProviderKind.WHATSAPP_WEB:  # those change often, and have no address
            self._follow(anew=True)

    def _follow_set_aside(self) -> None:
        if self.isVisible():
            self.read_set_aside()

    def _follow(self, *, anew: bool = False) -> None:
        if not self.isVisible():
            return
        if anew:
            self.refresh()
        else:
            self._show_state()
            self._show_counts()

    def _show_fields(self) -> None:
        """What is decided, except where somebody types."""
        decided = self._desk.settings
        for field, value in (
            (self.address, decided.address),
            (self.port, str(decided.port)),
            (self.url, decided.public_url),
        ):
            if not field.hasFocus():
                field.setText(value)

    def _show_state(self) -> None:
        decided, phase = self._desk.settings, self._desk.phase
        self.choice.choose(ON if decided.on else OFF)
        said = [texts("settings.webhooks.line_on" if decided.on else "settings.webhooks.line_off")]
        if decided.on and phase is Phase.LISTENING:
            said.insert(0, texts("settings.webhooks.listening", address=decided.address, port=decided.port))
        elif decided.on and self._desk.problem is not None:
            said = [*text.problem(self._desk.problem), texts("settings.webhooks.again")]
        self._receive.say(texts("settings.webhooks.receive"), " ".join(said))

    def _show_counts(self) -> None:
        now = self._parts.clock.now()
        self.ways.show_counts(self._desk.tallies, self._desk.waiting, now)
        found = []
        for outcome in _TOLD:
            tallies = [tally for tally in self._desk.tallies if tally.outcome is outcome]
            if count := sum(tally.count for tally in tallies):
                last = text.age(now - max(tally.last for tally in tallies))
                found.append(texts(f"settings.webhooks.outcome.{outcome}", count=count, age=last))
        self._counts.say(
            texts("settings.webhooks.refused"), "\n".join(found) or texts("settings.webhooks.nothing_refused")
        )

    def _take_place(self) -> None:
        """Only what changed: fields are left when the window closes too, and nothing should begin then."""
        decided = self._desk.settings
        if (self.address.text().strip(), self.port.text().strip()) != (decided.address, str(decided.port)):
            self.save_place(self.address.text(), self.port.text())

    def _take_url(self) -> None:
        if self.url.text().strip().rstrip("/") != self._desk.settings.public_url:
            self.save_url(self.url.text())

    def _fit(self) -> None:
        for field, width in ((self.address, _ADDRESS_WIDTH), (self.port, _PORT_WIDTH)):
            field.setFixedWidth(self._theme.px(width))
        self.url.setMinimumWidth(min(self._theme.px(_URL_WIDTH), 340))
