"""The commands that set a mentorado up without a window: provider, credentials, disconnect, edit, unarchive."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from dataclasses import replace
from getpass import getpass
from typing import Final

from app.bootstrap import Core
from app.core.action import ActionName
from app.domain.credentials import ASKED, CredentialField, CredentialReport
from app.domain.errors import Code, Problem
from app.domain.mentorado import Enrolment, ProviderKind
from app.terminal import json_line
from app.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.ui import text
from app.ui.credentials import words
from app.ui.text import texts

DONE, FAILED = 0, 1

CLOSE_SECONDS: Final = 10.0
"""How long a program that holds the connection is given to close it."""

_LARGEST: Final = 1 << 16  # characters of standard input


async def run_setup_command(core: Core, arguments: Namespace) -> int:
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


async def choose_provider(core: Core, arguments: Namespace) -> int:
    """Let another provider carry the messages of a link that was never connected."""
    enrolment = core.enrolments.named(arguments.name)
    kind = ProviderKind(arguments.kind)
    if await core.whatsapp_web.is_open(enrolment.link):
        raise Problem(Code.MENTORADO_CONNECTED, name=enrolment.mentorado.name)
    after = await core.hosted.choice.choose(enrolment.mentorado.id, kind)
    if arguments.json:
        _print_json(after)
        return DONE
    print(texts("cli.provider_chosen", name=after.mentorado.name, provider=text.provider(kind)))
    if ASKED[kind] and not (await core.hosted.credentials.known(after.mentorado.id)).anything:
        print(texts("cli.credentials_next", name=after.mentorado.name))
    return DONE


async def enter_credentials(core: Core, arguments: Namespace) -> int:
    """Keep the credentials of a hosted provider, read from standard input; with ``--check`` only once they are right.

    They are a JSON object there, or typed at a terminal. Fields that are left out stay as they are.
    """
    enrolment = core.enrolments.named(arguments.name)
    whose, desk = enrolment.mentorado.id, core.hosted.credentials
    core.actions.require(ActionName.ENTER_CREDENTIALS, whose)
    typed = await asyncio.to_thread(_typed, enrolment.link.provider)
    report: CredentialReport | None = None
    try:
        if arguments.check:
            report = await desk.check(whose, typed)
            if not report.good:
                return _refused(enrolment, report, as_json=arguments.json)
        changed = await desk.save(whose, typed, report)
    except Problem as problem:
        if problem.code in (Code.CREDENTIAL_EMPTY, Code.CREDENTIAL_MALFORMED):
            print(f"{words.label(CredentialField(problem.context['field']))}:", file=sys.stderr)
        raise
    if arguments.json:
        _print_json(enrolment, changed=list(changed), checked=None if report is None else report.good)
        return DONE
    print(texts("cli.credentials_kept" if report is None else "cli.credentials_right", name=enrolment.mentorado.name))
    if report is not None:
        for name, value in words.facts(report):
            print(f"{name}: {value}")
        if said := words.note(report, enrolment):
            print(said)
    return DONE


def _refused(enrolment: Enrolment, report: CredentialReport, *, as_json: bool) -> int:
    if as_json:
        _print_json(enrolment, changed=[], checked=report.good, reason=report.reason)
    elif report.good is None:
        print(texts("cli.credentials_silent", provider=text.provider(enrolment.link.provider)), file=sys.stderr)
    else:
        for sentence in words.refused(report, enrolment.link.provider):
            print(sentence, file=sys.stderr)
    return FAILED


async def disconnect(core: Core, arguments: Namespace) -> int:
    """Let the connection run no longer. A window or ``conecta run`` that holds it closes it within a moment."""
    enrolment = core.enrolments.named(arguments.name)
    link = enrolment.link
    if link.wanted:
        with core.witness.with_changes(ActionName.DISCONNECT, enrolment):
            await core.enrolments.save_link(replace(link, wanted=False))
    closed = await _closed(core, enrolment)
    if arguments.json:
        _print_json(enrolment, closed=closed)
    else:
        print(texts("cli.disconnected" if closed else "cli.still_open", name=enrolment.mentorado.name))
    return DONE if closed else FAILED


async def _closed(core: Core, enrolment: Enrolment) -> bool:
    """Whether no program has the session open, once the one that has was given `CLOSE_SECONDS`."""
    left = CLOSE_SECONDS
    while await core.whatsapp_web.is_open(enrolment.link):
        if left <= 0:
            return False
        await core.clock.sleep(0.2)
        left -= 0.2
    return True


async def change(core: Core, arguments: Namespace) -> int:
    """Edit somebody, or bring them back from the archive."""
    enrolment = core.enrolments.named(arguments.name, archived=True)
    person = enrolment.mentorado
    if arguments.mentorado_command == "unarchive":
        await core.actions.run(ActionName.BRING_BACK, person.id, _asked_for)
        key = "cli.unarchived"
    else:
        typed = {name: getattr(arguments, name) for name in ("new_name", "phone", "cohort")}
        name, phone, cohort = (
            kept if given is None else given
            for given, kept in zip(typed.values(), (person.name, person.phone, person.cohort), strict=True)
        )
        await core.enrolments.edit(person.id, name, phone, cohort)
        key = "cli.edited"
    after = core.enrolments.get(person.id)
    if arguments.json:
        _print_json(after)
    else:
        print(texts(key, name=after.mentorado.name))
    return DONE


async def _asked_for(_name: ActionName, _enrolment: Enrolment) -> bool:
    """What was typed after the command is the answer."""
    return True


def _typed(kind: ProviderKind) -> dict[CredentialField, str]:
    """What is on standard input: typed at a terminal, else a JSON object. Raises `Problem`, which holds none of it."""
    if sys.stdin.isatty():
        return {
            asked.name: (getpass if asked.secret else input)(f"{words.label(asked.name)}: ") for asked in ASKED[kind]
        }
    allowed = [asked.name for asked in ASKED[kind]]
    try:
        written = sys.stdin.read(_LARGEST)
        given = json.loads(written) if written.strip() else {}
    except ValueError:  # it holds what was read, and so must go no further
        given = None
    known = isinstance(given, dict) and given.keys() <= set(allowed)
    if given is None or not known or not all(isinstance(value, str) for value in given.values()):
        raise Problem(Code.CREDENTIALS_UNREADABLE, fields=", ".join(allowed))
    return {name: given[name] for name in allowed if name in given}


def _print_json(enrolment: Enrolment, **more: object) -> None:
    person = enrolment.mentorado
    known = {"id": person.id, "name": person.name, "phone": person.phone, "cohort": person.cohort}
    print(json_line({**known, "provider": enrolment.link.provider, **more}), flush=True)
