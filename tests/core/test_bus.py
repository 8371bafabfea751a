from __future__ import annotations

import pytest

from app.core.bus import Bus
from app.domain.events import Event, PairingTurnChanged, StorageRecovered


def test_a_listener_hears_its_kind_until_it_stops() -> None:
    bus, heard = Bus(), list[Event]()
    stop = bus.subscribe(StorageRecovered, heard.append)
    bus.publish(PairingTurnChanged(None, ()))
    bus.publish(StorageRecovered())
    stop()
    bus.publish(StorageRecovered())
    assert heard == [StorageRecovered()]


def test_a_listener_that_fails_does_not_hide_the_fact_from_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus(), list[Event]()

    def broken(_event: StorageRecovered) -> None:
        raise ZeroDivisionError

    bus.subscribe(StorageRecovered, broken)
    bus.subscribe(StorageRecovered, heard.append)
    bus.publish(StorageRecovered())
    assert len(heard) == 1
    assert "ZeroDivisionError" in caplog.text
