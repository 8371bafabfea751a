"""Publishes events to their subscribers, in order, on the event loop's thread."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from app.domain.events import Event

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)


class EventBus:
    """A typed bus: listeners subscribe to a class, not to a string, and are called at once."""

    def __init__(self) -> None:
        self._listeners: defaultdict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Call *listener* for each *kind* from now on; the returned function stops it."""
        listeners = self._listeners[kind]
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def publish(self, event: Event) -> None:
        """Deliver now. A listener that fails is logged and does not hide the fact from the rest."""
        for listener in tuple(self._listeners[type(event)]):
            try:
                listener(event)
            except Exception:
                log.exception("Listener %r failed on %s", listener, type(event).__name__)
