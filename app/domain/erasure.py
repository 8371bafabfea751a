"""Data about an erased contact that may remain outside the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from app.domain.errors import Problem
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.domain.phone import PhoneNumber, comparison_key, former_keys

SHORTEST_TRACE: Final = 8
"""Characters. Anything shorter is found in what has nothing to do with it."""


class CopyKind(StrEnum):
    """Why a copy exists."""

    BACKUP = "backup"
    DATABASE = "database"  # before a newer version changed its shape
    DELIVERIES = "deliveries"  # received, and set aside because the file was damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class OldCopy:
    """A file older than an erasure, which may still hold the erased data."""

    kind: CopyKind
    path: Path
    at: datetime  # as its name or its contents say
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The result of an erasure. The rows are deleted in any case."""

    messages: int
    traces: Problem | None = None  # what kept the files from being written anew, which is tried again
    copies: tuple[OldCopy, ...] = ()


class Leftovers(Protocol):
    """A place outside the database that may hold message data. Raises `Problem` when the disk fails."""

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        """Remove what is not in use and holds one of *traces*; returns how many files changed or went."""
        ...

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        """The copies that may hold something of a contact of this mentorado."""
        ...

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        """Remove those of *copies* that are this place's. Not to be undone."""
        ...


def spellings(address: Address) -> Iterator[str]:
    """Every spelling of *address* to search for: without a plus, and in each form that numbers of the same account
    have."""
    digits = address.value.removeprefix("+")
    yield digits
    if address.kind is AddressKind.PHONE:
        short = comparison_key(PhoneNumber(address.value)).removeprefix("+")
        yield short
        if short.startswith("55") and len(short) == 12:
            yield f"{short[:4]}9{short[4:]}"
        yield from (number.removeprefix("+") for number in former_keys(PhoneNumber(address.value)))


def traces_of(addresses: Iterable[Address]) -> tuple[bytes, ...]:
    """The byte sequences by which one of *addresses* can be found in a file."""
    found = (each.encode() for address in addresses for each in spellings(address) if len(each) >= SHORTEST_TRACE)
    return tuple(dict.fromkeys(found))
