"""What webhooks tell, and what can be asked where there are none."""

from __future__ import annotations

import asyncio

import pytest

from app.core.action import ActionName
from app.domain.connection import LinkState, Reason
from app.domain.messages import Delivery
from app.domain.sending import Accepted
from app.providers.meta_cloud import callbacks
from tests.acceptance.meta_cloud.office import Day, Office, Person, run
from tests.acceptance.meta_cloud.rows import FINE
from tests.acceptance.meta_cloud.test_errors import shown
from tests.clock import DAWN
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.webhooks import envelope, inbound

SAID_AT = int(DAWN.timestamp())


def deliver(day: Day, person: Person, *bodies: bytes) -> list[str]:
    """Hand bodies to the line of *person*, as a receiver does; returns a list that grows as they are confirmed."""
    confirmed: list[str] = []
    for number, body in enumerate(bodies):
        for callback in callbacks.parse(body, day.core.clock.now()):
            taken = day.provider.deliver(
                person.link,
                callback.facts,
                callback.check,
                lambda number=number: confirmed.append(str(number)),  # type: ignore[misc]
            )
            if not taken:
                confirmed.append(f"{number} not taken")
    return confirmed


def test_messages_are_stored_once_and_only_then_confirmed(office: Office) -> None:
    """Duplicates, disorder and batches: each exactly once."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            one, two = envelope(inbound("wamid.1", at=SAID_AT)), envelope(inbound("wamid.2", at=SAID_AT + 1))
            confirmed = deliver(day, ana, two, one, one, webhooks.batch([one, two]))
            assert confirmed == []
            await day.soon(lambda: len(confirmed) == 4)
            (bia,) = await day.core.history.conversations(ana.id)
            assert (bia.title, bia.messages) == ("Bia", 2)
            assert day.status(ana).evidence.last_inbound == office.clock.now()

    run(main())


def test_nothing_is_taken_while_no_line_is_open_or_nobody_knows_whose_number_it_is(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.enrol()
            assert deliver(day, ana, envelope(inbound())) == ["0 not taken"]
            office.cloud.decline("number", 2)
            await day.do(ActionName.CONNECT, ana)
            await day.until(ana, LinkState.UNKNOWN)
            assert deliver(day, ana, envelope(inbound())) == ["0 not taken"]
            await day.later(ana, 30)
            confirmed = deliver(day, ana, envelope(inbound(at=SAID_AT)))
            await day.soon(lambda: confirmed == ["0"])

    run(main())


def test_news_of_the_account_are_asked_about_at_once(office: Office) -> None:
    """A ban that a webhook tells of stops the number as soon as Meta confirms it."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.rested(ana)
            office.cloud.world.number.fields["status"] = "BANNED"
            ban = webhooks.account_update("DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
            assert deliver(day, ana, envelope(ban)) == ["0"]
            await office.clock.advance(10)
            await day.until(ana, LinkState.BLOCKED, Reason.POLICY_RESTRICTED)

    run(main())


def test_where_there_are_no_webhooks_receipts_are_asked_for(office: Office) -> None:
    """`message_history` "when it answers, delivery receipts of recent sends can be polled"."""

    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.rested(ana)
            sent = await day.send(ana)
            assert isinstance(sent, Accepted)
            assert await day.delivery_of(ana, sent.provider_id) is Delivery.ACCEPTED
            events = office.cloud.world.number.sent[0].events
            for state, delivery in (("DELIVERED", Delivery.DELIVERED), ("READ", Delivery.READ)):
                events.append((state, office.clock.now()))
                await day.later(ana, 600)
                async with asyncio.timeout(10):
                    while await day.delivery_of(ana, sent.provider_id) is not delivery:
                        await asyncio.sleep(0.005)
            await day.later(ana, 600)
            assert len(office.cloud.asked("message_history")) == 2  # what was read needs no more asking

    run(main())


@pytest.mark.parametrize("answer", [100, 403])
def test_a_history_that_is_refused_is_left_alone_and_nothing_is_shown_of_it(office: Office, answer: int) -> None:
    """ "when it answers 400 code 100 / 403, it is off for this link (no error)"."""

    async def main() -> None:
        office.cloud.world.message_history = answer
        async with office.at_work() as day:
            ana = await day.connected()
            await day.rested(ana)
            await day.send(ana)
            await day.send(ana, to="5521987650002")
            for _ in range(3):
                await day.later(ana, 600)
                assert shown(day, ana) == FINE
            assert len(office.cloud.asked("message_history")) == 1

    run(main())


def test_a_receipt_that_a_webhook_told_is_not_asked_for(office: Office) -> None:
    async def main() -> None:
        async with office.at_work() as day:
            ana = await day.connected()
            await day.rested(ana)
            sent = await day.send(ana)
            assert isinstance(sent, Accepted)
            deliver(day, ana, envelope(webhooks.status(sent.provider_id, "delivered")))
            await day.later(ana, 600)
            assert office.cloud.asked("message_history") == []

    run(main())
