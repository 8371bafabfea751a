from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from app.core.links.ingest import RETRY_SECONDS
from app.domain.errors import Problem, ProblemCode
from app.domain.events import DeliverySetAside, MessagesStored, StorageFailed, StorageRecovered
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import Mentorado
from app.domain.messages import (
    Address,
    AddressKind,
    ConversationId,
    DeliveryReceipt,
    DeliveryStatus,
    Media,
    MessageUpdate,
    ProviderMessage,
    SetAsideReason,
    WirePreference,
    WireUnknown,
)
from app.domain.provider import Blocked, MessagesReceived
from app.domain.set_aside import refused
from tests.clock import DAWN, settle
from tests.core.conftest import Run
from tests.core.diagnostics.troubleshooting import connected
from tests.services import Core
from tests.waiting import until

BIA = Address(AddressKind.PHONE, "+5521912345678")


def message(number: int) -> ProviderMessage:
    return ProviderMessage(
        provider_id=f"ID{number}",
        chat=(BIA,),
        sender=(BIA,),
        from_me=False,
        text=f"olá {number}",
        sent_at=DAWN,
        received_at=DAWN,
    )


async def test_what_arrives_is_stored_then_confirmed_in_order(core: Core) -> None:
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(MessagesReceived((message(1), message(2)), 2), MessagesReceived((message(3),), 3))
        await settle()
        assert core.history.facts == [message(1), message(2), message(3)]
        assert core.provider.line.confirmed == [2, 3]
        grown = [event for event in core.listener.events if isinstance(event, MessagesStored)]
        assert [event.mentorado_id for event in grown] == [ana.id] * 2


async def test_what_is_repeated_is_confirmed_again_and_tells_nobody(core: Core) -> None:
    async with core.running():
        await connected(core)
        core.provider.line.say(MessagesReceived((message(1),), 1), MessagesReceived((message(1),), 1))
        await settle()
        assert core.provider.line.confirmed == [1, 1]
        assert sum(isinstance(event, MessagesStored) for event in core.listener.events) == 1


async def test_nothing_is_confirmed_while_the_disk_refuses_and_the_line_goes_on(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    async with core.running():
        ana = await connected(core)
        core.history.problem = Problem(ProblemCode.DATABASE_DISK_FULL)
        core.provider.line.say(MessagesReceived((message(1),), 1))
        await core.clock.advance(3 * RETRY_SECONDS)
        assert core.provider.line.confirmed == []
        assert sum(isinstance(event, StorageFailed) for event in core.listener.events) == 1
        assert core.status(ana).state is LinkState.CONNECTED
        core.history.problem = None
        await core.clock.advance(RETRY_SECONDS)
        assert core.provider.line.confirmed == [1]
        assert any(isinstance(event, StorageRecovered) for event in core.listener.events)


async def test_a_message_that_is_refused_is_found_and_set_aside_and_everything_around_it_is_stored_in_order(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    core.history.refuses = lambda fact: isinstance(fact, ProviderMessage) and fact.provider_id in ("ID5", "ID9")
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(
            MessagesReceived(tuple(map(message, range(16))), 16), MessagesReceived((message(16),), 17)
        )
        await settle()
        stored = [fact.provider_id for fact in core.history.facts if isinstance(fact, ProviderMessage)]
        assert stored == [f"ID{number}" for number in range(17) if number not in (5, 9)]
        aside = [fact for fact in core.history.facts if isinstance(fact, WireUnknown)]
        assert [(fact.kind, fact.reason, fact.detail, fact.about) for fact in aside] == [
            ("message", SetAsideReason.NOT_STORABLE, "IntegrityError", (BIA,))
        ] * 2
        assert ["olá 5" in json.loads(fact.payload)["text"] for fact in aside] == [True, False]
        assert core.provider.line.confirmed == [16, 17]
        assert core.history.asked < 30  # halves, not one by one and not again and again
        assert core.status(ana).state is LinkState.CONNECTED
        asides = [event for event in core.listener.events if isinstance(event, DeliverySetAside)]
        assert asides == [DeliverySetAside(ana.id, ana.link.id)] * 2


async def test_a_wish_that_is_refused_is_set_aside_with_whose_it_is(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    core.history.refuses = lambda fact: isinstance(fact, WirePreference)
    async with core.running():
        await connected(core)
        core.provider.line.say(MessagesReceived((WirePreference(who=(BIA,), stopped=True, at=DAWN),), 1))
        await settle()
        (aside,) = core.history.facts
        assert isinstance(aside, WireUnknown)
        assert (aside.kind, aside.about) == ("preference", (BIA,))


async def test_a_receipt_that_is_refused_is_set_aside_too(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    core.history.refuses = lambda fact: isinstance(fact, DeliveryReceipt)
    read = DeliveryReceipt(provider_ids=("ID1",), chat=(BIA,), delivery=DeliveryStatus.READ, at=DAWN)
    async with core.running():
        await connected(core)
        core.provider.line.say(MessagesReceived((read, message(1)), 2))
        await settle()
        aside, stored = core.history.facts
        assert isinstance(aside, WireUnknown)
        assert (aside.kind, aside.about, stored) == ("receipt", (BIA,), message(1))


def test_a_message_that_cannot_even_be_written_out_is_set_aside_without_its_contents() -> None:
    huge = replace(message(1), media=Media(size=10**5000))
    assert refused(huge, "OverflowError", DAWN).payload == ""


async def test_a_store_that_refuses_whatever_it_is_given_ends_the_line_and_confirms_nothing(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    core.history.refuses = lambda _fact: True
    async with core.running():
        ana = await connected(core)
        core.provider.line.say(MessagesReceived((message(1),), 1))
        await settle()
        assert core.provider.line.confirmed == []
        assert (core.status(ana).state, core.status(ana).reason) == (LinkState.RECONNECTING, Reason.UNEXPECTED)


async def test_the_last_words_of_a_line_are_stored_before_it_is_left(core: Core) -> None:
    async with core.running():
        await connected(core)
        core.provider.line.say(MessagesReceived((message(1),), 1), Blocked(Reason.LOGGED_OUT))
        await settle()
        assert core.provider.line.confirmed == [1]
        assert core.provider.line.closed


async def test_a_disk_that_never_answers_does_not_hold_a_line_for_ever(
    core: Core, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr("app.core.links.link_worker.CLOSING_EVENTS_SECONDS", 0.02)
    async with core.running():
        await connected(core)
        core.history.problem = Problem(ProblemCode.DATABASE_LOCKED)
        core.provider.line.say(MessagesReceived((message(1),), 1), Blocked(Reason.LOGGED_OUT))
        await until(lambda: core.provider.line.closed)
        assert core.provider.line.confirmed == []


def test_a_bug_in_the_history_ends_the_line_and_not_the_program(
    core: Core, run: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_mentorado: Mentorado, _facts: Sequence[MessageUpdate], _at: datetime) -> Sequence[ConversationId]:
        raise ZeroDivisionError

    monkeypatch.setattr(core.history, "store", broken)

    async def main() -> None:
        async with core.running():
            ana = await connected(core)
            core.provider.line.say(MessagesReceived((message(1),), 1))
            await settle()
            assert (core.status(ana).state, core.status(ana).reason) == (LinkState.RECONNECTING, Reason.UNEXPECTED)

    run(main())
    assert "ZeroDivisionError" in caplog.text
