"""`conecta doctor`: needs no database that opens, no folder that can be written and no display."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from app.core.diagnostics.service import DoctorService
from app.doctor import audited_by, build_doctor
from app.domain.audit import AuditAction
from app.domain.diagnosis import DIAGNOSES, CheckName, CheckOutcome, Diagnosis, Fix, Report
from app.domain.errors import Problem
from app.platform.terminal import json_line
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.settings import Settings, read_settings
from app.text import diagnosis as words
from app.text.status import texts

EXIT_CODES: Final = {
    CheckOutcome.OK: 0,
    CheckOutcome.UNKNOWN: 0,
    CheckOutcome.FAILED: 1,
    CheckOutcome.WARNING: 3,
}
"""As of a smoke test; 2 is for words that are not known. What could not be checked accuses nobody, and a warning is
told from a failure: whoever runs this at night wants to be woken by one and not by the other."""

_PLACES: Final = ("CONECTA_DATA_DIR", "BAILEYS_SESSION_DIR")


async def run_doctor(arguments: Namespace) -> int:
    """Check everything, print what was found, and return the exit code. Raises `Problem` where a fix fails."""
    settings, problem = _settings_or_problem(arguments.env_file)
    audit = _Audit(settings)
    service = build_doctor(settings, audited=audit, settings_problem=problem)
    fixed = await _fix(service, Fix(arguments.fix)) if arguments.fix else []
    report = await service.run(only=_chosen(arguments.only))
    if arguments.json:
        known = words.report_json(report, service.can_fix)
        if arguments.fix:
            known |= {"fixed": [words.diagnosis_json(each) for each in fixed], "recorded": audit.recorded}
        print(json_line(known), flush=True)
    else:
        if arguments.fix:
            key = "doctor.cli.fixed" if fixed else "doctor.cli.nothing_to_fix"
            print(texts(key, fix=words.fix(Fix(arguments.fix))))
            if not audit.recorded:
                print(texts("doctor.cli.unrecorded"))
        _print(report)
    return EXIT_CODES[report.outcome]


def _chosen(names: Sequence[str] | None) -> Sequence[CheckName] | None:
    """The checks that were asked for, in their order; None for all."""
    return None if names is None else [name for name in CheckName if name in names]


def _settings_or_problem(env_file: Path | None) -> tuple[Settings, Problem | None]:
    """The settings; where they cannot be used, the defaults with the folders of the environment, and why."""
    try:
        return read_settings(env_file=env_file), None
    except Problem as problem:
        nowhere = Path(os.devnull)
        given = {name: os.environ[name] for name in _PLACES if name in os.environ}
        for environment in (given, {}):
            try:
                return read_settings(environment, nowhere, config_folder=nowhere), problem
            except Problem:  # one of the folders is what cannot be used
                continue
        raise


async def _fix(service: DoctorService, fix: Fix) -> Sequence[Diagnosis]:
    """Put right all that *fix* can, and return what that was."""
    concerned = {row.check for row in DIAGNOSES.values() if row.fix is fix}
    found = await service.run(only=[name for name in CheckName if name in concerned])
    fixed = [each for each in found.diagnoses if each.fix is fix]
    for each in fixed:
        await service.fix(each)
    return fixed


def _print(report: Report) -> None:
    wide = max(len(words.outcome(each)) for each in CheckOutcome)
    for each in report.diagnoses:
        print(f"{words.outcome(each.outcome).ljust(wide)}  {words.check_name(each.check)}: {words.sentence(each)}")
        if step := words.next_step(each):
            print(f"{' ' * wide}  → {step}")
    print(words.summary(report))


class _Audit:
    """Writes down what is put right. A database that cannot be opened is no reason to leave a folder open to others."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.recorded = True

    async def __call__(self, action: AuditAction, after: Mapping[str, str], act: Callable[[], Awaitable[None]]) -> None:
        from app.bootstrap import build_services

        core = build_services(self._settings)
        try:
            if await _opens(core.open):
                await audited_by(core, action, after, act)
            else:
                await act()
                if self.recorded and await _opens(core.open):  # perhaps it was what kept the database closed
                    await core.audit_service.write(action, after=after)
                else:
                    self.recorded = False
        finally:
            await core.close()


async def _opens(open_database: Callable[[], Awaitable[None]]) -> bool:
    try:
        await open_database()
    except Problem:
        return False
    return True
