"""One line of the list: who it is, what is true of the link, and what finding and sorting need of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.domain.connection import LinkState, LinkStatus
from app.domain.phone import readable
from app.ui import text
from app.ui.mentorado_list.groups import GROUP_OF, Group
from app.ui.mentorado_list.search import haystack
from app.ui.tokens import tone_of

if TYPE_CHECKING:
    from app.domain.mentorado import Enrolment, MentoradoId


@dataclass(slots=True, eq=False)
class Row:
    """Kept by the model; it sorts by name without accents. *status* is None for a link that nobody asked for yet."""

    enrolment: Enrolment
    status: LinkStatus | None = None
    hay: str = field(init=False)
    order: tuple[str, str, str] = field(init=False)
    group: Group = field(init=False)

    def __post_init__(self) -> None:
        mentorado = self.enrolment.mentorado
        self.hay = haystack(mentorado)
        self.order = (self.hay.partition("\n")[0], mentorado.name, mentorado.id)
        self.group = self.find_group()

    @property
    def id(self) -> MentoradoId:
        return self.enrolment.mentorado.id

    @property
    def known(self) -> LinkStatus:
        """What is true of the link; one that was never asked for is off."""
        return self.status or LinkStatus(state=LinkState.OFF, since=self.enrolment.mentorado.created_at)

    def find_group(self) -> Group:
        if self.enrolment.mentorado.archived:
            return Group.ARCHIVED
        return GROUP_OF[tone_of(self.status)] if self.status else Group.DISCONNECTED

    def age(self, now: datetime) -> timedelta | None:
        """How old the badge's truth is; None when nothing was ever observed."""
        if self.status is None:
            return None
        return now - (self.status.evidence.last_observation or self.status.since)

    def spoken(self, now: datetime) -> str:
        """The row as a screen reader says it."""
        mentorado, age = self.enrolment.mentorado, self.age(now)
        parts = [
            mentorado.name,
            readable(mentorado.phone),
            mentorado.cohort,
            text.provider(self.enrolment.link.provider),
            text.texts("list.archived") if mentorado.archived else "",
            text.state_badge(self.known),
            "" if age is None else text.age(age),
        ]
        return ", ".join(filter(None, parts))
