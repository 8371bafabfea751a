"""To whom no template goes for now: Meta holds marketing back from them, or they want none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.domain.messages import Address
from app.domain.sending import NotSent, SendTrouble

HELD_BACK: Final = timedelta(hours=24)
"""131049: Meta holds marketing back from this person; no template is sent to them for as long."""

LIMITED, OPTED_OUT = 131049, 131050

_REMEMBERED: Final = 2000


@dataclass(frozen=True, slots=True)
class _Hold:
    code: int
    until: datetime | None  # None: until they want templates again


class HeldTemplates:
    """The holds of one number, by the addresses of each person. They outlive a line; a restart of the program does
    not: Meta then refuses the first template again, and nothing is delivered.
    """

    def __init__(self) -> None:
        self._holds: OrderedDict[str, _Hold] = OrderedDict()
        self._wishes: OrderedDict[str, datetime] = OrderedDict()  # when each person's last one was told

    def wish(self, who: Iterable[Address], stopped: bool, at: datetime, now: datetime) -> None:
        """What they want themselves since *at*; a wish from before the last one that is known changes nothing."""
        who = tuple(who)
        if any(at < self._wishes.get(key, at) for key in _keys(who)):
            return
        for key in _keys(who):
            self._wishes.pop(key, None)
            self._wishes[key] = at
        while len(self._wishes) > _REMEMBERED:
            self._wishes.popitem(last=False)
        if stopped:
            self.note(OPTED_OUT, who, now)
        else:
            self.release(who)

    def note(self, code: int, who: Iterable[Address], now: datetime) -> None:
        """Hold templates back from *who* where *code* says so, told in an answer or by a webhook alike."""
        if code not in (LIMITED, OPTED_OUT):
            return
        hold = _Hold(code, now + HELD_BACK if code == LIMITED else None)
        for key in _keys(who):
            before = self._holds.pop(key, None)
            self._holds[key] = before if before is not None and before.code == OPTED_OUT else hold
        while len(self._holds) > _REMEMBERED:
            self._holds.popitem(last=False)

    def release(self, who: Iterable[Address]) -> None:
        """They want templates again. What Meta itself holds back stays held."""
        for key in _keys(who):
            if (hold := self._holds.get(key)) is not None and hold.code == OPTED_OUT:
                del self._holds[key]

    def refusal(self, to: Address, now: datetime) -> NotSent | None:
        """Why a template to *to* is not sent now; None when it may be."""
        hold = next((self._holds[key] for key in to.keys if key in self._holds), None)
        if hold is None or (hold.until is not None and hold.until <= now):
            return None
        trouble = SendTrouble.RATE_PAIR if hold.code == LIMITED else SendTrouble.OPTED_OUT
        return NotSent(trouble=trouble, code=str(hold.code))


def _keys(who: Iterable[Address]) -> list[str]:
    return list(dict.fromkeys(address.key for address in who))
