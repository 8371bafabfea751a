"""A row of the list: what is known of a mentorado, and the group that makes them of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.domain.link_status import LinkState, LinkStatus
from app.text import status as status_text
from app.text.send_state import send_state
from app.text.signs import TONE_ICON, Tone, tone_of
from app.text.staff import handled
from app.ui.mentorado_list.order import SortKey, SortOrder, sort_key
from app.ui.mentorado_list.query import search_text

if TYPE_CHECKING:
    from app.domain.handling import Handling
    from app.domain.mentorado import Mentorado, MentoradoId
    from app.domain.notes import Note
    from app.domain.outbound import OutboundStop


class ListFilter(StrEnum):
    """Values are remembered in the preferences file."""

    ALL = "all"
    CONNECTED = "connected"
    WAITING = "waiting"
    IN_PROGRESS = "in_progress"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    ARCHIVED = "archived"


GROUP_OF: Final[Mapping[Tone, ListFilter]] = MappingProxyType(
    {
        Tone.CONNECTED: ListFilter.CONNECTED,
        Tone.WAITING: ListFilter.WAITING,
        Tone.PROGRESS: ListFilter.IN_PROGRESS,
        Tone.IDLE: ListFilter.DISCONNECTED,
        Tone.ERROR: ListFilter.ERROR,
    }
)

TONE_FOR: Final[Mapping[ListFilter, Tone]] = MappingProxyType({group: tone for tone, group in GROUP_OF.items()})

GROUP_ICON: Final[Mapping[ListFilter, str]] = MappingProxyType(
    {**{group: TONE_ICON[tone] for group, tone in TONE_FOR.items()}, ListFilter.ARCHIVED: "archive"}
)


@dataclass(slots=True, eq=False)
class MentoradoRow:
    """Kept by the model. *status* is None for a link that nobody asked for yet.

    An *early* row was read before the database was opened: what is true of its link is not known.

    *order* is where the row stands; it follows *status* only when the model moves the row.
    """

    mentorado: Mentorado
    status: LinkStatus | None = None
    stop: OutboundStop | None = None
    sort: InitVar[SortOrder] = SortOrder.NAME
    unseen: bool = False  # fell, and nobody looked yet
    snoozed: bool = False  # nothing is told of it for a while
    handling: Handling | None = None  # who is on it
    notes: Sequence[Note] = ()  # the latest first
    early: bool = False
    id: MentoradoId = field(init=False)
    search_text: str = field(init=False)
    order: SortKey = field(init=False)
    group: ListFilter = field(init=False)

    def __post_init__(self, sort: SortOrder) -> None:
        self.id = self.mentorado.id
        self.search_text = search_text(self.mentorado)
        self.group = GROUP_OF[tone_of(self.status)] if self.status else ListFilter.DISCONNECTED
        if self.mentorado.archived_at is not None:
            self.group = ListFilter.ARCHIVED
        self.order = sort_key(self, sort)

    @property
    def known(self) -> LinkStatus:
        """The status of the link; off when it was never started."""
        return self.status or LinkStatus(state=LinkState.OFF, since=self.mentorado.created_at)

    def age(self, now: datetime) -> timedelta | None:
        """How old the badge's truth is; None when nothing was ever observed."""
        if self.status is None:
            return None
        return now - (self.status.evidence.last_observation or self.status.since)

    def spoken(self, now: datetime) -> str:
        """The text of the row for screen readers."""
        mentorado, age = self.mentorado, self.age(now)
        who = [
            mentorado.name,
            status_text.shown_number(mentorado),
            mentorado.cohort,
            status_text.provider(mentorado.link.provider),
        ]
        if self.early:
            return ", ".join(filter(None, who))
        parts = [
            *who,
            status_text.texts("list.archived") if mentorado.archived else "",
            status_text.mentorado_badge(mentorado, self.known, stopped=self.stop is not None),
            send_state(self.known, self.stop, now).what,
            "" if age is None else status_text.age(age),
            status_text.texts("list.unseen") if self.unseen else "",
            status_text.texts("list.snoozed") if self.snoozed else "",
            handled(self.handling, now) if self.handling else "",
            status_text.texts.plural("notes.count", len(self.notes)) if self.notes else "",
        ]
        return ", ".join(filter(None, parts))
