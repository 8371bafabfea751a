"""Finds a mentorado by what staff type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.names import fold_accents

if TYPE_CHECKING:
    from app.domain.mentorado import Mentorado

_NUMBER_LIKE = re.compile(r"[\d\s()+./-]+")


def search_text(mentorado: Mentorado) -> str:
    """Everything somebody can be found by, folded once so that typing stays quick. Its first line is the name."""
    return "\n".join((fold_accents(mentorado.name), fold_accents(mentorado.cohort), mentorado.phone.lstrip("+")))


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search; every part must match."""

    parts: tuple[str, ...] = ()
    number: bool = False

    @classmethod
    def parse(cls, typed: str) -> Query:
        """Read *typed*: digits and their punctuation are one number, anything else is words."""
        digits = re.sub(r"\D", "", typed)
        if digits and _NUMBER_LIKE.fullmatch(typed):
            return cls((digits,), number=True)
        return cls(tuple(fold_accents(typed).split()))

    def matches(self, searched: str) -> bool:
        return all(part in searched for part in self.parts)

    def narrows(self, before: Query) -> bool:
        """Whether all that this one finds was found by *before* too, so that only those need to be asked again."""
        if not before.parts:
            return True
        if self.number is not before.number or len(self.parts) < len(before.parts):
            return False
        return all(old in new for old, new in zip(before.parts, self.parts, strict=False))
