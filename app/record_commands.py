"""The commands about what is kept of people, and about what was done: export, erase, audit."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from app.bootstrap import Core
from app.core.personal_data import contact_of
from app.domain.audit import AuditEntry
from app.domain.errors import Code, Problem
from app.terminal import json_line
from app.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.ui import text
from app.ui.audit_page import words
from app.ui.export_page import HtmlPages
from app.ui.text import clock_doubt, old_copy, texts, traces_left

DONE, FAILED = 0, 1


async def run_record_command(core: Core, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    match arguments.command:
        case "export":
            return await export(core, arguments)
        case "erase":
            return await erase(core, arguments)
        case "set-aside":
            return await list_set_aside(core, arguments.name, arguments.limit, as_json=arguments.json)
        case "clock":
            return await clock(core, confirm=arguments.confirm, as_json=arguments.json)
        case _ if arguments.audit_command == "verify":
            return await verify_audit(core, as_json=arguments.json)
        case _:
            return await list_audit(core, arguments.limit, as_json=arguments.json)


async def export(core: Core, arguments: Namespace) -> int:
    """Write all that is kept of somebody; interrupted, nothing is left."""
    enrolment = core.enrolments.named(arguments.name, archived=True)
    contact = contact_of(arguments.contact) if arguments.contact else None
    exported = await core.personal_data.export(
        enrolment.mentorado.id,
        arguments.to,
        HtmlPages(texts.language),
        contact=contact,
    )
    if arguments.json:
        _print_json(
            {
                "folder": str(exported.folder),
                "messages": exported.messages,
                "conversations": exported.conversations,
            }
        )
    else:
        print(texts.plural("cli.exported", exported.messages, folder=exported.folder))
    return DONE


async def erase(core: Core, arguments: Namespace) -> int:
    """Erase a contact whose number was typed twice."""
    enrolment = core.enrolments.named(arguments.name, archived=True)
    contact = contact_of(arguments.contact)
    if contact_of(arguments.yes_erase) != contact:
        raise Problem(Code.ERASURE_NOT_CONFIRMED)
    erased = await core.personal_data.erase_contact(enrolment.mentorado.id, contact)
    remove = arguments.remove_copies and bool(erased.copies)
    if remove:
        await core.personal_data.remove_copies(enrolment.mentorado.id, erased.copies)
    if arguments.json:
        copies = [{"kind": each.kind, "path": str(each.path), "at": each.at.isoformat()} for each in erased.copies]
        _print_json(
            {
                "messages": erased.messages,
                "traces": erased.traces and erased.traces.code,
                "copies": copies,
                "copies_removed": remove,
            }
        )
        return DONE
    print(texts.plural("cli.erased", erased.messages))
    if erased.traces is not None:
        print(traces_left(erased.traces))
    if remove:
        print(texts.plural("erasure.removed", len(erased.copies)))
    elif erased.copies:
        print(texts("erasure.copies"))
        for each in erased.copies:
            print(f"  {old_copy(each)}: {each.path}")
        print(texts("cli.remove_copies"))
    return DONE


async def list_set_aside(core: Core, name: str | None, limit: int, *, as_json: bool) -> int:
    """Show what was delivered and not taken into the history, the newest first; payloads in JSON only."""
    mentorado_id = core.enrolments.named(name, archived=True).mentorado.id if name else None
    counts = await core.set_aside.counts(mentorado_id)
    deliveries = await core.set_aside.latest(mentorado_id, limit=max(limit, 1))
    names = {enrolment.mentorado.id: enrolment.mentorado.name for enrolment in core.enrolments.all()}
    if as_json:
        described = [
            {
                "number": each.number,
                "at": each.at.isoformat(),
                "name": names[each.mentorado_id],
                "provider": each.provider,
                "kind": each.kind,
                "reason": each.reason,
                "detail": each.detail,
                "payload": each.payload,
                "payload_size": each.payload_size,
            }
            for each in deliveries
        ]
        _print_json({"count": sum(each.count for each in counts), "deliveries": described})
        return DONE
    for each in deliveries:
        at = each.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        what = text.set_aside(each.kind, each.reason)
        print("  ".join(filter(None, (at, names[each.mentorado_id], text.provider(each.provider), what, each.detail))))
    if not deliveries:
        print(texts("cli.nothing_set_aside"))
    return DONE


async def clock(core: Core, *, confirm: bool, as_json: bool) -> int:
    """Say whether the date of this computer is believed; with *confirm*, go by it from now on."""
    if confirm:
        await core.clock_check.confirm()
    doubt, now = core.clock.doubt, core.clock.now()
    if as_json:
        computer = now if doubt is None else doubt.computer
        _print_json({"believed": doubt is None, "computer": computer.isoformat(), "trusted": now.isoformat()})
    elif doubt is None:
        print(texts("clock.cli_fine", now=f"{now.astimezone():%Y-%m-%d %H:%M}"))
    else:
        print(clock_doubt(doubt), *(() if doubt.certain else (texts("clock.cli_next"),)))
    return DONE if doubt is None else FAILED


async def verify_audit(core: Core, *, as_json: bool) -> int:
    """Say whether the whole chain holds, and where it first does not."""
    verified = await core.audit.verification()
    broken = verified.broken
    if as_json:
        found = None if broken is None else {"number": broken.number, "found": broken.found}
        number, head = await core.audit.head()
        _print_json(
            {
                "holds": broken is None,
                "broken": found,
                "number": number,
                "head": head,
                "sealing": verified.sealing,
                "sealed_from": verified.sealed_from,
                "sealed_to": verified.sealed_to,
                "remembered": verified.remembered,
            }
        )
    elif broken is None:
        number, head = await core.audit.head()
        print(texts("cli.audit_holds"))
        if sealing := words.sealing(verified):
            print(sealing)
        print(texts("cli.audit_head", number=number, head=head))
    else:
        print(texts("cli.audit_broken", found=words.found(broken)))
    return DONE if broken is None else FAILED


async def list_audit(core: Core, limit: int, *, as_json: bool) -> int:
    """Show the latest entries, the newest first."""
    entries = await core.audit.entries(limit=limit)
    if as_json:
        _print_json({"entries": [_described(entry) for entry in entries]})
        return DONE
    for entry in entries:
        deed = entry.deed
        who, what, outcome = words.who(deed), words.what(deed.action), words.outcome(deed.outcome)
        print("\t".join((str(entry.number), words.exactly(deed.at), who, what, deed.subject, outcome)))
    if not entries:
        print(texts("cli.audit_empty"))
    return DONE


def _described(entry: AuditEntry) -> dict[str, Any]:
    deed = entry.deed
    return {
        "number": entry.number,
        "at": deed.at.isoformat(),
        "user": deed.actor.user,
        "operator": deed.actor.operator,
        "action": deed.action,
        "mentorado": deed.mentorado_id,
        "subject": deed.subject,
        "before": dict(deed.before),
        "after": dict(deed.after),
        "outcome": deed.outcome,
        "reason": deed.reason,
        "hash": entry.hash,
    }


def _print_json(value: dict[str, Any]) -> None:
    print(json_line(value), flush=True)
