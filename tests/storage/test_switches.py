"""Provider switches on disk, and what the history says of one to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain.mentorado import Mentorado, ProviderKind, new_link_id
from app.domain.procedure import ProcedureId
from app.domain.switch import (
    SwitchItem,
    SwitchItemState,
    SwitchPause,
    SwitchPlan,
    SwitchRepository,
    SwitchRun,
    SwitchRunId,
    SwitchState,
)
from app.storage.database import Database
from app.storage.history.repository import SqlMessageRepository
from app.storage.switches import SqlSwitches
from tests.clock import DAWN
from tests.storage.talk import (
    BIA,
    BIA_LID,
    CAIO,
    CAIO_LID,
    GROUP,
    a_message,
    add_mentorado,
    minutes,
    reaction,
    rows,
    switched,
)

HOURS = 60
"""Minutes of one."""


def _item(number: int, who: Mentorado, **details: object) -> SwitchItem:
    values: dict[str, object] = {"run_id": SwitchRunId("1" * 32), "number": number, "wave": number}
    values |= {"mentorado_id": who.id, "source": who.link.provider, "target": ProviderKind.ZAPI}
    return SwitchItem(**{**values, "from_link": who.link.id, **details})  # type: ignore[arg-type] # of all kinds


def _run(*items: SwitchItem, **details: object) -> SwitchRun:
    values: dict[str, object] = {"id": SwitchRunId("1" * 32), "plan": SwitchPlan(target=ProviderKind.ZAPI)}
    values |= {"digest": "5" * 64, "approved_at": DAWN, "approved_by": "rosa", "items": items}
    return SwitchRun(**{**values, **details})  # type: ignore[arg-type] # of all kinds


def _set_plan(connection: Connection, plan: str) -> None:
    connection.exec_driver_sql("UPDATE switch_run SET plan = ? WHERE id LIKE '1%'", (plan,))


async def test_a_run_is_read_as_it_was_stored_with_everything_in_it(path: Path) -> None:
    async with Database(path) as database:
        switches: SwitchRepository = SqlSwitches(database)
        ana, bruno = await add_mentorado(database), await add_mentorado(database, "Bruno", "+5521912345678")
        zapi = await switched(database, ana, ProviderKind.ZAPI)
        plan = SwitchPlan(
            target=ProviderKind.ZAPI,
            cohort="Turma é 3",
            mentorados=(bruno.id, ana.id),
            canary=ana.id,
            wave_size=7,
            pause_minutes=15,
            stop_at_percent=30,
            grace=timedelta(hours=5),
        )
        first = _item(
            1,
            ana,
            to_link=zapi.link.id,
            state=SwitchItemState.SWITCHED,
            procedure_id=ProcedureId("9" * 32),
            reason="no_ack",
            at=minutes(2),
            switched_at=minutes(1),
        )
        run = _run(
            first,
            _item(2, bruno),
            plan=plan,
            second_approver="caio",
            state=SwitchState.PAUSED,
            pause=SwitchPause.WAVE,
            pause_until=minutes(30),
            wave=2,
            ended_at=minutes(40),
        )
        await switches.add(run)
        assert list(await switches.all()) == [run]


async def test_runs_come_the_latest_first_each_with_its_own_items(path: Path) -> None:
    async with Database(path) as database:
        switches, ana = SqlSwitches(database), await add_mentorado(database)
        runs = [
            _run(_item(1, ana, run_id=SwitchRunId(digit * 32)), id=SwitchRunId(digit * 32), approved_at=minutes(place))
            for place, digit in enumerate("312")
        ]
        for run in runs:
            await switches.add(run)
        assert list(await switches.all()) == runs[::-1]


async def test_what_is_saved_of_a_run_or_of_one_of_its_items_leaves_the_others_alone(path: Path) -> None:
    async with Database(path) as database:
        switches, ana = SqlSwitches(database), await add_mentorado(database)
        bruno = await add_mentorado(database, "Bruno", "+5521912345678")
        run = _run(_item(1, ana), _item(2, bruno))
        await switches.add(run)
        failed = replace(run.items[1], state=SwitchItemState.FAILED, reason="no_ack", at=minutes(4))
        await switches.save_item(failed)
        await switches.save_run(replace(run, state=SwitchState.STOPPED, ended_at=minutes(5), items=()))
        expected = replace(run.with_item(failed), state=SwitchState.STOPPED, ended_at=minutes(5))
        assert list(await switches.all()) == [expected]


async def test_a_run_is_stored_with_all_its_items_or_not_at_all(path: Path) -> None:
    async with Database(path) as database:
        switches, ana = SqlSwitches(database), await add_mentorado(database)
        with pytest.raises(IntegrityError):
            await switches.add(_run(_item(1, ana), _item(2, ana, from_link=new_link_id())))
        assert list(await switches.all()) == []


async def test_a_plan_of_another_version_is_left_out_and_the_others_are_read(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Database(path) as database:
        switches, ana = SqlSwitches(database), await add_mentorado(database)
        other = SwitchRunId("2" * 32)
        for run in (_run(_item(1, ana)), _run(id=other)):
            await switches.add(run)
        for written in ("[]", "{}", '{"wave_size": "many"}', ""):
            await database.run(partial(_set_plan, plan=written))
            assert [run.id for run in await switches.all()] == [other]
    assert "1 rows of switch_run are invalid" in caplog.text


async def test_a_wave_has_somebody_in_it_whatever_the_plan_says(path: Path) -> None:
    async with Database(path) as database:
        await SqlSwitches(database).add(_run())
        await database.run(lambda c: c.exec_driver_sql("UPDATE switch_run SET plan = json_set(plan, '$.wave_size', 0)"))
        (run,) = await SqlSwitches(database).all()
    assert run.plan.wave_of(3, with_canary=False) == 4


# --- what the history says -------------------------------------------------------------------------------------------


async def test_messages_that_would_want_a_template_are_those_sent_a_day_after_the_contact_wrote(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        since = minutes(48 * HOURS)
        facts = [
            a_message("B1", BIA.value, BIA_LID, BIA, minute=40 * HOURS),
            a_message("S0", "antes", BIA, from_me=True, minute=1),  # before it is counted
            a_message("S1", "na janela", BIA, from_me=True, minute=60 * HOURS),
            a_message("S2", "ainda", BIA, from_me=True, minute=64 * HOURS),
            a_message("S3", "fora", BIA, from_me=True, minute=64 * HOURS + 1),
            a_message("B2", "de novo", BIA, minute=70 * HOURS),
            reaction("R", "B2", "👍", BIA, from_me=True, minute=99 * HOURS),
            a_message("S4", "na janela", BIA, from_me=True, minute=71 * HOURS),
            a_message("S5", "fora", BIA, from_me=True, minute=95 * HOURS),
            a_message("C1", "nunca escreveu", CAIO_LID, from_me=True, minute=50 * HOURS),
            a_message("G1", "no grupo", GROUP, from_me=True, minute=50 * HOURS),
        ]
        await history.store(ana, facts, minutes(100 * HOURS))
        found = await SqlSwitches(database).outside_window(ana.id, since)
        assert sorted(found, key=str) == sorted([BIA, BIA, CAIO_LID], key=str)
        other = await add_mentorado(database, "Bruno", "+5521912345678")
        assert list(await SqlSwitches(database).outside_window(other.id, since)) == []


async def test_groups_are_counted_in_which_anything_was_written_since(path: Path) -> None:
    async with Database(path) as database:
        ana, history = await add_mentorado(database), SqlMessageRepository(database)
        quiet = replace(GROUP, value="120363000000000002")
        facts = [
            a_message("G1", "um", GROUP, sender=(CAIO,), minute=5),
            a_message("G2", "dois", GROUP, from_me=True, minute=6),
            a_message("Q1", "antigo", quiet, minute=1),
            reaction("Q2", "Q1", "👍", quiet, minute=7),
            a_message("B1", "a dois", BIA, minute=8),
        ]
        await history.store(ana, facts, minutes(9))
        switches = SqlSwitches(database)
        assert [await switches.groups(ana.id, minutes(each)) for each in (0, 4, 6)] == [2, 1, 0]
        assert (await rows(database, "SELECT count(*) FROM contact WHERE many"))[0] == (2,)
