"""To which link a delivery goes: to the one that has the account it is about, and whose number it names.

Two links may have kept the same account (an instance of Z-API, a number id of Meta) before that was refused, and a
delivery may have been accepted for a link whose credentials were corrected since. The number decides then: Meta says it
in ``metadata.display_phone_number`` (webhooks/reference/messages), Z-API in ``connectedPhone``
(webhooks/on-message-received).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.domain.mentorado import LinkId
from app.domain.phone import PhoneNumber, same_account
from app.domain.webhooks import Endpoint, EndpointList, ParsedWebhook
from app.providers.webhooks.host.spool import StoredDelivery


class Addressees:
    """Knows the doors as they are now. Nothing is addressed before they are known: *known* is set then."""

    def __init__(self) -> None:
        self.known = asyncio.Event()
        self._endpoints: tuple[Endpoint, ...] = ()
        self._numbers: dict[LinkId, PhoneNumber] = {}

    def admit(self, endpoints: EndpointList) -> None:
        """These are the links and their numbers from now on."""
        self._endpoints = endpoints.endpoints
        self._numbers = {
            endpoint.link_id: endpoint.number for endpoint in endpoints.endpoints if endpoint.number is not None
        }
        self.known.set()

    def of(self, callback: ParsedWebhook, kept: StoredDelivery) -> Sequence[LinkId]:
        """The links that *callback* is about, of those the delivery may be about; one where it has facts."""
        if not callback.key:
            return tuple(kept.endpoints.values())
        if callback.key not in kept.endpoints:
            return ()
        sharing = [d.link_id for d in self._endpoints if (d.provider, d.key) == (kept.provider, callback.key)]
        candidates = dict.fromkeys((*sharing, kept.endpoints[callback.key]))
        if callback.number is None:
            return tuple(candidates)[:1]
        named = [link_id for link_id in candidates if self._has(link_id, callback.number)]
        unknown = [link_id for link_id in candidates if link_id not in self._numbers]
        return (*named, *unknown)[:1]

    def is_of_another_number(self, callback: ParsedWebhook, kept: StoredDelivery) -> bool:
        """Whether it is about an account that a link has, and about the number of none."""
        return callback.key in kept.endpoints and not self.of(callback, kept)

    def _has(self, link_id: LinkId, number: PhoneNumber) -> bool:
        own = self._numbers.get(link_id)
        return own is not None and same_account(own, number)
