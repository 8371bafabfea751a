"""The commands about stored data: export, erase, quarantine, audit log, clock, and a missing database."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.cli.output import print_json
from app.core.diagnostics.support_bundle import require_names
from app.core.privacy_service import contact_of
from app.doctor import build_doctor
from app.domain.audit import AuditEntry
from app.domain.errors import Problem, ProblemCode
from app.domain.support_bundle import SupportBundle
from app.formats.export_html import HtmlExportRenderer
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import audit as audit_text
from app.text import status as status_text
from app.text.status import (
    clock_doubt,
    old_copy,
    texts,
    traces_left,
)

DONE, FAILED = 0, 1


async def run_record_command(core: Services, arguments: Namespace) -> int:
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
        case "metrics":
            return await metrics(core, arguments)
        case _ if arguments.audit_command == "verify":
            return await verify_audit(core, as_json=arguments.json)
        case _:
            return await list_audit(core, arguments.limit, as_json=arguments.json)


async def export(core: Services, arguments: Namespace) -> int:
    """Export the stored data of a person to a file. When interrupted, the unfinished file is removed."""
    mentorado = core.mentorados.find(arguments.name, archived=True)
    contact = contact_of(arguments.contact) if arguments.contact else None
    exported = await core.personal_data.export(
        mentorado.id,
        arguments.to,
        HtmlExportRenderer(texts.language),
        contact=contact,
    )
    if arguments.json:
        print_json(
            {
                "folder": str(exported.folder),
                "messages": exported.messages,
                "conversations": exported.conversations,
            }
        )
    else:
        print(texts.plural("cli.exported", exported.messages, folder=exported.folder))
    return DONE


async def erase(core: Services, arguments: Namespace) -> int:
    """Erase a contact whose number was typed twice."""
    mentorado = core.mentorados.find(arguments.name, archived=True)
    contact = contact_of(arguments.contact)
    if contact_of(arguments.yes_erase) != contact:
        raise Problem(ProblemCode.ERASURE_NOT_CONFIRMED)
    erased = await core.personal_data.erase_contact(mentorado.id, contact)
    remove = arguments.remove_copies and bool(erased.copies)
    if remove:
        await core.personal_data.remove_copies(mentorado.id, erased.copies)
    if arguments.json:
        copies = [{"kind": each.kind, "path": str(each.path), "at": each.at.isoformat()} for each in erased.copies]
        print_json(
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


async def list_set_aside(core: Services, name: str | None, limit: int, *, as_json: bool) -> int:
    """List deliveries that were not stored in the history, the newest first; payloads in JSON only."""
    mentorado_id = core.mentorados.find(name, archived=True).id if name else None
    counts = await core.set_aside.counts(mentorado_id)
    deliveries = await core.set_aside.latest(mentorado_id, limit=max(limit, 1))
    names = {mentorado.id: mentorado.name for mentorado in core.mentorados.all()}
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
        print_json({"count": sum(each.count for each in counts), "deliveries": described})
        return DONE
    for each in deliveries:
        at = each.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        what = status_text.set_aside(each.kind, each.reason)
        print(
            "  ".join(
                filter(None, (at, names[each.mentorado_id], status_text.provider(each.provider), what, each.detail))
            )
        )
    if not deliveries:
        print(texts("cli.nothing_set_aside"))
    return DONE


async def clock(core: Services, *, confirm: bool, as_json: bool) -> int:
    """Print whether this computer's date is trusted; with *confirm*, trust it from now on."""
    if confirm:
        await core.clock_check.confirm()
    doubt, now = core.clock.doubt, core.clock.now()
    if as_json:
        computer = now if doubt is None else doubt.computer
        print_json({"believed": doubt is None, "computer": computer.isoformat(), "trusted": now.isoformat()})
    elif doubt is None:
        print(texts("clock.cli_fine", now=status_text.full_date_time(now.astimezone())))
    else:
        print(clock_doubt(doubt), *(() if doubt.certain else (texts("clock.cli_next"),)))
    return DONE if doubt is None else FAILED


async def metrics(core: Services, arguments: Namespace) -> int:
    """Print whether and where metrics are offered, after the changes that *arguments* ask for. Raises `Problem`."""
    if arguments.port is not None:
        await core.metrics.set_port(arguments.port)
    if arguments.switch is not None:
        await core.metrics.switch(on=arguments.switch == "on")
    chosen = core.metrics.settings
    if arguments.json:
        print_json({"on": chosen.on, "port": chosen.port, "address": chosen.address})
    else:
        print(texts("cli.metrics_on", address=chosen.address) if chosen.on else texts("cli.metrics_off"))
    return DONE


async def verify_audit(core: Services, *, as_json: bool) -> int:
    """Verify the whole audit log, and print the first entry that fails."""
    verified = await core.audit.verification()
    broken = verified.broken
    if as_json:
        found = None if broken is None else {"number": broken.number, "found": broken.found}
        number, head = await core.audit.head()
        print_json(
            {
                "holds": verified.holds,
                "broken": found,
                "number": number,
                "head": head,
                "sealing": verified.sealing,
                "sealed_from": verified.sealed_from,
                "sealed_to": verified.sealed_to,
                "remembered": verified.remembered,
                "noted_from": verified.noted_from,
                "noted_to": verified.noted_to,
            }
        )
    elif broken is None:
        number, head = await core.audit.head()
        if verified.holds:
            print(texts("cli.audit_holds"))
        if sealing := audit_text.sealing(verified):
            print(sealing)
        print(texts("cli.audit_head", number=number, head=head))
    else:
        print(texts("cli.audit_broken", found=audit_text.found(broken)))
    return DONE if verified.holds else FAILED


async def list_audit(core: Services, limit: int, *, as_json: bool) -> int:
    """List the latest audit entries, the newest first."""
    entries = await core.audit.entries(limit=limit)
    if as_json:
        print_json({"entries": [_entry_as_json(entry) for entry in entries]})
        return DONE
    for entry in entries:
        record = entry.record
        who, what, outcome = (
            audit_text.actor_label(record),
            audit_text.action_label(record.action),
            audit_text.outcome(record.outcome),
        )
        print("\t".join((str(entry.number), audit_text.exact_time(record.at), who, what, record.subject, outcome)))
    if not entries:
        print(texts("cli.audit_empty"))
    return DONE


def _entry_as_json(entry: AuditEntry) -> dict[str, Any]:
    record = entry.record
    return {
        "number": entry.number,
        "at": record.at.isoformat(),
        "user": record.actor.user,
        "operator": record.actor.operator,
        "action": record.action,
        "mentorado": record.mentorado_id,
        "subject": record.subject,
        "before": dict(record.before),
        "after": dict(record.after),
        "outcome": record.outcome,
        "reason": record.reason,
        "hash": entry.hash,
    }


async def support_bundle(core: Services, arguments: Namespace) -> int:
    """Write a support bundle, or show what would be in it. A database that does not open is only left out."""
    core.support_bundle.doctor = build_doctor(core.settings)
    try:
        await core.open()
        async with core.supervisor:
            await core.supervisor.restore()
            bundle = await core.support_bundle.prepare()
    except Problem as problem:
        print(*status_text.problem(problem), file=sys.stderr)
        bundle = await core.support_bundle.prepare()
    require_names(bundle, [*arguments.with_files, *arguments.without_files, *filter(None, [arguments.show])])
    names = [name for name in (*bundle.wanted, *arguments.with_files) if name not in arguments.without_files]
    if arguments.to is not None:
        if arguments.to.exists():
            raise Problem(ProblemCode.BUNDLE_PRESENT, path=str(arguments.to))
        await core.support_bundle.write(bundle, arguments.to, names)
    _print_bundle(bundle, names, arguments)
    return DONE


def _print_bundle(bundle: SupportBundle, names: Sequence[str], arguments: Namespace) -> None:
    if arguments.show:
        print(next(file.text for file in bundle.files if file.name == arguments.show))
        return
    count, listed = len(set(names)), arguments.list or (arguments.to is None and not arguments.key)
    if arguments.json:
        files = [{"name": f.name, "bytes": len(f.content), "included": f.name in names} for f in bundle.files]
        people = {str(number): person.name for number, person in bundle.people.items()} if arguments.key else {}
        print_json({"to": arguments.to and str(arguments.to), "files": files, "people": people})
        return
    if listed:
        for file in bundle.files:
            line = texts(f"bundle.part.{file.part}.line")
            left_out = "" if file.name in names else f"  ({texts('cli.bundle_on_request')})"
            print(f"{file.name.ljust(28)}  {len(file.content):>9}  {line}{left_out}")
    if arguments.key:
        for number, person in bundle.people.items():
            print(f"{texts('bundle.who_number', number=number)}\t{person.name}")
    if arguments.to is not None:
        print(texts.plural("cli.bundle_written", count, path=arguments.to))


async def run_database_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`. The database is not open yet."""
    match arguments.database_command:
        case "list":
            return await list_copies(core, as_json=arguments.json)
        case "use":
            await core.use_copy(arguments.path)
        case _:
            if not arguments.yes:
                print(texts("cli.database_not_confirmed"))
                return FAILED
            await core.begin_anew()
    await core.open()
    async with core.supervisor:
        await core.audit_service.flush()
    people = sum(1 for _ in core.mentorados.all())
    if arguments.json:
        print_json({"database": str(core.settings.database), "mentorados": people})
    else:
        print(texts.plural("cli.database_ready", people, path=core.settings.database))
    return DONE


async def list_copies(core: Services, *, as_json: bool) -> int:
    """List the copies beside the database, the newest last."""
    copies = [(path, _taken_at(path)) for path in await core.database.copies()]
    if as_json:
        print_json({"copies": [{"path": str(path), "at": at.isoformat()} for path, at in copies]})
        return DONE
    for path, at in copies:
        print(f"{at:%Y-%m-%d %H:%M} UTC\t{path}")
    if not copies:
        print(texts("cli.no_copies", folder=core.settings.data_dir))
    return DONE


def _taken_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
