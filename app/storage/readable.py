"""Rows as they may be after somebody else wrote to the file, or a newer version: what cannot be read is left out with a
line in the log, and everything beside it stays. Never what is in a row: that may be words of somebody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_WRONG: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
_LARGEST: Final = 2**53


def readable(what: str, rows: Iterable[Any], make: Callable[[Any], T]) -> Iterator[T]:
    """What *make* makes of each of *rows*; *what* names them in the log."""
    left_out = 0
    for row in rows:
        try:
            made = make(row)
        except _WRONG:
            left_out += 1
            continue
        yield made
    if left_out:
        log.warning("%d rows of %s hold what no version writes, and are left out", left_out, what)


def plain(value: object) -> str:
    """A text column, whatever is in it."""
    if isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def count(value: object) -> int | None:
    """A number of bytes or seconds; None for what is none."""
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None
