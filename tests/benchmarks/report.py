"""A run as a file, so that a later run can be compared with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.figures import Figure
from tests.benchmarks.table import number, verdict

REPORT: Final = Path("build/bench.json")
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure, the measurement it is from, and its whole name: one that is indented is part of the one above it."""

    measurement: str
    name: str
    figure: Figure

    def as_json(self) -> dict[str, Any]:
        figure = self.figure
        return {
            "measurement": self.measurement,
            "name": self.name,
            "unit": figure.unit,
            "median": figure.ours.median,
            "p95": figure.ours.p95,
            "values": list(figure.ours.values),
            "against": figure.against,
            "baseline": figure.baseline.median if figure.baseline else None,
            "ratio": figure.ratio,
            "goal": str(figure.goal) if figure.goal else None,
            "met": figure.met,
        }


def run(measurement: str, figures: Iterable[Figure]) -> Iterator[Measured]:
    """Each of *figures* as soon as it is known."""
    above = ""
    for figure in figures:
        if figure.name.startswith(" "):
            name = f"{above}: {figure.name.strip()}"
        else:
            name = above = figure.name
        yield Measured(measurement, name, figure)


def summary(all_measured: Sequence[Measured]) -> Iterator[str]:
    """How many goals were met, and a line for each that was missed."""
    judged = [each for each in all_measured if each.figure.met is not None]
    missed = [each for each in judged if not each.figure.met]
    yield f"{len(judged) - len(missed)} of {len(judged)} goals met" + (", missed:" if missed else "")
    for each in missed:
        figure = each.figure
        ratio = "" if figure.ratio is None else f", {figure.ratio:.2f}×"
        yield f"  {each.name}: {number(figure.ours.median)} {figure.unit}{ratio}; goal {figure.goal}"


def write_report(file: Path, all_measured: Sequence[Measured], machine: Mapping[str, object]) -> None:
    """Write what was measured to *file*, whose folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    report = {"format": _FORMAT, **machine, "figures": [each.as_json() for each in all_measured]}
    file.write_text(f"{json.dumps(report, ensure_ascii=False, indent=1)}\n", encoding="utf-8")


def read_report(file: Path) -> dict[str, Any]:
    """What `write_report` wrote. Raises `OSError`, and `ValueError` when it is something else."""
    report = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(report, dict) or report.get("format") != _FORMAT:
        raise ValueError(f"{file} is no report of this version")
    figures = report.get("figures")
    if not isinstance(report.get("began"), str) or not isinstance(figures, list) or not all(map(_is_figure, figures)):
        raise ValueError(f"{file} is damaged")
    return report


def _is_figure(each: object) -> bool:
    """Whether *each* has what is compared."""
    return (
        isinstance(each, dict)
        and isinstance(each.get("measurement"), str)
        and isinstance(each.get("name"), str)
        and isinstance(each.get("median"), int | float)
        and isinstance(each.get("ratio", ""), int | float | None)
        and isinstance(each.get("met", ""), bool | None)
    )


def compare(before: Mapping[str, Any], after: Sequence[Measured]) -> Iterator[str]:
    """A line for each figure that both runs have, then what only one of them has.

    Where there is a baseline the change is that of the ratio, which a slower machine does not move as much.
    """
    former = {(each["measurement"], each["name"]): each for each in before["figures"]}
    names = {each.measurement for each in after}
    for measured in after:
        figure = measured.figure
        then = former.pop((measured.measurement, measured.name), None)
        if then is None:
            yield f"{measured.name:<80}  new"
            continue
        medians = f"{number(then['median'])} → {number(figure.ours.median)} {figure.unit}"
        if then["ratio"] is None or figure.ratio is None:
            ratios, change = "", _change(then["median"], figure.ours.median)
        else:
            ratios, change = f"{then['ratio']:.2f} → {figure.ratio:.2f}×", _change(then["ratio"], figure.ratio)
        verdicts = f"{verdict(then['met'])} → {verdict(figure.met)}" if then["met"] is not figure.met else ""
        yield f"{measured.name:<80}  {medians:>20}  {ratios:>15}  {change:>7}  {verdicts}".rstrip()
    for (measurement, name), _then in former.items():
        if measurement in names:
            yield f"{name:<80}  gone"


def _change(then: float, now: float) -> str:
    return f"{100 * (now / then - 1):+.0f} %" if then else ""
