from __future__ import annotations

import pytest

from app.core.event_bus import EventBus
from app.domain.events import Event, PairingQueueChanged, StorageRecovered


def test_a_listener_hears_its_kind_until_it_stops() -> None:
    bus, loadeds = EventBus(), list[Event]()
    stop = bus.subscribe(StorageRecovered, loadeds.append)
    bus.publish(PairingQueueChanged(None, ()))
    bus.publish(StorageRecovered())
    stop()
    bus.publish(StorageRecovered())
    assert loadeds == [StorageRecovered()]


def test_a_listener_that_fails_does_not_hide_the_fact_from_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    bus, loadeds = EventBus(), list[Event]()

    def broken(_event: StorageRecovered) -> None:
        raise ZeroDivisionError

    bus.subscribe(StorageRecovered, broken)
    bus.subscribe(StorageRecovered, loadeds.append)
    bus.publish(StorageRecovered())
    assert len(loadeds) == 1
    assert "ZeroDivisionError" in caplog.text
