"""What an admin should know now, without having looked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from app.domain.link_status import Reason
from app.domain.mentorado import LinkId, MentoradoId, ProviderKind

PHONE_UNSEEN_AFTER: Final = timedelta(days=12)
"""WhatsApp ends the connections of a phone that was not used for about two weeks."""


class AlertKind(StrEnum):
    """The kinds of alerts, the most urgent first. Values are part of keys and of metrics: never renamed."""

    INCIDENT = "incident"  # many links of one provider fell together
    BLOCKED = "blocked"  # one link will not come back without a person
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a kind
    PHONE_UNSEEN = "phone_unseen"  # for `PHONE_UNSEEN_AFTER`


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that needs an admin. The same thing has the same `key` as long as it lasts, also after a restart."""

    kind: AlertKind
    provider: ProviderKind
    since: datetime  # since when it is so; of a phone: when it was seen last
    mentorado_id: MentoradoId | None = None  # None: it is about all of the provider's links
    reason: Reason = Reason.NONE
    until: datetime | None = None  # when a token expires, or a ban ends
    count: int = 1  # how many links it is about

    @property
    def key(self) -> str:
        """Names it among all alerts of all times, without a person's name or number."""
        moment = self.until if self.kind is AlertKind.TOKEN_EXPIRING and self.until else self.since
        return f"{self.kind}:{self.mentorado_id or self.provider}:{self.reason}:{moment.isoformat()}"


class PhoneSightings(Protocol):
    """When something last proved that the phone behind a link is in use."""

    async def last_seen(self) -> Mapping[LinkId, datetime]:
        """Links of which nothing is known are left out. Raises `Problem`."""
        ...
