"""Work on several mentorados, one after the other: what was chosen and how far it came, so that it outlives a start."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from app.domain.mentorado import MentoradoId

BulkWorkId = NewType("BulkWorkId", str)


class BulkKind(StrEnum):
    """What is done to each. The values are stored."""

    CONNECT = "connect"
    HANDLE = "handle"
    BACK_UP = "back_up"
    COHORT = "cohort"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkWork:
    """*left* are those of the *count* who were chosen that are not done yet, in their order."""

    id: BulkWorkId
    kind: BulkKind
    count: int
    done: int = 0
    left: tuple[MentoradoId, ...]
    typed: str = ""  # the cohort they are put in; never a passphrase

    def without(self, people: Collection[MentoradoId], *, done: bool = True) -> BulkWork:
        """The same when nothing is left to do for *people*: it is *done*, or somebody decided that it is not to be."""
        left = tuple(each for each in self.left if each not in people)
        return replace(self, left=left, done=self.done + (len(self.left) - len(left) if done else 0))


class BulkWorkRepository(Protocol):
    """Stores the work that is not over."""

    async def load(self) -> Sequence[BulkWork]:
        """In the order in which it was begun."""
        ...

    async def save(self, works: Sequence[BulkWork], at: datetime) -> None:
        """Store *works* in place of what was stored before. Raises `Problem`."""
        ...
