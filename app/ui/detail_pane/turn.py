"""Whose turn it is to be paired."""

from __future__ import annotations

from app.core.enrolments import Enrolments
from app.core.links.supervisor import Supervisor
from app.domain.mentorado import Enrolment


def turn_of(enrolment: Enrolment, supervisor: Supervisor, enrolments: Enrolments) -> tuple[str, int]:
    """Who is being paired, and how many come before *enrolment*."""
    desk = supervisor.pairing
    names = {each.link.id: each.mentorado.name for each in enrolments.all()}
    waiting = desk.waiting
    ahead = waiting.index(enrolment.link.id) if enrolment.link.id in waiting else 0
    return (names.get(desk.current, "") if desk.current else "", ahead)
