"""Figures for a monitoring system: families of numbers with labels that name no person and no number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Whether the figures can be read on this computer, and on which port. Off by default."""

    on: bool = False
    port: int = 9464

    @property
    def address(self) -> str:
        """Where they are offered while they are."""
        return f"http://127.0.0.1:{self.port}/metrics"


class MetricKind(StrEnum):
    """What a monitoring system makes of a family."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many were at most each bound, which ends with all of them, and all of them added up."""

    buckets: tuple[tuple[str, int], ...]
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFamily:
    """Numbers of one name, by the values of their *labels*."""

    name: str
    about: str
    kind: MetricKind
    labels: tuple[str, ...] = ()
    values: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    histograms: Mapping[tuple[str, ...], Histogram] = field(default_factory=dict)


ReadMetrics = Callable[[], Sequence[MetricFamily]]


class MetricsServer(Protocol):
    """Answers whoever asks on this computer for the metrics."""

    def open(self, port: int, read: ReadMetrics) -> AbstractAsyncContextManager[None]:
        """Listen on *port* of the loopback address until the context is left. Raises `Problem`."""
        ...
