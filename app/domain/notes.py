"""What staff write about a mentorado for each other, with who wrote it and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType, Protocol

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.names import without_steering

NoteId = NewType("NoteId", str)

MOST_NOTE: Final = 4_000
"""Characters of a note: two pages, more is not read by who has to act."""

_TAIL: Final = 8  # digits of a number that no other contact has: staff leave out the codes of country and area
_SEPARATORS: Final = r"[\s().-]*"
_HEAD: Final = rf"(?:\+?\d{{1,3}}{_SEPARATORS})?(?:\(?\d{{2,3}}\)?{_SEPARATORS})?(?:9{_SEPARATORS})?"
"""The codes of country and area, and Brazil's ninth digit, each where it is written."""
_NUMBER: Final = re.compile(rf"(?<!\d)\+?\(?\d(?:{_SEPARATORS}\d){{9,14}}(?!\d)")
"""What may be a whole number, with its code of area."""

ERASED: Final = "…"
"""Stands where the number of an erased contact was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note about a mentorado. *revision* grows with each change, so that no change of somebody else is lost."""

    id: NoteId
    mentorado_id: MentoradoId
    text: str
    author: str
    written_at: datetime
    edited_by: str = ""
    edited_at: datetime | None = None
    revision: int = 1


class NoteRepository(Protocol):
    """The notes, on disk."""

    async def all(self) -> Sequence[Note]: ...

    async def add(self, note: Note) -> None: ...

    async def replace(self, note: Note) -> None:
        """Store *note* in place of the revision before it.

        Raises `Problem(NOTE_CHANGED)` where another revision is stored, or none; nothing is changed then.
        """
        ...

    async def remove(self, note: Note) -> None:
        """Remove exactly this revision of *note*. Raises `Problem(NOTE_CHANGED)` like `replace`."""
        ...


def checked_note(typed: str) -> str:
    """*typed* as a note is stored. Raises `Problem(NOTE_EMPTY)` or `Problem(NOTE_TOO_LONG)`."""
    text = without_steering(typed.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise Problem(ProblemCode.NOTE_EMPTY)
    if len(text) > MOST_NOTE:
        raise Problem(ProblemCode.NOTE_TOO_LONG, most=str(MOST_NOTE), length=str(len(text)))
    return text


def without_numbers(text: str, addresses: Sequence[Address]) -> str:
    """*text* without the numbers of *addresses*, however they are written."""
    for address in addresses:
        digits = re.sub(r"\D", "", address.value)
        if len(digits) < _TAIL:
            continue
        tail = _SEPARATORS.join(digits[-_TAIL:])
        text = re.sub(rf"(?<!\d){_HEAD}{tail}(?!\d)", ERASED, text)
    return text


def without_erased(text: str, erased: Callable[[Iterable[Address]], bool]) -> str:
    """*text* without the numbers of which *erased* says that they are of somebody who was erased.

    Only whole numbers are found: what is left of an erased one is a hash, which nothing shorter leads to.
    """

    def judged(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        candidates = [Address(AddressKind.PHONE, f"+{head}{digits}") for head in ("", "55")]
        return ERASED if erased(candidates) else found[0]

    return _NUMBER.sub(judged, text)
