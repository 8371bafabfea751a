"""What is in a row, whatever another version or a damaged disk left there. Light to import: the first list needs it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9998, 12, 31, tzinfo=UTC)
WRONG: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
_LARGEST: Final = 2**53


def readable(what: str, rows: Iterable[Any], make: Callable[[Any], T]) -> Iterator[T]:
    """Convert each of *rows* with *make*, skipping and logging those that cannot be read as *what*."""
    left_out = 0
    for row in rows:
        try:
            made = make(row)
        except WRONG:
            left_out += 1
            continue
        yield made
    if left_out:
        log.warning("%d rows of %s are invalid and skipped", left_out, what)


def plain(value: object) -> str:
    """A text column, whatever is in it."""
    if isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def count(value: object) -> int | None:
    """A non-negative integer; None for anything else."""
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None


def moment(value: str | None) -> datetime | None:
    """A column of time. It can always be reckoned with: what is no moment is the earliest one."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return EARLIEST
    return found if found.tzinfo is UTC and EARLIEST <= found <= LATEST else _reckonable(found)


def _reckonable(found: datetime) -> datetime:
    try:
        return min(max(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC), EARLIEST), LATEST)
    except OverflowError:
        return EARLIEST
