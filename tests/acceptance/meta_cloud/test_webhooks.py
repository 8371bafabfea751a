"""Webhooks of the Cloud API, from Meta's POST over real HTTP to the history, through the program as it is."""

from __future__ import annotations

import asyncio
import logging
import random

import httpx
import pytest

from app.core.webhooks.service import ServiceState
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import Recommendation
from app.domain.link_status import LinkState, Reason
from app.domain.mentorado import ProviderKind
from app.domain.messages import DeliveryStatus, StoredMessage
from app.domain.provider_descriptor import CredentialField, dumps, secret_key
from app.domain.webhooks import DeliveryOutcome
from tests.acceptance.meta_cloud.harness import BIA, Harness, ProgramRun
from tests.acceptance.program import Person, run
from tests.acceptance.webhooks_on import counted, switch_on, url_for
from tests.clock import DAWN
from tests.emulators.meta_cloud.state import (
    APP_SECRET,
    NUMBER_ID,
    TOKEN,
    WABA_ID,
)
from tests.emulators.meta_cloud.webhooks import envelope, inbound, post, signature, status

AT = int(DAWN.timestamp())


async def connected(run: ProgramRun) -> Person:
    """Somebody whose app's secret is known, too."""
    ana = await run.add_mentorado(app_secret=APP_SECRET)
    await run.do(ActionName.CONNECT, ana)
    await run.until(ana, LinkState.CONNECTED)
    return ana


async def posted(url: str, body: bytes) -> int:
    """As Meta does: once more after anything but a yes."""
    async with asyncio.timeout(10):
        while (answer := (await post(url, body))[0]) == 503:
            await asyncio.sleep(0.05)
    return answer


async def talk(run: ProgramRun, person: Person) -> dict[str, StoredMessage]:
    """Everything with Bia, by its id."""
    found = {}
    for conversation in await run.core.history.conversations(person.id):
        for message in await run.core.history.messages(conversation.id, limit=500):
            found[message.provider_id] = message
    return found


async def test_without_webhooks_a_message_stays_accepted_and_nothing_listens(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await connected(run)
        assert run.core.webhooks.phase is ServiceState.OFF
        await run.send(ana)
        assert await run.delivery_of(ana, "wamid.unknown") is DeliveryStatus.ACCEPTED


def test_shuffled_and_repeated_deliveries_and_a_late_failure_end_in_the_same_history(harness: Harness) -> None:
    async def main() -> None:
        async with harness.running() as run:
            ana = await connected(run)
            await switch_on(run.core)
            url = await url_for(run.core, ana.link)
            for wamid in ("wamid.out.1", "wamid.out.2"):
                assert await run.delivery_of(ana, wamid) is DeliveryStatus.ACCEPTED
            bodies = [envelope(inbound(f"wamid.in.{number}", at=AT + number)) for number in range(30)]
            bodies += [envelope(status("wamid.out.1", state)) for state in ("sent", "delivered", "read")]
            bodies += [envelope(status("wamid.out.2", "sent")), envelope(status("wamid.out.2", "failed", code=131047))]
            edit = {"message": {"type": "text", "text": {"body": "corrigida"}}, "original_message_id": "wamid.in.3"}
            bodies += [envelope(inbound("wamid.e", at=AT + 60, type="edit", edit=edit))]
            order = [*bodies, *bodies[::3]]
            random.Random(5).shuffle(order)  # noqa: S311 - the same in every run
            assert [await posted(url, body) for body in order] == [200] * len(order)

            async def all_there() -> bool:
                found = await talk(run, ana)
                inbound_ = [each for each in found if each.startswith("wamid.in.")]
                return len(inbound_) == 30 and found["wamid.out.1"].delivery is DeliveryStatus.READ

            async with asyncio.timeout(10):
                while not await all_there():
                    await asyncio.sleep(0.02)
            await counted(run.core, DeliveryOutcome.ACCEPTED, len(bodies), link_id=ana.link)
            await counted(run.core, DeliveryOutcome.DUPLICATE, len(order) - len(bodies))
            found = await talk(run, ana)
            assert found["wamid.out.2"].delivery is DeliveryStatus.FAILED
            assert (found["wamid.in.3"].text, found["wamid.in.3"].original_text) == ("corrigida", "oi")
            assert run.status(ana).evidence.last_inbound is not None

    run(main())


async def test_a_wrong_missing_or_truncated_signature_changes_nothing_and_is_counted(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await connected(run)
        await switch_on(run.core)
        url, body = await url_for(run.core, ana.link), envelope(inbound(at=AT))
        assert await posted(url, envelope(inbound("wamid.right", at=AT))) == 200
        async with httpx.AsyncClient(trust_env=False) as client:
            for value in (None, signature(body, "wrong"), signature(body)[:-8]):
                headers = {} if value is None else {"X-Hub-Signature-256": value}
                assert (await client.post(url, content=body, headers=headers)).status_code == 401
            challenge = {
                "hub.mode": "subscribe",
                "hub.verify_token": await run.core.webhooks.verify_token(),
                "hub.challenge": "42",
            }
            answer = await client.get(url, params=challenge)
            assert (answer.status_code, answer.text) == (200, "42")
        await counted(run.core, DeliveryOutcome.SIGNATURE_MISSING, 1)
        await counted(run.core, DeliveryOutcome.SIGNATURE_WRONG, 2)
        await counted(run.core, DeliveryOutcome.ACCEPTED, 1, link_id=ana.link)
        async with asyncio.timeout(10):
            while "wamid.right" not in (found := await talk(run, ana)):
                await asyncio.sleep(0.02)
        assert list(found) == ["wamid.right"]


async def test_what_came_while_the_link_was_off_is_there_when_it_is_connected_in_the_next_run_too(
    harness: Harness,
) -> None:
    async with harness.running() as run:
        ana = await connected(run)
        await switch_on(run.core)
        url = await url_for(run.core, ana.link)
        await run.do(ActionName.DISCONNECT, ana)
        for number in range(3):
            assert await posted(url, envelope(inbound(f"wamid.{number}", BIA, at=AT + number))) == 200
        await run.soon(lambda: run.core.webhooks.waiting == {ana.link: 3})
        assert await talk(run, ana) == {}
    async with harness.running() as next_day:
        typed = {
            CredentialField.ACCESS_TOKEN: TOKEN,
            CredentialField.PHONE_NUMBER_ID: NUMBER_ID,
            CredentialField.WABA_ID: WABA_ID,
            CredentialField.APP_SECRET: APP_SECRET,
        }
        await next_day.core.hosted.credentials.save(ana.id, typed)  # the secrets were kept for a day only
        await next_day.do(ActionName.CONNECT, ana)
        await next_day.until(ana, LinkState.CONNECTED)
        async with asyncio.timeout(10):
            while len(await talk(next_day, ana)) < 3:
                await asyncio.sleep(0.02)
        assert list(reversed(await talk(next_day, ana))) == ["wamid.0", "wamid.1", "wamid.2"]
        await next_day.soon(lambda: not next_day.core.webhooks.waiting)


async def test_one_message_that_cannot_be_stored_never_keeps_others_back(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """One message that cannot be stored is set aside with a reason, counted, and everything behind it goes on."""
    caplog.set_level(logging.CRITICAL)
    async with harness.running() as run:
        ana = await connected(run)
        await run.core.database.run(
            lambda connection: connection.exec_driver_sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON message WHEN new.text = 'recusada'"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        )
        await switch_on(run.core)
        url = await url_for(run.core, ana.link)
        huge = {"filename": "a.pdf", "mime_type": "application/pdf", "file_size": 2**63}
        for body in (
            envelope(inbound("wamid.X", at=AT, type="document", document=huge)),
            envelope(inbound("wamid.bad", at=AT + 1, type="text", text={"body": "recusada"})),
            envelope(inbound("wamid.Y", at=AT + 2)),
        ):
            assert await posted(url, body) == 200
        async with asyncio.timeout(10):
            while "wamid.Y" not in (found := await talk(run, ana)):
                await asyncio.sleep(0.02)
        assert list(reversed(found)) == ["wamid.X", "wamid.Y"]
        media = found["wamid.X"].media
        assert media is not None
        assert (media.name, media.size) == ("a.pdf", None)
        (aside,) = await run.core.set_aside.latest(ana.id)
        assert (aside.kind, aside.reason, aside.detail) == ("message", "not_storable", "IntegrityError")
        assert run.status(ana).state is LinkState.CONNECTED


async def test_two_links_with_one_number_id_from_before_get_only_what_is_theirs(harness: Harness) -> None:
    """ "Keep mentorado data separate": what is addressed to Ana's number is hers, also while Caio's credentials, kept
    before that was refused, hold her number id, and after they were corrected."""
    async with harness.running() as run:
        ana = await connected(run)
        caio = await run.core.mentorados.add("Caio", "+5531987650009", provider=ProviderKind.META_CLOUD)
        typed = {
            CredentialField.ACCESS_TOKEN: TOKEN,
            CredentialField.PHONE_NUMBER_ID: NUMBER_ID,
            CredentialField.WABA_ID: WABA_ID,
            CredentialField.APP_SECRET: APP_SECRET,
        }
        with pytest.raises(Problem) as refused:
            await run.core.hosted.credentials.save(caio.id, typed)
        assert (refused.value.code, refused.value.context["name"]) == (ProblemCode.ACCOUNT_TAKEN, "Ana")
        await run.core.secrets.set(secret_key(caio.link.id), dumps(typed))  # as an older program did
        await switch_on(run.core)
        url = await url_for(run.core, ana.link)
        assert await posted(url, envelope(inbound("wamid.A", at=AT))) == 200
        async with asyncio.timeout(10):
            while "wamid.A" not in await talk(run, ana):
                await asyncio.sleep(0.02)

        other = Person(caio.name, caio.id, caio.link.id, caio.phone.lstrip("+"))
        await run.do(ActionName.CONNECT, other)
        status = await run.until(other, LinkState.BLOCKED, Reason.ACCOUNT_TAKEN)
        assert "Ana" in run.sentence(other)
        assert (status.detail, run.recommended(other)) == ("Ana", Recommendation.FIX_CREDENTIAL)
        for action in (run.core.hosted.registration.deregister, run.core.hosted.details.fetch):
            with pytest.raises(Problem) as refused:
                await action(caio.id)
            assert refused.value.code is ProblemCode.ACCOUNT_TAKEN
        assert not [each for each in harness.cloud.requests if each.path.endswith("register")]
        await run.core.hosted.credentials.save(caio.id, {CredentialField.PHONE_NUMBER_ID: "900100200300499"})
        assert run.status(other).state is LinkState.OFF
        assert await posted(url, envelope(inbound("wamid.A2", at=AT))) == 200
        async with asyncio.timeout(10):
            while "wamid.A2" not in await talk(run, ana):
                await asyncio.sleep(0.02)
        assert await talk(run, other) == {}
        assert run.status(ana).state is LinkState.CONNECTED


async def test_a_number_that_is_another_links_is_neither_registered_nor_taken_off(harness: Harness) -> None:
    """Registering it here would end the connection that Ana has elsewhere, whatever the credentials are called."""
    async with harness.running() as run:
        await run.core.mentorados.add("Ana", "+5511987654321")  # through WhatsApp Web
        caio = await run.add_mentorado("+5531987650009")
        for action in (
            run.core.hosted.registration.deregister(caio.id),
            run.core.hosted.registration.register(caio.id, "123456"),
        ):
            with pytest.raises(Problem) as refused:
                await action
            assert (refused.value.code, refused.value.context["name"]) == (ProblemCode.ACCOUNT_TAKEN, "Ana")
        assert not [each for each in harness.cloud.requests if each.path.endswith("register")]
