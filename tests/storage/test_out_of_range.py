"""Values in the database that no version writes: a row may be left out, and nothing that is asked ends in a bug."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from app.domain.audit import Actor, AuditOutcome, AuditRecord
from app.domain.campaign import Campaign, CampaignDraft, CampaignId, Recipient
from app.domain.cases import Case, CaseId, CaseKind, CaseNote
from app.domain.consent import ConsentChange, ConsentEntry, ConsentSource, Purpose, state_for
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.messages import DeliveryStatus, Media, MessageKind, MessageUpdate
from app.domain.outbound import Candidate, OutboundLimits, OutboundMessage, OutboundStop, limits_hold
from app.domain.procedure import EntryKind, JournalEntry, ProcedureId, ProcedureInfo, ProcedureKind
from app.domain.sending import SendErrorKind
from app.domain.smoke_test import SmokeTest, SmokeTestTarget
from app.domain.switch import SwitchItem, SwitchPlan, SwitchRun, SwitchRunId
from app.storage.audit_log import SqlAuditLog
from app.storage.campaigns import SqlCampaigns
from app.storage.cases import SqlCases
from app.storage.columns import UtcTime, metadata
from app.storage.consents import SqlConsents, append, await_confirmation
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.journal import SqlProcedureJournal
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.outbound import SqlOutbound
from app.storage.rows import EARLIEST, LATEST, count, plain
from app.storage.set_aside import SqlSetAside
from app.storage.settings import SqlRegistrationAttempts, SqlSettings
from app.storage.smoke_tests import SqlSmokeTests
from app.storage.switches import SqlSwitches
from app.storage.time_records import SqlTimeRecords
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.storage.people import blocked, new_mentorado
from tests.storage.talk import BIA, GROUP, a_message, add_mentorado, edit, execute, minutes, reaction, receipt, switched

HOSTILE = (b"\xff\xfe", "zzz", 2**63 - 1)
KEYS = {"id", "number", "mentorado_id", "link_id", "conversation_id", "contact_id", "procedure_id", "key", "kind_key"}
"""What points to other rows is not changed: the database itself refuses that."""


async def filled(path: Path) -> None:
    """A row in every table that is read."""
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        media = Media(mime="image/png", name="a.png", size=3, seconds=1)
        facts: list[MessageUpdate] = [
            a_message("M1", "oi", sender_name="Bia"),
            a_message("M2", "foto", media=media, kind=MessageKind.IMAGE, refers_to="M1"),
            a_message("M3", "eu", from_me=True),
            a_message("G1", "grupo", GROUP, sender=(BIA,)),
            edit("E1", "M1", "olá"),
            reaction("R1", "M1", "👍"),
            receipt(DeliveryStatus.READ, "M3", "later"),
        ]
        await history.store(ana, facts, minutes(5))
        await SqlTransitionRepository(database).append(blocked(ana.link, account=ana.phone))
        await SqlAuditLog(database).record(
            AuditRecord(
                at=DAWN,
                actor=Actor(user="rosa"),
                action="erase_contact",
                mentorado_id=ana.id,
                subject="Ana",
                before={"a": "b"},
                after={},
                outcome=AuditOutcome.DONE,
                reason="",
            )
        )
        head = ProcedureInfo(
            id=ProcedureId("1" * 32),
            kind=ProcedureKind.BACKUP,
            mentorado_id=ana.id,
            actor=Actor(user="rosa"),
            began_at=DAWN,
        )
        await SqlProcedureJournal(database).begin(
            head, JournalEntry(procedure_id=head.id, number=1, at=DAWN, kind=EntryKind.BEGAN)
        )
        await SqlRegistrationAttempts(database).add(ana.link.id, DAWN)
        await _fill_outbound(database, ana)
        await _fill_switch(database, ana)


async def _fill_outbound(database: Database, ana: Mentorado) -> None:
    outbound, consents, cases = SqlOutbound(database), SqlConsents(database), SqlCases(database)
    grant = ConsentEntry(
        mentorado_id=ana.id,
        contact=BIA,
        change=ConsentChange.GRANTED,
        purpose=Purpose.CAMPAIGN,
        source=ConsentSource.TYPED,
        at=DAWN,
        wording="Aceito",
        version="1",
        import_id="2" * 32,
    )
    await consents.append([grant])
    out = replace(grant, change=ConsentChange.OPTED_OUT, purpose=None)
    number = await database.run(lambda connection: append(connection, [out]))
    await database.run(lambda connection: await_confirmation(connection, number))
    message = OutboundMessage(
        reference="3" * 32,
        link_id=ana.link.id,
        recipient="",
        purpose=Purpose.CAMPAIGN,
        campaign="4" * 32,
        campaign_number=1,
        reserved_at=DAWN,
    )
    await outbound.reserve(ana, BIA, DAWN, lambda facts: replace(message, recipient=facts.recipient))
    stop = OutboundStop(link_id=ana.link.id, trouble=SendErrorKind.BILLING, code="1", at=DAWN)
    await outbound.stop(stop)
    draft = CampaignDraft(name="Aula", text="Oi")
    campaign = Campaign(id=CampaignId("4" * 32), draft=draft, digest="5" * 64, approved_at=DAWN, approved_by="rosa")
    bia = Recipient(campaign_id=campaign.id, number=1, mentorado_id=ana.id, address=BIA, name="Bia")
    await SqlCampaigns(database).add(campaign, [bia])
    test = SmokeTest(
        mentorado_id=ana.id,
        link_id=ana.link.id,
        target=SmokeTestTarget.OWN,
        began_at=DAWN,
        ended_at=DAWN,
        outcome=SmokeTestOutcome.PASSED,
    )
    await SqlSmokeTests(database).add(test)
    case = Case(
        id=CaseId("6" * 32),
        mentorado_id=ana.id,
        kind=CaseKind.BAN,
        opened_at=DAWN,
        due_at=DAWN,
        evidence={"reason": "banned"},
    )
    await cases.add(case)
    await cases.save(case, CaseNote(at=DAWN, author="rosa", text="liguei"))


async def _fill_switch(database: Database, ana: Mentorado) -> None:
    zapi = await switched(database, ana, ProviderKind.ZAPI)
    await SqlMessageRepository(database).store(zapi, [a_message("M1", "oi")], minutes(6))
    run_id, plan = SwitchRunId("7" * 32), SwitchPlan(target=ProviderKind.ZAPI, pause_minutes=5)
    item = SwitchItem(
        run_id=run_id,
        number=1,
        wave=1,
        mentorado_id=ana.id,
        source=ana.link.provider,
        target=plan.target,
        from_link=ana.link.id,
        to_link=zapi.link.id,
        at=DAWN,
    )
    run = SwitchRun(id=run_id, plan=plan, digest="8" * 64, approved_at=DAWN, approved_by="rosa", items=(item,))
    await SqlSwitches(database).add(run)


async def read_everything(database: Database) -> None:
    """All that the window and the commands read."""
    mentorado_repository, history, log = (
        SqlMentoradoRepository(database),
        SqlMessageRepository(database),
        SqlTransitionRepository(database),
    )
    for mentorado in await mentorado_repository.all():
        whose, link = mentorado.id, mentorado.link.id
        str(mentorado.created_at.astimezone())
        await log.for_mentorado(whose)
        await log.since(link, DAWN)
        for talk in await history.conversations(whose):
            str(talk.last_at.astimezone())
            await history.messages(talk.id)
            await history.messages_after(talk.id, 0)
        await history.extent(whose)
        await history.find_contact(whose, BIA)
        [batch async for batch in history.export(whose)]
        await SqlProcedureJournal(database).latest(whose)
        await SqlRegistrationAttempts(database).since(link, DAWN)
    await log.latest()
    await log.forbidding()
    await history.search("oi")
    try:
        await SqlAuditLog(database).entries()
    except Problem as problem:
        assert problem.code is ProblemCode.AUDIT_UNREADABLE  # noqa: PT017 - either is right: it reads, or says so
    await SqlAuditLog(database).verify()
    await SqlProcedureJournal(database).unfinished()
    await SqlSettings(database).load()
    await SqlSetAside(database).counts()
    await SqlSetAside(database).latest()
    await _read_outbound(database)
    await SqlTimeRecords(database).newest()
    await SqlTimeRecords(database).mark()


async def _read_outbound(database: Database) -> None:
    consents, campaigns, outbound = SqlConsents(database), SqlCampaigns(database), SqlOutbound(database)
    for mentorado in await SqlMentoradoRepository(database).all():
        facts = await outbound.facts(mentorado, BIA, DAWN)
        limits_hold(_CANDIDATE, facts.sent, DAWN, OutboundLimits(), business_day=facts.business_day)
        (ledger,) = await consents.ledgers(mentorado.id, [BIA])
        assert not state_for(ledger, Purpose.CAMPAIGN).granted  # the opt-out holds, whatever became unreadable
        await consents.contacts(mentorado.id)
        for each in await campaigns.candidates(mentorado.id):
            assert not each.consent.granted
    await consents.unconfirmed()
    for campaign in await campaigns.all():
        assert await campaigns.get(campaign.id) is not None
        for recipient in await campaigns.recipients(campaign.id):
            str((recipient.at or DAWN).astimezone())
        await campaigns.settle(campaign.id, DAWN)
    await outbound.stops()
    for test in await SqlSmokeTests(database).latest():
        str((test.ended_at or DAWN).astimezone())
    for case in [*await SqlCases(database).open_cases(), *await SqlCases(database).closed_cases()]:
        str(case.due_at.astimezone())
    await SqlCases(database).unsettled()
    await _read_switches(database)


async def _read_switches(database: Database) -> None:
    switches, tests = SqlSwitches(database), SqlSmokeTests(database)
    for run in await switches.all():
        for item in run.items:
            str((run.grace_ends(item) or DAWN).astimezone())
        run.plan.wave_of(3, with_canary=True)
    for link in await SqlMentoradoRepository(database).links_beside():
        await tests.arrived(link.mentorado_id, DAWN, link_id=link.id)
        await tests.delivery(link.id, "M3")
        await tests.has_received(link.id, receipts=False)
        await switches.outside_window(link.mentorado_id, DAWN)
        await switches.groups(link.mentorado_id, DAWN)
        again = a_message("M3", "eu", from_me=True)
        await SqlMessageRepository(database).store(await _through(database, link), [again], minutes(7))


async def _through(database: Database, link: Link) -> Mentorado:
    found = await SqlMentoradoRepository(database).all()
    mentorado = next((each for each in found if each.id == link.mentorado_id), None)
    return (mentorado or replace(new_mentorado(), id=link.mentorado_id)).through(link)


_CANDIDATE = Candidate(recipient="1", purpose=Purpose.CAMPAIGN, fingerprint=1, new_contact=True)


COLUMNS = {
    table.name: [column.name for column in table.columns if column.name not in KEYS and not column.foreign_keys]
    for table in metadata.sorted_tables
    if table.name not in ("audit_head", "search_mark", "suppression", "setting")
}


@pytest.mark.parametrize("table", COLUMNS)
async def test_no_value_of_any_column_ends_what_reads_it(
    path: Path, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    await filled(path)
    async with Database(path) as database:
        with closing(sqlite3.connect(path)) as raw, raw:  # the next start would make them anew
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                raw.execute(f"DROP TRIGGER {name}")
        await read_everything(database)
        assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
        await execute(database, f'CREATE TABLE kept AS SELECT * FROM "{table}"')
        for column in COLUMNS[table]:
            for value in HOSTILE:
                await execute(database, f'UPDATE OR IGNORE "{table}" SET "{column}" = :value', value=value)
                try:
                    await read_everything(database)
                except Exception as error:  # say where
                    raise AssertionError(f"{column} = {value!r}: {error!r}") from error
            await execute(database, f'INSERT OR REPLACE INTO "{table}" SELECT * FROM kept')
    assert {each.levelname for each in caplog.records if each.levelno >= logging.WARNING} <= {"WARNING"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, None),
        ("2026-01-01T00:00:00.000000+00:00", DAWN),
        ("2026-01-01T01:00:00+01:00", DAWN),
        ("2026-01-01T00:00:00", DAWN),
        ("never", EARLIEST),
        (b"\xff", EARLIEST),
        ("0001-01-01T00:00:00+23:00", EARLIEST),
        ("1066-10-14T00:00:00+00:00", EARLIEST),
        ("9999-12-31T23:59:59.999999+00:00", LATEST),
    ],
)
def test_whatever_is_read_as_a_time_can_be_reckoned_with(written: object, read: datetime | None) -> None:
    found = UtcTime().process_result_value(written, None)  # type: ignore[arg-type] # neither is asked about
    assert found == read
    if found is not None:
        assert found.tzinfo is UTC
        str(found.astimezone())


def test_what_is_no_text_and_no_count_becomes_one() -> None:
    assert [plain(each) for each in ("a", b"\xff", None, 7)] == ["a", "�", "", "7"]
    assert [count(each) for each in (7, -1, 2**63 - 1, "7", None)] == [7, None, None, None, None]


async def test_a_text_that_is_none_says_that_the_file_is_damaged(path: Path) -> None:
    await filled(path)
    async with Database(path) as database:
        await database.run(lambda c: c.execute(text("UPDATE mentorado SET name = CAST(x'ff' AS TEXT)")))
        with pytest.raises(Problem) as caught:
            await SqlMentoradoRepository(database).all()
        assert caught.value.code is ProblemCode.DATABASE_CORRUPT
