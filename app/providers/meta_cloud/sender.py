"""Sends from one number, and knows when not to: outside the window, too fast, or after Meta said stop."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import uniform
from typing import Any, Final

from app.domain.messages import Address, AddressKind, DeliveryReceipt, DeliveryStatus, MessageUpdate, WirePreference
from app.domain.phone import is_e164
from app.domain.provider import Blocked
from app.domain.repositories import Clock
from app.domain.sending import Accepted, NotSent, OutgoingMessage, SendErrorKind, SendResult, Uncertain, window_open
from app.providers.contents import list_of_dicts
from app.providers.http_client import TransportError
from app.providers.meta_cloud.client import (
    LONGEST_PAUSE,
    Graph,
    GraphError,
    GraphResponse,
    Reply,
    enum_value,
    mapping,
    number,
    parse_time,
    phone,
    redact_token,
    shortened,
    text,
)
from app.providers.meta_cloud.errors import PAIR, STALE_TEMPLATES, TOO_MANY, ErrorRule, RetryDelay, rule_for
from app.providers.meta_cloud.templates import HeldTemplates, TemplateCache

LONGEST_TEXT: Final = 4096
_USER_ID: Final = re.compile(r"[A-Z]{2}(?:\.[A-Za-z0-9_-]{1,128})+")
"""Meta's id of a user in one business: a country's two letters, and what follows a dot. A number may not be known."""

_PER_PAIR, _PER_NUMBER = 131056, "number"
_REMEMBERED = 2000
_UNSENT = RetryDelay(2, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCallbacks:
    """What a result means beyond the message: *stop* ends the connection, *limited* shows it slowed until a time."""

    stop: Callable[[NotSent, Blocked], None]
    limited: Callable[[datetime], None]


class MessageSender:
    """One number's way out."""

    def __init__(
        self,
        graph: Graph,
        phone_number_id: str,
        *,
        catalogue: TemplateCache,
        clock: Clock,
        effects: SendCallbacks,
        held: HeldTemplates,
    ) -> None:
        self._graph = graph
        self._path = f"{phone_number_id}/messages"
        self._catalogue = catalogue
        self._clock = clock
        self._effects = effects
        self._templates = held
        self._recipients: OrderedDict[str, tuple[Address, ...]] = OrderedDict()  # of messages that Meta took
        self._failed: OrderedDict[str, int] = OrderedDict()  # tries in a row, by what was tried
        self._held: OrderedDict[str, tuple[datetime, int]] = OrderedDict()  # until when, and after which code

    async def send(self, message: OutgoingMessage) -> SendResult:
        """Hand one message over. After an answer that never came it is `Uncertain`, and so never sent again here."""
        refused = self._refused_here(message)
        if refused is not None:
            return refused
        content: dict[str, Any] = {"type": "text", "text": {"preview_url": False, "body": message.text}}
        if message.template is not None:
            found = await self._catalogue.find(self._graph, message.template)
            if isinstance(found, NotSent):
                return found
            content = {"type": "template", "template": found.filled(message.template)}
        # A number with its plus and country code: Meta takes anything else for one of the business's own country.
        named = "to" if message.to.kind is AddressKind.PHONE else "recipient"
        head = {"messaging_product": "whatsapp", "recipient_type": "individual", named: message.to.value}
        tail = {"biz_opaque_callback_data": message.reference} if message.reference else {}
        return self._result(message, await self._graph.post(self._path, {**head, **content, **tail}))

    def invalidate_templates(self) -> None:
        """Have the list of templates read again before the next one is used."""
        self._catalogue.invalidate()

    def heed(self, fact: MessageUpdate) -> None:
        """Take to heart what a webhook says: failures count as in an answer, and so do wishes about marketing."""
        now = self._clock.now()
        match fact:
            case DeliveryReceipt(delivery=DeliveryStatus.FAILED):
                code = number(fact.code)
                if code in STALE_TEMPLATES:
                    self._catalogue.invalidate()
                if code is not None:
                    sent_to = (each for one in fact.provider_ids for each in self._recipients.get(one, ()))
                    self._templates.note(code, (*fact.chat, *sent_to), now)
            case WirePreference():
                self._templates.wish(fact.who, fact.stopped, fact.at, now)
            case _:
                pass

    def _refused_here(self, message: OutgoingMessage) -> NotSent | None:
        if not _reachable(message.to):
            detail = "Meta reaches phone numbers and its own user ids only"
            return NotSent(trouble=SendErrorKind.RECIPIENT_INVALID, detail=detail)
        if message.template is None:
            if not message.text.strip() or len(message.text) > LONGEST_TEXT:
                return NotSent(trouble=SendErrorKind.REQUEST, detail=f"a text has 1 to {LONGEST_TEXT} characters")
            if not window_open(message.last_inbound, self._clock.now()):
                return NotSent(trouble=SendErrorKind.WINDOW_CLOSED, code="131047")
        elif (refused := self._templates.refusal(message.to, self._clock.now())) is not None:
            return refused
        return self._too_soon(message)

    def _too_soon(self, message: OutgoingMessage) -> NotSent | None:
        for key, trouble in ((_PER_NUMBER, SendErrorKind.RATE_GLOBAL), (message.to.key, SendErrorKind.RATE_PAIR)):
            left = self._left(key)
            if left is not None:
                return NotSent(trouble=trouble, code=str(self._held[key][1]), after=left)
        return None

    def _left(self, key: str) -> float | None:
        held = self._held.get(key)
        left = 0.0 if held is None else (held[0] - self._clock.now()).total_seconds()
        return left if left > 0 else None

    def _result(self, message: OutgoingMessage, reply: Reply) -> SendResult:
        if isinstance(reply, GraphError):
            return self._declined(message, reply, rule_for(reply))
        if isinstance(reply, TransportError):
            if reply.retry_after:
                until = self._clock.now() + timedelta(seconds=min(reply.retry_after, LONGEST_PAUSE))
                self._hold(_PER_NUMBER, until, TOO_MANY)
                self._effects.limited(until)
            if reply.sent:
                return Uncertain(detail=reply.why)
            after = self._after(_UNSENT, f"try {message.reference or message.to.key}", None)
            return NotSent(trouble=SendErrorKind.TRANSIENT, detail=reply.why, after=after)
        return self._accepted(message, reply)

    def _accepted(self, message: OutgoingMessage, reply: GraphResponse) -> SendResult:
        sent = list_of_dicts(reply.body.get("messages"))
        wamid = text(sent[0].get("id")) if sent else ""
        if not wamid:
            return Uncertain(detail="an answer that names no message")
        for key in (_PER_NUMBER, message.to.key, f"try {message.reference or message.to.key}"):
            self._failed.pop(key, None)
        written_as = _address(list_of_dicts(reply.body.get("contacts")))
        self._recipients[wamid] = (message.to,) if written_as is None else (message.to, written_as)
        _keep_last(self._recipients)
        return Accepted(provider_id=wamid, to=written_as)

    def _declined(self, message: OutgoingMessage, reply: GraphError, meaning: ErrorRule) -> NotSent:
        code = str(reply.code)
        if reply.code in STALE_TEMPLATES:
            self._catalogue.invalidate()
        if meaning.stops:
            result = NotSent(trouble=meaning.trouble, code=code, detail=reply.detail)
            self._effects.stop(result, Blocked(meaning.reason, detail=f"{code}: {reply.detail}"))
            return result
        now = self._clock.now()
        self._templates.note(reply.code, (message.to,), now)
        if meaning.wait is None:
            return NotSent(trouble=meaning.trouble, code=code, detail=reply.detail)
        key = {SendErrorKind.RATE_GLOBAL: _PER_NUMBER, SendErrorKind.RATE_PAIR: message.to.key}.get(
            meaning.trouble, f"try {message.reference or message.to.key}"
        )
        after = self._after(meaning.wait, key, reply.retry_after)
        if meaning.trouble in (SendErrorKind.RATE_GLOBAL, SendErrorKind.RATE_PAIR):
            until = now + timedelta(seconds=meaning.wait.most if after is None else after)
            self._hold(key, until, reply.code)
            if meaning.trouble is SendErrorKind.RATE_GLOBAL:
                self._effects.limited(until)
        return NotSent(trouble=meaning.trouble, code=code, detail=reply.detail, after=after)

    def _after(self, wait: RetryDelay, key: str, asked: float | None) -> float | None:
        """Seconds until the next try of what *key* names, at least those that Meta asked for; None after too many."""
        failed = self._failed.pop(key, 0) + 1
        self._failed[key] = failed
        _keep_last(self._failed)
        ceiling = wait.longest(failed)
        if ceiling is None:
            return None
        # What failed together is not tried together.
        delay = ceiling if wait is PAIR else uniform(ceiling / 2, ceiling)  # noqa: S311 - no secret
        return round(max(delay, asked or 0.0), 3)

    def _hold(self, key: str, until: datetime, code: int) -> None:
        self._held.pop(key, None)
        self._held[key] = (until, code)
        _keep_last(self._held)


def _keep_last(kept: OrderedDict[str, Any]) -> None:
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)


def _address(contacts: Sequence[Mapping[str, Any]]) -> Address | None:
    """How Meta names the recipient: a number, from which Brazil's ninth digit may have gone, or a user id."""
    if not contacts:
        return None
    account, user = phone(contacts[0].get("wa_id")), text(contacts[0].get("user_id"))
    if account is not None:
        return Address(AddressKind.PHONE, account)
    return Address(AddressKind.META_USER, user) if user else None


def _reachable(to: Address) -> bool:
    if to.kind is AddressKind.PHONE:
        return is_e164(to.value)
    return to.kind is AddressKind.META_USER and _USER_ID.fullmatch(to.value) is not None


FIELDS: Final = "id,message_id,events{delivery_status,timestamp,error_description}"
AT_ONCE: Final = 5
"""Messages asked about in one round: every one is a request, and requests are counted by the hour."""
FOLLOWED_FOR: Final = timedelta(hours=24)

_FOLLOWED_AT_MOST = 200
_STATES: Final[Mapping[str, DeliveryStatus]] = {
    "SENT": DeliveryStatus.SENT,
    "DELIVERED": DeliveryStatus.DELIVERED,
    "READ": DeliveryStatus.READ,
    "FAILED": DeliveryStatus.FAILED,
}
_LAST = frozenset({DeliveryStatus.READ, DeliveryStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedMessage:
    """A message that was sent, and how far it is known to have got."""

    provider_id: str
    chat: tuple[Address, ...]
    since: datetime
    delivery: DeliveryStatus | None = None


class DeliveryPoller:
    """The messages sent over one connection, followed for a day. A refused one is dropped: it was only an attempt."""

    def __init__(self, graph: Graph, phone_number_id: str, clock: Clock) -> None:
        self._graph = graph
        self._path = f"{phone_number_id}/message_history"
        self._clock = clock
        self._followed: OrderedDict[str, TrackedMessage] = OrderedDict()
        self.possible = True

    def track(self, provider_id: str, chat: tuple[Address, ...]) -> None:
        if self.possible:
            self._followed[provider_id] = TrackedMessage(provider_id=provider_id, chat=chat, since=self._clock.now())
            while len(self._followed) > _FOLLOWED_AT_MOST:
                self._followed.popitem(last=False)

    def resolve(self, provider_ids: Sequence[str]) -> None:
        """A webhook told of these: nobody needs to ask."""
        for provider_id in provider_ids:
            self._followed.pop(provider_id, None)

    async def poll(self) -> list[DeliveryReceipt]:
        """Ask about the messages that were not asked about for longest, and return what is new."""
        now, found = self._clock.now(), []
        old = [each.provider_id for each in self._followed.values() if now - each.since > FOLLOWED_FOR]
        self.resolve(old)
        for each in list(self._followed.values())[:AT_ONCE]:
            params = {"message_id": each.provider_id, "fields": FIELDS, "limit": "10"}
            reply = await self._graph.get(self._path, **params)
            if isinstance(reply, GraphError) and (reply.status == 403 or rule_for(reply).wait is None):
                self.possible = False
                self._followed.clear()
                break
            if not isinstance(reply, GraphResponse):
                break
            receipt = latest(reply.body, each)
            self._followed.pop(each.provider_id, None)
            if receipt is not None and receipt.delivery is not each.delivery:
                found.append(receipt)
            known = each if receipt is None else replace(each, delivery=receipt.delivery)
            if known.delivery not in _LAST:
                self._followed[each.provider_id] = known  # behind the others
        return found


def latest(body: Mapping[str, Any], followed: TrackedMessage) -> DeliveryReceipt | None:
    """How far *followed* got, by the last event that is understood; events may be a list, or wrapped in an object."""
    events = [
        (at, state, text(event.get("error_description")))
        for each in list_of_dicts(body.get("data"))
        if text(each.get("message_id")) in ("", followed.provider_id)
        for event in list_of_dicts(each.get("events")) or list_of_dicts(mapping(each.get("events")).get("data"))
        if (state := _STATES.get(enum_value(event.get("delivery_status"))))
        and (at := parse_time(event.get("timestamp")))
    ]
    if not events:
        return None
    at, state, why = max(events, key=lambda event: (event[0], list(_STATES.values()).index(event[1])))
    detail = redact_token(shortened(why)) if state is DeliveryStatus.FAILED else ""
    return DeliveryReceipt(
        provider_ids=(followed.provider_id,), chat=followed.chat, delivery=state, at=at, detail=detail
    )
