"""`conecta smoke-test NAME`: runs a smoke test and prints a line per stage."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from contextlib import suppress

from app.cli.output import LinkOutput, print_json
from app.core.background import BackgroundTasks
from app.core.mentorado_service import parse_phone
from app.domain.actions import ActionName
from app.domain.errors import Problem, ProblemCode
from app.domain.events import SmokeTestChanged
from app.domain.link_status import SmokeTestOutcome
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.smoke_test import SmokeTest, SmokeTestTarget
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text.outbound import recipient_line, result_lines, stage_name
from app.text.status import texts

CONNECT_SECONDS = 90.0
"""Seconds to wait for a link that is being connected: as long as a first sign-in takes on a slow phone."""

EXIT_CODES = {
    SmokeTestOutcome.PASSED: 0,
    SmokeTestOutcome.PARTLY: 3,  # what can be seen is well, and something cannot be seen
    SmokeTestOutcome.FAILED: 1,
}


async def smoke_test(core: Services, arguments: Namespace) -> int:
    """Connect the links that the test needs, run it, and return its result as an exit code. Raises `Problem`."""
    mentorado = core.mentorados.find(arguments.name)
    to = parse_phone(arguments.to) if arguments.to else None
    needed = [mentorado]
    chosen = core.smoke_tests.chosen
    if to is None and chosen.target is SmokeTestTarget.PARTNER and chosen.partner != mentorado.id:
        needed.append(core.mentorados.get(MentoradoId(chosen.partner)))
    async with BackgroundTasks(core.provider_log.run):
        for each in needed:
            await _connect(core, each, as_json=arguments.json)
        seen: list[SmokeTest] = []

        def on_changed(event: SmokeTestChanged) -> None:
            _print_progress(core, seen[-1] if seen else None, event.test, as_json=arguments.json)
            seen.append(event.test)

        leave = core.bus.subscribe(SmokeTestChanged, on_changed)
        try:
            test = await core.smoke_tests.run(mentorado.id, to)
        finally:
            leave()
    if not arguments.json:
        print("\n".join(result_lines(test, core.clock.now())))
        if test.code:
            print(texts("smoke.code", code=test.code))
    return EXIT_CODES[test.outcome or SmokeTestOutcome.FAILED]


async def _connect(core: Services, mentorado: Mentorado, *, as_json: bool) -> None:
    """Connect the link and wait until it is connected or needs a person; the test reports what is missing."""
    if await core.whatsapp_web.is_open(mentorado.link):
        raise Problem(ProblemCode.SESSION_IN_USE, name=mentorado.name)
    if core.actions.unavailable_reason(ActionName.CONNECT, mentorado.id) is not None:
        return
    with LinkOutput(core, mentorado.link.id, as_json=as_json) as output:
        await core.supervisor.connect(mentorado.id)
        with suppress(TimeoutError):  # without a network it is tried for ever; the test says what is missing
            async with asyncio.timeout(CONNECT_SECONDS):
                await output.settled.wait()


def _print_progress(core: Services, before: SmokeTest | None, test: SmokeTest, *, as_json: bool) -> None:
    if as_json:
        print_json({"event": "smoke_test", **as_dict(test)})
        return
    if before is None:
        partner = "" if test.partner is None else core.mentorados.get(test.partner).name
        print(recipient_line(test, partner))
    for stage, at in test.stages.items():
        if before is None or stage not in before.stages:
            passed = texts("smoke.seconds", seconds=round((at - test.began_at).total_seconds()))
            print(f"{stage_name(stage)}: {passed}")


def as_dict(test: SmokeTest) -> dict[str, object]:
    """Return *test* as an object for JSON."""
    return {
        "mentorado": test.mentorado_id,
        "target": test.target,
        "stages": {stage: at.isoformat() for stage, at in test.stages.items()},
        "expected": list(test.expected),
        "outcome": test.outcome,
        "trouble": test.trouble if test.over else None,
        "code": test.code,
        "until": None if test.until is None else test.until.isoformat(),
    }
