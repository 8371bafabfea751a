"""Measure start, memory and speed on this machine: ``python -m tests.benchmarks [--quick] [NAME ...]``.

It ends with 0 also when a goal is missed, since it measures and does not judge; with 1 when a measurement failed.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence

from tests.benchmarks.felt import measure_felt
from tests.benchmarks.figures import Figure
from tests.benchmarks.links import measure_codes, measure_connects, measure_sessions
from tests.benchmarks.overview import measure_overview
from tests.benchmarks.qr import measure_qr
from tests.benchmarks.rows import measure_rows
from tests.benchmarks.start import measure_memory, measure_start
from tests.benchmarks.stored_talk import measure_history
from tests.benchmarks.table import heading, row
from tests.benchmarks.updates import measure_updates
from tests.benchmarks.webhooks import measure_webhooks

Measurement = Callable[[bool], Iterable[Figure]]

MEASUREMENTS: dict[str, Measurement] = {
    "start": lambda quick: measure_start(2 if quick else 15),
    "qr": lambda quick: measure_qr(10 if quick else 40),
    "code": lambda quick: measure_codes(1 if quick else 7),
    "connect": lambda quick: measure_connects(1 if quick else 7),
    "memory": lambda quick: measure_memory(1 if quick else 3),
    "session": lambda quick: measure_sessions(1 if quick else 2),
    "felt": lambda quick: measure_felt(1 if quick else 5),
    "overview": lambda quick: measure_overview(*((1, 7) if quick else (5, 365))),
    "rows": lambda quick: measure_rows((1_000,) if quick else (1_000, 10_000, 100_000), 1 if quick else 3),
    "history": lambda quick: measure_history(*((1_000, 20_000, 1) if quick else (20_000, 300_000, 3))),
    "updates": lambda quick: measure_updates(1 if quick else 3, 2.0 if quick else 6.0),
    "webhooks": lambda quick: measure_webhooks(1 if quick else 3, 3.0 if quick else 8.0),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was named, or everything, and print a line per figure as soon as it is known."""
    asked = _arguments().parse_args(argv)
    began, failed = time.monotonic(), []
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    _say(f"{os.cpu_count()} processors{load}; Python {sys.version.split()[0]}\n\n{heading()}")
    for name in asked.names or MEASUREMENTS:
        try:
            for figure in MEASUREMENTS[name](asked.quick):
                _say(row(figure))
        except Exception:  # noqa: BLE001 - the others can still be measured
            failed.append(name)
            traceback.print_exc()
    _say(f"\n{time.monotonic() - began:.0f} s" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - what this is for


def _arguments() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description="Measure this program on this machine.")
    parser.add_argument("names", nargs="*", choices=[*MEASUREMENTS, []], metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true", help="few rounds: whether it works, not how fast it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
