"""The metrics of this program, and the endpoint that offers them while an operator wants it to."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from app.core.diagnostics.figures import FigureCollector
from app.core.event_bus import EventBus
from app.core.settings_service import SettingsService
from app.core.webhooks.endpoints import parse_port
from app.domain.alert import Alert
from app.domain.errors import Problem
from app.domain.events import MetricsEndpointChanged, OperatorSettingsChanged
from app.domain.figures import CONNECT_BOUNDS, LONGER, Figure
from app.domain.link_status import LinkStatus, Reason
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.metrics import Histogram, MetricFamily, MetricKind, MetricsServer, MetricsSettings, ReadMetrics
from app.domain.repositories import Clock
from app.domain.settings import METRICS
from app.domain.uptime import Kind

log = logging.getLogger(__name__)

TRY_AGAIN_SECONDS: Final = 30.0
"""How often a port on which one cannot listen is tried again."""

_PROVIDERS: Final = frozenset(each.value for each in ProviderKind)
_REASONS: Final = frozenset(each.value for each in Reason)
_KINDS: Final = frozenset(each.value for each in Kind)
_DIRECTIONS: Final = {Figure.MESSAGE_IN: "in", Figure.MESSAGE_OUT: "out"}


class MetricsReader:
    """Collects the metrics of this moment. Counters begin at 0 when the program starts; every label is a known code."""

    def __init__(
        self,
        *,
        version: str,
        mentorados: Callable[[], Iterable[Mentorado]],
        status: Callable[[LinkId], LinkStatus],
        alerts: Callable[[], Sequence[Alert]],
        figures: FigureCollector,
    ) -> None:
        self._version = version
        self._mentorados = mentorados
        self._status = status
        self._alerts = alerts
        self._figures = figures

    def read(self) -> Sequence[MetricFamily]:
        """Every family, in a fixed order."""
        found = [self._info(), self._links(), self._alert_counts(), *self._counters(), self._connect_seconds()]
        memory, until = self._figures.memory, self._figures.until
        if memory.hosts:
            found.append(_gauge("conecta_session_hosts", "Session hosts that run.", memory.hosts))
            found.append(
                _gauge("conecta_session_hosts_memory_bytes", "Memory of all session hosts together.", memory.used)
            )
        if until is not None:
            found.append(
                _gauge("conecta_counted_until_seconds", "Up to when everything is counted.", until.timestamp())
            )
        return found

    def _info(self) -> MetricFamily:
        return MetricFamily(
            name="conecta_info",
            about="The version of this program.",
            kind=MetricKind.GAUGE,
            labels=("version",),
            values={(self._version,): 1},
        )

    def _links(self) -> MetricFamily:
        values: Counter[tuple[str, ...]] = Counter(
            (each.link.provider.value, self._status(each.link.id).state.value)
            for each in self._mentorados()
            if not each.archived
        )
        return MetricFamily(
            name="conecta_links",
            about="Links in use, by provider and state.",
            kind=MetricKind.GAUGE,
            labels=("provider", "state"),
            values=dict(values),
        )

    def _alert_counts(self) -> MetricFamily:
        values: Counter[tuple[str, ...]] = Counter((each.provider.value, each.kind.value) for each in self._alerts())
        return MetricFamily(
            name="conecta_alerts",
            about="Matters that need a person now.",
            kind=MetricKind.GAUGE,
            labels=("provider", "kind"),
            values=dict(values),
        )

    def _counters(self) -> list[MetricFamily]:
        families: dict[Figure, tuple[str, str, str, frozenset[str], float]] = {
            Figure.RECONNECT: ("conecta_reconnects", "Connections that came back by themselves.", "", frozenset(), 1),
            Figure.FAILURE: ("conecta_failures", "Connections that fell, or stopped.", "reason", _REASONS, 1),
            Figure.TIME: ("conecta_link_seconds", "Time that links spent, by kind of state.", "kind", _KINDS, 0.001),
        }
        found = []
        for figure, (name, about, label, known, factor) in families.items():
            values: dict[tuple[str, ...], float] = {
                (provider, detail) if label else (provider,): count * factor
                for (provider, detail), count in self._counted(figure).items()
                if not label or detail in known
            }
            labels = ("provider", label) if label else ("provider",)
            found.append(MetricFamily(name=name, about=about, kind=MetricKind.COUNTER, labels=labels, values=values))
        messages: dict[tuple[str, ...], float] = {
            (provider, direction): float(count)
            for figure, direction in _DIRECTIONS.items()
            for (provider, _detail), count in self._counted(figure).items()
        }
        found.append(
            MetricFamily(
                name="conecta_messages",
                about="Messages that were stored.",
                kind=MetricKind.COUNTER,
                labels=("provider", "direction"),
                values=messages,
            )
        )
        return found

    def _connect_seconds(self) -> MetricFamily:
        by_provider: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (provider, bound), count in self._counted(Figure.CONNECT).items():
            by_provider[provider][bound] += count
        seconds = self._counted(Figure.CONNECT_TIME)
        return MetricFamily(
            name="conecta_connect_seconds",
            about="How long connections without a code took to open.",
            kind=MetricKind.HISTOGRAM,
            labels=("provider",),
            histograms={
                (provider,): Histogram(_cumulative(counts), seconds.get((provider, ""), 0) / 1000)
                for provider, counts in by_provider.items()
            },
        )

    def _counted(self, figure: Figure) -> Mapping[tuple[str, str], int]:
        """What was counted of *figure* since the start, by provider and detail."""
        return {
            (provider, detail): count
            for (each, provider, detail), count in self._figures.counted.items()
            if each is figure and provider in _PROVIDERS
        }


def _gauge(name: str, about: str, value: float) -> MetricFamily:
    return MetricFamily(name=name, about=about, kind=MetricKind.GAUGE, values={(): value})


def _cumulative(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    found, reached = [], 0
    for bound in map(str, CONNECT_BOUNDS):
        reached += counts.get(bound, 0)
        found.append((bound, reached))
    return (*found, ("+Inf", reached + counts.get(LONGER, 0)))


class MetricsService:
    """Opens the endpoint while it is wanted, and tries again by itself where it cannot."""

    def __init__(
        self,
        *,
        bus: EventBus,
        settings_service: SettingsService,
        server: MetricsServer,
        read: ReadMetrics,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._settings_service = settings_service
        self._server = server
        self._read = read
        self._clock = clock
        self._changed = asyncio.Event()
        self._wanted = MetricsSettings()
        self.port: int | None = None
        """Where it listens now."""
        self.problem: Problem | None = None
        """Why it cannot listen, although it should."""
        bus.subscribe(OperatorSettingsChanged, self._on_settings)

    @property
    def settings(self) -> MetricsSettings:
        return self._settings_service.settings.metrics

    async def run(self) -> None:
        """Keep the endpoint in step with the setting, until cancelled."""
        while True:
            self._changed.clear()
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(self._serve(self._wanted.port)) if self._wanted.on else None
                await self._changed.wait()
                if serving is not None:
                    serving.cancel()

    async def switch(self, *, on: bool) -> None:
        """Offer the metrics from now on, or no more. Raises `Problem`."""
        await self._settings_service.change(METRICS, replace(self.settings, on=on))

    async def set_port(self, typed: str) -> None:
        """Use another port. Raises `Problem`."""
        await self._settings_service.change(METRICS, replace(self.settings, port=parse_port(typed)))

    async def _serve(self, port: int) -> None:
        try:
            while True:
                try:
                    async with self._server.open(port, self._read):
                        self._tell(port, None)
                        await asyncio.Event().wait()
                except Problem as problem:
                    if self.problem is None:
                        log.info("The metrics cannot be offered: %s", problem.code)
                    self._tell(None, problem)
                    await self._clock.sleep(TRY_AGAIN_SECONDS)
        finally:
            self._tell(None, None)

    def _tell(self, port: int | None, problem: Problem | None) -> None:
        self.port, self.problem = port, problem
        self._bus.publish(MetricsEndpointChanged())

    def _on_settings(self, event: OperatorSettingsChanged) -> None:
        if event.settings.metrics != self._wanted:
            self._wanted = event.settings.metrics
            self._changed.set()
