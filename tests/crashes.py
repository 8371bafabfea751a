"""Reports of made-up crashes."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.crash_report import Crash, CrashEffect, CrashReport

AT = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)


def crash_report(*lines: str, effect: CrashEffect = CrashEffect.WENT_ON) -> CrashReport:
    return CrashReport(crash=Crash(lines=lines, effect=effect), version="1.2.3", first_at=AT, last_at=AT)
