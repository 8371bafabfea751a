"""Connecting through Z-API: the instance is asked, codes are shown when it has no phone, and the right phone counts."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from app.domain.actions import ActionName, UnavailableReason
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import LinkState, Reason
from app.domain.phone import PhoneNumber
from app.domain.provider import (
    CanCheckNow,
    CanPair,
    CanPairByCode,
    CanSend,
    HandlesWebhooks,
    HasQueue,
    UsesCredentials,
)
from app.domain.provider_descriptor import dumps, secret_key
from tests.acceptance.zapi.harness import Client, Harness, ProgramRun
from tests.emulators.zapi.instance import Pairing
from tests.waiting import until


async def test_the_optional_abilities_are_small_protocols_that_it_has(harness: Harness) -> None:
    """ "Optional abilities (QR, phone code, restart, queue, templates, registration) are separate small protocols." """
    async with harness.running() as run:
        abilities = (CanPair, CanPairByCode, CanSend, HasQueue, UsesCredentials, HandlesWebhooks)
        assert all(isinstance(run.provider, ability) for ability in abilities)
        client = await run.connected()
        assert isinstance(run.line(client), CanCheckNow)


async def test_a_phone_is_linked_by_a_code_that_the_window_shows(harness: Harness) -> None:
    """`connecting → qr_ready → connected`, with the number that scanned it."""
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.scan_shown(ana)
        status = await run.until(ana.person, LinkState.CONNECTED)
        assert [state for state, _ in run.steps(ana.person)] == ["connecting", "qr_ready", "connected"]
        assert status.account == ana.person.phone
        assert run.core.mentorados.get(ana.person.id).link.account == ana.person.phone
        assert run.core.supervisor.pairing.current is None, "the next one may pair"


async def test_an_instance_that_is_linked_already_needs_no_code(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
        assert LinkState.QR_READY not in {state for state, _ in run.steps(ana.person)}
        assert ana.instance.qr_total == 0


async def test_three_codes_that_nobody_scans_are_enough(harness: Harness) -> None:
    """ "QR every 10–20 s, three tries, then stop" """
    async with harness.running() as run:
        ana = await run.client()
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.QR_EXPIRED)
        codes = [status.qr for status in run._seen[ana.person.link] if status.qr is not None]
        assert [(code.number, code.total) for code in codes] == [(1, 3), (2, 3), (3, 3)]
        gaps = [(b.issued_at - a.issued_at).total_seconds() for a, b in itertools.pairwise(codes)]
        # Here a moment of this machine is seconds of theirs, so only the pauses that were taken can be exact.
        assert all(10 <= gap <= 40 for gap in gaps), gaps
        for code in codes:
            lives = (code.expires_at - code.issued_at).total_seconds()
            assert lives == 20 or (lives == 5 and code.text == codes[code.number - 2].text)
        assert ana.instance.qr_total == 3
        await run.do(ActionName.NEW_CODE, ana.person)
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)


@pytest.mark.parametrize("key", ["value", "code"])
async def test_a_code_can_be_typed_on_the_phone_instead(harness: Harness, key: str) -> None:
    """It is asked for while a QR is shown, and the wait for the phone is longer then."""
    async with harness.running() as run:
        ana = await run.client()
        ana.instance.phone_code_key = key
        mentorado = run.core.mentorados.get(ana.person.id)
        with pytest.raises(Problem) as caught:
            await run.provider.phone_code(mentorado.link, PhoneNumber(ana.person.phone))
        assert caught.value.code is ProblemCode.NOT_POSSIBLE_NOW
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)
        assert await run.provider.phone_code(mentorado.link, PhoneNumber(ana.person.phone)) == "A1B2C3D4E5"
        await run.code(ana.person, number=3)
        await harness.clock.sleep(30)  # after the last code was gone
        assert run.status(ana.person).state is LinkState.QR_READY
        ana.instance.type_code(ana.person.digits)
        await run.until(ana.person, LinkState.CONNECTED)


async def mistaken(run: ProgramRun) -> tuple[Client, str]:
    """Ana, whose code was scanned by somebody else's phone."""
    ana, other = await run.client(), "5511955554444"
    await run.do(ActionName.CONNECT, ana.person)
    await run.scan_shown(ana, other)
    await run.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
    assert run.status(ana.person).account == f"+{other}"
    assert "PUT update-queue-settings" not in ana.instance.asked, "the guard goes before anything else"
    return ana, other


async def test_the_wrong_phone_connects_nothing_and_is_unlinked_when_rejected(harness: Harness) -> None:
    """ "`/device` feeds the wrong-number guard" """
    async with harness.running() as run:
        ana, other = await mistaken(run)
        await run.do(ActionName.REJECT_ACCOUNT, ana.person)
        assert (ana.instance.pairing, ana.instance.phone) == (Pairing.DISCONNECTED, "")
        await run.do(ActionName.CONNECT, ana.person)
        await run.scan_shown(ana)
        await run.until(ana.person, LinkState.CONNECTED)
        assert other not in str(run.status(ana.person).account)


async def test_the_wrong_phone_is_right_when_a_person_says_so(harness: Harness) -> None:
    async with harness.running() as run:
        ana, other = await mistaken(run)
    async with harness.running(starting=True) as run:
        assert run.status(ana.person).reason is Reason.WRONG_ACCOUNT
        await run.do(ActionName.ACCEPT_ACCOUNT, ana.person)
        await run.until(ana.person, LinkState.CONNECTED)
        assert run.status(ana.person).account == f"+{other}"
        assert ana.instance.pairing is Pairing.CONNECTED


async def test_an_instance_that_is_linked_to_another_number_is_noticed_before_it_counts(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        ana.instance.link("5521955554444")
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        assert LinkState.CONNECTED not in {state for state, _ in run.steps(ana.person)}


@pytest.mark.within(40)
async def test_a_number_that_changes_while_it_is_connected_is_noticed(harness: Harness) -> None:
    """Somebody links another phone in Z-API's panel."""
    async with harness.running() as run:
        ana = await run.connected()
        ana.instance.link("5521955554444")
        await run.until(ana.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)


async def test_an_account_without_the_ninth_digit_is_the_same_person(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        short = ana.person.digits[:4] + ana.person.digits[5:]
        ana.instance.link(short)
        await run.do(ActionName.CONNECT, ana.person)
        status = await run.until(ana.person, LinkState.CONNECTED)
        assert status.account == f"+{short}"


async def test_a_link_that_was_connected_comes_back_with_the_program(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.connected()
    async with harness.running(starting=True) as run:
        await run.until(ana.person, LinkState.CONNECTED)


async def test_without_credentials_it_says_so_and_asks_nobody(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client(credentials=False)
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.CREDENTIALS_MISSING)
        assert ana.instance.asked == []
        await run.enter(ana, run.credentials(ana))
        await run.do(ActionName.CONNECT, ana.person)
        await run.code(ana.person)


async def test_a_phone_that_wants_a_passkey_is_said_to(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        ana.instance.pairing = Pairing.PASSKEY
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.PASSKEY_REQUIRED)


async def test_a_code_that_comes_as_a_picture_is_not_guessed_at(harness: Harness) -> None:
    async with harness.running() as run:
        ana = await run.client()
        ana.instance.qr_picture = True
        await run.do(ActionName.CONNECT, ana.person)
        await run.until(ana.person, LinkState.BLOCKED, Reason.PAIRING_FAILED)


async def test_an_instance_that_is_another_links_is_refused_and_never_unlinked(harness: Harness) -> None:
    """ "Keep mentorado data separate": whatever Bia's link is asked, Ana's phone stays linked and her queue whole."""
    async with harness.running() as run:
        ana = await run.connected()
        bia = Client((await run.client("Bia", credentials=False)).person, ana.instance)
        with pytest.raises(Problem) as refused:
            await run.enter(bia, run.credentials(bia))
        assert (refused.value.code, refused.value.context["name"]) == (ProblemCode.ACCOUNT_TAKEN, "Ana")
        kept = dumps(run.credentials(bia))  # as an older program did
        await run.core.secrets.set(secret_key(bia.person.link), kept)
        await run.do(ActionName.CONNECT, bia.person)
        status = await run.until(bia.person, LinkState.BLOCKED)
        assert (status.reason, status.detail) == (Reason.ACCOUNT_TAKEN, "Ana")
        assert "Ana" in run.sentence(bia.person)
        assert run.button(bia.person) is ActionName.ENTER_CREDENTIALS

        # Both were connected, once: then whose phone is linked decides, and nobody unlinks the other's.
        link = run.core.mentorados.get(bia.person.id).link
        await run.core.mentorados.save_link(replace(link, account=PhoneNumber(bia.person.phone)))
        await run.do(ActionName.CONNECT, bia.person)
        await run.until(bia.person, LinkState.BLOCKED, Reason.WRONG_ACCOUNT)
        assert run.refusal(ActionName.ACCEPT_ACCOUNT, bia.person) is UnavailableReason.NUMBER_TAKEN
        assert await run.do(ActionName.REJECT_ACCOUNT, bia.person, sure=False) == "declined"
        ana.instance.enqueue("5521987650001", "oi")
        seen = await run.core.hosted.queue.list(bia.person.id)
        for asked in (
            run.do(ActionName.REJECT_ACCOUNT, bia.person),
            run.core.hosted.queue.purge(bia.person.id, seen),
        ):
            with pytest.raises(Problem) as refused:
                await asked
            assert refused.value.code is ProblemCode.ACCOUNT_TAKEN
        assert (ana.instance.pairing, ana.instance.phone) == (Pairing.CONNECTED, ana.person.digits)
        assert run.status(ana.person).state is LinkState.CONNECTED
        # What waits goes out by itself while the phone is linked, so the queue itself says nothing.
        assert not {"GET disconnect", "DELETE queue"} & set(ana.instance.asked)


async def test_the_wrong_phone_is_unlinked_only_after_a_yes(harness: Harness) -> None:
    """Every action that unlinks a phone asks."""
    async with harness.running() as run:
        ana, other = await mistaken(run)
        assert await run.do(ActionName.REJECT_ACCOUNT, ana.person, sure=False) == "declined"
        assert (ana.instance.pairing, ana.instance.phone) == (Pairing.CONNECTED, other)
        await run.core.supervisor.give_up_pairing(ana.person.id)  # a procedure that is undone
        assert (ana.instance.pairing, ana.instance.phone) == (Pairing.CONNECTED, other)


async def test_a_link_leaves_the_instance_that_a_command_took_from_it(harness: Harness) -> None:
    """It may be another link's by then, and what is asked of it must not be asked by two."""
    async with harness.running() as run:
        ana, bia = await run.connected(), await run.client("Bia")
        new = harness.emulator.add_instance()
        new.link(ana.person.digits)
        typed = run.credentials(Client(ana.person, new))
        await run.core.hosted.credentials.check(bia.person.id, run.credentials(bia))  # reads whose is which
        await run.core.secrets.set(secret_key(ana.person.link), dumps(typed))
        with closing(sqlite3.connect(harness.settings.database)) as command, command:
            command.execute("UPDATE mentorado SET cohort = 'Turma 2' WHERE id = ?", (ana.person.id,))
        await until(lambda: new.asked)
        await run.until(ana.person, LinkState.CONNECTED)
        await run.enter(bia, {**run.credentials(bia), **run.credentials(ana)})  # it is free
        assert "GET disconnect" not in ana.instance.asked
