"""What the pane shows of one mentorado, looked up once for each change. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.actions import ActionName, UnavailableReason
from app.domain.handling import Handling
from app.domain.link_status import LinkState, LinkStatus
from app.domain.mentorado import Mentorado, MentoradoId
from app.domain.notifications import Snooze
from app.domain.outbound import OutboundStop
from app.domain.procedure import Procedure
from app.domain.switch import SwitchItem, SwitchState
from app.text.procedure import as_it_stands, link_news


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchView:
    """A provider switch that is not settled."""

    item: SwitchItem
    run: SwitchState
    until: datetime | None  # the former provider is kept at least until then
    over: bool  # that time has come
    former: LinkStatus  # of the link that was in use before

    @property
    def gone(self) -> bool:
        """Whether there is no way back now: the former provider would not connect by itself."""
        return self.former.state is LinkState.BLOCKED


class PairingResult(StrEnum):
    """How a pairing ended, or is being ended."""

    CONFIRMED = "confirmed"
    SENDING_AWAY = "sending_away"  # a phone of another number is being unlinked
    SENT_AWAY = "sent_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingOutcome:
    """A pairing that has just ended; who of the cohort is next, and how many are left."""

    result: PairingResult
    digits: str  # the last ones of the number it is about
    next: MentoradoId | None = None
    next_name: str = ""
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MentoradoView:
    """Widgets are given parts of it, and only those that differ from the last one."""

    mentorado: Mentorado
    status: LinkStatus
    availability: Mapping[ActionName, UnavailableReason | None]
    procedure: Procedure | None  # the one that is not finished
    switch: SwitchView | None  # of the provider
    stop: OutboundStop | None  # why nothing is sent until somebody releases the number
    turn: tuple[str, int]  # who is being paired, and how many come before this one
    changes_at: datetime | None  # when a ban or a restriction ends, and with it what can be done
    busy: bool  # an action was asked for and is not over
    trouble: tuple[str, str] | None  # what went wrong with it: a sentence and the next step
    snooze: Snooze | None = None  # nobody is told of this link for a while
    outcome: PairingOutcome | None = None  # of a pairing that has just ended
    handling: Handling | None = None  # who is on it

    @property
    def procedure_as_it_stands(self) -> Procedure | None:
        """By the news of the link in use, where that is the one it works with."""
        if self.procedure is None or self.procedure.link_id is not None:
            return self.procedure
        return as_it_stands(self.procedure, link_news(self.procedure, self.status))
