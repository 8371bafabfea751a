"""What the provider switches of one mentorado mean for the timeline: which link was in use when, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.mentorado import LinkId, ProviderKind
from app.domain.procedure import Procedure, ProcedureKind, ProcedureState
from app.domain.repositories import Transition
from app.domain.switch import SwitchItem, SwitchItemState
from app.domain.uptime import StateChange


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


@dataclass(frozen=True, slots=True)
class Tenure:
    """From when to when a link carried the messages; None where no switch tells."""

    link_id: LinkId
    begin: datetime | None = None
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        return (self.begin is None or self.begin <= at) and (self.end is None or at < self.end)


def tenures(in_use: LinkId, items: Iterable[SwitchItem]) -> Sequence[Tenure]:
    """Which link was in use when, the oldest first; the last one is *in_use*."""
    turns: list[tuple[datetime, LinkId, LinkId]] = []  # when, from which, to which
    for item in items:
        if item.switched_at is None or item.to_link is None:
            continue
        turns.append((item.switched_at, item.from_link, item.to_link))
        if item.state is SwitchItemState.ROLLED_BACK and item.at is not None:
            turns.append((item.at, item.to_link, item.from_link))
    turns.sort(key=lambda turn: turn[0])
    found, begin = [], None
    for at, former, _to_link in turns:
        found.append(Tenure(former, begin, at))
        begin = at
    return (*found, Tenure(in_use, begin))


def joined(known: Iterable[tuple[Tenure, Sequence[Transition]]]) -> list[StateChange]:
    """The moves of the links in use, one after the other, as if they were one link's.

    *known* has the moves of each link, with the one that led to its first state, in the order of the tenures.
    """
    found: list[StateChange] = []
    for tenure, moves in known:
        before = [each for each in moves if tenure.begin is not None and each.at < tenure.begin]
        inside = [each for each in moves if tenure.covers(each.at)]
        at_begin = before[-1].after if before else inside[0].before if inside else None
        if tenure.begin is not None and at_begin is not None:
            found.append(StateChange(tenure.begin, found[-1].after if found else at_begin, at_begin))
        found.extend(StateChange(each.at, each.before, each.after) for each in inside)
    return found
