"""What webhooks tell, and what can be asked where there are none."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.actions import ActionName
from app.domain.link_status import LinkState, Reason
from app.domain.messages import DeliveryStatus
from app.domain.sending import Accepted
from app.providers.meta_cloud import webhook_parser as callbacks
from tests.acceptance.meta_cloud.harness import Harness, ProgramRun
from tests.acceptance.meta_cloud.rows import FINE
from tests.acceptance.meta_cloud.test_errors import shown
from tests.acceptance.program import Person
from tests.clock import DAWN
from tests.emulators.meta_cloud import webhooks
from tests.emulators.meta_cloud.webhooks import envelope, inbound

SENT_AT = int(DAWN.timestamp())


def deliver(run: ProgramRun, person: Person, *bodies: bytes) -> list[str]:
    """Hand bodies to the line of *person*, as a receiver does; returns a list that grows as they are confirmed."""
    confirmed: list[str] = []
    for number, body in enumerate(bodies):
        for callback in callbacks.parse(body, run.core.clock.now()):
            taken = run.provider.handle(
                person.link,
                callback.facts,
                callback.check,
                lambda number=number: confirmed.append(str(number)),  # type: ignore[misc]
            )
            if not taken:
                confirmed.append(f"{number} not taken")
    return confirmed


async def test_messages_are_stored_once_and_only_then_confirmed(harness: Harness) -> None:
    """Duplicates, disorder and batches: each exactly once."""
    async with harness.running() as run:
        ana = await run.connected()
        one, two = envelope(inbound("wamid.1", at=SENT_AT)), envelope(inbound("wamid.2", at=SENT_AT + 1))
        confirmed = deliver(run, ana, two, one, one, webhooks.batch([one, two]))
        assert confirmed == []
        await run.soon(lambda: len(confirmed) == 4)
        (bia,) = await run.core.history.conversations(ana.id)
        assert (bia.title, bia.messages) == ("Bia", 2)
        assert run.status(ana).evidence.last_inbound == harness.clock.now()


async def test_nothing_is_taken_while_no_line_is_open_or_nobody_knows_whose_number_it_is(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.add_mentorado()
        assert deliver(run, ana, envelope(inbound())) == ["0 not taken"]
        harness.cloud.decline("number", 2)
        await run.do(ActionName.CONNECT, ana)
        await run.until(ana, LinkState.UNKNOWN)
        assert deliver(run, ana, envelope(inbound())) == ["0 not taken"]
        await run.later(ana, 30)
        confirmed = deliver(run, ana, envelope(inbound(at=SENT_AT)))
        await run.soon(lambda: confirmed == ["0"])


async def test_news_of_the_account_are_asked_about_at_once(harness: Harness) -> None:
    """A ban that a webhook tells of stops the number as soon as Meta confirms it."""
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        harness.cloud.world.number.fields["status"] = "BANNED"
        ban = webhooks.account_update("DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
        assert deliver(run, ana, envelope(ban)) == ["0"]
        await harness.clock.advance(10)
        await run.until(ana, LinkState.BLOCKED, Reason.POLICY_RESTRICTED)


async def test_where_there_are_no_webhooks_receipts_are_asked_for(harness: Harness) -> None:
    """`message_history` "when it answers, delivery receipts of recent sends can be polled"."""
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        sent = await run.send(ana)
        assert isinstance(sent, Accepted)
        assert await run.delivery_of(ana, sent.provider_id) is DeliveryStatus.ACCEPTED
        events = harness.cloud.world.number.sent[0].events
        for state, delivery in (("DELIVERED", DeliveryStatus.DELIVERED), ("READ", DeliveryStatus.READ)):
            events.append((state, harness.clock.now()))
            await run.later(ana, 600)
            async with asyncio.timeout(10):
                while await run.delivery_of(ana, sent.provider_id) is not delivery:
                    await asyncio.sleep(0.005)
        await run.later(ana, 600)
        assert len(harness.cloud.asked("message_history")) == 2  # what was read needs no more asking


@pytest.mark.parametrize("answer", [100, 403])
async def test_a_history_that_is_refused_is_left_alone_and_nothing_is_shown_of_it(
    harness: Harness, answer: int
) -> None:
    """ "when it answers 400 code 100 / 403, it is off for this link (no error)"."""
    harness.cloud.world.message_history = answer
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        await run.send(ana)
        await run.send(ana, to="5521987650002")
        for _ in range(3):
            await run.later(ana, 600)
            assert shown(run, ana) == FINE
        assert len(harness.cloud.asked("message_history")) == 1


async def test_a_receipt_that_a_webhook_told_is_not_asked_for(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        await run.rested(ana)
        sent = await run.send(ana)
        assert isinstance(sent, Accepted)
        deliver(run, ana, envelope(webhooks.status(sent.provider_id, "delivered")))
        await run.later(ana, 600)
        assert harness.cloud.asked("message_history") == []
