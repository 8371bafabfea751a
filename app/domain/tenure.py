"""Which link of a mentorado was in use when: provider switches put one in the place of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.mentorado import LinkId
from app.domain.repositories import Transition
from app.domain.switch import SwitchItem, SwitchItemState
from app.domain.uptime import StateChange


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
