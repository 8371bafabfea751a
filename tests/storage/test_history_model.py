"""What is stored in batches is what a plain list of everything that was told comes to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.messages import (
    Address,
    DeliveryReceipt,
    DeliveryStatus,
    MessageUpdate,
    ProviderMessage,
    merge_delivery,
)
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from tests.storage.talk import BIA, CAIO, GROUP, a_message, add_mentorado, minutes, phone, reaction, receipt, rows

DIANA = phone("+5521987650003")
_STATUSES = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.FAILED)


@dataclass
class PlainHistory:
    """One message after the other, in lists."""

    known: dict[str, ProviderMessage] = field(default_factory=dict)
    talks: defaultdict[Address, list[str]] = field(default_factory=lambda: defaultdict(list))
    deliveries: dict[str, DeliveryStatus] = field(default_factory=dict)
    names: dict[Address, tuple[datetime, str]] = field(default_factory=dict)

    def take(self, fact: MessageUpdate) -> None:
        if isinstance(fact, DeliveryReceipt):
            for each in fact.provider_ids:
                self.deliveries[each] = merge_delivery(self.deliveries.get(each), fact.delivery)
        elif isinstance(fact, ProviderMessage) and fact.provider_id not in self.known:
            self.known[fact.provider_id] = fact
            (chat,) = fact.chat
            if fact.refers_to is None:
                self.talks[chat].append(fact.provider_id)
            if fact.sender_name and not fact.from_me:
                named = (fact.sent_at, fact.sender_name)
                self.names[fact.sender[0]] = max(named, self.names.get(fact.sender[0], named))

    def conversation(self, chat: Address) -> list[tuple[str, str, DeliveryStatus | None]]:
        """The oldest first; of one moment, what came first."""
        messages = sorted((self.known[each] for each in self.talks[chat]), key=lambda each: each.sent_at)
        return [(each.provider_id, each.text, self._delivery(each)) for each in messages]

    def _delivery(self, each: ProviderMessage) -> DeliveryStatus | None:
        if not each.from_me:
            return None
        return merge_delivery(self.deliveries.get(each.provider_id), DeliveryStatus.ACCEPTED)


@st.composite
def facts_of_a_talk(draw: st.DrawFn) -> MessageUpdate:
    number = draw(st.integers(0, 30))
    if draw(st.integers(0, 4)) == 0:
        return receipt(draw(st.sampled_from(_STATUSES)), f"M{number}", f"M{number + 1}")
    chat = (BIA, CAIO, DIANA, GROUP)[number % 4]
    if number % 7 == 6:
        return reaction(f"M{number}", "M0", "👍", chat, minute=number)
    return a_message(
        f"M{number}",
        f"texto {number}",
        chat,
        from_me=number % 3 == 0,
        minute=draw(st.integers(0, 6)) if draw(st.booleans()) else number,
        sender_name="" if number % 5 == 0 else draw(st.sampled_from(["Bia", "B.", "Bianca"])),
    )


@given(facts=st.lists(facts_of_a_talk(), max_size=60), size=st.integers(1, 25))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_come_to_what_a_plain_list_of_all_that_was_told_does(
    path: Path, facts: Sequence[MessageUpdate], size: int
) -> None:
    facts = _as_they_were_first(facts)
    plain = PlainHistory()
    for fact in facts:
        plain.take(fact)

    async def main() -> None:
        async with Database(path) as database:
            ((count,),) = await rows(database, "SELECT count(*) FROM mentorado")
            history = SqlMessageRepository(database)
            ana = await add_mentorado(database, number=f"+551196{count:07}")
            for start in range(0, len(facts), size):
                await history.store(ana, facts[start : start + size], minutes(60 + start))
            talks = {talk.addresses[0]: talk for talk in await history.conversations(ana.id)}
            assert talks.keys() == {chat for chat, messages in plain.talks.items() if messages}
            for chat, talk in talks.items():
                shown = (await history.messages(talk.id, limit=100))[::-1]
                assert [(each.provider_id, each.text, each.delivery) for each in shown] == plain.conversation(chat)
                if not talk.is_group:
                    assert talk.title == plain.names.get(chat, (None, chat.value))[1]

    asyncio.run(main())


def _as_they_were_first(facts: Sequence[MessageUpdate]) -> list[MessageUpdate]:
    """What is told again is told as before."""
    first: dict[str, ProviderMessage] = {}
    return [first.setdefault(fact.provider_id, fact) if isinstance(fact, ProviderMessage) else fact for fact in facts]
