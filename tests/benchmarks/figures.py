"""What a measurement returns: a figure, the baseline taken in the same run, and whether a goal was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """The same thing measured several times."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def p95(self) -> float:
        """What 95 of 100 do not exceed; of few values, the largest."""
        return sorted(self.values)[ceil(0.95 * len(self.values)) - 1]

    def scaled(self, factor: float) -> Sample:
        return Sample(tuple(value * factor for value in self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """At most this much of the baseline, or at most this much in the figure's own unit, or both."""

    ratio: float | None = None
    value: float | None = None

    def __str__(self) -> str:
        parts = []
        if self.ratio is not None:
            fractions = {1 / 2: "1/2", 1 / 3: "1/3"}
            parts.append(f"≤ {fractions.get(self.ratio, f'{self.ratio:g}')}×")
        if self.value is not None:
            parts.append(f"≤ {self.value:g}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. Without a goal it is there to be read beside the others."""

    name: str
    unit: str
    ours: Sample
    against: str = ""
    baseline: Sample | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the baseline's: the median over pairs that were measured side by side, where there are pairs."""
        if self.baseline is None:
            return None
        if len(self.ours.values) == len(self.baseline.values):
            return median(a / b for a, b in zip(self.ours.values, self.baseline.values, strict=True))
        return self.ours.median / self.baseline.median

    @property
    def met(self) -> bool | None:
        """None when there is no goal."""
        goal, ratio = self.goal, self.ratio
        if goal is None:
            return None
        within_ratio = goal.ratio is None or (ratio is not None and ratio <= goal.ratio)
        return within_ratio and (goal.value is None or self.ours.median <= goal.value)
