"""What the database keeps of each setting is read as what was set."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta, timezone

from app.domain.settings import OUTBOUND_LIMITS, PROVIDER_LOG, OperatorSettings
from tests.clock import DAWN

HOME = timezone(timedelta(hours=-3))


def test_a_moment_is_kept_in_utc_wherever_it_was_set() -> None:
    settings = PROVIDER_LOG.put(OperatorSettings(), DAWN.astimezone(HOME))
    rows = PROVIDER_LOG.rows(settings)
    assert rows == {"provider_log_until": DAWN.isoformat()}
    assert PROVIDER_LOG.read(rows) == DAWN


def test_each_part_of_a_setting_has_a_key_and_what_makes_no_sense_is_not_decided() -> None:
    limits = replace(OperatorSettings().outbound_limits, quiet_from=time(21, 30))
    rows = OUTBOUND_LIMITS.rows(OUTBOUND_LIMITS.put(OperatorSettings(), limits))
    assert rows["outbound_limits_quiet_from"] == "21:30:00"
    assert OUTBOUND_LIMITS.read(rows) == limits
    assert (
        OUTBOUND_LIMITS.read({**rows, "outbound_limits_quiet_from": "half past"}) == OperatorSettings().outbound_limits
    )
