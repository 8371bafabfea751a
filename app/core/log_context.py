"""Whom the work at hand is about, so that every line that is logged meanwhile can be found with theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from app.domain.mentorado import MentoradoId

ABOUT: Final[ContextVar[MentoradoId | None]] = ContextVar("about", default=None)
"""A task inherits it from the task that made it."""


@contextmanager
def about(mentorado_id: MentoradoId) -> Iterator[None]:
    """What is done and begun inside is about *mentorado_id*."""
    token = ABOUT.set(mentorado_id)
    try:
        yield
    finally:
        ABOUT.reset(token)
