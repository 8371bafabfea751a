"""The clock against a provider's, and against how far time had got before."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.core.diagnostics.computer import clock
from app.domain.diagnosis import DiagnosisCode
from tests.clock import DAWN, StillClock
from tests.fakes import FakeProviderTime

C = DiagnosisCode


@pytest.mark.parametrize(
    ("minutes", "code"), [(0, C.CLOCK_FINE), (2, C.CLOCK_FINE), (-3, C.CLOCK_WRONG), (600, C.CLOCK_WRONG)]
)
async def test_a_provider_decides(minutes: int, code: C) -> None:
    async def never() -> datetime | None:
        raise AssertionError

    computer = StillClock(DAWN + timedelta(minutes=minutes))
    (found,) = await clock(computer, FakeProviderTime(DAWN), never)
    assert (found.code, found.evidence["minutes"]) == (code, f"{minutes:+d}")


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (None, C.CLOCK_UNKNOWN),
        (DAWN + timedelta(minutes=5), C.CLOCK_UNKNOWN),
        (DAWN + timedelta(days=1), C.CLOCK_BEHIND),
        (DAWN - timedelta(days=2), C.CLOCK_UNKNOWN),
        (DAWN - timedelta(days=4), C.CLOCK_AHEAD),
    ],
)
async def test_without_a_provider_the_last_run_says_whether_time_went_back(known: datetime | None, code: C) -> None:
    async def remembered() -> datetime | None:
        return known

    (found,) = await clock(StillClock(), FakeProviderTime(), remembered)
    assert found.code is code
