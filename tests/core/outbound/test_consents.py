"""What is recorded of consent, with its audit entry; over the real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.outbound.consents import LONGEST, ConsentService, recorder
from app.domain.audit import Actor, AuditAction
from app.domain.consent import ConsentChange, ConsentSource, ConsentState, Purpose, state_for
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ConsentsChanged
from app.domain.mentorado import Mentorado
from app.domain.messages import Address, AddressKind
from app.domain.opt_out import LONGEST_WORD, MOST_WORDS
from app.domain.settings import OPERATOR_NAME, OPT_OUT_WORDS, OperatorSettings
from app.services import Services
from tests.clock import ManualClock
from tests.core.outbound.harness import NOON, phone
from tests.services import build_services
from tests.storage.talk import a_message

BIA, CAIO = phone(1), phone(2)
WORDS = {"wording": "Aceito receber novidades da mentoria.", "version": "2"}


@dataclass
class Program:
    core: Services
    clock: ManualClock
    ana: Mentorado

    @property
    def ledger(self) -> ConsentService:
        return self.core.consent.ledger

    async def consenting(self, purpose: Purpose) -> list[Address]:
        """Whom Ana may write to for *purpose*, each by their best address."""
        contacts = await self.ledger.contacts(self.ana.id)
        return [each.addresses[0] for each in contacts if state_for(each.entries, purpose).granted]

    async def actions(self) -> list[str]:
        """Every audit entry, the oldest first, but for the one about Ana herself."""
        entries = await self.core.audit.entries()
        return [entry.record.action for entry in reversed(entries)][1:]


@asynccontextmanager
async def program(folder: Path) -> AsyncIterator[Program]:
    """The services of the program over *folder*, with one mentorado."""
    clock = ManualClock(NOON)
    core = build_services(folder, clock=clock)
    await core.secrets.use_memory()
    await core.open()
    try:
        everybody = list(core.mentorados.all())
        ana = everybody[0] if everybody else await core.mentorados.add("Ana", "+5511987654321")
        yield Program(core, clock, ana)
    finally:
        await core.close()


async def test_a_consent_is_recorded_with_its_text_version_source_time_and_recorder(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        await p.core.settings_service.change(OPERATOR_NAME, "Carla")
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, note=" evento em maio ", **WORDS)
        (entry,) = await p.ledger.history(p.ana.id, BIA)
        assert (entry.change, entry.purpose, entry.source) == (
            ConsentChange.GRANTED,
            Purpose.CAMPAIGN,
            ConsentSource.TYPED,
        )
        assert (entry.wording, entry.version, entry.note) == (WORDS["wording"], "2", "evento em maio")
        assert entry.at == NOON
        assert entry.recorded_by.startswith("Carla (")
        assert await p.ledger.state(p.ana.id, BIA, Purpose.CAMPAIGN) == ConsentState(granted=True)
        assert await p.ledger.state(p.ana.id, BIA, Purpose.CONVERSATION) == ConsentState()
        assert await p.consenting(Purpose.CAMPAIGN) == [BIA]
        assert await p.consenting(Purpose.SMOKE_TEST) == []
        record = (await p.core.audit.entries(limit=1))[0].record
        assert (record.action, record.subject, record.reason) == (AuditAction.GRANT_CONSENT, "Ana", "evento em maio")
        assert record.after == {"contact": "+55…01", "purpose": "campaign", "version": "2"}


async def test_a_revocation_is_for_one_purpose_and_needs_a_consent(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        for purpose in (Purpose.CAMPAIGN, Purpose.CONVERSATION):
            await p.ledger.grant(p.ana.id, BIA, purpose, **WORDS)
        await p.ledger.revoke(p.ana.id, BIA, Purpose.CAMPAIGN)
        assert await p.consenting(Purpose.CAMPAIGN) == []
        assert await p.consenting(Purpose.CONVERSATION) == [BIA]
        with pytest.raises(Problem) as caught:
            await p.ledger.revoke(p.ana.id, BIA, Purpose.CAMPAIGN)
        assert caught.value.code is ProblemCode.CONSENT_NOT_GIVEN
        assert len(await p.ledger.history(p.ana.id, BIA)) == 3
        assert await p.actions() == ["grant_consent", "grant_consent", "revoke_consent"]  # what failed left nothing


async def test_who_opted_out_is_let_in_again_by_an_act_of_its_own_only(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        await p.ledger.opt_out(p.ana.id, BIA, note="por telefone")
        assert await p.ledger.state(p.ana.id, BIA, Purpose.CONVERSATION) == ConsentState(opted_out_at=NOON)
        with pytest.raises(Problem) as caught:
            await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        assert caught.value.code is ProblemCode.CONSENT_OPTED_OUT
        await p.ledger.allow_again(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        assert await p.ledger.state(p.ana.id, BIA, Purpose.CAMPAIGN) == ConsentState(granted=True)
        assert (await p.ledger.state(p.ana.id, BIA, Purpose.CONVERSATION)).opted_out_at == NOON
        assert await p.actions() == ["grant_consent", "opt_out", "allow_again"]
        record = (await p.core.audit.entries(limit=2))[1].record
        assert record.after == {"contact": "+55…01"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"wording": " ", "version": "1"}, ProblemCode.CONSENT_WORDING_MISSING),
        ({"wording": "Sim", "version": ""}, ProblemCode.CONSENT_VERSION_MISSING),
    ],
)
async def test_without_the_exact_text_and_its_version_nothing_is_recorded(
    tmp_path: Path, words: dict[str, str], code: ProblemCode
) -> None:
    async with program(tmp_path) as p:
        with pytest.raises(Problem) as caught:
            await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **words)
        assert caught.value.code is code
        assert await p.ledger.contacts(p.ana.id) == []


async def test_what_was_recorded_is_there_in_the_next_run_and_belongs_to_one_mentorado(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        await p.ledger.opt_out(p.ana.id, CAIO)
    async with program(tmp_path) as p:
        assert await p.consenting(Purpose.CAMPAIGN) == [BIA]
        assert [each.addresses for each in await p.ledger.contacts(p.ana.id)] == [(BIA,), (CAIO,)]
        bruno = await p.core.mentorados.add("Bruno", "+5521912345678")
        assert await p.ledger.contacts(bruno.id) == []
        assert await p.ledger.history(bruno.id, BIA) == []


async def test_who_was_erased_is_nobody_to_write_to(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        await p.core.history.store(p.ana, [a_message("M", "oi", BIA)], NOON)
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        await p.core.personal_data.erase_contact(p.ana.id, BIA)
        assert await p.consenting(Purpose.CAMPAIGN) == []


async def test_two_addresses_of_one_contact_are_one_in_the_list(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        hidden = Address(AddressKind.LID, "7001")
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        await p.core.history.store(p.ana, [a_message("M", "oi", hidden, BIA)], NOON)
        assert await p.consenting(Purpose.CAMPAIGN) == [BIA]
        await p.ledger.opt_out(p.ana.id, hidden)
        assert await p.consenting(Purpose.CAMPAIGN) == []


def test_the_recorder_is_the_operator_beside_the_user_of_the_computer() -> None:
    assert recorder(Actor(user="maria")) == "maria"
    assert recorder(Actor(user="maria", operator="Carla")) == "Carla (maria)"


async def test_whatever_is_recorded_is_told_also_by_another_program_and_never_too_long(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        changed: list[object] = []
        p.core.bus.subscribe(ConsentsChanged, lambda event: changed.append(event.mentorado_id))
        await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **WORDS)
        for much in ({"wording": "x" * (LONGEST + 1)}, {"note": "x" * (LONGEST + 1)}):
            with pytest.raises(Problem) as caught:
                await p.ledger.grant(p.ana.id, BIA, Purpose.CAMPAIGN, **(WORDS | much))
            assert caught.value.code is ProblemCode.CONSENT_TOO_LONG
        async with program(tmp_path) as beside:
            await beside.ledger.opt_out(p.ana.id, BIA)
        assert await p.core.follower.check()
        assert changed == [p.ana.id, None]


@pytest.mark.parametrize(
    "words", [(), ("",), (" ",), ("!!!",), ("x" * (LONGEST_WORD + 1),), tuple(f"w{n}" for n in range(MOST_WORDS + 1))]
)
async def test_there_is_always_a_word_that_opts_out(tmp_path: Path, words: tuple[str, ...]) -> None:
    async with program(tmp_path) as p:
        with pytest.raises(Problem) as caught:
            await p.core.settings_service.change(OPT_OUT_WORDS, words)
        assert caught.value.code is ProblemCode.OPT_OUT_WORDS_INVALID
        assert p.core.settings_service.settings == OperatorSettings()


async def test_words_that_are_the_same_are_kept_once_and_audited(tmp_path: Path) -> None:
    async with program(tmp_path) as p:
        await p.core.settings_service.change(OPT_OUT_WORDS, (" Não  quero ", "NAO QUERO!", "Chega"))
        assert p.core.settings_service.settings.opt_out_words == ("NAO QUERO!", "Chega")
        record = (await p.core.audit.entries(limit=1))[0].record
        assert (record.action, record.after) == ("set_opt_out_words", {"value": "NAO QUERO!, Chega"})
    async with program(tmp_path) as p:
        assert p.core.settings_service.settings.opt_out_words == ("NAO QUERO!", "Chega")
        await p.core.history.store(p.ana, [a_message("M", "nao quero", BIA, minute=1)], NOON)
        (entry,) = await p.ledger.history(p.ana.id, BIA)
        assert (entry.change, entry.source) == (ConsentChange.OPTED_OUT, ConsentSource.MESSAGE)


@pytest.mark.parametrize("stored", [None, 7, "SAIR", [], [1], [""]])
def test_what_makes_no_sense_in_the_settings_leaves_the_words_as_they_were(stored: object) -> None:
    assert OPT_OUT_WORDS.read({"opt_out_words": stored}) == OperatorSettings().opt_out_words
