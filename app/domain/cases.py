"""What the program must not settle by itself: a case for a person, with evidence, an owner, a due time and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType, Protocol

from app.domain.mentorado import MentoradoId

CaseId = NewType("CaseId", str)


class CaseKind(StrEnum):
    """Why a person is needed. Stored: values may be added, never renamed."""

    BAN = "ban"  # WhatsApp banned or suspended the number: an appeal, on the phone
    SENDING_STOPPED = "sending_stopped"  # the provider refused a message; nothing is sent until somebody says so
    UNCERTAIN_MESSAGE = "uncertain_message"  # it may have gone out
    SMOKE_TEST_FAILED = "smoke_test_failed"
    OPTED_OUT = "opted_out"  # a contact asked to be left alone


DUE_AFTER: Final[Mapping[CaseKind, timedelta]] = MappingProxyType(
    {
        CaseKind.BAN: timedelta(hours=4),
        CaseKind.SENDING_STOPPED: timedelta(hours=4),
        CaseKind.UNCERTAIN_MESSAGE: timedelta(hours=24),
        CaseKind.SMOKE_TEST_FAILED: timedelta(hours=24),
        CaseKind.OPTED_OUT: timedelta(hours=72),
    }
)
"""How long a case may wait before it is due, unless somebody sets another time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNote:
    """What somebody wrote into a case; it is never changed."""

    at: datetime
    author: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One matter of one mentorado. *subject* tells two of a kind apart: the reference of a message, a contact's hash.

    *evidence* is codes and plain values, never a secret or a whole phone number; the provider's own reason is in it.
    """

    id: CaseId
    mentorado_id: MentoradoId
    kind: CaseKind
    subject: str = ""
    opened_at: datetime
    due_at: datetime
    evidence: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""  # an operator's name; empty while nobody took it
    closed_at: datetime | None = None
    notes: tuple[CaseNote, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def is_due(self, now: datetime) -> bool:
        """Whether it has waited too long at *now*."""
        return self.is_open and self.due_at <= now


Unsettled = tuple[CaseKind, MentoradoId, str, Mapping[str, str], datetime]
"""What may need a case: its kind, mentorado, subject and evidence, and when it happened."""


class CaseRepository(Protocol):
    """The cases, on disk. Notes are only added."""

    async def open_cases(self) -> Sequence[Case]:
        """Those that are open, the one that is due first first."""
        ...

    async def closed_cases(self, limit: int = 200) -> Sequence[Case]:
        """The latest first."""
        ...

    async def add(self, case: Case) -> bool:
        """Store a new case, unless one of the same mentorado, kind and subject is open; returns whether it was."""
        ...

    async def save(self, case: Case, note: CaseNote | None) -> None:
        """Store owner, due time and closing of *case*, and add *note*. Raises `Problem(CASE_CLOSED)` when it is."""
        ...

    async def unsettled(self) -> Sequence[Unsettled]:
        """Messages that may have gone out, and opt-outs, that never had a case."""
        ...
