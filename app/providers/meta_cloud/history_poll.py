"""Asks what became of messages that were sent, where Meta lets us. Whether it does is found out by asking."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.messages import Address, Delivery, WireReceipt
from app.domain.ports import Clock
from app.providers.meta_cloud.errors import meaning_of
from app.providers.meta_cloud.graph import Declined, Graph, Said, discreet
from app.providers.meta_cloud.plain import code_word, mapping, mappings, moment, shortened, text

FIELDS: Final = "id,message_id,events{delivery_status,timestamp,error_description}"
AT_ONCE: Final = 5
"""Messages asked about in one round: every one is a request, and requests are counted by the hour."""
FOLLOWED_FOR: Final = timedelta(hours=24)

_REMEMBERED = 200
_STATES: Final[Mapping[str, Delivery]] = {
    "SENT": Delivery.SENT,
    "DELIVERED": Delivery.DELIVERED,
    "READ": Delivery.READ,
    "FAILED": Delivery.FAILED,
}
_LAST = frozenset({Delivery.READ, Delivery.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A message that was sent, and how far it is known to have got."""

    provider_id: str
    chat: tuple[Address, ...]
    since: datetime
    delivery: Delivery | None = None


class HistoryPoll:
    """The messages sent over one line, followed for a day. A refusal ends it without a word: it was only an attempt."""

    def __init__(self, graph: Graph, phone_number_id: str, clock: Clock) -> None:
        self._graph = graph
        self._path = f"{phone_number_id}/message_history"
        self._clock = clock
        self._followed: OrderedDict[str, Followed] = OrderedDict()
        self.possible = True

    def follow(self, provider_id: str, chat: tuple[Address, ...]) -> None:
        if self.possible:
            self._followed[provider_id] = Followed(provider_id=provider_id, chat=chat, since=self._clock.now())
            while len(self._followed) > _REMEMBERED:
                self._followed.popitem(last=False)

    def heard(self, provider_ids: Sequence[str]) -> None:
        """A webhook told of these: nobody needs to ask."""
        for provider_id in provider_ids:
            self._followed.pop(provider_id, None)

    async def news(self) -> list[WireReceipt]:
        """Ask about the messages that were not asked about for longest, and return what is new."""
        now, found = self._clock.now(), []
        old = [each.provider_id for each in self._followed.values() if now - each.since > FOLLOWED_FOR]
        self.heard(old)
        for each in list(self._followed.values())[:AT_ONCE]:
            params = {"message_id": each.provider_id, "fields": FIELDS, "limit": "10"}
            reply = await self._graph.get(self._path, **params)
            if isinstance(reply, Declined) and (reply.status == 403 or meaning_of(reply).wait is None):
                self.possible = False
                self._followed.clear()
                break
            if not isinstance(reply, Said):
                break
            receipt = latest(reply.body, each)
            self._followed.pop(each.provider_id, None)
            if receipt is not None and receipt.delivery is not each.delivery:
                found.append(receipt)
            known = each if receipt is None else replace(each, delivery=receipt.delivery)
            if known.delivery not in _LAST:
                self._followed[each.provider_id] = known  # behind the others
        return found


def latest(body: Mapping[str, Any], followed: Followed) -> WireReceipt | None:
    """How far *followed* got, by the last event that is understood; events may be a list, or wrapped in an object."""
    events = [
        (at, state, text(event.get("error_description")))
        for each in mappings(body.get("data"))
        if text(each.get("message_id")) in ("", followed.provider_id)
        for event in mappings(each.get("events")) or mappings(mapping(each.get("events")).get("data"))
        if (state := _STATES.get(code_word(event.get("delivery_status")))) and (at := moment(event.get("timestamp")))
    ]
    if not events:
        return None
    at, state, why = max(events, key=lambda event: (event[0], list(_STATES.values()).index(event[1])))
    detail = discreet(shortened(why)) if state is Delivery.FAILED else ""
    return WireReceipt(provider_ids=(followed.provider_id,), chat=followed.chat, delivery=state, at=at, detail=detail)
