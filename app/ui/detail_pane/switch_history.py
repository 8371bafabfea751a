"""What was done in the provider switches of one mentorado, for the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.mentorado import ProviderKind
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.domain.switch import SwitchItem, SwitchItemState


class SwitchEvent(StrEnum):
    """What happened in a switch."""

    BEGUN = "begun"
    DONE = "done"
    TAKEN_BACK = "taken_back"  # the former provider never stopped carrying the messages
    ROLLED_BACK = "rolled_back"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class SwitchNote:
    """A line of the timeline about a switch from *source* to *target*."""

    event: SwitchEvent
    source: ProviderKind
    target: ProviderKind


def notes(items: Iterable[SwitchItem], procedures: Iterable[Procedure]) -> list[tuple[datetime, SwitchNote]]:
    """What happened when, in any order. The journal knows of beginnings and failures, the items of the rest."""
    found: list[tuple[datetime, SwitchNote]] = []
    for item in items:
        for event, at in (
            (SwitchEvent.DONE, item.switched_at),
            (SwitchEvent.ROLLED_BACK, item.at if item.state is SwitchItemState.ROLLED_BACK else None),
            (SwitchEvent.RELEASED, item.at if item.state is SwitchItemState.RELEASED else None),
        ):
            if at is not None:
                found.append((at, SwitchNote(event, item.source, item.target)))
    for each in procedures:
        if each.head.kind is ProcedureKind.SWITCH:
            source, target = (ProviderKind(each.head.facts[name]) for name in ("from", "to"))
            found.append((each.head.began_at, SwitchNote(SwitchEvent.BEGUN, source, target)))
            if each.state is ProcedureState.UNDONE:
                last = max(step.since for step in each.steps if step.since is not None)
                found.append((last, SwitchNote(SwitchEvent.TAKEN_BACK, source, target)))
    return found
