"""Webhooks: whether they are received, where, what is known with and without them, and what came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QSizePolicy, QWidget

from app.core.event_bus import EventBus
from app.core.mentorado_service import MentoradoService
from app.core.webhooks.service import ServiceState, WebhookService, WebhookUrl
from app.domain.errors import Problem
from app.domain.events import DeliverySetAside, MentoradoChanged, OperatorSettingsChanged, WebhooksChanged
from app.domain.mentorado import LinkId
from app.domain.provider_descriptor import WEBHOOK_SCHEMES
from app.domain.repositories import Clock
from app.domain.set_aside import SetAsideCount
from app.domain.webhooks import REFUSED, DeliveryOutcome, OutcomeCount
from app.text import status as status_text
from app.text.status import age, texts
from app.ui.async_slots import async_slot, until_destroyed
from app.ui.settings.section import Section, SettingRow
from app.ui.theme import tokens as t
from app.ui.theme.icons import icon
from app.ui.theme.theme import Theme
from app.ui.widgets.choices import SegmentedControl
from app.ui.widgets.labels import ScaledLabel, text_label
from app.ui.widgets.layouts import FlowLayout, hbox, vbox

HIDDEN = "••••••••"
SHOWN = 4
_ICON = 14


class _Endpoint(QWidget):
    """One address: whose, the address, what came there, and buttons that show and copy it."""

    def __init__(self, theme: Theme, name: str, links: Sequence[LinkId]) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self.links = links
        self.heading = ScaledLabel(theme, t.TEXT_BODY)
        self.address = text_label()
        self.counts = text_label()
        for label in (self.address, self.counts):
            label.setProperty("role", "secondary")
        self.heading.setText(name)
        self._buttons = QWidget()
        self._row = FlowLayout(self._buttons)
        column = vbox(self.heading, self.address, self.counts, inside=self, spacing=2)
        column.addSpacing(t.SPACE_1)
        column.addWidget(self._buttons)

    def add_button(self, key: str, icon_name: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(texts(key))
        button.setAccessibleName(f"{texts(key)}: {self._name}")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        side = self._theme.px(_ICON)
        button.setIcon(icon(icon_name, self._theme.tokens.text2, side))
        button.setIconSize(QSize(side, side))
        button.clicked.connect(lambda _checked=False: do())
        self._row.addWidget(button)
        return button


class EndpointUrls(QWidget):
    """One for all numbers at Meta, with its token, and one per Z-API link: the first few, until all are wanted."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._all = False
        self.ways: list[_Endpoint] = []
        self._column = vbox(spacing=t.SPACE_4)
        self.more = QPushButton()
        self.more.setProperty("role", "link")
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.more.hide()  # until there is more than is shown
        self.more.clicked.connect(lambda _checked=False: self._show_all())
        vbox(self._column, self.more, inside=self, spacing=t.SPACE_4)

    def show_ways(self, ways: Sequence[WebhookUrl], verify_token: str) -> None:
        """Show them anew, secrets hidden again."""
        for way in self.ways:
            self._column.removeWidget(way)
            way.deleteLater()
        at_meta = [way for way in ways if not way.secret]
        self.ways = [self._meta(at_meta, verify_token)] if at_meta else []
        self.ways += [self._zapi(way) for way in ways if way.secret]
        for each in self.ways:
            self._column.addWidget(each)
        self._fold()

    def _show_all(self) -> None:
        self._all = True
        self._fold()

    def _fold(self) -> None:
        for place, way in enumerate(self.ways):
            way.setVisible(self._all or place < SHOWN)
        left = 0 if self._all else max(0, len(self.ways) - SHOWN)
        self.more.setVisible(left > 0)
        self.more.setText(texts.plural("settings.webhooks.more", left))

    def show_counts(self, counts: Sequence[OutcomeCount], waiting: Mapping[LinkId, int], now: datetime) -> None:
        """How much came to each address, when last, and what waits."""
        for way in self.ways:
            theirs = [each for each in counts if each.link_id in way.links and each.outcome is DeliveryOutcome.ACCEPTED]
            text = texts("settings.webhooks.nothing_yet")
            if theirs:
                last = age(now - max(item.last for item in theirs))
                text = texts.plural("settings.webhooks.came", sum(item.count for item in theirs), age=last)
            if held := sum(waiting.get(link_id, 0) for link_id in way.links):
                text = f"{text} · {texts.plural('settings.webhooks.waiting', held)}"
            way.counts.setText(text)

    def _zapi(self, way: WebhookUrl) -> _Endpoint:
        shown = _Endpoint(self._theme, f"Z-API · {_whose(way)}", [way.mentorado.link.id])
        masked = way.url.removesuffix(way.secret) + HIDDEN
        _show(shown.address, masked)

        def toggle() -> None:
            hidden = HIDDEN in shown.address.text()
            _show(shown.address, way.url if hidden else masked)
            words = texts("settings.webhooks.hide" if hidden else "settings.webhooks.show")
            button.setText(words)
            button.setAccessibleName(f"{words}: {shown.heading.text()}")

        button = shown.add_button("settings.webhooks.show", "key", toggle)
        shown.add_button("settings.webhooks.copy", "copy", lambda: _copy(way.url))
        return shown

    def _meta(self, ways: Sequence[WebhookUrl], verify_token: str) -> _Endpoint:
        shown = _Endpoint(self._theme, texts("settings.webhooks.meta"), [way.mentorado.link.id for way in ways])
        _show(shown.address, ways[0].url)
        for name in (_whose(way) for way in ways if not way.verifiable):
            _show(shown.address, f"{shown.address.text()}\n{texts('settings.webhooks.no_secret', name=name)}")
        shown.add_button("settings.webhooks.copy", "copy", lambda: _copy(ways[0].url))
        shown.add_button("settings.webhooks.copy_token", "key", lambda: _copy(verify_token))
        return shown


def _whose(way: WebhookUrl) -> str:
    """Whose address it is; a provider that is not the one in use is said to be none."""
    name = way.mentorado.name
    return name if way.mentorado.link.in_use else texts("settings.webhooks.beside", name=name)


def _show(label: QLabel, words: str) -> None:
    label.setText(words.replace("/", "/\u200b"))  # an address has no spaces to break at


def _copy(words: str) -> None:
    QGuiApplication.clipboard().setText(words)


OFF, ON = "off", "on"
_ADDRESS_WIDTH, _PORT_WIDTH, _URL_WIDTH = 150, 70, 300
_SHOWN_OUTCOMES = (
    *(outcome for outcome in DeliveryOutcome if outcome in REFUSED),
    DeliveryOutcome.UNREADABLE,
    DeliveryOutcome.DUPLICATE,
)


class WebhooksSection(Section):
    """Fields are taken on Enter, or when they are left. What fails is said, and stays as it was."""

    def __init__(
        self,
        theme: Theme,
        *,
        bus: EventBus,
        webhooks: WebhookService,
        mentorados: MentoradoService,
        set_aside: Callable[[], Awaitable[Sequence[SetAsideCount]]],
        clock: Clock,
    ) -> None:
        super().__init__(theme, "webhooks", "globe")
        self._mentorados = mentorados
        self._count_set_aside = set_aside
        self._clock = clock
        self._webhooks = webhooks
        self._turn = 0
        self.choice = SegmentedControl(theme, [OFF, ON])
        self._receive = SettingRow(theme, self.choice)
        self.address, self.port, self.url = QLineEdit(), QLineEdit(), QLineEdit()
        self.port.setMaxLength(5)
        both = QWidget()
        side_by_side = hbox(self.address, self.port, inside=both, spacing=t.SPACE_2)
        side_by_side.addStretch(1)
        self._place = SettingRow(theme, both)
        self._public = SettingRow(theme, self.url)
        self.ways = EndpointUrls(theme)
        self._ways = SettingRow(theme, self.ways, below=True)
        self._counts = SettingRow(theme)
        self._counts.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._set_aside = SettingRow(theme)
        self._set_aside.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for row in (self._receive, self._place, self._public, self._ways, self._counts, self._set_aside):
            self.add(row)
        self.choice.picked.connect(self.switch)
        self.address.editingFinished.connect(self._save_address)
        self.port.editingFinished.connect(self._save_address)
        self.url.editingFinished.connect(self._save_url)
        until_destroyed(
            self,
            bus.subscribe(WebhooksChanged, lambda _event: self._follow()),
            bus.subscribe(OperatorSettingsChanged, lambda _event: self._follow(anew=True)),
            bus.subscribe(MentoradoChanged, self._on_changed),
            bus.subscribe(DeliverySetAside, lambda _event: self._follow_set_aside()),
        )
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

    @async_slot
    async def switch(self, chosen: Hashable) -> None:
        """Begin to receive them, if one can listen there; or stop."""
        try:
            await (self._webhooks.switch_on() if chosen == ON else self._webhooks.switch_off())
            self.show_saved(texts("settings.saved"))
        finally:
            self._show_state()

    @async_slot
    async def save_place(self, address: str, port: str) -> None:
        """As typed."""
        await self._webhooks.set_listen_address(address, port)
        self.show_saved(texts("settings.saved"))
        self._show_fields()

    @async_slot
    async def save_url(self, typed: str) -> None:
        """As typed."""
        await self._webhooks.set_public_url(typed)
        self.show_saved(texts("settings.saved"))
        self._show_fields()

    @async_slot
    async def refresh(self) -> None:
        """Look at the credentials, too: which links have an address depends on them."""
        self.read_set_aside()
        self._turn += 1
        turn = self._turn
        self._show_fields()
        self._show_state()
        try:
            ways = await self._webhooks.endpoint_urls()
            token = await self._webhooks.verify_token() if any(not way.secret for way in ways) else ""
        except Problem as problem:
            self._ways.set_text(texts("settings.webhooks.ways"), " ".join(status_text.problem(problem)))
            self.ways.hide()
            return
        if turn != self._turn:
            return  # somebody looks again already
        self.ways.show_ways(ways, token)
        self.ways.setVisible(bool(ways))
        self._ways.set_text(
            texts("settings.webhooks.ways"),
            texts("settings.webhooks.ways_line" if ways else "settings.webhooks.no_ways"),
        )
        self._show_counts()

    @async_slot
    async def read_set_aside(self) -> None:
        """What came and was not taken into the history: whose, what, why."""
        today = self._clock.now().astimezone().date()
        names = {each.id: each.name for each in self._mentorados.all()}
        lines = [
            f"{names.get(each.mentorado_id, '')}: {status_text.set_aside_count(each, today)}"
            for each in await self._count_set_aside()
        ]
        text = "\n".join(lines) or texts("settings.webhooks.nothing_set_aside")
        self._set_aside.set_text(texts("settings.webhooks.set_aside"), text)

    def retranslate(self) -> None:
        super().retranslate()
        self.choice.set_text(
            texts("settings.webhooks.receive"), [texts(f"settings.webhooks.{name}") for name in (OFF, ON)]
        )
        self._place.set_text(texts("settings.webhooks.place"), texts("settings.webhooks.place_line"))
        self.address.setAccessibleName(texts("settings.webhooks.address"))
        self.port.setAccessibleName(texts("settings.webhooks.port"))
        self._public.set_text(texts("settings.webhooks.public"), texts("settings.webhooks.public_line"))
        self.url.setPlaceholderText(texts("settings.webhooks.public_hint"))
        self._show_state()
        self._show_counts()
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_counts()

    def _on_changed(self, event: MentoradoChanged) -> None:
        links = self._mentorados.links_of(event.mentorado.id)
        if any(link.provider in WEBHOOK_SCHEMES for link in links):  # the others change often, and have no address
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
        decided = self._webhooks.settings
        for field, value in (
            (self.address, decided.address),
            (self.port, str(decided.port)),
            (self.url, decided.public_url),
        ):
            if not field.hasFocus():
                field.setText(value)

    def _show_state(self) -> None:
        decided, phase = self._webhooks.settings, self._webhooks.phase
        self.choice.choose(ON if decided.on else OFF)
        text = [texts("settings.webhooks.line_on" if decided.on else "settings.webhooks.line_off")]
        if decided.on and phase is ServiceState.LISTENING:
            text.insert(0, texts("settings.webhooks.listening", address=decided.address, port=decided.port))
        elif decided.on and self._webhooks.problem is not None:
            text = [*status_text.problem(self._webhooks.problem), texts("settings.webhooks.again")]
        self._receive.set_text(texts("settings.webhooks.receive"), " ".join(text))

    def _show_counts(self) -> None:
        now = self._clock.now()
        self.ways.show_counts(self._webhooks.counts, self._webhooks.waiting, now)
        found = []
        for outcome in _SHOWN_OUTCOMES:
            counts = [item for item in self._webhooks.counts if item.outcome is outcome]
            if count := sum(item.count for item in counts):
                last = status_text.age(now - max(item.last for item in counts))
                found.append(texts(f"settings.webhooks.outcome.{outcome}", count=count, age=last))
        self._counts.set_text(
            texts("settings.webhooks.refused"), "\n".join(found) or texts("settings.webhooks.nothing_refused")
        )

    def _save_address(self) -> None:
        """Only what changed: fields are left when the window closes too, and nothing should begin then."""
        decided = self._webhooks.settings
        if (self.address.text().strip(), self.port.text().strip()) != (decided.address, str(decided.port)):
            self.save_place(self.address.text(), self.port.text())

    def _save_url(self) -> None:
        if self.url.text().strip().rstrip("/") != self._webhooks.settings.public_url:
            self.save_url(self.url.text())

    def _fit(self) -> None:
        for field, width in ((self.address, _ADDRESS_WIDTH), (self.port, _PORT_WIDTH)):
            field.setFixedWidth(self._theme.px(width))
        self.url.setMinimumWidth(min(self._theme.px(_URL_WIDTH), 340))
