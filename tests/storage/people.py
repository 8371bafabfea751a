"""Made-up mentorados and what happened to their links."""

from __future__ import annotations

from typing import Any

from app.domain.link_status import LinkState, LinkStatus, Reason, Trigger
from app.domain.mentorado import Link, Mentorado, new_link_id, new_mentorado_id
from app.domain.phone import PhoneNumber
from app.domain.repositories import Transition
from tests.clock import DAWN


def new_mentorado(name: str = "Ana Lima", phone: str = "+5511987654321", **details: Any) -> Mentorado:
    mentorado_id = new_mentorado_id()
    link = Link(id=new_link_id(), mentorado_id=mentorado_id)
    return Mentorado(id=mentorado_id, name=name, phone=PhoneNumber(phone), created_at=DAWN, link=link, **details)


def blocked(link: Link, **shown: Any) -> Transition:
    """A connected link that was logged out."""
    before = LinkStatus(state=LinkState.CONNECTED, since=DAWN)
    after = LinkStatus(**{"state": LinkState.BLOCKED, "reason": Reason.LOGGED_OUT, "since": DAWN, **shown})
    return Transition(link_id=link.id, at=after.since, trigger=Trigger.REFUSED, before=before, after=after)
