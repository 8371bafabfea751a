"""Runs a command over the same core as the window: text on standard output, or JSON for machines."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from typing import Any

from app.bootstrap import build_services
from app.cli.backup import recover, run_backup_command, run_procedure_command
from app.cli.case import run_case_command
from app.cli.consent import run_consent_command
from app.cli.data import run_database_command, run_record_command, support_bundle
from app.cli.outbound import run_campaign_command, smoke_test
from app.cli.output import LinkOutput, link_as_json, person_as_json, print_json
from app.cli.setup import run_setup_command
from app.cli.switch import run_switch_command
from app.core.background import BackgroundTasks
from app.core.mentorado_service import is_landline
from app.domain.actions import ActionName, already_sure
from app.domain.audit import AuditAction
from app.domain.errors import Problem, ProblemCode
from app.domain.guidance import recommend
from app.domain.link_status import LinkState, LinkStatus, Reason
from app.domain.mentorado import Mentorado
from app.domain.phone import readable
from app.domain.repositories import Transition
from app.platform.locks import (
    FileLock,
    LockHeld,
    OwnerState,
    read_owner,
)
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.settings import Override, Settings
from app.text import status as status_text
from app.text.status import texts

DONE, FAILED = 0, 1


async def run_command(arguments: Namespace, settings: Settings) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    core = build_services(settings)
    try:
        if arguments.command == "database":
            return await run_database_command(core, arguments)
        if arguments.command == "support-bundle":
            return await support_bundle(core, arguments)
        await core.open()
        code = await _run_open(core, arguments)
        if core.write_queue.problem is not None:  # the act is done, and the disk does not take its entry
            raise core.write_queue.problem
        return code
    finally:
        await core.close()


_ABOUT_PEOPLE = {"case": run_case_command, "campaign": run_campaign_command, "consent": run_consent_command}


async def _run_open(core: Services, arguments: Namespace) -> int:
    async with core.supervisor:
        await core.supervisor.restore()  # else nothing would be known of what forbids an action
        match arguments.command:
            case "status":
                return await status(core, as_json=arguments.json)
            case "connect":
                return await connect(core, arguments.name, released=arguments.released, as_json=arguments.json)
            case "unlock":
                return await unlock(core, arguments)
            case "mentorado":
                return await mentorado(core, arguments)
            case "provider" | "credentials" | "disconnect":
                return await run_setup_command(core, arguments)
            case "recover":
                return await recover(core, arguments)
            case "backup" | "restore":
                return await run_backup_command(core, arguments)
            case "case" | "campaign" | "consent":
                return await _ABOUT_PEOPLE[arguments.command](core, arguments)
            case "switch":
                return await run_switch_command(core, arguments)
            case "smoke-test":
                return await smoke_test(core, arguments)
            case "procedure":
                return await run_procedure_command(core, arguments)
            case _:
                return await run_record_command(core, arguments)


# --- conecta status ----------------------------------------------------------------------------------------------


async def status(core: Services, *, as_json: bool) -> int:
    """Print every mentorado with the last known status of the link."""
    latest = await core.transitions.latest()
    everybody = [e for e in core.mentorados.all() if not e.archived]
    known = [(e, await _displayed_status(core, e, latest.get(e.link.id))) for e in everybody]
    aside = Counter[str]()
    for counted in await core.set_aside.counts():
        aside[counted.mentorado_id] += counted.count
    if as_json:
        described = [
            {**link_as_json(mentorado, status), "set_aside": aside[mentorado.id]} for mentorado, status in known
        ]
        everything: dict[str, Any] = {"mentorados": described}
        if overrides := core.settings.overrides:
            everything["not_default"] = [_override_as_json(chosen) for chosen in overrides]
        print_json(everything)
        return DONE
    if not known:
        print(texts("cli.nobody"))
    else:
        now = core.clock.now()
        rows = [
            (
                mentorado.name,
                readable(mentorado.phone),
                status_text.provider(mentorado.link.provider),
                status_text.state_badge(status, stopped=core.outbound.stopped(mentorado.id) is not None),
                status_text.age(now - status.since),
            )
            for mentorado, status in known
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if sum(aside.values()):
            print(texts.plural("cli.set_aside", sum(aside.values())))
    for chosen in core.settings.overrides:
        print("{}: {} ({}).".format(texts("override.title"), *status_text.override(chosen)))
    return DONE


def _override_as_json(chosen: Override) -> dict[str, Any]:
    place = str(chosen.file) if chosen.file else "environment"
    return {"setting": chosen.setting, "value": chosen.value, "default": chosen.default, "set_in": place}


async def _displayed_status(core: Services, mentorado: Mentorado, last: Transition | None) -> LinkStatus:
    """Return the last status, or off when that status needs a running program and there is none.

    A ban stands, whatever was recorded since. That a second program was refused says nothing about
    the link: then the last status counts that was written down before it tried.
    """
    forbidden = core.supervisor.forbidden(mentorado.link)
    if forbidden is not None and core.supervisor.status(mentorado.link.id).reason is forbidden.reason:
        return forbidden
    if last is not None and last.after.reason is Reason.SESSION_IN_USE:
        last = await _last_own_transition(core, mentorado)
    if last is None:
        return LinkStatus(since=mentorado.created_at)
    lives = last.after.state in (LinkState.OFF, LinkState.BLOCKED) or await core.whatsapp_web.is_open(mentorado.link)
    return last.after if lives else LinkStatus(since=last.at)


async def _last_own_transition(core: Services, mentorado: Mentorado) -> Transition | None:
    """Return the newest transition of the link that is not part of an attempt that another program's session ended."""
    refused = False
    for move in await core.transitions.for_mentorado(mentorado.id):
        if move.link_id != mentorado.link.id:
            continue
        if move.after.reason is Reason.SESSION_IN_USE:
            refused = True
        elif not refused or move.after.state is not LinkState.CONNECTING:
            return move
    return None


# --- conecta connect NAME ----------------------------------------------------------------------------------------


async def connect(core: Services, name: str, *, released: bool, as_json: bool) -> int:
    """Connect one mentorado and wait until the link is connected or needs a person. The QR goes to standard error.

    The same rules hold as in the window. With *released* a person says that WhatsApp lifted its ban or suspension.
    """
    mentorado = core.mentorados.find(name)
    if released and core.supervisor.forbidden(mentorado.link) is not None:
        await core.actions.run(ActionName.LIFT_BAN, mentorado.id, already_sure)
    if (forbidden := core.supervisor.forbidden(mentorado.link)) is not None:
        if as_json:
            print_json({"event": "status", **link_as_json(mentorado, forbidden)})
        else:
            print(status_text.sentence(forbidden, mentorado, core.clock.now()))
            print(texts("cli.forbidden", name=mentorado.name))
        core.actions.require(ActionName.CONNECT, mentorado.id)
    if await core.whatsapp_web.is_open(mentorado.link):  # asked before: a refusal would be written down as its state
        raise Problem(ProblemCode.SESSION_IN_USE, name=mentorado.name)
    with LinkOutput(core, mentorado.link.id, as_json=as_json) as output:
        async with BackgroundTasks(core.provider_log.run):  # else the detailed log would not end by itself
            await core.actions.run(ActionName.CONNECT, mentorado.id, _no_confirmation)
            await output.settled.wait()
    ended = core.supervisor.status(mentorado.link.id)
    if ended.state is LinkState.CONNECTED:
        return DONE
    if not as_json:
        print(status_text.next_step(recommend(ended.state, ended.reason)))
    return FAILED


async def _no_confirmation(_name: ActionName, _mentorado: Mentorado) -> bool:
    raise AssertionError("connecting asks nothing")


# --- conecta unlock [NAME] ---------------------------------------------------------------------------------------


async def unlock(core: Services, arguments: Namespace) -> int:
    """Print which program holds a session or the data folder, by its lock file; with --yes, remove that lock file."""
    link = core.mentorados.find(arguments.name).link if arguments.name else None
    holder = await core.whatsapp_web.lock_holder(link) if link is not None else _window_holder(core.settings)
    if holder and arguments.yes:
        if link is not None:
            await core.whatsapp_web.overrule_lock(link)
        else:
            await _overrule_window(core)
    if arguments.json:
        print_json({"holder": holder or None, "removed": bool(holder and arguments.yes)})
    elif not holder:
        print(texts("cli.not_locked"))
    elif arguments.yes:
        print(texts("cli.unlocked", holder=holder))
    else:
        print(" ".join(texts("cli.unlock_asks", holder=holder, name=arguments.name).split()))
    return DONE if arguments.yes or not holder else FAILED


def _window_holder(settings: Settings) -> str:
    """Return the owner in a stale lock file that alone keeps the window closed; empty when there is none."""
    owner = read_owner(settings.instance)
    return owner.label() if owner is not None and owner.state() is OwnerState.UNKNOWN else ""


async def _overrule_window(core: Services) -> None:
    """Remove the lock file of a window that cannot be proven dead. Raises `Problem` when a program holds the lock."""
    owner = {"owner": f"{_window_holder(core.settings)}; not proven dead, overruled"}
    async with core.audit_service.around(AuditAction.TAKE_OVER_WINDOW, before=owner):
        try:
            lock = FileLock.take(core.settings.instance, overrule=True)
        except LockHeld as held:
            raise Problem(ProblemCode.ALREADY_RUNNING, holder=str(held)) from None
        lock.release()
        owner["owner"] = f"{lock.left_by}; not proven dead, overruled"


# --- conecta mentorado add | list | archive ----------------------------------------------------------------------


async def mentorado(core: Services, arguments: Namespace) -> int:
    match arguments.mentorado_command:
        case "add":
            added = await core.mentorados.add(arguments.name, arguments.phone, arguments.cohort)
            if is_landline(added.phone) and not arguments.json:
                print(texts("dialog.landline"), file=sys.stderr)
            return _print_saved(added, "cli.added", as_json=arguments.json)
        case "archive":
            mentorado = core.mentorados.find(arguments.name)
            if await core.whatsapp_web.is_open(mentorado.link):
                raise Problem(ProblemCode.MENTORADO_CONNECTED, name=mentorado.name)
            await core.mentorados.archive(mentorado.id)
            return _print_saved(core.mentorados.get(mentorado.id), "cli.archived", as_json=arguments.json)
        case "edit" | "unarchive":
            return await run_setup_command(core, arguments)
        case _:
            return _list(core, archived=arguments.archived, as_json=arguments.json)


def _print_saved(mentorado: Mentorado, key: str, *, as_json: bool) -> int:
    if as_json:
        print_json(person_as_json(mentorado))
    else:
        print(texts(key, name=mentorado.name, phone=readable(mentorado.phone)))
    return DONE


def _list(core: Services, *, archived: bool, as_json: bool) -> int:
    people = [e for e in core.mentorados.all() if e.archived is archived]
    if as_json:
        print_json({"mentorados": [person_as_json(mentorado) for mentorado in people]})
        return DONE
    for mentorado in people:
        print("\t".join(filter(None, (mentorado.name, readable(mentorado.phone), mentorado.cohort))))
    if not people:
        print(texts("cli.nobody"))
    return DONE
