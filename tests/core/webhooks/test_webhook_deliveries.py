"""Where deliveries go: to open connections, set aside, or kept until there is one."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from app.core.webhooks.service import (
    ENDED_SECONDS,
    PLACE_SECONDS,
    SUMMARY_SECONDS,
    ServiceState,
)
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.mentorado import LinkId, Mentorado
from app.domain.messages import DeliveryReceipt, DeliveryStatus, MessageUpdate, WireUnknown
from app.domain.webhooks import (
    DeliveryBatch,
    DeliveryOutcome,
    OutcomeCount,
    WebhookStats,
)
from tests.clock import DAWN, settle
from tests.core.webhooks.harness import (
    ANA,
    BIA,
    CAIO,
    ON,
    Harness,
    play,
)
from tests.storage.talk import a_message


def handed(mentorado: Mentorado, mark: int, *facts: MessageUpdate, check: bool = False) -> DeliveryBatch:
    return DeliveryBatch(link_id=mentorado.link.id, mark=mark, facts=facts, check=check)


def test_what_came_goes_to_the_open_line_and_is_confirmed_once_it_is_stored() -> None:
    harness = Harness(ON)

    async def use() -> None:
        running_server = harness.receiver.now
        running_server.say(
            handed(ANA, 1, a_message("M1"), check=True), handed(ANA, 2, a_message("M2")), handed(ANA, 3, check=True)
        )
        await settle()
        assert harness.provider.taken == [
            (ANA.link.id, (a_message("M1"),), True),
            (ANA.link.id, (a_message("M2"),), False),
            (ANA.link.id, (), True),
        ]
        assert running_server.calls == [("confirm", ANA.link.id, 3)]  # of that one, nothing is to be stored
        for confirm in harness.provider.confirms[:2]:
            confirm()
        assert [mark for _, _, mark in running_server.calls] == [3, 1, 2]
        harness.moved(ANA, LinkState.RECONNECTING, LinkState.CONNECTED)
        assert len(running_server.calls) == 3  # everything is settled

    play(harness, use)


def test_without_an_open_line_it_waits_until_there_is_one() -> None:
    harness = Harness(ON)
    harness.provider.open = False

    async def use() -> None:
        running_server = harness.receiver.now
        running_server.say(handed(ANA, 1, a_message("M1")), handed(BIA, 2, a_message("M2")), handed(ANA, 3, check=True))
        await settle()
        assert running_server.calls == [
            ("postpone", ANA.link.id, 0),
            ("postpone", BIA.link.id, 0),  # whose provider is not there
            ("confirm", ANA.link.id, 3),  # a hint that nobody needs any more
        ]
        harness.moved(ANA, LinkState.CONNECTING, LinkState.CONNECTING)
        harness.moved(ANA, LinkState.CONNECTING, LinkState.RECONNECTING)
        assert len(running_server.calls) == 3
        harness.moved(ANA, LinkState.RECONNECTING, LinkState.CONNECTED)
        assert running_server.calls[3:] == [("again", ANA.link.id, 0)]

    play(harness, use)


def test_what_a_line_had_not_stored_is_offered_to_the_next_one() -> None:
    harness = Harness(ON)

    async def use() -> None:
        running_server = harness.receiver.now
        running_server.say(handed(ANA, 1, a_message("M1")))
        await settle()
        harness.moved(ANA, LinkState.CONNECTED, LinkState.RECONNECTING)
        harness.moved(ANA, LinkState.RECONNECTING, LinkState.UNKNOWN)
        assert running_server.calls == [("again", ANA.link.id, 0)]
        harness.provider.confirms[0]()  # late, and true all the same
        assert running_server.calls[1:] == [("confirm", ANA.link.id, 1)]

    play(harness, use)


def test_a_bug_in_one_line_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(ON)
    harness.provider.broken = True

    async def use() -> None:
        harness.receiver.now.say(
            handed(ANA, 1, a_message("M1")), handed(replace(ANA, link=CAIO.link), 2, a_message("M2"))
        )
        await settle()
        assert [word for word, _, _ in harness.receiver.now.calls] == ["postpone", "postpone"]
        assert "could not be dispatched" in caplog.text

    play(harness, use)


def test_a_fact_that_the_line_fails_on_is_set_aside_and_the_others_arrive_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    harness = Harness(ON)
    read = DeliveryReceipt(provider_ids=("M0",), chat=(), delivery=DeliveryStatus.READ, at=DAWN)

    async def use() -> None:
        harness.receiver.now.say(handed(ANA, 1, a_message("M1"), a_message("M2", "veneno"), read))
        await settle()
        first, aside, last = (facts for _, (*facts,), _ in harness.provider.taken)
        assert (first, last) == ([a_message("M1")], [read])
        assert isinstance(aside[0], WireUnknown)
        assert (aside[0].kind, aside[0].detail) == ("message", "RuntimeError")
        for confirm in harness.provider.confirms[:-1]:
            confirm()
        assert harness.receiver.now.calls == [], "the delivery is not stored yet"
        harness.provider.confirms[-1]()
        assert harness.receiver.now.calls == [("confirm", ANA.link.id, 1)]

    play(harness, use)


def test_a_line_that_fails_on_what_is_set_aside_too_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    harness = Harness(ON)
    harness.provider.broken = True

    async def use() -> None:
        harness.receiver.now.say(handed(ANA, 1, WireUnknown(kind="calls", payload="{}", at=DAWN)))
        await settle()
        assert [word for word, _, _ in harness.receiver.now.calls] == ["postpone"]

    play(harness, use)


def test_what_is_for_a_link_that_is_gone_waits() -> None:
    harness = Harness(ON)

    async def use() -> None:
        gone = LinkId("9" * 32)
        harness.receiver.now.say(DeliveryBatch(link_id=gone, mark=1, facts=(a_message("M1"),), check=False))
        await settle()
        assert harness.receiver.now.calls == [("postpone", gone, 0)]

    play(harness, use)


def test_a_receiver_that_breaks_is_opened_again_and_said(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(ON)

    async def use() -> None:
        harness.receiver.now.say(None)
        await settle()
        assert harness.phase() is ServiceState.FAILED
        assert harness.trouble() is ProblemCode.WEBHOOK_HOST_ENDED
        harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")
        await harness.clock.advance(ENDED_SECONDS)
        assert harness.trouble() is ProblemCode.WEBHOOK_PORT_TAKEN
        await harness.clock.advance(PLACE_SECONDS)  # the log is not told twice
        harness.receiver.problem = None
        await harness.clock.advance(PLACE_SECONDS)
        assert harness.phase() is ServiceState.LISTENING
        assert harness.trouble() is None
        assert caplog.text.count("is restarted") == 2

    play(harness, use)


def test_what_fails_is_tried_at_once_when_the_settings_change(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(ON)
    harness.receiver.problem = Problem(ProblemCode.WEBHOOK_PORT_TAKEN, port="8790")

    async def use() -> None:
        assert harness.phase() is ServiceState.FAILED
        harness.receiver.problem = None
        await harness.service.set_listen_address("127.0.0.1", "9000")
        await settle()
        assert harness.phase() is ServiceState.LISTENING
        assert "webhook_port_taken" in caplog.text

    play(harness, use)


def test_what_was_left_is_handed_out_though_they_are_off() -> None:
    harness = Harness()
    harness.receiver.left = True

    async def use() -> None:
        assert harness.receiver.now.place is None
        assert harness.phase() is ServiceState.OFF
        harness.receiver.now.say(handed(ANA, 1, a_message("M1")), None)
        await settle()
        assert len(harness.provider.taken) == 1
        assert len(harness.receiver.opened) == 1  # not again and again, should one never go

    play(harness, use)


def test_counts_are_passed_on_and_summed_up_in_the_log_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    harness = Harness(ON)

    async def use() -> None:
        def stats(accepted: int, refused: int) -> WebhookStats:
            counts = (
                OutcomeCount(ANA.link.id, DeliveryOutcome.ACCEPTED, accepted, DAWN),
                OutcomeCount(None, DeliveryOutcome.SIGNATURE_WRONG, refused, DAWN),
            )
            return WebhookStats(counts, {BIA.link.id: 3})

        changes = harness.changes
        for number in range(50):
            harness.receiver.now.say(stats(number, 100 * number))
        await settle(100)
        assert harness.changes == changes + 50
        assert harness.service.counts[1].count == 4900
        assert harness.service.waiting == {BIA.link.id: 3}
        assert "refused until now" not in caplog.text
        await harness.clock.advance(SUMMARY_SECONDS)
        harness.receiver.now.say(stats(50, 5000), stats(51, 5100))
        await settle()
        await harness.clock.advance(SUMMARY_SECONDS)
        harness.receiver.now.say(stats(50, 5000))
        await settle()
        assert caplog.text.count("50 accepted and 5000 refused until now") == 1

    play(harness, use)
