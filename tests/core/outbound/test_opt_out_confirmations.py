"""An opt-out is answered once: over the real database; the provider and the clock are played."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.outbound.consents import OptOutConfirmations
from app.domain.consent import ConsentChange, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.events import MessagesStored
from app.domain.link_status import SendCapability
from app.domain.outbound import Hold, HoldReason, OutboundMessage
from app.domain.provider import Connected
from app.domain.sending import Uncertain
from tests.clock import settle
from tests.core.outbound.harness import Sending, asked, phone, sending
from tests.waiting import until

BIA, CAIO = phone(1), phone(2)
ANSWER = "Você não receberá mais mensagens."


def confirmations(s: Sending) -> OptOutConfirmations:
    return OptOutConfirmations(
        bus=s.core.bus,
        mentorados=s.core.mentorados,
        consents=s.consents,
        outbound=s.service,
        audit_service=s.core.audit_service,
        clock=s.clock,
        text=lambda: ANSWER,
    )


def answered(s: Sending) -> list[tuple[str, str]]:
    return [(each.to.value, each.text) for each in s.provider.sent]


async def test_an_opt_out_is_answered_once_although_they_may_not_be_written_to(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        confirming = confirmations(s)
        assert await confirming.confirm() == 1
        await s.later(seconds=5)
        await s.receive(BIA, text="PARAR")
        for _ in range(2):
            assert await confirming.confirm() == 0
            await s.again()
            confirming = confirmations(s)
        assert answered(s) == [(BIA.value, ANSWER)]
        assert await s.send(BIA) == Hold(HoldReason.OPTED_OUT)
        assert await s.send(CAIO, purpose=Purpose.OPT_OUT_CONFIRMATION) == Hold(HoldReason.NO_CONSENT)


async def test_many_are_answered_with_the_same_words(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        people = [phone(number) for number in range(5)]
        for each in people:
            await s.receive(each, text="SAIR")
        assert await confirmations(s).confirm() == 5
        assert answered(s) == [(each.value, ANSWER) for each in people]


async def test_after_a_new_consent_a_new_opt_out_is_answered_again(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        await confirmations(s).confirm()
        await s.later(seconds=5)
        await s.grant(BIA, Purpose.CAMPAIGN)
        await s.receive(BIA, text="SAIR")
        await confirmations(s).confirm()
        assert answered(s) == [(BIA.value, ANSWER)] * 2


async def test_what_cannot_be_sent_now_is_answered_later_but_not_after_a_day(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.core.supervisor.disconnect(s.ana.id)
        await s.receive(BIA, text="SAIR")
        confirming = confirmations(s)
        assert await confirming.confirm() == 0
        assert len(await s.consents.unconfirmed()) == 1
        await s.later(hours=25)
        assert await confirming.confirm() == 0
        assert await s.consents.unconfirmed() == []
        assert s.provider.sent == []


async def test_a_restricted_number_may_answer(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.restrict(SendCapability.RESTRICTED)
        await s.receive(BIA, text="SAIR")
        assert await confirmations(s).confirm() == 1


async def test_who_agreed_again_meanwhile_is_not_answered(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        await s.say(BIA, ConsentChange.GRANTED, Purpose.OPT_OUT_CONFIRMATION)
        assert await confirmations(s).confirm() == 0
        assert s.provider.sent == []


@pytest.mark.parametrize("answer", [Uncertain(), Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5")])
async def test_an_answer_that_may_have_gone_out_is_not_sent_again(tmp_path: Path, answer: Uncertain | Problem) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        s.provider.answers = [answer]
        for _ in range(3):
            with suppress(Problem):
                await confirmations(s).confirm()
            await s.again()
        assert len(s.provider.sent) == 1


async def test_a_program_that_ends_while_it_answers_never_answers_twice(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        s.provider.holding = asyncio.Event()
        dying = asyncio.get_running_loop().create_task(confirmations(s).confirm())
        await asked(s.provider)
        dying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dying
        s.provider.holding = None
        await s.again()
        assert await confirmations(s).confirm() == 0
        assert len(s.provider.sent) == 1


async def test_two_programs_answer_once(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        for number in range(4):
            await s.receive(phone(number), text="SAIR")
        counts = await asyncio.gather(*(confirmations(s).confirm() for _ in range(3)))
        assert sum(counts) == len(s.provider.sent) == 4


async def test_a_right_to_answer_is_given_back_when_something_came_in_between(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        claim = s.consents.claim_confirmation

        async def with_a_fall(number: int) -> bool:
            await s.core.supervisor.disconnect(s.ana.id)
            return await claim(number)

        s.consents.claim_confirmation = with_a_fall  # type: ignore[method-assign]
        confirming = confirmations(s)
        assert await confirming.confirm() == 0
        assert len(await s.consents.unconfirmed()) == 1
        assert s.provider.sent == []
        s.consents.claim_confirmation = claim  # type: ignore[method-assign]
        await s.core.supervisor.connect(s.ana.id)
        await settle()
        s.provider.line.say(Connected(s.ana.phone))
        await settle()
        assert await confirming.confirm() == 1
        assert answered(s) == [(BIA.value, ANSWER)]


async def test_it_answers_by_itself_when_messages_are_stored_and_tries_again_every_minute(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        fails, find = [True], s.consents.unconfirmed

        async def failing() -> Sequence[object]:
            if fails:
                fails.clear()
                raise Problem(ProblemCode.DATABASE_LOCKED, path="x")
            return await find()

        s.consents.unconfirmed = failing  # type: ignore[method-assign, assignment]
        await s.receive(BIA, text="SAIR")
        sleeping = s.clock.sleepers
        running = asyncio.get_running_loop().create_task(confirmations(s).run())
        await s.clock.until_asleep(sleeping + 1)
        assert s.provider.sent == []
        await s.later(seconds=60)
        await asked(s.provider)
        await s.receive(CAIO, text="sair")
        s.core.bus.publish(MessagesStored(s.ana.id, ()))
        await asked(s.provider, 2)
        running.cancel()
        await until(running.done)
        assert answered(s) == [(BIA.value, ANSWER), (CAIO.value, ANSWER)]


async def test_of_an_archived_mentorado_nobody_is_answered(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        await s.core.supervisor.disconnect(s.ana.id)
        await s.core.mentorados.archive(s.ana.id)
        assert await confirmations(s).confirm() == 0
        assert await s.consents.unconfirmed() == []


async def test_the_answer_counts_for_the_limits_and_is_in_the_record(tmp_path: Path) -> None:
    async with sending(tmp_path) as s:
        await s.receive(BIA, text="SAIR")
        await confirmations(s).confirm()
        await s.core.write_queue.flush()
        (sent,) = (await s.repository.facts(s.ana, BIA, s.clock.now() + timedelta(seconds=1))).sent
        assert isinstance(sent, OutboundMessage)
        assert sent.purpose is Purpose.OPT_OUT_CONFIRMATION
