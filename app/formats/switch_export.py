"""The dry run of a provider switch as a file: for spreadsheets, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.domain.names import visible
from app.domain.switch import MonthlyPrice, PlannedSwitch, SwitchDryRun, SwitchFinding
from app.formats.csv_files import NameOf, csv_file
from app.text import switch as switch_text
from app.text.status import provider, texts

_COLUMNS: Final = ("name", "source", "target", "outcome", "severity", "finding", "sentence", "todo")


def switch_dry_run_csv(made: SwitchDryRun, name_of: NameOf) -> bytes:
    """One line for each finding about each mentorado, in the order of the switch."""
    rows = (row for each in made.people for row in _rows(made, each, name_of))
    return csv_file([texts(f"switch.column.{name}") for name in _COLUMNS], rows)


def switch_dry_run_json(made: SwitchDryRun, name_of: NameOf) -> bytes:
    """What `switch_dry_run_as_dict` returns, to be read by people as well."""
    return (json.dumps(switch_dry_run_as_dict(made, name_of), ensure_ascii=False, indent=2) + "\n").encode()


def switch_dry_run_as_dict(made: SwitchDryRun, name_of: NameOf) -> dict[str, Any]:
    """Codes and plain values beside the sentences in the language of the program."""
    return {
        "at": made.at.isoformat(),
        "to": made.plan.target.value,
        "cohort": made.plan.cohort,
        "digest": made.digest,
        "switching": len(made.switching),
        "people": [_person_as_dict(made, each, name_of) for each in made.people],
    }


def _rows(made: SwitchDryRun, planned: PlannedSwitch, name_of: NameOf) -> Iterator[Sequence[str]]:
    target = made.plan.target
    who = (visible(name_of(planned.mentorado_id)), provider(planned.source), provider(target))
    for found in planned.findings:
        yield (
            *who,
            switch_text.outcome(planned),
            switch_text.severity(found.severity),
            switch_text.label(found.code),
            switch_text.finding(found, planned, target, made.at),
            switch_text.todo(found, planned, target),
        )


def _person_as_dict(made: SwitchDryRun, planned: PlannedSwitch, name_of: NameOf) -> dict[str, Any]:
    return {
        "id": planned.mentorado_id,
        "name": name_of(planned.mentorado_id),
        "from": planned.source.value,
        "will_switch": planned.will_switch,
        "downtime_seconds": int(planned.downtime.total_seconds()),
        "prices": [_price_as_dict(each) for each in planned.prices],
        "findings": [_finding_as_dict(made, planned, each) for each in planned.findings],
    }


def _price_as_dict(listed: MonthlyPrice) -> dict[str, Any]:
    return {
        "provider": listed.provider.value,
        "usd": None if listed.amount is None else str(listed.amount),
        "listed_at": None if listed.listed_at is None else listed.listed_at.date().isoformat(),
        "messages": listed.messages,
        "not_in_the_list": listed.unknown,
    }


def _finding_as_dict(made: SwitchDryRun, planned: PlannedSwitch, found: SwitchFinding) -> dict[str, Any]:
    return {
        "code": found.code.value,
        "severity": found.severity.value,
        "values": dict(found.values),
        "sentence": switch_text.finding(found, planned, made.plan.target, made.at),
        "todo": switch_text.todo(found, planned, made.plan.target),
    }
