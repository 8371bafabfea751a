"""Issue 11, items 3, 4 and 6: a message to one contact, over a Cloud API that is played at the far end of real HTTP."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from app.domain.cases import CaseKind
from app.domain.messages import ConversationId, DeliveryStatus
from app.domain.outbound import Hold, HoldReason, OutboundMessage, OutboundState
from app.domain.sending import SendErrorKind
from app.providers.http_client import Timeouts
from tests.acceptance.meta_cloud.harness import Harness, ProgramRun
from tests.acceptance.outbound.test_consent import connected, sent_texts, write
from tests.acceptance.program import Person
from tests.emulators.meta_cloud.faults import Fault

SOON = Timeouts(connect=0.5, read=0.4, whole=0.6)


async def talk_with_bia(run: ProgramRun) -> tuple[Person, str, ConversationId]:
    """Ana, the address of her webhooks, and the conversation that Bia began."""
    ana, url = await connected(run)
    await write(run, url, "wamid.in.1", "Pode ser quinta às 10h?")
    async with asyncio.timeout(10):
        while not (known := await run.core.history.conversations(ana.id)):
            await asyncio.sleep(0.01)
    return ana, url, known[0].id


async def deliveries(run: ProgramRun, talk: ConversationId) -> list[tuple[str, DeliveryStatus | None]]:
    await run.core.write_queue.flush()
    return [(each.text, each.delivery) for each in await run.core.history.messages(talk) if each.from_me]


async def test_an_answer_goes_out_once_and_is_kept(harness: Harness) -> None:
    """ "A message to one contact can be written in the conversation (the reply box): ... sent state visible"."""
    async with harness.running() as run:
        _ana, _url, talk = await talk_with_bia(run)
        assert await run.core.replies.check(talk) is None
        sent = await run.core.replies.send(talk, "Pode, sim.")
        assert isinstance(sent, OutboundMessage)
        assert sent_texts(run) == ["Pode, sim."]
        assert await deliveries(run, talk) == [("Pode, sim.", DeliveryStatus.ACCEPTED)]


async def test_after_a_day_the_service_holds_it_back_and_meta_is_not_asked(harness: Harness) -> None:
    """ "It enforces ... the provider's window and templates"."""
    async with harness.running() as run:
        _ana, _url, talk = await talk_with_bia(run)
        harness.clock.time += timedelta(days=1)
        assert await run.core.replies.check(talk) == Hold(HoldReason.WINDOW_CLOSED)
        assert await run.core.replies.send(talk, "Pode, sim.") == Hold(HoldReason.WINDOW_CLOSED)
        assert run.cloud.asked("messages") == []


async def test_an_answer_that_is_lost_on_the_way_is_uncertain_kept_a_case_and_not_sent_again(harness: Harness) -> None:
    """ "nothing resent blindly. Ambiguous sends ask a person"."""
    async with harness.running(timeouts=SOON) as run:
        ana, _url, talk = await talk_with_bia(run)
        run.cloud.fault("messages", Fault.RESET)
        sent = await run.core.replies.send(talk, "Pode, sim.")
        assert isinstance(sent, OutboundMessage)
        assert sent.state is OutboundState.UNCERTAIN
        assert await deliveries(run, talk) == [("Pode, sim.", DeliveryStatus.UNCERTAIN)]
        (case,) = run.core.cases.open_cases
        assert (case.kind, case.mentorado_id, case.subject) == (CaseKind.UNCERTAIN_MESSAGE, ana.id, sent.reference)
        assert len(run.cloud.asked("messages")) == 1


async def test_after_a_refusal_by_policy_nothing_goes_out_until_a_person_releases_the_number(harness: Harness) -> None:
    """ "stops the link on ban, time-lock (463), policy or billing errors"; "the reason a provider gave for a failure is
    stored and shown"."""
    async with harness.running() as run:
        _ana, _url, talk = await talk_with_bia(run)
        error = {"code": 131042, "message": "(#131042) Business eligibility payment issue", "type": "OAuthException"}
        run.cloud.answer("messages", json.dumps({"error": error}).encode(), 400)
        refused = await run.core.replies.send(talk, "Pode, sim.")
        assert isinstance(refused, OutboundMessage)
        assert (refused.state, refused.trouble) == (OutboundState.NOT_SENT, SendErrorKind.BILLING)
        before = len(run.cloud.asked("messages"))
        held = await run.core.replies.send(talk, "Pode, sim.")
        assert isinstance(held, Hold)
        assert len(run.cloud.asked("messages")) == before
        await run.core.write_queue.flush()
        (case,) = [each for each in run.core.cases.open_cases if each.kind is CaseKind.SENDING_STOPPED]
        assert (case.evidence["trouble"], case.evidence["code"]) == ("billing", "131042")
        assert "payment" in case.evidence["detail"]
        await run.core.replies.release(talk)
        assert await run.core.replies.stopped(talk) is None
