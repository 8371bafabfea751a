"""The commands about consent: who may be written to, for what, and who asked to be left alone."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from app.cli.output import iso, print_json
from app.core.outbound.consent_import import LARGEST, MOST_ROWS, ConsentDefaults, ConsentRow
from app.core.privacy_service import contact_of
from app.domain.audit import AuditAction
from app.domain.consent import ASKED_FOR, ConsentEntry, ContactConsents, Purpose, state_for
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Mentorado
from app.domain.settings import OPT_OUT_WORDS
from app.formats.csv_files import ledger_csv, report_csv, write_file
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text.status import problem as problem_text
from app.text.status import texts

DONE, FAILED = 0, 1


async def run_consent_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    if arguments.consent_command == "words":
        return await opt_out_words(core, arguments)
    mentorado = core.mentorados.find(arguments.name, archived=arguments.consent_command in ("list", "export", "revoke"))
    match arguments.consent_command:
        case "list":
            return await list_consents(core, mentorado, arguments)
        case "grant":
            return await grant(core, mentorado, arguments)
        case "revoke":
            return await revoke(core, mentorado, arguments)
        case "import":
            return await import_file(core, mentorado, arguments)
        case "undo":
            return await undo(core, mentorado, arguments)
        case _:
            return await export(core, mentorado, arguments)


async def list_consents(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    """Show what holds of each contact, or with a contact all that was recorded of them."""
    if arguments.contact:
        ledger = await core.consent.ledger.history(mentorado.id, contact_of(arguments.contact))
        if arguments.json:
            print_json({"entries": [_entry_as_json(each) for each in ledger]})
            return DONE
        for entry in ledger:
            print("  ".join(filter(None, _entry_words(entry))))
        if not ledger:
            print(texts("consent.nothing"))
        return DONE
    contacts = await core.consent.ledger.contacts(mentorado.id)
    if arguments.json:
        print_json({"contacts": [_contact_as_json(each) for each in contacts]})
        return DONE
    for each in contacts:
        name = each.addresses[0].value if each.addresses else texts("consent.erased")
        print(f"{name}  {_state_words(each.entries)}")
    if not contacts:
        print(texts("consent.nothing"))
    return DONE


async def grant(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    """Record that a contact agreed; with --again although they had opted out."""
    record = core.consent.ledger.allow_again if arguments.again else core.consent.ledger.grant
    contact, purpose = contact_of(arguments.contact), Purpose(arguments.purpose)
    await record(
        mentorado.id,
        contact,
        purpose,
        wording=arguments.wording,
        version=arguments.wording_version,
        note=arguments.note,
    )
    return await _print_recorded(core, mentorado, arguments)


async def revoke(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    """Record that a contact took a consent back, or without a purpose that they want to be left alone."""
    contact = contact_of(arguments.contact)
    if arguments.purpose is None:
        await core.consent.ledger.opt_out(mentorado.id, contact, note=arguments.note)
    else:
        await core.consent.ledger.revoke(mentorado.id, contact, Purpose(arguments.purpose), note=arguments.note)
    return await _print_recorded(core, mentorado, arguments)


async def _print_recorded(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    contact = contact_of(arguments.contact)
    ledger = await core.consent.ledger.history(mentorado.id, contact)
    if arguments.json:
        print_json({"contact": contact.value, **_states(ledger)})
    else:
        print(texts("consent.recorded", contact=contact.value, state=_state_words(ledger)))
    return DONE


async def import_file(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    """Show what each line of a file comes to; with --yes, record the right ones, all of them or none."""
    data = await asyncio.to_thread(_read, arguments.file)
    defaults = ConsentDefaults(
        purpose=None if arguments.purpose is None else Purpose(arguments.purpose),
        wording=arguments.wording,
        version=arguments.wording_version,
        note=arguments.note,
    )
    rows = await core.consent.imports.preview(mentorado.id, data, defaults)
    right = sum(row.problem is None for row in rows)
    imported = None
    if arguments.yes and right:
        imported = await core.consent.imports.import_rows(mentorado.id, rows, file=arguments.file.name)
    if arguments.report is not None:
        report = report_csv(rows, imported=imported is not None)
        await asyncio.to_thread(write_file, arguments.report, report)
    if arguments.json:
        print_json(
            {
                "import": None if imported is None else imported.id,
                "right": right,
                "wrong": len(rows) - right,
                "rows": [_row_as_json(row) for row in rows],
            }
        )
        return DONE if right else FAILED
    for row in rows:
        if row.problem is not None:
            print(texts("consent.row", line=row.line, contact=row.contact, why=problem_text(row.problem)[0]))
    if imported is not None:
        print(texts.plural("consent.imported", imported.count))
        print(texts("consent.undo_with", name=mentorado.name, id=imported.id))
    else:
        print(texts.plural("consent.would_import", right))
    if len(rows) > right:
        print(texts.plural("consent.left_out", len(rows) - right))
    return DONE if right else FAILED


async def undo(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    """Revoke what an import granted."""
    count = await core.consent.imports.undo(mentorado.id, arguments.import_id)
    if arguments.json:
        print_json({"revoked": count})
    else:
        print(texts.plural("consent.undone", count))
    return DONE


async def export(core: Services, mentorado: Mentorado, arguments: Namespace) -> int:
    """Write the whole ledger of a mentorado to a file."""
    contacts = await core.consent.ledger.contacts(mentorado.id)
    count = sum(len(each.entries) for each in contacts)
    written = {"entries": str(count)}
    async with core.audit_service.around(AuditAction.EXPORT_CONSENTS, mentorado, after=lambda: written):
        await asyncio.to_thread(write_file, arguments.to, ledger_csv(contacts))
    if arguments.json:
        print_json({"file": str(arguments.to), "entries": count})
    else:
        print(texts.plural("consent.exported", count, file=arguments.to))
    return DONE


async def opt_out_words(core: Services, arguments: Namespace) -> int:
    """Show the words that opt out; with words, let those be the ones from now on."""
    if arguments.words:
        await core.settings_service.change(OPT_OUT_WORDS, tuple(arguments.words))
    words = core.settings_service.settings.opt_out_words
    if arguments.json:
        print_json({"words": list(words)})
    else:
        print(", ".join(words))
    return DONE


def _read(file: Path) -> bytes:
    """The content of *file*. Raises `Problem`."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError:
        raise Problem(ProblemCode.CONSENT_FILE_UNREADABLE) from None
    if len(data) > LARGEST:
        raise Problem(ProblemCode.IMPORT_TOO_LARGE, rows=str(MOST_ROWS))
    return data


def _states(entries: Sequence[ConsentEntry]) -> dict[str, Any]:
    states = {purpose: state_for(entries, purpose) for purpose in ASKED_FOR}
    outs = [each.opted_out_at for each in states.values() if each.opted_out_at is not None]
    return {
        "granted": [purpose for purpose, each in states.items() if each.granted],
        "opted_out_at": iso(max(outs, default=None)),
    }


def _state_words(entries: Sequence[ConsentEntry]) -> str:
    states = {purpose: state_for(entries, purpose) for purpose in ASKED_FOR}
    words = [texts(f"consent.purpose.{purpose}") for purpose, each in states.items() if each.granted]
    if outs := [each.opted_out_at for each in states.values() if each.opted_out_at is not None]:
        words.append(texts("consent.opted_out", day=_local(max(outs))))
    return ", ".join(words) or texts("consent.none")


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _entry_words(entry: ConsentEntry) -> list[str]:
    return [
        _local(entry.at),
        texts(f"consent.change.{entry.change}"),
        "" if entry.purpose is None else texts(f"consent.purpose.{entry.purpose}"),
        texts(f"consent.source.{entry.source}"),
        entry.recorded_by,
        entry.version,
        " ".join(entry.wording.split()),
        entry.note,
    ]


def _entry_as_json(entry: ConsentEntry) -> dict[str, Any]:
    return {
        "change": entry.change,
        "purpose": entry.purpose,
        "at": iso(entry.at),
        "source": entry.source,
        "recorded_by": entry.recorded_by,
        "wording": entry.wording,
        "version": entry.version,
        "note": entry.note,
        "import": entry.import_id or None,
    }


def _contact_as_json(contact: ContactConsents) -> dict[str, Any]:
    return {
        "addresses": [{"kind": each.kind, "value": each.value} for each in contact.addresses],
        "reference": contact.reference,
        **_states(contact.entries),
    }


def _row_as_json(row: ConsentRow) -> dict[str, Any]:
    return {
        "line": row.line,
        "last_line": row.last_line,
        "contact": row.contact,
        "purpose": row.purpose,
        "version": row.version,
        "at": iso(row.at),
        "problem": None if row.problem is None else row.problem.code,
    }
