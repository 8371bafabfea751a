"""The library's own log, switched while a line is open."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from app.domain.provider import Connected, HasDebugLog, Lost
from app.providers.whatsapp_web.connection import library_log
from tests.providers.conftest import ProviderHarness, run, until


class LogCapture(logging.Handler):
    """What the library said."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def overheard() -> Iterator[LogCapture]:
    handler, level = LogCapture(), library_log.level
    library_log.addHandler(handler)
    library_log.setLevel(logging.DEBUG)
    yield handler
    library_log.removeHandler(handler)
    library_log.setLevel(level)


def test_a_line_that_is_open_begins_to_tell_and_ends(harness: ProviderHarness, overheard: LogCapture) -> None:
    provider: HasDebugLog = harness.provider

    async def main() -> list[int]:
        person = harness.somebody()
        await harness.pair(person)
        counts = []
        async with harness.connected(person) as line:
            for on in (False, True, False, False):  # what was on its way is heard in the third round
                provider.set_detailed_log(on)
                before = len(overheard.lines)
                harness.fault("abort", person)
                await until(line, Lost)
                await until(line, Connected)
                counts.append(len(overheard.lines) - before)
        return counts

    before, during, _, after = run(main())
    assert before == after == 0
    assert during > 0


async def test_a_line_that_is_opened_later_tells_too(harness: ProviderHarness, overheard: LogCapture) -> None:
    person = harness.somebody()
    harness.provider.set_detailed_log(True)
    await harness.pair(person)
    count = len(overheard.lines)
    assert count > 0
    harness.provider.set_detailed_log(False)
    async with harness.connected(person):
        assert len(overheard.lines) == count
