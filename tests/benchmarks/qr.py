"""From the text of a code to painted pixels, and how much of it the window must wait for."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Figure, Goal, Sample
from tests.benchmarks.spawned import Spawned


def measure_qr(codes: int) -> Iterator[Figure]:
    """Show *codes* codes both ways in turn."""
    lines = []
    with Spawned("qr_codes", str(codes), environment={"QT_QPA_PLATFORM": "offscreen"}) as program:
        for _ in range(codes):
            lines.append([1000 * float(seconds) for seconds in program.wait("code").details.split()])
    ours, on_gui, usual = (Sample.of(column) for column in zip(*lines, strict=True))
    yield Figure(
        name="QR text to painted pixels",
        unit="ms",
        ours=ours,
        against="qrcode + PIL + PNG",
        baseline=usual,
        goal=Goal(ratio=1 / 3),
    )
    yield Figure(
        name="  of which on the GUI thread (its CPU time)",
        unit="ms",
        ours=on_gui,
        against="all of the PNG way",
        baseline=usual,
        goal=Goal(value=2.0),
    )
