"""Made-up mentorados and what happened to their links."""

from __future__ import annotations

from typing import Any

from app.domain.connection import LinkState, LinkStatus, Reason
from app.domain.lifecycle import Trigger
from app.domain.mentorado import Enrolment, Link, Mentorado, new_link_id, new_mentorado_id
from app.domain.phone import PhoneNumber
from app.domain.ports import Transition
from tests.clock import DAWN


def enrolled(name: str = "Ana Lima", phone: str = "+5511987654321", **details: Any) -> Enrolment:
    mentorado = Mentorado(id=new_mentorado_id(), name=name, phone=PhoneNumber(phone), created_at=DAWN, **details)
    return Enrolment(mentorado, Link(id=new_link_id(), mentorado_id=mentorado.id))


def blocked(link: Link, **shown: Any) -> Transition:
    """A connected link that was logged out."""
    before = LinkStatus(state=LinkState.CONNECTED, since=DAWN)
    after = LinkStatus(**{"state": LinkState.BLOCKED, "reason": Reason.LOGGED_OUT, "since": DAWN, **shown})
    return Transition(link_id=link.id, at=after.since, trigger=Trigger.REFUSED, before=before, after=after)
