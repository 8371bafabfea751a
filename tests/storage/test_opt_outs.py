"""Who writes an opt-out word is in the ledger of consent from the moment that the message is stored."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.consent import ASKED_FOR, ConsentChange, ConsentEntry, ConsentSource, Purpose, state_for
from app.domain.mentorado import Mentorado
from app.domain.messages import Address, AddressKind, MessageKind, ProviderMessage, WirePreference
from app.storage.consents import SqlConsents
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.mentorados import SqlMentoradoRepository
from tests.storage.killed import killed_while_storing
from tests.storage.talk import BIA, BIA_LID, CAIO, GROUP, a_message, add_mentorado, minutes, rows

OUT, GRANTED = ConsentChange.OPTED_OUT, ConsentChange.GRANTED


async def ledger(database: Database, ana: Mentorado, contact: Address = BIA) -> list[ConsentEntry]:
    (entries,) = await SqlConsents(database).ledgers(ana.id, [contact])
    return list(entries)


async def changes(database: Database, ana: Mentorado, contact: Address = BIA) -> list[ConsentChange]:
    return [each.change for each in await ledger(database, ana, contact)]


def granted(ana: Mentorado, minute: float, contact: Address = BIA, purpose: Purpose = Purpose.CAMPAIGN) -> ConsentEntry:
    return ConsentEntry(
        mentorado_id=ana.id,
        contact=contact,
        change=GRANTED,
        purpose=purpose,
        source=ConsentSource.TYPED,
        at=minutes(minute),
        wording="Aceito receber novidades",
        version="3",
    )


def wish(minute: float, *who: Address, stopped: bool = True) -> WirePreference:
    return WirePreference(who=who or (BIA,), stopped=stopped, at=minutes(minute))


async def pending(database: Database) -> list[tuple[Address, float]]:
    found = await SqlConsents(database).unconfirmed()
    return [(each.contact, (each.at - minutes(0)).total_seconds() / 60) for each in found]


@pytest.mark.parametrize(
    "text", ["SAIR", "sair", " Sair! ", "S.A.I.R.", "pare", "Pâre", "ＳＴＯＰ", "stop 🙏", "Cancelar\n"]
)
async def test_a_word_that_opts_out_is_known_however_it_is_written(path: Path, text: str) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await SqlConsents(database).append([granted(ana, 0)])
        await history.store(ana, [a_message("M", text, minute=1)], minutes(2))
        entries = await ledger(database, ana)
        assert [each.change for each in entries] == [GRANTED, OUT]
        assert (entries[1].source, entries[1].at, entries[1].purpose) == (ConsentSource.MESSAGE, minutes(1), None)
        assert not state_for(entries, Purpose.CAMPAIGN).granted
        assert await pending(database) == [(BIA, 1)]


@pytest.mark.parametrize(
    "message",
    [
        a_message("M", "sair de casa"),
        a_message("M", ""),
        a_message("M", "!!!"),
        a_message("M", "sair " * 30),
        a_message("M", "SAIR", from_me=True),
        a_message("M", "SAIR", GROUP, sender=(BIA,)),
        a_message("M", "SAIR", Address(AddressKind.OTHER, "status@broadcast"), sender=(BIA,)),
        a_message("M", "SAIR", kind=MessageKind.IMAGE),
        a_message("M", "SAIR", kind=MessageKind.EDIT, refers_to="N"),
    ],
    ids=lambda message: f"{message.kind} {message.chat[0].kind} {message.text[:9]} {message.from_me}",
)
async def test_nothing_else_opts_out(path: Path, message: ProviderMessage) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [message], minutes(1))
        assert await rows(database, "SELECT * FROM consent_entry") == []


async def test_the_words_are_those_of_the_operator(path: Path) -> None:
    async with Database(path) as database:
        ana, words = await add_mentorado(database), ["Chega"]
        history = SqlMessageRepository(database, opt_out_words=lambda: words)
        await history.store(ana, [a_message("M1", "SAIR")], minutes(1))
        assert await changes(database, ana) == []
        await history.store(ana, [a_message("M2", "chega.")], minutes(1))
        words[:] = ["SAIR"]
        await history.store(ana, [a_message("M3", "SAIR", CAIO)], minutes(1))
        assert await changes(database, ana) == await changes(database, ana, CAIO) == [OUT]


async def test_a_message_that_is_delivered_again_opts_out_once(path: Path) -> None:
    out = a_message("M", "SAIR", minute=1)
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [out, out], minutes(1))
        await history.store(ana, [out], minutes(2))
        await SqlConsents(database).append([granted(ana, 3)])
        await history.store(ana, [out], minutes(4))
        await history.delete_before(None, minutes(2))  # forgotten, and told again by a history that is read anew
        await history.store(ana, [out], minutes(5))
        assert await changes(database, ana) == [OUT, GRANTED]
        assert await pending(database) == [(BIA, 1)]


async def test_of_an_old_history_a_younger_consent_stays_and_an_opt_out_is_told_of(path: Path) -> None:
    days = 24 * 60
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await SqlConsents(database).append([granted(ana, 5)])
        old = [a_message("M1", "SAIR", minute=1), a_message("M2", "SAIR", CAIO, minute=1)]
        await history.store(ana, old, minutes(9 * days))
        assert await changes(database, ana) == [GRANTED]
        assert await changes(database, ana, CAIO) == [OUT]
        assert await pending(database) == [(CAIO, 1)], "too old to be answered"
        await history.store(ana, [a_message("M3", "SAIR", minute=9 * days)], minutes(9 * days))
        assert await changes(database, ana) == [GRANTED, OUT]
        assert await pending(database) == [(CAIO, 1), (BIA, 9 * days)]


async def test_a_second_word_counts_and_is_not_confirmed_again(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "SAIR", minute=1)], minutes(1))
        await history.store(ana, [a_message("M2", "PARAR", minute=2)], minutes(2))
        assert await changes(database, ana) == [OUT, OUT]
        assert await pending(database) == [(BIA, 1)]


async def test_by_whichever_address_they_write_it_is_the_same_contact(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await SqlConsents(database).append([granted(ana, 0)])
        await history.store(ana, [a_message("M1", "SAIR", BIA_LID, BIA, minute=1)], minutes(1))
        assert await changes(database, ana) == await changes(database, ana, BIA_LID) == [GRANTED, OUT]
        assert await pending(database) == [(BIA, 1)]
        (contact,) = await SqlConsents(database).contacts(ana.id)
        assert contact.addresses == (BIA, BIA_LID)
        assert [each.change for each in contact.entries] == [GRANTED, OUT]
        ledgers = await SqlConsents(database).ledgers(ana.id, [BIA_LID] * 30)  # read as a whole
        assert [[each.change for each in entries] for entries in ledgers] == [[GRANTED, OUT]] * 30


async def test_a_sender_that_shares_nothing_with_the_chat_is_somebody_else(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "SAIR", BIA, sender=(CAIO,))], minutes(1))
        await history.store(ana, [a_message("M2", "SAIR", BIA_LID, sender=(BIA_LID, CAIO))], minutes(1))
        assert await changes(database, ana) == await changes(database, ana, CAIO) == [OUT]


async def test_a_stop_told_to_the_provider_opts_out_and_its_end_gives_back_what_was_agreed_before(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await SqlConsents(database).append([granted(ana, 0)])
        stop = wish(1)
        await history.store(ana, [stop, stop], minutes(1))
        await history.store(ana, [stop], minutes(2))
        entries = await ledger(database, ana)
        assert [each.change for each in entries] == [GRANTED, OUT]
        assert (entries[1].source, entries[1].at) == (ConsentSource.PROVIDER, minutes(1))
        resume = wish(3, stopped=False)
        await history.store(ana, [wish(0.5, stopped=False), resume, resume], minutes(3))
        entries = await ledger(database, ana)
        assert [each.change for each in entries] == [GRANTED, OUT, GRANTED]
        last = entries[-1]
        assert (last.wording, last.version, last.source) == (entries[0].wording, "3", ConsentSource.PROVIDER)
        await history.store(ana, [stop, wish(2)], minutes(4))  # they came late
        assert state_for(await ledger(database, ana), Purpose.CAMPAIGN).granted
        await history.store(ana, [wish(5)], minutes(5))
        assert (await changes(database, ana))[-1] is OUT


async def test_the_end_of_a_stop_is_no_consent_and_takes_back_no_other_opt_out(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [wish(1), wish(2, stopped=False)], minutes(2))
        assert await changes(database, ana) == [OUT]
        await history.store(ana, [a_message("M", "SAIR", CAIO, minute=1)], minutes(2))
        await history.store(ana, [wish(3, CAIO, stopped=False)], minutes(3))
        assert await changes(database, ana, CAIO) == [OUT]


async def test_an_opt_out_outlives_the_contact_by_every_address_and_with_a_hash_only(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await SqlConsents(database).append([granted(ana, 0)])
        await history.store(ana, [a_message("M1", "SAIR", BIA_LID, minute=1)], minutes(1))
        await history.store(ana, [a_message("M2", "oi", BIA_LID, BIA, minute=2)], minutes(2))
        assert len(await pending(database)) == 1
        contact_id = await history.find_contact(ana.id, BIA)
        assert contact_id is not None
        await history.erase(ana.id, contact_id, minutes(10))
        assert await pending(database) == []
        assert await rows(database, "SELECT * FROM consent_contact") == []
        await history.store(ana, [a_message("M1", "SAIR", BIA_LID, minute=1)], minutes(11))  # delivered again
        for address in (BIA, BIA_LID):
            entries = await ledger(database, ana, address)
            assert all(state_for(entries, each).opted_out_at is not None for each in ASKED_FOR)
        assert await changes(database, ana, BIA_LID) == [OUT, ConsentChange.ERASED]
        await history.store(ana, [a_message("M3", "PARAR", BIA, minute=5)], minutes(12))  # it was under way meanwhile
        assert await rows(database, "SELECT * FROM consent_contact") == []
        assert await pending(database) == []
        contacts = await SqlConsents(database).contacts(ana.id)
        assert [each.addresses for each in contacts] == [(), ()]
        assert BIA.value not in str(await rows(database, "SELECT * FROM consent_entry"))


async def test_who_never_opted_out_is_erased_without_a_word_in_the_ledger(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [a_message("M1", "oi", minute=1)], minutes(1))
        contact_id = await history.find_contact(ana.id, BIA)
        assert contact_id is not None
        await history.erase(ana.id, contact_id, minutes(2))
        assert await rows(database, "SELECT * FROM consent_entry") == []


async def test_a_line_of_another_version_counts_as_an_opt_out(path: Path) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
        await SqlConsents(database).append([granted(ana, 0)])
        insert = (
            "INSERT INTO consent_entry (mentorado_id, contact, change, source, at, recorded_by, wording, version)"
            " SELECT mentorado_id, contact, 'later', source, at, '', '', '' FROM consent_entry"
        )
        await database.run(lambda connection: connection.exec_driver_sql(insert))
        assert await changes(database, ana) == [GRANTED, OUT]


async def test_only_one_takes_the_right_to_confirm_and_may_give_it_back(path: Path) -> None:
    async with Database(path) as database:
        ana, consents = await add_mentorado(database), SqlConsents(database)
        await SqlMessageRepository(database).store(ana, [a_message("M1", "SAIR", minute=1)], minutes(1))
        (out,) = await consents.unconfirmed()
        taken = await asyncio.gather(*(consents.claim_confirmation(out.number) for _ in range(3)))
        assert sorted(taken) == [False, False, True]
        assert await consents.unconfirmed() == []
        await consents.return_confirmation(out.number)
        assert await consents.unconfirmed() == [out]


def conversation() -> list[list[ProviderMessage]]:
    """People who say something, and opt out in the middle of each batch."""
    return [
        [
            a_message(f"M{n}-{m}", "SAIR" if m == 2 else f"texto {m}", Address(AddressKind.PHONE, f"+55219{n:08}"))
            for m in range(5)
        ]
        for n in range(2_000)
    ]


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15])
async def test_a_program_that_is_killed_loses_no_opt_out_and_doubles_none(path: Path, after: float) -> None:
    async with Database(path) as database:
        ana = await add_mentorado(database)
    stored = await killed_while_storing(path, conversation, after)

    async with Database(path) as database:
        assert await SqlMentoradoRepository(database).all() == [ana]
        (written,) = await rows(database, "SELECT count(*) FROM message WHERE text = 'SAIR'")
        assert len(stored) <= written[0] <= len(stored) + 1
        again = conversation()[: len(stored) + 3]
        for _ in range(2):  # the provider tells again what was not confirmed to it
            for batch in again:
                await SqlMessageRepository(database).store(ana, batch, minutes(2))
        assert await rows(database, "SELECT count(*), count(DISTINCT contact) FROM consent_entry") == [
            (len(again), len(again))
        ]
        assert len(await SqlConsents(database).unconfirmed()) == len(again)


async def test_a_preference_of_nobody_known_is_kept_for_each_of_their_addresses(path: Path) -> None:
    user = Address(AddressKind.META_USER, "BR.17")
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        await history.store(ana, [wish(1, user, BIA)], minutes(1) + timedelta(seconds=3))
        assert await changes(database, ana) == await changes(database, ana, user) == [OUT]
        assert await pending(database) == [(BIA, 1)]
