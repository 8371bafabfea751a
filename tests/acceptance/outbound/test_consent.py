"""Issue 11, item 2: the ledger of consent, over a Cloud API that is played at the far end of real HTTP."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from app.core.outbound.consent_import import ConsentDefaults
from app.domain.actions import ActionName
from app.domain.audit import AuditAction
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState
from app.domain.messages import Address, AddressKind
from app.domain.outbound import Hold, HoldReason, OutboundMessage, OutboundState
from app.domain.phone import masked
from app.domain.provider_descriptor import CredentialField
from app.domain.sending import OutgoingMessage, SendErrorKind, TemplateMessage
from app.text.status import texts
from tests.acceptance.meta_cloud.harness import BIA, Harness, ProgramRun
from tests.acceptance.program import Person
from tests.acceptance.webhooks_on import switch_on, url_for
from tests.clock import DAWN
from tests.emulators.meta_cloud.state import APP_SECRET, NUMBER_ID, TOKEN, WABA_ID
from tests.emulators.meta_cloud.webhooks import envelope, inbound, post, preference

BIA_ADDRESS = Address(AddressKind.PHONE, f"+{BIA}")
AT = int(DAWN.timestamp())
WORDS = {"wording": "Aceito receber novidades da mentoria.", "version": "3"}
REMINDER = TemplateMessage(name="lembrete", language="pt_BR", parameters=("Bia", "amanhã"))
GRANTED, OUT = ConsentChange.GRANTED, ConsentChange.OPTED_OUT


async def connected(run: ProgramRun) -> tuple[Person, str]:
    """Somebody whose messages come by webhook, and the address that Meta posts to."""
    ana = await run.add_mentorado(app_secret=APP_SECRET)
    await run.do(ActionName.CONNECT, ana)
    await run.until(ana, LinkState.CONNECTED)
    await switch_on(run.core)
    return ana, await url_for(run.core, ana.link)


async def connect_again(run: ProgramRun, ana: Person) -> None:
    """In a new run, whose secrets are kept for the day only."""
    typed = {CredentialField.ACCESS_TOKEN: TOKEN, CredentialField.PHONE_NUMBER_ID: NUMBER_ID}
    await run.core.hosted.credentials.save(ana.id, typed | {CredentialField.WABA_ID: WABA_ID})
    await run.do(ActionName.CONNECT, ana)
    await run.until(ana, LinkState.CONNECTED)


async def write(run: ProgramRun, url: str, wamid: str, words: str, *, times: int = 1) -> None:
    """Bia writes to Ana, and Meta posts it *times* times."""
    run.cloud.world.number.inbound[BIA] = run.core.clock.now()
    text: dict[str, Any] = {"type": "text", "text": {"body": words}}
    await posted(url, envelope(inbound(wamid, at=int(run.core.clock.now().timestamp()), **text)), times)


async def posted(url: str, body: bytes, times: int = 1) -> None:
    """As Meta does: once more after anything but a yes."""
    async with asyncio.timeout(10):
        for _ in range(times):
            while (await post(url, body))[0] != 200:
                await asyncio.sleep(0.05)


async def recorded(run: ProgramRun, ana: Person, count: int) -> list[ConsentEntry]:
    """The ledger of Bia once it has *count* entries."""
    async with asyncio.timeout(10):
        while len(entries := await run.core.consent.ledger.history(ana.id, BIA_ADDRESS)) < count:
            await asyncio.sleep(0.01)
    return list(entries)


def sent_texts(run: ProgramRun) -> list[str]:
    return [each.payload["text"]["body"] for each in run.cloud.world.number.sent if each.payload["type"] == "text"]


async def send(run: ProgramRun, ana: Person, purpose: Purpose) -> OutboundMessage | Hold:
    message = OutgoingMessage(to=BIA_ADDRESS, template=REMINDER)
    return await run.core.outbound.send(ana.id, message, purpose)


async def test_an_opt_out_word_revokes_at_once_and_is_confirmed_once(harness: Harness) -> None:
    """ "opt-out words (SAIR, PARAR, STOP, configurable) in inbound messages, ... revoke at once and are confirmed
    once"."""
    async with harness.running() as run:
        ana, url = await connected(run)
        await run.core.consent.ledger.grant(ana.id, BIA_ADDRESS, Purpose.CAMPAIGN, **WORDS)
        await write(run, url, "wamid.in.1", "Sair!", times=3)
        entries = await recorded(run, ana, 2)
        assert [(each.change, each.source) for each in entries] == [
            (GRANTED, ConsentSource.TYPED),
            (OUT, ConsentSource.MESSAGE),
        ]
        assert await send(run, ana, Purpose.CAMPAIGN) == Hold(HoldReason.OPTED_OUT)
        await run.soon(lambda: len(sent_texts(run)) == 1)
        await harness.clock.advance(5)
        await write(run, url, "wamid.in.2", "PARAR", times=2)
        await recorded(run, ana, 3)
        assert not (await run.core.consent.ledger.state(ana.id, BIA_ADDRESS, Purpose.CAMPAIGN)).granted
        entries_of_audit = await run.core.audit.entries(mentorado_id=ana.id)
        (audited,) = [each.record for each in entries_of_audit if each.record.action == AuditAction.OPT_OUT_RECEIVED]
        assert audited.after["contact"] == masked(BIA_ADDRESS.value)
    async with harness.running() as run:  # in the next run too
        await connect_again(run, ana)
        assert await run.core.consent.confirmations.confirm() == 0
        assert sent_texts(run) == [texts("consent.confirmation")]


async def test_an_opt_out_that_a_program_stored_before_it_died_is_answered_by_the_next(harness: Harness) -> None:
    """ "opt-out words ... revoke at once and are confirmed once": whatever ends the program in between."""
    async with harness.running() as run:
        ana, url = await connected(run)
        run.core.consent.confirmations._text = texts_that_fail  # it dies before it answers
        await write(run, url, "wamid.in.1", "STOP")
        await recorded(run, ana, 1)
        await run.do(ActionName.DISCONNECT, ana)
        assert sent_texts(run) == []
    async with harness.running() as run:
        await connect_again(run, ana)
        await run.core.consent.confirmations.confirm()
        await run.soon(lambda: sent_texts(run) == [texts("consent.confirmation")])
        assert await run.core.consent.confirmations.confirm() == 0


def texts_that_fail() -> str:
    raise Problem(ProblemCode.REQUEST_TIMED_OUT, seconds="5")


async def test_a_stop_told_to_meta_revokes_at_once_and_its_end_gives_it_back(harness: Harness) -> None:
    """ "Meta's `user_preferences` ... revoke at once"."""
    async with harness.running() as run:
        ana, url = await connected(run)
        await run.core.consent.ledger.grant(ana.id, BIA_ADDRESS, Purpose.CAMPAIGN, **WORDS)
        await posted(url, envelope(preference("stop", BIA, at=AT)), times=2)
        entries = await recorded(run, ana, 2)
        assert (entries[1].change, entries[1].source, entries[1].at) == (OUT, ConsentSource.PROVIDER, DAWN)
        assert await send(run, ana, Purpose.CAMPAIGN) == Hold(HoldReason.OPTED_OUT)
        await posted(url, envelope(preference("resume", BIA, at=AT + 5)), times=2)
        entries = await recorded(run, ana, 3)
        assert [each.change for each in entries] == [GRANTED, OUT, GRANTED]
        assert (entries[2].wording, entries[2].version) == (WORDS["wording"], "3")


async def test_the_refusal_131050_revokes_at_once(harness: Harness) -> None:
    """ "131050 revoke at once"."""
    async with harness.running() as run:
        ana = await run.connected()
        await run.core.consent.ledger.grant(ana.id, BIA_ADDRESS, Purpose.CAMPAIGN, **WORDS)
        await harness.clock.advance(12 * 3600)  # by day
        harness.cloud.decline("messages", 131050)
        refused = await send(run, ana, Purpose.CAMPAIGN)
        assert isinstance(refused, OutboundMessage), refused
        assert (refused.state, refused.trouble) == (OutboundState.NOT_SENT, SendErrorKind.OPTED_OUT)
        await run.core.write_queue.flush()
        entries = await recorded(run, ana, 2)
        assert (entries[1].change, entries[1].source) == (OUT, ConsentSource.PROVIDER)
        assert await send(run, ana, Purpose.CAMPAIGN) == Hold(HoldReason.OPTED_OUT)


async def test_a_suppression_outlives_the_contact(harness: Harness) -> None:
    """ "a suppression outlives the contact's deletion (hash only)"."""
    async with harness.running() as run:
        ana, url = await connected(run)
        await write(run, url, "wamid.in.1", "SAIR")
        await recorded(run, ana, 1)
        await run.core.personal_data.erase_contact(ana.id, BIA_ADDRESS)
        (left,) = await run.core.consent.ledger.contacts(ana.id)
        assert (left.addresses, [each.change for each in left.entries]) == ((), [OUT, ConsentChange.ERASED])
        data = f"Telefone\tTexto\tVersão\n+{BIA}\tAceito\t1\n".encode()
        rows = await run.core.consent.imports.preview(ana.id, data, ConsentDefaults(purpose=Purpose.CAMPAIGN))
        assert [row.problem is not None and row.problem.code for row in rows] == ["consent_opted_out"]


@pytest.mark.parametrize("purpose", [Purpose.CONVERSATION, Purpose.CAMPAIGN])
async def test_a_record_has_text_version_source_time_and_who_recorded_it_and_is_only_added_to(
    harness: Harness, purpose: Purpose
) -> None:
    """ "per contact and purpose: exact text and version, source, UTC time, who recorded it, revocation;
    append-only"."""
    async with harness.running() as run:
        ana = await run.add_mentorado()
        ledger = run.core.consent.ledger
        await ledger.grant(ana.id, BIA_ADDRESS, purpose, note="evento", **WORDS)
        await ledger.revoke(ana.id, BIA_ADDRESS, purpose)
        given, revoked = await recorded(run, ana, 2)
        assert (given.wording, given.version, given.note, given.source) == (*WORDS.values(), "evento", "typed")
        assert given.at == harness.clock.now()
        assert given.recorded_by
        assert (revoked.change, revoked.purpose) == (ConsentChange.REVOKED, purpose)
        for statement in ("UPDATE consent_entry SET change = 'granted'", "DELETE FROM consent_entry"):
            with pytest.raises(Exception, match="append-only"):
                await run.core.database.run(partial(_execute, statement))


def _execute(statement: str, connection: Connection) -> None:
    connection.exec_driver_sql(statement)
