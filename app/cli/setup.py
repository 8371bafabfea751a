"""The commands that set a mentorado up without a window: provider, credentials, disconnect, edit, unarchive."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from dataclasses import replace
from getpass import getpass
from typing import Final

from app.cli.output import print_json
from app.domain.actions import ActionName, UnavailableReason, already_sure
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import LinkId, Mentorado, ProviderKind
from app.domain.provider_descriptor import DESCRIPTORS, CredentialField, CredentialReport
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.services import Services
from app.text import providers as providers_text
from app.text import status as status_text
from app.text.status import texts

DONE, FAILED = 0, 1

CLOSE_SECONDS: Final = 10.0
"""How long a program that holds the connection is given to close it."""

_LARGEST: Final = 1 << 16  # characters of standard input


async def run_setup_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`."""
    match arguments.command:
        case "provider":
            return await choose_provider(core, arguments)
        case "credentials":
            return await enter_credentials(core, arguments)
        case "disconnect":
            return await disconnect(core, arguments)
        case _:
            return await change(core, arguments)


async def choose_provider(core: Services, arguments: Namespace) -> int:
    """Change the provider of a link that was never connected."""
    mentorado = core.mentorados.find(arguments.name)
    kind = ProviderKind(arguments.kind)
    if await core.whatsapp_web.is_open(mentorado.link):
        raise Problem(ProblemCode.MENTORADO_CONNECTED, name=mentorado.name)
    after = await core.hosted.choice.choose(mentorado.id, kind)
    if arguments.json:
        _print_json(after)
        return DONE
    print(texts("cli.provider_chosen", name=after.name, provider=status_text.provider(kind)))
    if DESCRIPTORS[kind].fields and not (await core.hosted.credentials.known(after.id)).anything:
        print(texts("cli.credentials_next", name=after.name))
    return DONE


async def enter_credentials(core: Services, arguments: Namespace) -> int:
    """Store credentials read from standard input; with ``--check`` only when the provider accepts them.

    Standard input is a JSON object, or a terminal. Fields that are left out are unchanged. With ``--provider`` they are
    kept for a switch to that provider.
    """
    mentorado = core.mentorados.find(arguments.name)
    whose, credentials = mentorado.id, core.hosted.credentials
    kind = ProviderKind(arguments.provider or mentorado.link.provider)
    beside = kind is not mentorado.link.provider
    if not beside:
        core.actions.require(ActionName.ENTER_CREDENTIALS, whose)
    typed = await asyncio.to_thread(_read_credentials, kind)
    link_id: LinkId | None = None
    if beside:  # kept for a switch to that provider
        if not DESCRIPTORS[kind].fields:
            why = UnavailableReason.NO_CREDENTIALS
            raise Problem(ProblemCode.NOT_POSSIBLE_NOW, action=ActionName.ENTER_CREDENTIALS, why=why)
        link_id = (await core.mentorados.prepare_link(whose, kind)).id
        mentorado = core.mentorados.through(link_id)
    report: CredentialReport | None = None
    try:
        if arguments.check:
            report = await credentials.check(whose, typed, link_id)
            if not report.valid:
                return _report_refusal(mentorado, report, as_json=arguments.json)
        changed = await credentials.save(whose, typed, report, link_id)
    except Problem as problem:
        if problem.code in (ProblemCode.CREDENTIAL_EMPTY, ProblemCode.CREDENTIAL_MALFORMED):
            print(f"{providers_text.label(CredentialField(problem.context['field']))}:", file=sys.stderr)
        raise
    if arguments.json:
        _print_json(mentorado, changed=list(changed), checked=None if report is None else report.valid)
        return DONE
    print(texts("cli.credentials_kept" if report is None else "cli.credentials_right", name=mentorado.name))
    if report is not None:
        for name, value in providers_text.facts(report):
            print(f"{name}: {value}")
        if answer := providers_text.note(report, mentorado):
            print(answer)
    return DONE


def _report_refusal(mentorado: Mentorado, report: CredentialReport, *, as_json: bool) -> int:
    if as_json:
        _print_json(mentorado, changed=[], checked=report.valid, reason=report.reason)
    elif report.valid is None:
        print(texts("cli.credentials_silent", provider=status_text.provider(mentorado.link.provider)), file=sys.stderr)
    else:
        for sentence in providers_text.refused(report, mentorado.link.provider):
            print(sentence, file=sys.stderr)
    return FAILED


async def disconnect(core: Services, arguments: Namespace) -> int:
    """Disable the connection. A window or ``conecta run`` that has it open closes it within seconds."""
    mentorado = core.mentorados.find(arguments.name)
    link = mentorado.link
    if link.enabled:
        with core.audit_service.with_changes(ActionName.DISCONNECT, mentorado):
            await core.mentorados.save_link(replace(link, enabled=False))
    closed = await _wait_until_closed(core, mentorado)
    if arguments.json:
        _print_json(mentorado, closed=closed)
    else:
        print(texts("cli.disconnected" if closed else "cli.still_open", name=mentorado.name))
    return DONE if closed else FAILED


async def _wait_until_closed(core: Services, mentorado: Mentorado) -> bool:
    """Wait up to `CLOSE_SECONDS` for other programs to close the session; return whether it is closed."""
    left = CLOSE_SECONDS
    while await core.whatsapp_web.is_open(mentorado.link):
        if left <= 0:
            return False
        await core.clock.sleep(0.2)
        left -= 0.2
    return True


async def change(core: Services, arguments: Namespace) -> int:
    """Edit a mentorado, or restore one from the archive."""
    mentorado = core.mentorados.find(arguments.name, archived=True)
    if arguments.mentorado_command == "unarchive":
        await core.actions.run(ActionName.BRING_BACK, mentorado.id, already_sure)
        key = "cli.unarchived"
    else:
        typed = {name: getattr(arguments, name) for name in ("new_name", "phone", "cohort")}
        name, phone, cohort = (
            kept if given is None else given
            for given, kept in zip(typed.values(), (mentorado.name, mentorado.phone, mentorado.cohort), strict=True)
        )
        await core.mentorados.edit(mentorado.id, name, phone, cohort)
        key = "cli.edited"
    after = core.mentorados.get(mentorado.id)
    if arguments.json:
        _print_json(after)
    else:
        print(texts(key, name=after.name))
    return DONE


def _read_credentials(kind: ProviderKind) -> dict[CredentialField, str]:
    """Read credentials from a terminal, else as a JSON object. Raises `Problem`, which contains none of the input."""
    if sys.stdin.isatty():
        return {
            asked.name: (getpass if asked.secret else input)(f"{providers_text.label(asked.name)}: ")
            for asked in DESCRIPTORS[kind].fields
        }
    allowed = [asked.name for asked in DESCRIPTORS[kind].fields]
    try:
        written = sys.stdin.read(_LARGEST)
        given = json.loads(written) if written.strip() else {}
    except ValueError:  # it holds what was read, and so must go no further
        given = None
    known = isinstance(given, dict) and given.keys() <= set(allowed)
    if given is None or not known or not all(isinstance(value, str) for value in given.values()):
        raise Problem(ProblemCode.CREDENTIALS_UNREADABLE, fields=", ".join(allowed))
    return {name: given[name] for name in allowed if name in given}


def _print_json(mentorado: Mentorado, **more: object) -> None:
    known = {"id": mentorado.id, "name": mentorado.name, "phone": mentorado.phone, "cohort": mentorado.cohort}
    print_json({**known, "provider": mentorado.link.provider, **more})
