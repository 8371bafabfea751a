"""The WhatsApp client's detailed log: with its mentorado's own lines, and only for as long as somebody wanted it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.domain.link_status import LinkState
from tests.acceptance.connect.harness import Harness, ProgramRun
from tests.acceptance.program import Person, run
from tests.waiting import until


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def detail(file: Path) -> int:
    """How many of the lines are the library's."""
    return sum(line["logger"] == "app.whatsmeow" for line in lines(file))


async def fall_and_rise(run: ProgramRun, person: Person) -> None:
    """What makes the library talk."""
    run._read[person.link] = len(run._seen[person.link])
    await run.fault("abort", person)
    await run.until(person, LinkState.RECONNECTING)
    await run.until(person, LinkState.CONNECTED)


def test_the_detail_is_in_the_mentorados_own_log_until_its_time_is_over(harness: Harness, log_file: Path) -> None:
    """ "a switch in the window turns the provider's detailed log on for diagnosis and turns itself off" """

    async def main() -> tuple[Person, Person, list[int]]:
        counts = []
        async with harness.running() as run:
            ana, bia = await run.connect_new("Ana"), await run.connect_new("Bia")
            own = log_file.with_name(f"{ana.id}.log")
            counts.append(detail(own))
            await run.core.provider_log.switch_on(timedelta(minutes=30))
            await fall_and_rise(run, ana)
            await until(lambda: detail(own) > 0)  # on its way to the file
            counts.append(detail(own))
            await run.core.provider_log.switch_off()
            await fall_and_rise(run, ana)  # what was on its way is heard meanwhile
            counts.append(detail(own))
            await fall_and_rise(run, ana)
            counts.append(detail(own))
        return ana, bia, counts

    ana, bia, (quiet, talkative, ended, still_quiet) = run(main(), within=60)
    assert quiet == 0
    assert talkative > 0
    assert still_quiet == ended
    own, others = (lines(log_file.with_name(f"{person.id}.log")) for person in (ana, bia))
    assert {line["mentorado"] for line in own} == {ana.id}
    assert {line["mentorado"] for line in others} == {bia.id}
    assert all(ana.digits[2:] not in line["message"] for line in own)
    assert any("whatsmeow" not in line["logger"] and "connected" in line["message"] for line in own)
