"""Sends from one number, and knows when not to: outside the window, too fast, or after Meta said stop."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any, Final

from app.domain.messages import Address, AddressKind, Delivery, WireFact, WirePreference, WireReceipt
from app.domain.phone import is_e164
from app.domain.ports import Clock
from app.domain.provider import Refused
from app.domain.sending import Accepted, NotSent, Outgoing, SendResult, SendTrouble, Uncertain, window_open
from app.providers.meta_cloud.errors import PAIR, STALE_TEMPLATES, TOO_MANY, Meaning, Wait, meaning_of
from app.providers.meta_cloud.graph import LONGEST_PAUSE, Declined, Graph, Reply, Said
from app.providers.meta_cloud.held_templates import HeldTemplates
from app.providers.meta_cloud.plain import mappings, number, phone, text
from app.providers.meta_cloud.templates import Catalogue
from app.providers.wire import Unanswered

LONGEST_TEXT: Final = 4096
_USER_ID: Final = re.compile(r"[A-Z]{2}(?:\.[A-Za-z0-9_-]{1,128})+")
"""Meta's id of a user in one business: a country's two letters, and what follows a dot. A number may not be known."""

_PER_PAIR, _PER_NUMBER = 131056, "number"
_REMEMBERED = 2000
_UNSENT = Wait(2, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a result means beyond the message: *stop* ends the line, *limited* shows it slowed until a time."""

    stop: Callable[[NotSent, Refused], None]
    limited: Callable[[datetime], None]


class Dispatch:
    """One number's way out. *draw* spreads the waits, so that what failed together is not tried together."""

    def __init__(
        self,
        graph: Graph,
        phone_number_id: str,
        *,
        catalogue: Catalogue,
        clock: Clock,
        effects: Effects,
        held: HeldTemplates | None = None,
        draw: Callable[[float, float], float] = uniform,
    ) -> None:
        self._graph = graph
        self._path = f"{phone_number_id}/messages"
        self._catalogue = catalogue
        self._clock = clock
        self._effects = effects
        self._draw = draw
        self._templates = held or HeldTemplates()
        self._recipients: OrderedDict[str, tuple[Address, ...]] = OrderedDict()  # of messages that Meta took
        self._failed: OrderedDict[str, int] = OrderedDict()  # tries in a row, by what was tried
        self._held: OrderedDict[str, tuple[datetime, int]] = OrderedDict()  # until when, and after which code

    async def send(self, message: Outgoing) -> SendResult:
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

    def doubt_templates(self) -> None:
        """Have the list of templates read again before the next one is used."""
        self._catalogue.doubt()

    def heed(self, fact: WireFact) -> None:
        """Take to heart what a webhook says: failures count as in an answer, and so do wishes about marketing."""
        now = self._clock.now()
        match fact:
            case WireReceipt(delivery=Delivery.FAILED):
                code = number(fact.code)
                if code in STALE_TEMPLATES:
                    self._catalogue.doubt()
                if code is not None:
                    sent_to = (each for one in fact.provider_ids for each in self._recipients.get(one, ()))
                    self._templates.note(code, (*fact.chat, *sent_to), now)
            case WirePreference():
                self._templates.wish(fact.who, fact.stopped, fact.at, now)
            case _:
                pass

    def _refused_here(self, message: Outgoing) -> NotSent | None:
        if not _reachable(message.to):
            detail = "Meta reaches phone numbers and its own user ids only"
            return NotSent(trouble=SendTrouble.RECIPIENT_INVALID, detail=detail)
        if message.template is None:
            if not message.text.strip() or len(message.text) > LONGEST_TEXT:
                return NotSent(trouble=SendTrouble.REQUEST, detail=f"a text has 1 to {LONGEST_TEXT} characters")
            if not window_open(message.last_inbound, self._clock.now()):
                return NotSent(trouble=SendTrouble.WINDOW_CLOSED, code="131047")
        elif (refused := self._templates.refusal(message.to, self._clock.now())) is not None:
            return refused
        return self._too_soon(message)

    def _too_soon(self, message: Outgoing) -> NotSent | None:
        for key, trouble in ((_PER_NUMBER, SendTrouble.RATE_GLOBAL), (message.to.key, SendTrouble.RATE_PAIR)):
            left = self._left(key)
            if left is not None:
                return NotSent(trouble=trouble, code=str(self._held[key][1]), after=left)
        return None

    def _left(self, key: str) -> float | None:
        held = self._held.get(key)
        left = 0.0 if held is None else (held[0] - self._clock.now()).total_seconds()
        return left if left > 0 else None

    def _result(self, message: Outgoing, reply: Reply) -> SendResult:
        if isinstance(reply, Declined):
            return self._declined(message, reply, meaning_of(reply))
        if isinstance(reply, Unanswered):
            if reply.retry_after:
                until = self._clock.now() + timedelta(seconds=min(reply.retry_after, LONGEST_PAUSE))
                self._hold(_PER_NUMBER, until, TOO_MANY)
                self._effects.limited(until)
            if reply.sent:
                return Uncertain(detail=reply.why)
            after = self._after(_UNSENT, f"try {message.reference or message.to.key}", None)
            return NotSent(trouble=SendTrouble.TRANSIENT, detail=reply.why, after=after)
        return self._accepted(message, reply)

    def _accepted(self, message: Outgoing, reply: Said) -> SendResult:
        sent = mappings(reply.body.get("messages"))
        wamid = text(sent[0].get("id")) if sent else ""
        if not wamid:
            return Uncertain(detail="an answer that names no message")
        for key in (_PER_NUMBER, message.to.key, f"try {message.reference or message.to.key}"):
            self._failed.pop(key, None)
        written_as = _address(mappings(reply.body.get("contacts")))
        self._recipients[wamid] = (message.to,) if written_as is None else (message.to, written_as)
        _keep_last(self._recipients)
        return Accepted(provider_id=wamid, to=written_as)

    def _declined(self, message: Outgoing, reply: Declined, meaning: Meaning) -> NotSent:
        code = str(reply.code)
        if reply.code in STALE_TEMPLATES:
            self._catalogue.doubt()
        if meaning.stops:
            result = NotSent(trouble=meaning.trouble, code=code, detail=reply.detail)
            self._effects.stop(result, Refused(meaning.reason, detail=f"{code}: {reply.detail}"))
            return result
        now = self._clock.now()
        self._templates.note(reply.code, (message.to,), now)
        if meaning.wait is None:
            return NotSent(trouble=meaning.trouble, code=code, detail=reply.detail)
        key = {SendTrouble.RATE_GLOBAL: _PER_NUMBER, SendTrouble.RATE_PAIR: message.to.key}.get(
            meaning.trouble, f"try {message.reference or message.to.key}"
        )
        after = self._after(meaning.wait, key, reply.retry_after)
        if meaning.trouble in (SendTrouble.RATE_GLOBAL, SendTrouble.RATE_PAIR):
            until = now + timedelta(seconds=meaning.wait.most if after is None else after)
            self._hold(key, until, reply.code)
            if meaning.trouble is SendTrouble.RATE_GLOBAL:
                self._effects.limited(until)
        return NotSent(trouble=meaning.trouble, code=code, detail=reply.detail, after=after)

    def _after(self, wait: Wait, key: str, asked: float | None) -> float | None:
        """Seconds until the next try of what *key* names, at least those that Meta asked for; None after too many."""
        failed = self._failed.pop(key, 0) + 1
        self._failed[key] = failed
        _keep_last(self._failed)
        ceiling = wait.after(failed)
        if ceiling is None:
            return None
        delay = ceiling if wait is PAIR else self._draw(ceiling / 2, ceiling)
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
