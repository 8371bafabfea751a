"""The figures as lines a person can read, and copy."""

from __future__ import annotations

from tests.benchmarks.figures import Figure, Sample

_COLUMNS = (
    ("what", "<60"),
    ("median", ">12"),
    ("p95", ">8"),
    ("min–max", ">17"),
    ("runs", ">5"),
    ("baseline", ">12"),
    ("ratio", ">7"),
    ("goal", ">12"),
    ("", "<7"),
    ("against", "<0"),
)


def heading() -> str:
    line = _line([title for title, _ in _COLUMNS])
    return f"{line}\n{'─' * (len(line) + 30)}"


def row(figure: Figure) -> str:
    """One figure."""
    return _line(
        [
            figure.name,
            f"{number(figure.ours.median)} {figure.unit}",
            number(figure.ours.p95),
            _span(figure.ours),
            str(len(figure.ours.values)),
            f"{number(figure.baseline.median)} {figure.unit}" if figure.baseline else "",
            f"{figure.ratio:.2f}×" if figure.ratio is not None else "",
            str(figure.goal or ""),
            verdict(figure.met),
            figure.against,
        ]
    )


def verdict(met: bool | None) -> str:
    """Of a figure, whose goal was met or not, or which has none."""
    return {None: "", True: "met", False: "MISSED"}[met]


def _line(cells: list[str]) -> str:
    return "  ".join(f"{cell:{shape}}" for cell, (_, shape) in zip(cells, _COLUMNS, strict=True)).rstrip()


def _span(sample: Sample) -> str:
    return f"{number(min(sample.values))}–{number(max(sample.values))}"


def number(value: float) -> str:
    """With as many digits as say something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
