"""Who looks after a mentorado that needs somebody, until the connection is back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.mentorado import MentoradoId


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """*operator* is on it since then."""

    mentorado_id: MentoradoId
    operator: str
    since: datetime


class HandlingRepository(Protocol):
    """Who is on what, on disk: one operator for each mentorado."""

    async def all(self) -> Sequence[Handling]: ...

    async def save(self, handling: Handling) -> None:
        """Store *handling* in place of whoever was on it."""
        ...

    async def remove(self, handling: Handling) -> None:
        """Remove exactly *handling*; one that was stored since stays."""
        ...
