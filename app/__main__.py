"""The command line. Without a command it opens the window."""

from __future__ import annotations

import errno
import gc
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app import __version__
from app.domain.errors import Problem, ProblemCode
from app.platform.files import prepare_data_folder, raise_open_file_limit
from app.platform.terminal import discard_output, prepare_streams
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from app.settings import Settings


_INTERRUPTED: Final = 128 + 2  # as a shell says that SIGINT ended a program
_BROKEN_PIPE: Final = 128 + 13
_SOFTWARE_ERROR: Final = 70  # EX_SOFTWARE of <sysexits.h>
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
_UNREADABLE: Final = re.compile("[\0\ud800-\udfff]")  # bytes that are no text in this system's encoding
_MOST_ENTRIES: Final = 100_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run what *argv* asks for and return the exit code: 0 done, 1 a problem that was explained, 2 words not known,
    70 an error of the program itself."""
    raise_open_file_limit()
    prepare_streams()
    try:
        exit_code = _run_command_line(sys.argv[1:] if argv is None else argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return exit_code
    except Problem as problem:
        return _print_problem(problem)
    except BrokenPipeError:  # whoever read the output has seen enough
        discard_output()
        return _BROKEN_PIPE
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        discard_output()  # the program's own files have a `Problem`: this is the output
        return _print_problem(Problem(ProblemCode.OUTPUT_NOT_WRITTEN, detail=error.strerror or ""))
    except (KeyboardInterrupt, EOFError):  # Ctrl+C; Ctrl+D where something was asked
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a bug, which was recorded where the settings are known
        return _print_crash(error)


def _run_command_line(asked: Sequence[str]) -> int:
    for word in asked:
        if _UNREADABLE.search(word):
            raise Problem(ProblemCode.ARGUMENT_UNREADABLE, argument=word)
    arguments = _parser().parse_args(asked) if asked else None
    return _open_window(None) if arguments is None else _run(arguments)


def _print_problem(problem: Problem) -> int:
    from app.text.status import problem as words

    sentence, step = words(problem)
    print(f"{sentence}\n{step}\n[{problem.code}]", file=sys.stderr)
    return 1


def _print_crash(error: Exception) -> int:
    from app.domain.outline import exception_outline
    from app.text.status import texts

    print("\n".join(exception_outline(error)), file=sys.stderr)
    print(texts("cli.crashed"), file=sys.stderr)
    return _SOFTWARE_ERROR


def _open_window(env_file: Path | None) -> int:
    gc.disable()  # nothing that is loaded from here on is garbage; the loop collects what is, once there may be some
    from app.gui import run_gui, show_problem

    try:
        return run_gui(_settings(env_file))
    except Problem as problem:
        asked = problem.code is ProblemCode.WINDOW_HELD_ELSEWHERE  # and answered
        if not asked and (sys.stderr is None or not sys.stderr.isatty()):  # nobody reads what is printed
            show_problem(problem)
        raise


def _settings(env_file: Path | None) -> Settings:
    """Read the settings, and say on standard error what the current folder was not allowed to set."""
    from app.settings import read_settings

    settings = read_settings(env_file=env_file)
    if settings.unused is not None:
        from app.text.status import unused_settings

        print(unused_settings(settings), file=sys.stderr)
    return settings


def _run(arguments: Namespace) -> int:
    if arguments.command is None:
        return _open_window(arguments.env_file)
    import asyncio

    if arguments.command == "sample":
        from app.gui import run_sample

        return run_sample(_settings(arguments.env_file))

    if arguments.command == "doctor":  # it is asked when the rest below fails
        from app.cli.doctor import run_doctor

        return asyncio.run(run_doctor(arguments))
    if arguments.command == "self-test":
        if arguments.paint:
            from app.gui import paint_window

            return paint_window()
        from app.cli.self_test import run_self_test

        return asyncio.run(run_self_test(as_json=arguments.json))
    from app.cli.main import run_command
    from app.cli.run import run_until_stopped
    from app.platform.crash_recorder import CrashRecorder
    from app.platform.logging import configure_logging

    settings = _settings(arguments.env_file)
    prepare_data_folder(settings.data_dir)
    configure_logging(settings.log_file)
    with CrashRecorder(settings.crash_dir, __version__).recording():
        if arguments.command == "run":
            return asyncio.run(run_until_stopped(settings, as_json=arguments.json))
        return asyncio.run(run_command(arguments, settings))


def _parser() -> ArgumentParser:
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    from app.settings import default_data_folder, default_settings_file
    from app.text.status import texts

    closing = texts("cli.closing", data=default_data_folder(), settings=default_settings_file())
    parser = ArgumentParser(
        prog="conecta", description=texts("cli.about"), epilog=closing, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"Conecta {__version__}")
    parser.add_argument("--env-file", metavar="FILE", type=_parse_folder, help=texts("cli.help.env_file"))
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    status = commands.add_parser("status", help=texts("cli.help.status"))
    connect = commands.add_parser("connect", help=texts("cli.help.connect"))
    connect.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    connect.add_argument("--released", action="store_true", help=texts("cli.help.released"))
    run = commands.add_parser("run", help=texts("cli.help.run"), description=texts("cli.help.run_about"))

    commands.add_parser("sample", help=texts("cli.help.sample"))

    unlock = commands.add_parser("unlock", help=texts("cli.help.unlock"))
    unlock.add_argument("name", metavar="NAME", nargs="?", default="", help=texts("cli.help.unlock_name"))
    unlock.add_argument("--yes", action="store_true", help=texts("cli.help.unlock_yes"))

    mentorado = commands.add_parser("mentorado", help=texts("cli.help.mentorado"))
    verbs = mentorado.add_subparsers(dest="mentorado_command", metavar="VERB", required=True)
    add = verbs.add_parser("add", help=texts("cli.help.add"))
    add.add_argument("name", metavar="NAME")
    add.add_argument("phone", metavar="PHONE", help=texts("cli.help.phone"))
    add.add_argument("--cohort", default="", help=texts("cli.help.cohort"))
    listing = verbs.add_parser("list", help=texts("cli.help.list"))
    listing.add_argument("--archived", action="store_true", help=texts("cli.help.archived"))
    archive = verbs.add_parser("archive", help=texts("cli.help.archive"))
    archive.add_argument("name", metavar="NAME", help=texts("cli.help.name"))

    edit = verbs.add_parser("edit", help=texts("cli.help.edit"))
    edit.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    edit.add_argument("--name", dest="new_name", metavar="NEW", help=texts("cli.help.new_name"))
    edit.add_argument("--phone", help=texts("cli.help.phone"))
    edit.add_argument("--cohort", help=texts("cli.help.cohort"))
    unarchive = verbs.add_parser("unarchive", help=texts("cli.help.unarchive"))
    unarchive.add_argument("name", metavar="NAME", help=texts("cli.help.name"))

    _add_check_commands(commands)
    for command in (
        status,
        connect,
        run,
        unlock,
        add,
        listing,
        archive,
        edit,
        unarchive,
        *_add_setup_commands(commands),
        *_add_record_commands(commands),
        *_add_backup_commands(commands),
        *_add_procedure_commands(commands),
        *_add_database_commands(commands),
        *_add_consent_commands(commands),
        *_add_case_commands(commands),
        *_add_campaign_commands(commands),
        _add_switch_command(commands),
    ):
        command.add_argument("--json", action="store_true", help=texts("cli.help.json"))
    _translate(parser)
    return parser


def _add_setup_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    """What a link needs before it can be connected, and how it is let go."""
    from app.domain.mentorado import ProviderKind
    from app.text.status import texts

    provider = commands.add_parser("provider", help=texts("cli.help.provider"))
    credentials = commands.add_parser(
        "credentials", help=texts("cli.help.credentials"), description=texts("cli.help.credentials_about")
    )
    disconnect = commands.add_parser("disconnect", help=texts("cli.help.disconnect"))
    for command in (provider, credentials, disconnect):
        command.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    kinds = [kind.value for kind in ProviderKind]
    provider.add_argument("kind", choices=kinds, help=texts("cli.help.kind"))
    credentials.add_argument("--provider", choices=kinds, help=texts("cli.help.credentials_provider"))
    credentials.add_argument("--check", action="store_true", help=texts("cli.help.check"))
    return [provider, credentials, disconnect]


def _add_check_commands(commands: _SubParsersAction[ArgumentParser]) -> None:
    """What looks at this computer and this installation. Their JSON is one object."""
    from argparse import SUPPRESS

    from app.domain.diagnosis import CheckName, Fix
    from app.text.status import texts

    doctor = commands.add_parser("doctor", help=texts("cli.help.doctor"), description=texts("cli.help.doctor_about"))
    fixes = [fix.value for fix in Fix if fix is not Fix.RESUME_PROCEDURES]  # that has a command of its own
    doctor.add_argument("--fix", choices=fixes, help=texts("cli.help.doctor_fix"))
    checks = [name.value for name in CheckName if name is not CheckName.LOOP]  # that is asked of a window only
    doctor.add_argument("--only", action="append", choices=checks, help=texts("cli.help.doctor_only"))
    about = texts("cli.help.self_test_about")
    self_test = commands.add_parser("self-test", help=texts("cli.help.self_test"), description=about)
    self_test.add_argument("--paint", action="store_true", help=SUPPRESS)  # the part that needs Qt
    for command in (doctor, self_test):
        command.add_argument("--json", action="store_true", help=texts("cli.help.json_object"))


def _translate(parser: ArgumentParser) -> None:
    """Say in the chosen language what the library says in English: the headings, `--help` and `--version`."""
    from argparse import _SubParsersAction

    from app.text.status import texts

    parser._positionals.title = texts("cli.help.arguments")  # noqa: SLF001 - the library offers no other way
    parser._optionals.title = texts("cli.help.options")  # noqa: SLF001
    for action in parser._actions:  # noqa: SLF001
        if action.dest in ("help", "version"):
            action.help = texts(f"cli.help.{action.dest}")
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                _translate(command)


def _add_record_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    """What is about the data of people, and about what was done."""
    from app.text.status import texts

    export = commands.add_parser("export", help=texts("cli.help.export"))
    export.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    export.add_argument("--to", metavar="DIR", type=_parse_folder, required=True, help=texts("cli.help.to"))
    export.add_argument("--contact", metavar="PHONE", help=texts("cli.help.only_contact"))
    erase = commands.add_parser("erase", help=texts("cli.help.erase"))
    erase.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    erase.add_argument("--contact", metavar="PHONE", required=True, help=texts("cli.help.contact"))
    erase.add_argument("--yes-erase", metavar="PHONE", required=True, help=texts("cli.help.yes_erase"))
    erase.add_argument("--remove-copies", action="store_true", help=texts("cli.help.remove_copies"))
    audit = commands.add_parser("audit", help=texts("cli.help.audit"))
    verbs = audit.add_subparsers(dest="audit_command", metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help=texts("cli.help.verify"))
    listing = verbs.add_parser("list", help=texts("cli.help.audit_list"))
    listing.add_argument("--limit", type=_parse_count, default=50, help=texts("cli.help.limit"))
    aside = commands.add_parser("set-aside", help=texts("cli.help.set_aside"))
    aside.add_argument("name", metavar="NAME", nargs="?", help=texts("cli.help.name"))
    aside.add_argument("--limit", type=_parse_count, default=50, help=texts("cli.help.set_aside_limit"))
    smoke_test = commands.add_parser("smoke-test", help=texts("cli.help.smoke_test"))
    smoke_test.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    smoke_test.add_argument("--to", metavar="PHONE", default="", help=texts("cli.help.smoke_to"))
    bundle = commands.add_parser("support-bundle", help=texts("cli.help.support_bundle"))
    bundle.add_argument("--to", metavar="FILE", type=_parse_folder, help=texts("cli.help.bundle_to"))
    bundle.add_argument("--list", action="store_true", help=texts("cli.help.bundle_list"))
    bundle.add_argument("--show", metavar="NAME", help=texts("cli.help.bundle_show"))
    for name in ("with", "without"):
        help_text = texts(f"cli.help.bundle_{name}")
        bundle.add_argument(
            f"--{name}", dest=f"{name}_files", metavar="NAME", action="append", default=[], help=help_text
        )
    bundle.add_argument("--key", action="store_true", help=texts("cli.help.bundle_key"))
    clock = commands.add_parser("clock", help=texts("cli.help.clock"))
    clock.add_argument("--confirm", action="store_true", help=texts("cli.help.confirm_clock"))
    metrics = commands.add_parser("metrics", help=texts("cli.help.metrics"))
    metrics.add_argument("switch", choices=["on", "off"], nargs="?", help=texts("cli.help.metrics_switch"))
    metrics.add_argument("--port", metavar="PORT", help=texts("cli.help.metrics_port"))
    return [export, erase, verify, listing, aside, smoke_test, bundle, clock, metrics]


def _add_backup_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    from app.text.status import texts

    usage = "conecta backup [--passphrase-stdin] [--json] (NAME | verify PATH | list [NAME])"
    backup = commands.add_parser("backup", help=texts("cli.help.backup"), usage=usage)
    backup.add_argument("words", nargs="+", metavar="NAME", help=texts("cli.help.backup_words"))
    restore = commands.add_parser("restore", help=texts("cli.help.restore"))
    restore.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    restore.add_argument("path", metavar="PATH", type=_parse_folder, help=texts("cli.help.backup_path"))
    restore.add_argument("--yes", action="store_true", help=texts("cli.help.yes"))
    recover = commands.add_parser("recover", help=texts("cli.help.recover"))
    recover.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    recover.add_argument("--yes", action="store_true", help=texts("cli.help.recover_yes"))
    for command in (backup, restore, recover):
        command.add_argument("--passphrase-stdin", action="store_true", help=texts("cli.help.passphrase_stdin"))
    return [backup, restore, recover]


def _add_procedure_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    from app.text.status import texts

    procedure = commands.add_parser("procedure", help=texts("cli.help.procedure"))
    verbs = procedure.add_subparsers(dest="procedure_command", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help=texts("cli.help.procedure_list"))
    resume = verbs.add_parser("resume", help=texts("cli.help.procedure_resume"))
    undo = verbs.add_parser("undo", help=texts("cli.help.procedure_undo"))
    for command in (resume, undo):
        command.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
        command.add_argument("--take-over", action="store_true", help=texts("cli.help.take_over"))
    resume.add_argument("--yes", action="store_true", help=texts("cli.help.yes"))
    resume.add_argument("--passphrase-stdin", action="store_true", help=texts("cli.help.passphrase_stdin"))
    return [listing, resume, undo]


def _add_consent_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    """Who may be written to, for what."""
    from app.domain.consent import ASKED_FOR
    from app.text.status import texts

    consent = commands.add_parser("consent", help=texts("cli.help.consent"))
    verbs = consent.add_subparsers(dest="consent_command", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help=texts("cli.help.consent_list"))
    grant = verbs.add_parser("grant", help=texts("cli.help.consent_grant"))
    revoke = verbs.add_parser("revoke", help=texts("cli.help.consent_revoke"))
    take = verbs.add_parser("import", help=texts("cli.help.consent_import"))
    undo = verbs.add_parser("undo", help=texts("cli.help.consent_undo"))
    export = verbs.add_parser("export", help=texts("cli.help.consent_export"))
    words = verbs.add_parser("words", help=texts("cli.help.consent_words"))
    for command in (listing, grant, revoke, take, undo, export):
        command.add_argument("name", metavar="NAME", help=texts("cli.help.name"))
    listing.add_argument("contact", metavar="PHONE", nargs="?", default="", help=texts("cli.help.consent_contact"))
    for command in (grant, revoke):
        command.add_argument("contact", metavar="PHONE", help=texts("cli.help.consent_contact"))
    take.add_argument("file", metavar="FILE", type=_parse_folder, help=texts("cli.help.consent_file"))
    undo.add_argument("import_id", metavar="IMPORT", help=texts("cli.help.consent_import_id"))
    export.add_argument("--to", metavar="FILE", type=_parse_folder, required=True, help=texts("cli.help.consent_to"))
    words.add_argument("words", metavar="WORD", nargs="*", help=texts("cli.help.consent_word"))
    for command in (grant, revoke, take):
        purposes = [purpose.value for purpose in ASKED_FOR]
        help_text = texts("cli.help.consent_everything" if command is revoke else "cli.help.consent_purpose")
        command.add_argument("--purpose", choices=purposes, required=command is grant, help=help_text)
        command.add_argument("--note", default="", help=texts("cli.help.consent_note"))
    for command in (grant, take):
        needed = command is grant
        command.add_argument("--wording", default="", required=needed, help=texts("cli.help.consent_wording"))
        version = texts("cli.help.consent_version")
        command.add_argument("--version", dest="wording_version", default="", required=needed, help=version)
    grant.add_argument("--again", action="store_true", help=texts("cli.help.consent_again"))
    take.add_argument("--yes", action="store_true", help=texts("cli.help.consent_yes"))
    take.add_argument("--report", metavar="FILE", type=_parse_folder, help=texts("cli.help.consent_report"))
    return [listing, grant, revoke, take, undo, export, words]


def _add_case_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    """What waits for a person."""
    from app.text.status import texts

    case = commands.add_parser("case", help=texts("cli.help.case"))
    verbs = case.add_subparsers(dest="case_command", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help=texts("cli.help.case_list"))
    listing.add_argument("--closed", action="store_true", help=texts("cli.help.case_closed"))
    take = verbs.add_parser("take", help=texts("cli.help.case_take"))
    note = verbs.add_parser("note", help=texts("cli.help.case_note"))
    close = verbs.add_parser("close", help=texts("cli.help.case_close"))
    for command in (take, note, close):
        command.add_argument("case", metavar="CASE", help=texts("cli.help.case_id"))
    for command in (note, close):
        command.add_argument("text", metavar="TEXT", help=texts("cli.help.case_text"))
    return [listing, take, note, close]


def _add_campaign_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    """What was sent to whom; campaigns are begun and resumed in the window."""
    from app.text.status import texts

    campaign = commands.add_parser("campaign", help=texts("cli.help.campaign"))
    verbs = campaign.add_subparsers(dest="campaign_command", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help=texts("cli.help.campaign_list"))
    show = verbs.add_parser("show", help=texts("cli.help.campaign_show"))
    pause = verbs.add_parser("pause", help=texts("cli.help.campaign_pause"))
    stop = verbs.add_parser("stop", help=texts("cli.help.campaign_stop"))
    for command in (show, pause, stop):
        command.add_argument("campaign", metavar="CAMPAIGN", help=texts("cli.help.campaign_id"))
    return [listing, show, pause, stop]


def _add_switch_command(commands: _SubParsersAction[ArgumentParser]) -> ArgumentParser:
    """Another provider: planned, approved, and what is decided afterwards."""
    from app.domain.mentorado import ProviderKind
    from app.domain.switch import DEFAULT_GRACE, DEFAULT_STOP_PERCENT, DEFAULT_WAVE
    from app.text.status import texts

    usage = (
        "conecta switch (NAME | --cohort COHORT) --to PROVIDER [--dry-run] [--confirm TEXT] [--json]\n"
        "       conecta switch (list | show SWITCH | pause SWITCH | resume SWITCH | retry SWITCH | stop SWITCH |\n"
        "                       approve SWITCH --operator NAME | roll-back NAME | release NAME)"
    )
    switch = commands.add_parser(
        "switch", help=texts("cli.help.switch"), description=texts("cli.help.switch_about"), usage=usage
    )
    switch.add_argument("words", nargs="*", metavar="NAME", help=texts("cli.help.switch_words"))
    switch.add_argument("--to", choices=[kind.value for kind in ProviderKind], help=texts("cli.help.switch_to"))
    switch.add_argument("--cohort", help=texts("cli.help.switch_cohort"))
    switch.add_argument("--dry-run", action="store_true", help=texts("cli.help.switch_dry_run"))
    switch.add_argument("--export", metavar="FILE", type=_parse_folder, help=texts("cli.help.switch_export"))
    switch.add_argument("--confirm", metavar="TEXT", help=texts("cli.help.switch_confirm"))
    switch.add_argument("--operator", metavar="NAME", help=texts("cli.help.switch_operator"))
    switch.add_argument("--canary", metavar="NAME", help=texts("cli.help.switch_canary"))
    for name, default in (("wave", DEFAULT_WAVE), ("stop-at", DEFAULT_STOP_PERCENT)):
        help_text = texts(f"cli.help.switch_{name.replace('-', '_')}")
        switch.add_argument(f"--{name}", metavar="N", type=_parse_plan_number, default=default, help=help_text)
    switch.add_argument("--pause", metavar="MINUTES", type=_parse_plan_number, help=texts("cli.help.switch_pause"))
    grace = DEFAULT_GRACE // timedelta(hours=1)
    switch.add_argument(
        "--grace", metavar="HOURS", type=_parse_plan_number, default=grace, help=texts("cli.help.switch_grace")
    )
    return switch


def _add_database_commands(commands: _SubParsersAction[ArgumentParser]) -> list[ArgumentParser]:
    from app.text.status import texts

    database = commands.add_parser("database", help=texts("cli.help.database"))
    verbs = database.add_subparsers(dest="database_command", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help=texts("cli.help.database_list"))
    use = verbs.add_parser("use", help=texts("cli.help.database_use"))
    use.add_argument("path", metavar="PATH", type=_parse_folder, help=texts("cli.help.database_path"))
    new = verbs.add_parser("new", help=texts("cli.help.database_new"))
    new.add_argument("--yes", action="store_true", help=texts("cli.help.database_yes"))
    return [listing, use, new]


def _parse_folder(typed: str) -> Path:
    """The path that was *typed*, absolute. Raises `Problem(PATH_UNKNOWN)`."""
    try:
        return Path(typed).expanduser().absolute()
    except (OSError, RuntimeError):  # the current folder is gone; nobody of that name has a home
        raise Problem(ProblemCode.PATH_UNKNOWN, path=typed) from None


def _parse_plan_number(typed: str) -> int:
    """A number of a switch's plan. Raises `Problem(SWITCH_WAVE_INVALID)`, as the plan does for what is out of range."""
    from app.domain.switch import MOST_IN_WAVE

    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise Problem(ProblemCode.SWITCH_WAVE_INVALID, most=str(MOST_IN_WAVE))
    return int(typed)


def _parse_count(typed: str) -> int:
    """How many entries are wanted. Raises `Problem(COUNT_INVALID)`."""
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10 and 0 < int(typed) <= _MOST_ENTRIES):
        raise Problem(ProblemCode.COUNT_INVALID, least="1", most=str(_MOST_ENTRIES))
    return int(typed)


if __name__ == "__main__":
    sys.exit(main())
