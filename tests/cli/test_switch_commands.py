"""The commands about provider switches, over the real core: a real database, or three played providers."""

from __future__ import annotations

import asyncio
import csv
import json
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli.switch import run_switch_command
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.link_status import Reason
from app.domain.mentorado import Mentorado, ProviderKind
from app.domain.provider import Blocked
from app.domain.settings import SMOKE_TEST, SWITCH_SECOND_PERSON
from app.domain.smoke_test import SmokeTestSettings, SmokeTestTarget
from app.domain.switch import SwitchItemState, SwitchPause, SwitchState
from app.platform.locks import FileLock
from app.services import Services
from app.settings import Settings
from app.text.status import texts
from tests.cli.conftest import Conecta
from tests.clock import ManualClock, settle
from tests.core.provider_switch.switching import TESTER, Switching

WEB, HOSTED = ProviderKind.WHATSAPP_WEB, ProviderKind.ZAPI
PLAIN: dict[str, Any] = {
    "words": [], "to": None, "cohort": None, "dry_run": False, "export": None, "confirm": None, "operator": None,
    "canary": None, "wave": 5, "stop_at": 20, "pause": None, "grace": 72, "json": False,
}  # fmt: skip


# --- over a real database -------------------------------------------------------------------------------------------


def test_a_dry_run_says_who_would_not_be_switched_why_and_what_to_do(conecta: Conecta, fast_dir: Path) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321", "--cohort", "T1")
    code, out, _ = conecta("switch", "Ana", "Prates", "--to", "meta_cloud", "--dry-run")
    assert code == 1, "nobody would be switched"
    first, *found, counts = out.splitlines()
    assert first == "Ana Prates  WhatsApp Web → Meta Cloud  Stays on WhatsApp Web"
    assert found[0].startswith("  Prevents the switch: Credentials ")
    assert any(line.startswith("  Look at this: The webhooks are off") for line in found)
    assert "  Kept as they are: 0 conversations and 0 messages." in found
    assert counts == "Would be switched: 0. Would stay: 1."
    file = fast_dir / "report.csv"
    code, out, _ = conecta(
        "switch", "--cohort", "T1", "--to", "meta_cloud", "--dry-run", "--json", "--export", str(file)
    )
    (person,) = json.loads(out)["people"]
    assert (person["name"], person["will_switch"]) == ("Ana Prates", False)
    assert {each["code"] for each in person["findings"]} >= {"secrets_locked", "webhooks_off", "price"}
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines(), delimiter=texts("audit.csv_separator")))
    assert len(rows) == 1 + len(person["findings"])
    conecta("switch", "Ana", "--to", "meta_cloud", "--dry-run", "--export", str(fast_dir / "report.json"))
    assert json.loads((fast_dir / "report.json").read_text())["to"] == "meta_cloud"
    listed = [entry["action"] for entry in json.loads(conecta("audit", "list", "--json")[1])["entries"]]
    assert listed.count(AuditAction.DRY_RUN_SWITCH) == 3
    assert AuditAction.EXPORT_SWITCH in listed


def test_words_that_do_not_say_who_or_where_are_explained(conecta: Conecta) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    for words in (("Ana",), ("--to", "zapi"), ("Ana", "--cohort", "T1", "--to", "zapi"), ("show",), ()):
        code, out, err = conecta("switch", *words)
        assert (code, out) == (2, "")
        assert "conecta switch --help" in err
    code, _, err = conecta("switch", "--cohort", "T9", "--to", "zapi", "--dry-run")
    assert (code, "switch_nobody" in err) == (1, True)
    assert conecta("switch", "list")[1] == "No provider switches yet.\n"
    code, _, err = conecta("switch", "show", "0123")
    assert (code, "conecta switch list" in err) == (1, True)


def test_credentials_are_kept_for_the_provider_to_switch_to(conecta: Conecta, monkeypatch: pytest.MonkeyPatch) -> None:
    conecta("mentorado", "add", "Ana Prates", "11 98765-4321")
    code, _, err = conecta("credentials", "Ana", "--provider", "whatsapp_web", typed="{}")
    assert (code, "not_possible_now" in err) == (1, True), "the one in use has none"
    typed = json.dumps({"instance_id": "3C01", "instance_token": "hush"})
    code, _, err = conecta("credentials", "Ana", "--provider", "zapi", typed=typed)
    assert code == 1
    assert "secrets_unavailable" in err, "it got as far as where they would be kept"
    assert "hush" not in err
    conecta("provider", "Ana", "zapi")
    code, _, err = conecta("credentials", "Ana", "--provider", "whatsapp_web", typed="{}")
    assert (code, "not_possible_now" in err) == (1, True)


# --- over three played providers ------------------------------------------------------------------------------------


class World:
    """People on Z-API who may go to the self-hosted client, whose receipts need no webhooks.

    Every command is a program of its own over the same disk, as on a server.
    """

    def __init__(self, folder: Path) -> None:
        self.core = Switching(clock=ManualClock(), folder=folder)
        self.settings = Settings(data_dir=folder, session_dir=folder / "sessions")
        self.second_person = False

    @asynccontextmanager
    async def program(self) -> AsyncIterator[Services]:
        self.core = self.core.again()
        services = replace(self.core.services, settings=self.settings)
        async with services.supervisor:
            await services.mentorados.load()
            for load in services.loads:
                if load != services.campaigns.load:  # they are on disk only
                    await load()
            await services.supervisor.restore()
            number = SmokeTestSettings(target=SmokeTestTarget.NUMBER, number=TESTER)
            await services.settings_service.change(SMOKE_TEST, number)
            await services.settings_service.change(SWITCH_SECOND_PERSON, self.second_person)
            yield services

    async def people(self, count: int) -> list[Mentorado]:
        async with self.program():
            return await self.core.people(count, HOSTED)

    async def run(self, *words: str, **how: object) -> int:
        """The command, while time passes."""
        async with self.program() as services:
            arguments = Namespace(**{**PLAIN, "words": list(words), **how})
            task = asyncio.get_running_loop().create_task(run_switch_command(services, arguments))
            for _ in range(2000):
                if task.done():
                    break
                await settle(20)
                await self.core.clock.advance(0.5)
                await asyncio.sleep(0.001)
            assert task.done()
            return await task

    def provider_of(self, mentorado: Mentorado) -> ProviderKind:
        return self.core.provider_of(mentorado)


@pytest.fixture
def world(fast_dir: Path) -> World:
    return World(fast_dir)


@pytest.fixture(autouse=True)
def in_english() -> None:
    texts.set_language("en")


def lines(capsys: pytest.CaptureFixture[str]) -> Sequence[str]:
    return capsys.readouterr().out.splitlines()


async def test_one_mentorado_is_switched_rolled_back_and_switched_for_good(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (ana,) = await world.people(1)
    assert await world.run("Ana", to="whatsapp_web", confirm="Ana 00") == 0
    out = lines(capsys)
    assert out[0] == "Connecting 1 mentorado first."
    assert "Ana 00  Z-API → WhatsApp Web  Will be switched" in out
    assert "Ana 00  Switching" in out
    assert "Ana 00  Switched · Z-API kept ready" in out
    assert any(line.startswith("Code 1 of 6 is drawn on standard error") for line in out)
    assert any(line.startswith("Ana 00, WhatsApp Web: ") for line in out)
    assert out[-1] == "Nobody is waiting any more."
    assert world.provider_of(ana) is WEB
    (run,) = world.core.switches.runs
    assert await world.run("list") == 0
    assert lines(capsys)[0].startswith(f"{run.id[:8]}  WhatsApp Web  Finished  1 of 1 switched, 0 failed  ")
    assert await world.run("roll-back", "Ana") == 0
    assert lines(capsys)[-1] == "Ana 00 is back on Z-API."
    assert world.provider_of(ana) is HOSTED
    assert await world.run("Ana", to="whatsapp_web", confirm="ana 00", json=True) == 0
    events = [json.loads(line) for line in lines(capsys)]
    assert events[0]["people"][0]["will_switch"] is True
    assert [each["state"] for each in events if each.get("event") == "item"] == ["running", "switched"]
    assert {each.get("event") for each in events} == {None, "item", "status", "run"}
    assert await world.run("release", "Ana") == 0
    assert lines(capsys) == ["The former provider of Ana 00 is released; WhatsApp Web stays in use."]
    assert world.core.run().items[0].state is SwitchItemState.RELEASED
    with pytest.raises(Problem):
        await world.run("roll-back", "Ana")


async def test_nothing_begins_without_the_confirmation_or_beside_another_program(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.people(2)
    for typed in (None, "Ana 00", "3"):
        with pytest.raises(Problem) as refused:
            await world.run(cohort="2026", to="whatsapp_web", confirm=typed)
        assert (refused.value.code, refused.value.context) == (ProblemCode.SWITCH_NOT_CONFIRMED, {"expected": "2"})
    lock = FileLock.take(world.settings.instance)
    with pytest.raises(Problem) as refused:
        await world.run(cohort="2026", to="whatsapp_web", confirm="2")
    assert refused.value.code is ProblemCode.LINKS_HELD
    lock.release()
    assert world.core.switches.runs == []
    assert await world.run(cohort="2026", to="zapi", confirm="0") == 1, "everybody is there already"


async def test_a_cohort_pauses_between_its_waves_and_goes_on_by_command(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    people = await world.people(4)
    world.core.played[WEB].trouble[people[2].id] = Blocked(Reason.PAIRING_FAILED)
    assert await world.run(cohort="2026", to="whatsapp_web", confirm="4", canary="Ana 03", wave=2) == 1
    out = lines(capsys)
    assert out[-1].startswith("The wave is over.")
    run = world.core.run()
    assert (run.state, run.pause, run.count(SwitchItemState.SWITCHED)) == (SwitchState.PAUSED, SwitchPause.WAVE, 1)
    assert await world.run("resume", run.id[:8]) == 1
    assert world.core.run().count(SwitchItemState.SWITCHED) == 3
    assert await world.run("resume", run.id[:8]) == 1
    out = lines(capsys)
    again = "Make a new dry run when you want to try again."
    assert f"Ana 02  Failed · still on Z-API  Did not connect. {again}" in out
    assert world.core.run().state is SwitchState.FINISHED
    world.core.played[WEB].trouble.clear()
    assert await world.run("retry", run.id[:8], json=True) == 0
    assert json.loads(lines(capsys)[-1])["state"] == "finished"
    assert await world.run("show", run.id[:8]) == 0
    assert "Ana 02  Switched · Z-API kept ready" in lines(capsys)


async def test_a_run_is_paused_and_stopped_by_command(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.people(2)
    await world.run(cohort="2026", to="whatsapp_web", confirm="2", wave=1)
    run_id = world.core.run().id
    assert await world.run("pause", run_id) == 0
    assert world.core.run().pause is SwitchPause.PERSON
    assert await world.run("stop", run_id, json=True) == 0
    assert json.loads(lines(capsys)[-1])["state"] == "stopped"
    assert world.core.run().count(SwitchItemState.LEFT_OUT) == 1
    with pytest.raises(Problem):
        await world.run("stop", run_id)


async def test_a_second_person_approves_by_command(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (ana,) = await world.people(1)
    world.second_person = True
    assert await world.run("Ana", to="whatsapp_web", confirm="Ana 00") == 1
    assert lines(capsys)[-1].startswith("A second person has to approve it.")
    run_id = world.core.run().id
    with pytest.raises(Problem) as refused:
        await world.run("approve", run_id, confirm="1")
    assert refused.value.code is ProblemCode.SWITCH_SAME_PERSON
    assert await world.run("approve", run_id, confirm="1", operator="Caio") == 0
    assert world.provider_of(ana) is WEB


async def test_a_person_at_a_terminal_is_asked(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "ana 00"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    await world.people(1)
    assert await world.run("Ana", to="whatsapp_web") == 0
    assert asked == ["Type Ana 00 to approve: "]


async def test_a_roll_back_that_fails_says_why_and_changes_nothing(world: World) -> None:
    (ana,) = await world.people(1)
    await world.run("Ana", to="whatsapp_web", confirm="Ana 00")
    world.core.played[HOSTED].trouble[ana.id] = Blocked(Reason.BILLING)
    with pytest.raises(Problem) as refused:
        await world.run("roll-back", "Ana")
    assert refused.value.code is ProblemCode.SWITCH_OLD_NOT_BACK
    assert world.provider_of(ana) is WEB
