from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from app.domain.link_status import (
    Evidence,
    LinkState,
    LinkStatus,
    QrCode,
    Reason,
    Retry,
    SendCapability,
    Trigger,
)
from app.domain.phone import PhoneNumber
from app.domain.repositories import Transition, TransitionRepository
from app.storage.database import Database
from app.storage.mentorados import SqlMentoradoRepository
from app.storage.transitions import SqlTransitionRepository
from tests.clock import DAWN
from tests.storage.people import blocked, new_mentorado


async def test_a_move_comes_back_with_all_that_lasts(path: Path) -> None:
    ana = new_mentorado()
    moved = blocked(
        ana.link,
        reason=Reason.TEMPORARY_BAN,
        since=DAWN + timedelta(hours=3, microseconds=5),
        capability=SendCapability.BLOCKED,
        until=DAWN + timedelta(days=1),
        account=PhoneNumber("+5511987654321"),
        detail="code 101",
    )
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        await SqlTransitionRepository(database).append(moved)
    async with Database(path) as database:
        (found,) = await SqlTransitionRepository(database).for_mentorado(ana.id)
    assert found == moved
    assert found.after.detail == "code 101"


async def test_a_mentorados_moves_come_latest_first_whatever_the_clock_said(path: Path) -> None:
    ana, bruno = new_mentorado(), new_mentorado("Bruno Sá", "+5521912345678")
    hours = [5, 1, 3, 2]
    async with Database(path) as database:
        log: TransitionRepository = SqlTransitionRepository(database)
        for mentorado in (ana, bruno):
            await SqlMentoradoRepository(database).add(mentorado)
        for hour in hours:
            await log.append(blocked(ana.link, since=DAWN + timedelta(hours=hour)))
            await log.append(blocked(bruno.link))
        found = [transition.at for transition in await log.for_mentorado(ana.id, limit=3)]
    assert found == [DAWN + timedelta(hours=hour) for hour in (2, 3, 1)]


async def test_the_moves_since_a_moment_come_with_the_one_that_led_there(path: Path) -> None:
    ana, bruno = new_mentorado(), new_mentorado("Bruno Sá", "+5521912345678")
    async with Database(path) as database:
        log: TransitionRepository = SqlTransitionRepository(database)
        for mentorado in (ana, bruno):
            await SqlMentoradoRepository(database).add(mentorado)
        assert await log.since(ana.link.id, DAWN) == []
        moved = [blocked(ana.link, since=DAWN + timedelta(hours=hour)) for hour in (1, 2, 4, -9000, 5)]
        for move in moved:
            await log.append(move)
            await log.append(blocked(bruno.link))
        assert await log.since(ana.link.id, DAWN + timedelta(hours=4)) == moved[1:]
        assert await log.since(ana.link.id, DAWN) == moved
        assert await log.since(ana.link.id, DAWN + timedelta(hours=6)) == moved[-1:]


async def test_the_last_move_of_every_link_that_ever_moved(path: Path) -> None:
    ana, bruno, caio = (
        new_mentorado(),
        new_mentorado("Bruno Sá", "+5521912345678"),
        new_mentorado("Caio", "+5521912345679"),
    )
    async with Database(path) as database:
        log = SqlTransitionRepository(database)
        for mentorado in (ana, bruno, caio):
            await SqlMentoradoRepository(database).add(mentorado)
        await log.append(blocked(ana.link))
        await log.append(of_bruno := blocked(bruno.link))
        await log.append(of_ana := blocked(ana.link, reason=Reason.BANNED))
        assert await log.latest() == {ana.link.id: of_ana, bruno.link.id: of_bruno}


async def test_what_whatsapp_forbade_is_found_until_it_was_lifted(path: Path) -> None:
    people = [new_mentorado(), new_mentorado("Bruno Sá", "+5521912345678"), new_mentorado("Caio", "+5521912345679")]
    people += [new_mentorado("Davi", "+5521912345670"), new_mentorado("Eva", "+5521912345671")]
    ana, bruno, caio, davi, eva = (mentorado.link for mentorado in people)
    ban = LinkStatus(state=LinkState.BLOCKED, reason=Reason.BANNED, since=DAWN)
    off, connected = LinkStatus(since=DAWN), LinkStatus(state=LinkState.CONNECTED, since=DAWN)
    async with Database(path) as database:
        log = SqlTransitionRepository(database)
        for mentorado in people:
            await SqlMentoradoRepository(database).add(mentorado)
        await log.append(of_ana := blocked(ana, reason=Reason.BANNED))
        await log.append(blocked(ana, reason=Reason.LOGGED_OUT))  # what a command found out later
        await log.append(blocked(bruno, reason=Reason.LOGGED_OUT))
        for after, trigger in ((connected, Trigger.OPENED), (off, Trigger.DISCONNECT)):
            link = caio if after is connected else davi
            await log.append(blocked(link, reason=Reason.BANNED))
            await log.append(Transition(link_id=link.id, at=DAWN, trigger=trigger, before=ban, after=after))
        until = DAWN + timedelta(days=2)
        await log.append(of_eva := blocked(eva, reason=Reason.TEMPORARY_BAN, until=until))
        await log.append(
            Transition(link_id=eva.id, at=DAWN, trigger=Trigger.CONNECT, before=of_eva.after, after=connected)
        )
        await log.append(of_eva := blocked(eva, reason=Reason.TEMPORARY_BAN, until=until))
        assert await log.forbidding() == {ana.id: of_ana, eva.id: of_eva}


async def test_the_code_to_scan_never_reaches_the_disk(path: Path) -> None:
    ana = new_mentorado()
    code = QrCode(text="2@TOP-SECRET-CODE", number=1, total=6, issued_at=DAWN, expires_at=DAWN)
    before = LinkStatus(state=LinkState.CONNECTING, since=DAWN, retry=Retry(1, DAWN))
    after = LinkStatus(state=LinkState.QR_READY, since=DAWN, qr=code, evidence=Evidence(last_ack=DAWN))
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        move = Transition(link_id=ana.link.id, at=DAWN, trigger=Trigger.CODE_SHOWN, before=before, after=after)
        await SqlTransitionRepository(database).append(move)
        (found,) = await SqlTransitionRepository(database).for_mentorado(ana.id)
        written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert found.after == replace(after, qr=None, evidence=Evidence())
    assert b"qr_ready" in written
    assert b"TOP-SECRET" not in written


@pytest.mark.parametrize("change", ["UPDATE transition SET reason = 'none'", "DELETE FROM transition"])
async def test_what_happened_cannot_be_changed_or_removed(path: Path, change: str) -> None:
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana := new_mentorado())
        log = SqlTransitionRepository(database)
        await log.append(moved := blocked(ana.link))
        with pytest.raises(IntegrityError, match="append-only"):
            await database.run(lambda connection: connection.exec_driver_sql(change))
        assert await log.for_mentorado(ana.id) == [moved]


async def test_a_move_belongs_to_a_link(path: Path) -> None:
    async with Database(path) as database:
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            await SqlTransitionRepository(database).append(blocked(new_mentorado().link))


@pytest.mark.parametrize("state", LinkState)
async def test_every_state_reason_trigger_and_capability_can_be_written_down(path: Path, state: LinkState) -> None:
    ana = new_mentorado()
    moves = [
        Transition(
            link_id=ana.link.id,
            at=DAWN,
            trigger=trigger,
            before=LinkStatus(state=state, reason=reason, since=DAWN),
            after=LinkStatus(state=state, reason=reason, capability=capability, since=DAWN),
        )
        for reason in Reason
        for trigger, capability in zip(Trigger, [*SendCapability] * 2, strict=True)
    ]
    async with Database(path) as database:
        await SqlMentoradoRepository(database).add(ana)
        log = SqlTransitionRepository(database)
        for move in moves:
            await log.append(move)
        assert await log.for_mentorado(ana.id, limit=len(moves)) == moves[::-1]
