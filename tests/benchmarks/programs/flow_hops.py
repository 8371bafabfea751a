"""The flows of `tests.benchmarks.trace`, each in a window of its own, saying how many hops each has."""

import sys

from PySide6.QtWidgets import QApplication

from app.ui.async_slots import run
from tests.benchmarks.programs.marks import mark
from tests.benchmarks.trace import CONNECT, MESSAGE, trace_connect, trace_message


async def count() -> None:
    for flow, trace in ((MESSAGE, trace_message), (CONNECT, trace_connect)):
        mark(flow.replace(" ", "_"), str((await trace()).count))


if __name__ == "__main__":
    run(QApplication(sys.argv[:1]), count)
    mark("done")
