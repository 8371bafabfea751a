"""Measure start, memory and speed on this machine: ``python -m tests.benchmarks [--quick] [NAME ...]``.

A measurement is a function that yields figures, most of them with a goal; to add one, name it in `MEASUREMENTS`.
The program ends with 0 also when a goal is missed, since it measures and does not judge; with 1 when one failed, and
with 130 when it was interrupted: what was measured until then is said and written.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.felt import measure_felt
from tests.benchmarks.figures import Figure
from tests.benchmarks.hops import measure_hops
from tests.benchmarks.hosts import measure_hosts
from tests.benchmarks.links import measure_codes, measure_connects, measure_sessions
from tests.benchmarks.overview import measure_overview
from tests.benchmarks.qr import measure_qr
from tests.benchmarks.report import REPORT, Measured, compare, read_report, run, summary, write_report
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
    "memory": lambda quick: measure_memory(*((1, 0.5) if quick else (3, 8.0))),
    "session": lambda quick: measure_sessions(1 if quick else 2),
    "hosts": lambda quick: measure_hosts(*((1, 8) if quick else (3, 100))),
    "felt": lambda quick: measure_felt(1 if quick else 5),
    "overview": lambda quick: measure_overview(*((1, 7) if quick else (5, 365))),
    "rows": lambda quick: measure_rows((1_000,) if quick else (1_000, 10_000, 100_000), 1 if quick else 3),
    "history": lambda quick: measure_history(*((400, 4_000, 1) if quick else (20_000, 1_000_000, 5))),
    "updates": lambda quick: measure_updates(1 if quick else 3, 2.0 if quick else 6.0),
    "hops": lambda quick: measure_hops(1 if quick else 4),
    "webhooks": lambda quick: measure_webhooks(1 if quick else 3, 3.0 if quick else 8.0),
}

_MAKE_OTHER = ("processors", "Python", "quick")
"""What makes figures of two runs hard to compare, so that it is said."""

_INTERRUPTED = 128 + signal.SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was named, or everything, and print a line per figure as soon as it is known."""
    parser = _arguments()
    asked = parser.parse_args(argv)
    try:
        before = None if asked.against is None else read_report(asked.against)
    except (OSError, ValueError) as error:
        parser.error(f"--against: {error}")
    began, failed, measured, interrupted = time.monotonic(), list[str](), list[Measured](), False
    machine = _machine()
    _say(f"{', '.join(f'{name} {value}' for name, value in machine.items())}\n\n{heading()}")
    for name in [*asked.names, *asked.only] or MEASUREMENTS:
        try:
            for each in run(name, MEASUREMENTS[name](asked.quick)):
                measured.append(each)
                _say(row(each.figure))
        except KeyboardInterrupt:
            interrupted = True
            break
        except Exception:  # noqa: BLE001 - the others can still be measured
            failed.append(name)
            traceback.print_exc()
    _say("\n" + "\n".join(summary(measured)))
    if (file := asked.write or (None if asked.quick else REPORT)) and measured:
        write_report(file, measured, {**machine, "quick": asked.quick})
    if before is not None:
        now = {**machine, "quick": asked.quick}
        other = [f"{name} {before.get(name)} → {now[name]}" for name in _MAKE_OTHER if before.get(name) != now[name]]
        _say("; ".join([f"\nCompared with {asked.against}, of {before['began']}", *other]) + "\n")
        _say("\n".join(compare(before, measured)))
    ending = [f"failed: {', '.join(failed)}"] * bool(failed) + ["interrupted"] * interrupted
    _say("; ".join([f"\n{time.monotonic() - began:.0f} s", *ending]))
    return _INTERRUPTED if interrupted else 1 if failed else 0


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - what this is for


def _machine() -> dict[str, object]:
    """What the figures depend on besides the program."""
    load = {"load": round(os.getloadavg()[0], 1)} if hasattr(os, "getloadavg") else {}
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return {"began": began, "processors": os.cpu_count(), **load, "Python": sys.version.split()[0]}


def _arguments() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description="Measure this program on this machine.")
    names = ", ".join(MEASUREMENTS)
    parser.add_argument("names", nargs="*", choices=[*MEASUREMENTS, []], metavar="NAME", help=names)
    parser.add_argument(
        "--only", action="append", choices=MEASUREMENTS, default=[], metavar="NAME", help="the same; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: whether it works, not how fast it is")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with the report of another run")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help=f"the report; by default {REPORT}, of a quick run none"
    )
    return parser


if __name__ == "__main__":
    # Killed at once it would leave programs, and folders in memory.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.exit(main())
