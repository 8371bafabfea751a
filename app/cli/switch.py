"""The commands about provider switches: the dry run, the switch itself, and what is decided about one afterwards.

A dry run and what was decided can be seen at any time. Whatever changes something needs the data folder for itself, as
`conecta run` does: a switch holds both connections of a mentorado.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from app.cli.output import iso, print_code, print_json
from app.cli.procedures import problem_of, undo_if_possible, wait_until_settled
from app.cli.run import lock_data_folder
from app.core.background import BackgroundTasks
from app.core.links.status_store import is_settled
from app.domain.actions import ActionName
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.events import ProcedureChanged, StandbyStatusChanged, SwitchesChanged
from app.domain.mentorado import Mentorado, MentoradoId, ProviderKind
from app.domain.procedure import ProcedureState
from app.domain.smoke_test import SmokeTestTarget
from app.domain.switch import (
    Severity,
    SwitchDryRun,
    SwitchItem,
    SwitchItemState,
    SwitchPlan,
    SwitchRun,
    SwitchState,
)
from app.formats.csv_files import write_file
from app.formats.switch_export import switch_dry_run_as_dict, switch_dry_run_csv, switch_dry_run_json
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import status as status_text
from app.text import switch as switch_text
from app.text.status import date_time, provider, texts

DONE, FAILED, UNKNOWN_WORDS = 0, 1, 2
SHORT: Final = 8
"""So many letters of a switch's id are shown, and enough to name it."""

CONNECT_SECONDS: Final = 90.0
"""Seconds to wait for the connections of those who are switched: as long as a sign-in takes on a slow phone."""

_I = SwitchItemState


async def run_switch_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    verb = _VERBS.get(arguments.words[0]) if arguments.words and arguments.to is None else None
    if verb is not None and (verb is _list or len(arguments.words) > 1):
        return await verb(core, arguments)
    if arguments.to is None or bool(arguments.words) is (arguments.cohort is not None):
        print(texts("cli.switch_which"), file=sys.stderr)
        return UNKNOWN_WORDS
    plan = _plan(core, arguments)
    if arguments.dry_run:
        return await _show_dry_run(core, await _dry_run(core, plan, arguments), arguments)
    return await _switch(core, plan, arguments)


# --- a dry run ------------------------------------------------------------------------------------------------------


def _plan(core: Services, arguments: Namespace) -> SwitchPlan:
    canary = None if arguments.canary is None else core.mentorados.find(arguments.canary, archived=True).id
    return SwitchPlan(
        target=ProviderKind(arguments.to),
        cohort=arguments.cohort or "",
        mentorados=(core.mentorados.find(" ".join(arguments.words), archived=True).id,) if arguments.words else (),
        canary=canary,
        wave_size=arguments.wave,
        pause_minutes=arguments.pause,
        stop_at_percent=arguments.stop_at,
        grace=timedelta(hours=arguments.grace),
    )


async def _dry_run(core: Services, plan: SwitchPlan, arguments: Namespace) -> SwitchDryRun:
    made = await core.switches.dry_run(plan)
    if arguments.export is not None:
        await _export(core, made, arguments.export)
    return made


async def _export(core: Services, made: SwitchDryRun, file: Path) -> None:
    """Write *made* to *file*: JSON where its name ends so, else for spreadsheets."""
    write = switch_dry_run_json if file.suffix.casefold() == ".json" else switch_dry_run_csv
    content = write(made, core.mentorados.name_of)
    written = {"file": file.name, "entries": str(len(made.people)), "dry_run": made.digest}
    async with core.audit_service.around(AuditAction.EXPORT_SWITCH, after=lambda: written):
        await asyncio.to_thread(write_file, file, content)


async def _show_dry_run(core: Services, made: SwitchDryRun, arguments: Namespace) -> int:
    if arguments.json:
        print_json(switch_dry_run_as_dict(made, core.mentorados.name_of))
    else:
        _print_dry_run(core, made)
    return DONE if made.switching else FAILED


def _print_dry_run(core: Services, made: SwitchDryRun) -> None:
    target = made.plan.target
    for planned in made.people:
        way = f"{provider(planned.source)} → {provider(target)}"
        print(f"{core.mentorados.name_of(planned.mentorado_id)}  {way}  {switch_text.outcome(planned)}")
        for severity in Severity:
            for found in planned.with_severity(severity):
                sentence = switch_text.finding(found, planned, target, made.at)
                todo = switch_text.todo(found, planned, target)
                mark = "" if severity is Severity.TELLS else f"{switch_text.severity(severity)}: "
                print(" ".join(filter(None, (f"  {mark}{sentence}", todo))))
    if note := switch_text.price_note([price for planned in made.people for price in planned.prices]):
        print(note)
    stay = len(made.people) - len(made.switching)
    print(texts("cli.switch_counts", switching=len(made.switching), staying=stay))


# --- the switch itself ------------------------------------------------------------------------------------------------


async def _switch(core: Services, plan: SwitchPlan, arguments: Namespace) -> int:
    """Show the dry run, have it approved, and follow the switch until it has ended or is paused."""
    async with _at_work(core, arguments):
        await _connect(core, [*plan.mentorados, *_of_cohort(core, plan)], arguments)
        made = await _dry_run(core, plan, arguments)
        await _show_dry_run(core, made, arguments)
        if not made.switching:
            return FAILED
        run = await core.switches.approve(made, _typed(core.switches.confirmation(made), arguments))
        return await _follow(core, run, arguments)


def _typed(expected: str, arguments: Namespace) -> str:
    """What confirms the switch: from the command, or else from a person at a terminal."""
    if arguments.confirm is not None or not sys.stdin.isatty():
        return arguments.confirm or ""
    return input(texts("cli.switch_confirm", expected=expected) + " ")


def _of_cohort(core: Services, plan: SwitchPlan) -> Sequence[MentoradoId]:
    if plan.mentorados:
        return []
    return [each.id for each in core.mentorados.all() if each.cohort == plan.cohort and not each.archived]


@asynccontextmanager
async def _at_work(core: Services, arguments: Namespace) -> AsyncIterator[None]:
    """What a switch needs runs inside, and no other program has the data folder. Raises `Problem(LINKS_HELD)`."""
    lock = lock_data_folder(core.settings)
    tasks = (core.provider_log.run, core.webhooks.run, core.outbound.run, core.switches.run)
    try:
        with _printing(core, arguments):
            async with core.procedures, BackgroundTasks(*tasks):
                yield
    finally:
        lock.release()


async def _connect(core: Services, people: Sequence[MentoradoId], arguments: Namespace) -> None:
    """Have the links of *people* connected that should be, and whoever answers the smoke tests."""
    chosen = core.smoke_tests.chosen
    partner = [MentoradoId(chosen.partner)] if chosen.target is SmokeTestTarget.PARTNER else []
    waiting: list[Mentorado] = []
    for mentorado_id in dict.fromkeys([*people, *partner]):
        mentorado = core.mentorados.get(mentorado_id)
        wanted = mentorado.link.enabled and mentorado.link.account is not None and not mentorado.archived
        if wanted and core.actions.unavailable_reason(ActionName.CONNECT, mentorado_id) is None:
            await core.supervisor.connect(mentorado_id)
            waiting.append(mentorado)
    if waiting and not arguments.json:
        print(texts.plural("cli.switch_connecting", len(waiting)))
    left = CONNECT_SECONDS
    while left > 0 and not all(is_settled(core.supervisor.status(each.link.id)) for each in waiting):
        await core.clock.sleep(0.2)
        left -= 0.2


async def _follow(core: Services, run: SwitchRun, arguments: Namespace) -> int:
    """Wait until *run* has ended, or is paused until a person decides."""
    changed = asyncio.Event()
    stop = core.bus.subscribe(SwitchesChanged, lambda _event: changed.set())
    shown = {item.number: item.state for item in run.items}
    try:
        while True:
            changed.clear()
            run = find(core, run.id)
            for item in run.items:
                if shown[item.number] is not item.state:
                    _print_item(core, item, as_json=arguments.json)
                shown[item.number] = item.state
            if run.state is not SwitchState.RUNNING and run.pause_until is None:
                break
            await changed.wait()
    finally:
        stop()
    if arguments.json:
        print_json({"event": "run", **_as_json(core, run)})
    else:
        print(_line(run))
        print(switch_text.sentence(run))
    return DONE if run.state is SwitchState.FINISHED and not run.count(_I.FAILED) else FAILED


@contextmanager
def _printing(core: Services, arguments: Namespace) -> Iterator[None]:
    """Print what the links beside those in use do inside, with the codes to scan."""

    def on_status(event: StandbyStatusChanged) -> None:
        before, after = event.before, event.after
        mentorado = core.mentorados.through(event.link_id)
        if (before.state, before.reason) != (after.state, after.reason):
            if arguments.json:
                state = {"state": after.state, "reason": after.reason, "provider": mentorado.link.provider}
                print_json({"event": "status", "id": mentorado.id, "name": mentorado.name, **state})
            else:
                where = f"{mentorado.name}, {provider(mentorado.link.provider)}"
                print(f"{where}: {status_text.sentence(after, mentorado, core.clock.now())}")
        if after.qr is not None and after.qr != before.qr:
            print_code(after.qr, as_json=arguments.json)

    stop = core.bus.subscribe(StandbyStatusChanged, on_status)
    try:
        yield
    finally:
        stop()


# --- what was approved ----------------------------------------------------------------------------------------------


def find(core: Services, typed: str) -> SwitchRun:
    """The switch whose id begins like this. Raises `Problem(SWITCH_UNKNOWN)` unless it is exactly one."""
    found = [each for each in core.switches.runs if typed and each.id.startswith(typed)]
    if len(found) != 1:
        raise Problem(ProblemCode.SWITCH_UNKNOWN, switch=typed)
    return found[0]


async def _list(core: Services, arguments: Namespace) -> int:
    runs = core.switches.runs
    if arguments.json:
        print_json({"switches": [_as_json(core, each) for each in runs]})
        return DONE
    for each in runs:
        print(_line(each))
    if not runs:
        print(texts("cli.no_switches"))
    return DONE


async def _show(core: Services, arguments: Namespace) -> int:
    run = find(core, _object(arguments))
    if arguments.json:
        print_json(_as_json(core, run))
        return DONE
    print(_line(run))
    print(switch_text.sentence(run))
    print(texts("cli.switch_approved_by", name=" · ".join(filter(None, (run.approved_by, run.second_approver)))))
    for item in run.items:
        _print_item(core, item, as_json=False)
    return DONE


async def _pause(core: Services, arguments: Namespace) -> int:
    return await _decide(core, arguments, core.switches.pause)


async def _stop(core: Services, arguments: Namespace) -> int:
    return await _decide(core, arguments, core.switches.stop)


async def _decide(core: Services, arguments: Namespace, decide: Callable[[Any], Awaitable[None]]) -> int:
    run = find(core, _object(arguments))
    lock = lock_data_folder(core.settings)
    try:
        await decide(run.id)
    finally:
        lock.release()
    return await _show(core, arguments)


async def _resume(core: Services, arguments: Namespace) -> int:
    return await _go_on(core, arguments, lambda run: core.switches.resume(run.id))


async def _retry(core: Services, arguments: Namespace) -> int:
    return await _go_on(core, arguments, lambda run: core.switches.retry(run.id))


async def _approve(core: Services, arguments: Namespace) -> int:
    """The second person's word."""

    def approve(run: SwitchRun) -> Awaitable[None]:
        typed = _typed(str(len(run.items)), arguments)
        return core.switches.approve_second(run.id, typed, arguments.operator or "")

    return await _go_on(core, arguments, approve)


async def _go_on(core: Services, arguments: Namespace, begin: Callable[[SwitchRun], Awaitable[None]]) -> int:
    run = find(core, _object(arguments))
    async with _at_work(core, arguments):
        await _connect(core, [item.mentorado_id for item in run.items], arguments)
        await begin(find(core, run.id))
        return await _follow(core, run, arguments)


async def _roll_back(core: Services, arguments: Namespace) -> int:
    mentorado = core.mentorados.find(_object(arguments))
    moved = asyncio.Event()
    stops = [core.bus.subscribe(kind, lambda _event: moved.set()) for kind in (ProcedureChanged, SwitchesChanged)]
    try:
        async with _at_work(core, arguments):
            await _connect(core, [mentorado.id], arguments)
            procedure = await core.switches.roll_back(mentorado.id)
            procedure = await wait_until_settled(core, procedure, moved)
            if procedure.state is not ProcedureState.DONE:
                failed = problem_of(procedure)
                await undo_if_possible(core, procedure, moved)
                raise failed
            while (item := core.switches.item_of(mentorado.id)) is not None and item.is_of(procedure):
                moved.clear()
                await moved.wait()
    finally:
        for stop in stops:
            stop()
    return _settled(core, mentorado, "cli.switch_rolled_back", arguments)


async def _release(core: Services, arguments: Namespace) -> int:
    mentorado = core.mentorados.find(_object(arguments))
    lock = lock_data_folder(core.settings)
    try:
        await core.switches.release(mentorado.id)
    finally:
        lock.release()
    return _settled(core, mentorado, "cli.switch_released", arguments)


def _settled(core: Services, mentorado: Mentorado, key: str, arguments: Namespace) -> int:
    kind = core.mentorados.get(mentorado.id).link.provider
    if arguments.json:
        print_json({"id": mentorado.id, "name": mentorado.name, "provider": kind})
    else:
        print(texts(key, name=mentorado.name, provider=provider(kind)))
    return DONE


def _object(arguments: Namespace) -> str:
    """What the verb is about."""
    return " ".join(arguments.words[1:])


_VERBS: Final[dict[str, Callable[[Services, Namespace], Awaitable[int]]]] = {
    "list": _list,
    "show": _show,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
    "stop": _stop,
    "approve": _approve,
    "roll-back": _roll_back,
    "release": _release,
}


def _line(run: SwitchRun) -> str:
    done = run.count(_I.SWITCHED, _I.RELEASED)
    progress = texts("cli.switch_progress", done=done, total=len(run.items), failed=run.count(_I.FAILED))
    when = date_time(run.approved_at.astimezone())
    return "  ".join((run.id[:SHORT], provider(run.plan.target), switch_text.state(run), progress, when))


def _print_item(core: Services, item: SwitchItem, *, as_json: bool) -> None:
    if as_json:
        print_json({"event": "item", **_item_as_json(core, item)})
        return
    name = core.mentorados.name_of(item.mentorado_id)
    reason = " ".join(switch_text.item_reason(item, name)) if item.state is _I.FAILED else ""
    print("  ".join(filter(None, (name, switch_text.item_state(item), reason.strip()))))


def _as_json(core: Services, run: SwitchRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "to": run.plan.target.value,
        "cohort": run.plan.cohort,
        "state": run.state.value,
        "pause": None if run.pause is None else run.pause.value,
        "pause_until": iso(run.pause_until),
        "wave": run.wave,
        "approved_at": iso(run.approved_at),
        "approved_by": run.approved_by,
        "second_approver": run.second_approver,
        "ended_at": iso(run.ended_at),
        "dry_run": run.digest,
        "items": [_item_as_json(core, each) for each in run.items],
    }


def _item_as_json(core: Services, item: SwitchItem) -> dict[str, Any]:
    return {
        "number": item.number,
        "wave": item.wave,
        "id": item.mentorado_id,
        "name": core.mentorados.name_of(item.mentorado_id),
        "from": item.source.value,
        "to": item.target.value,
        "state": item.state.value,
        "reason": item.reason,
        "at": iso(item.at),
    }
