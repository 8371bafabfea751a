"""What webhooks brought, on its way from the receiver to the open line of its link, which stores it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from app.core.enrolments import Enrolments
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import WireFact, WireMessage, WireUnknown
from app.domain.provider import Provider, TakesDeliveries
from app.domain.set_aside import refused
from app.domain.webhooks import Handed, Reception

log = logging.getLogger(__name__)


class Deliveries:
    """Knows what of one *reception* is with a line and not confirmed. The receiver keeps it until it is."""

    def __init__(
        self, reception: Reception, *, enrolments: Enrolments, providers: Mapping[ProviderKind, Provider]
    ) -> None:
        self._reception = reception
        self._enrolments = enrolments
        self._providers = providers
        self._out: dict[LinkId, set[int]] = {}

    def pass_on(self, handed: Handed) -> None:
        """To the open line of the link; else it waits with the receiver until one is open."""
        link_id, mark = handed.link_id, handed.mark
        enrolment = next((each for each in self._enrolments.all() if each.link.id == link_id), None)
        provider: object = self._providers.get(enrolment.link.provider) if enrolment else None
        confirm: Callable[[], None] = partial(self._confirm, link_id, mark)
        taken = False
        self._out.setdefault(link_id, set()).add(mark)
        if isinstance(provider, TakesDeliveries):
            try:
                taken = provider.deliver(link_id, handed.facts, handed.check, confirm)
            except Exception:  # one delivery's bug must not stop the others
                log.exception("What a webhook said of link %s could not be passed on", link_id)
                taken = _one_by_one(provider, handed, confirm)
        if not handed.facts:
            confirm()  # nothing of it is to be kept
        elif not taken:
            self._reception.postpone(link_id)

    def offer_again(self, link_id: LinkId) -> None:
        """A line that has just opened takes what waits, and what the line before it had not stored."""
        if self._out.pop(link_id, None) is not None:
            self._reception.offer_again(link_id)

    def _confirm(self, link_id: LinkId, mark: int) -> None:
        marks = self._out.get(link_id, set())
        marks.discard(mark)
        if not marks:
            self._out.pop(link_id, None)
        self._reception.confirm(link_id, mark)


def _one_by_one(provider: TakesDeliveries, handed: Handed, confirm: Callable[[], None]) -> bool:
    """Pass on each fact by itself; one that the line fails on is set aside in its place, so that the others arrive.

    Returns False when nothing at all can be passed on: then all is tried again with the next line.
    """
    last = len(handed.facts) - 1
    try:
        return all(
            _one(provider, handed.link_id, fact, confirm if number == last else _nobody_waits)
            for number, fact in enumerate(handed.facts)
        )
    except Exception:  # noqa: BLE001 - the line itself is broken, and the log has said so
        return False


def _one(provider: TakesDeliveries, link_id: LinkId, fact: WireFact, confirm: Callable[[], None]) -> bool:
    try:
        return provider.deliver(link_id, (fact,), False, confirm)
    except Exception as error:
        if isinstance(fact, WireUnknown):
            raise
        at = fact.received_at if isinstance(fact, WireMessage) else fact.at
        return provider.deliver(link_id, (refused(fact, type(error).__name__, at),), False, confirm)


def _nobody_waits() -> None:
    """The last fact of a delivery is stored after the others, and confirms them all."""
