"""What webhooks brought, on its way from the receiver to the open line of its link, which stores it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from app.core.mentorado_service import MentoradoService
from app.domain.mentorado import LinkId, ProviderKind
from app.domain.messages import MessageUpdate, ProviderMessage, WireUnknown
from app.domain.provider import HandlesWebhooks, Provider
from app.domain.set_aside import refused
from app.domain.webhooks import DeliveryBatch, RunningWebhookServer

log = logging.getLogger(__name__)


class WebhookDispatcher:
    """Hands deliveries of one *running_server* to open connections. The server keeps each until it is confirmed."""

    def __init__(
        self,
        running_server: RunningWebhookServer,
        *,
        mentorados: MentoradoService,
        providers: Mapping[ProviderKind, Provider],
    ) -> None:
        self._running_server = running_server
        self._mentorados = mentorados
        self._providers = providers
        self._out: dict[LinkId, set[int]] = {}

    def dispatch(self, batch: DeliveryBatch) -> None:
        """To the open line of the link; else it waits with the receiver until one is open."""
        link_id, mark = batch.link_id, batch.mark
        mentorado = next((each for each in self._mentorados.all() if each.link.id == link_id), None)
        provider: object = self._providers.get(mentorado.link.provider) if mentorado else None
        confirm: Callable[[], None] = partial(self._confirm, link_id, mark)
        taken = False
        self._out.setdefault(link_id, set()).add(mark)
        if isinstance(provider, HandlesWebhooks):
            try:
                taken = provider.handle(link_id, batch.facts, batch.check, confirm)
            except Exception:  # one delivery's bug must not stop the others
                log.exception("A webhook delivery for link %s could not be dispatched", link_id)
                taken = _deliver_separately(provider, batch, confirm)
        if not batch.facts:
            confirm()  # nothing of it is to be kept
        elif not taken:
            self._running_server.pause(link_id)

    def offer_again(self, link_id: LinkId) -> None:
        """Offer a newly opened connection what waits for it, and what the one before had not stored."""
        if self._out.pop(link_id, None) is not None:
            self._running_server.resume(link_id)

    def _confirm(self, link_id: LinkId, mark: int) -> None:
        marks = self._out.get(link_id, set())
        marks.discard(mark)
        if not marks:
            self._out.pop(link_id, None)
        self._running_server.confirm(link_id, mark)


def _deliver_separately(provider: HandlesWebhooks, batch: DeliveryBatch, confirm: Callable[[], None]) -> bool:
    """Pass on each fact by itself; one that the line fails on is set aside in its place, so that the others arrive.

    Returns False when nothing at all can be passed on: then all is tried again with the next line.
    """
    last = len(batch.facts) - 1
    try:
        return all(
            _deliver_one(provider, batch.link_id, fact, confirm if number == last else _no_confirm)
            for number, fact in enumerate(batch.facts)
        )
    except Exception:  # noqa: BLE001 - the line itself is broken, and the log has said so
        return False


def _deliver_one(provider: HandlesWebhooks, link_id: LinkId, fact: MessageUpdate, confirm: Callable[[], None]) -> bool:
    try:
        return provider.handle(link_id, (fact,), False, confirm)
    except Exception as error:
        if isinstance(fact, WireUnknown):
            raise
        at = fact.received_at if isinstance(fact, ProviderMessage) else fact.at
        return provider.handle(link_id, (refused(fact, type(error).__name__, at),), False, confirm)


def _no_confirm() -> None:
    """The last fact of a delivery is stored after the others, and confirms them all."""
