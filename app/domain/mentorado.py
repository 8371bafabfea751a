"""A mentorado, and the link that carries their messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import uuid4

from app.domain.phone import PhoneNumber

MentoradoId = NewType("MentoradoId", str)
LinkId = NewType("LinkId", str)

_ID = re.compile(r"[0-9a-f]{32}")


class ProviderKind(StrEnum):
    """Which service carries the messages."""

    WHATSAPP_WEB = "whatsapp_web"
    ZAPI = "zapi"
    META_CLOUD = "meta_cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A mentorado's connection through one provider, as it is configured. What is observed of it is a `LinkStatus`."""

    id: LinkId
    mentorado_id: MentoradoId
    provider: ProviderKind = ProviderKind.WHATSAPP_WEB
    in_use: bool = True  # one link of each mentorado is; others are kept beside it by a provider switch, and never send
    enabled: bool = False  # somebody asked it to run, so it starts with the program
    account: PhoneNumber | None = None  # the number that signed in last
    accepted_account: PhoneNumber | None = None  # another number than the mentorado's, accepted by a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentorado:
    """A client of the mentoring business, with the link in use. It changes only when staff edit it."""

    id: MentoradoId
    name: str
    phone: PhoneNumber
    cohort: str = ""
    created_at: datetime
    archived_at: datetime | None = None
    link: Link

    @property
    def archived(self) -> bool:
        return self.archived_at is not None

    @property
    def expected_account(self) -> PhoneNumber:
        """The number that must sign in: the mentorado's, unless a person accepted another."""
        return self.link.accepted_account or self.phone

    def through(self, link: Link) -> Mentorado:
        """The same mentorado as seen by the worker of *link*, which may be one beside the link in use.

        Which number a person accepted does not depend on the provider: the link in use has it.
        """
        return replace(self, link=replace(link, accepted_account=self.link.accepted_account))


def new_mentorado_id() -> MentoradoId:
    return MentoradoId(uuid4().hex)


def new_link_id() -> LinkId:
    return LinkId(uuid4().hex)


def is_id(text: str) -> bool:
    """Whether *text* has the shape of our ids; anything else must never become a path."""
    return _ID.fullmatch(text) is not None
