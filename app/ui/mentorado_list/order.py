"""The orders in which the list can stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.domain.names import fold_accents

if TYPE_CHECKING:
    from app.ui.mentorado_list.row import MentoradoRow

SortKey = tuple[float, str, str, str, str]
"""What comes before the name, as a number and as text; then the name without accents, the name, and the id."""


class SortOrder(StrEnum):
    """Values are remembered in the preferences file."""

    NEEDS_YOU = "needs_you"
    NAME = "name"
    PROBLEM = "problem"
    NEWEST = "newest"
    COHORT = "cohort"


_URGENCY: Final = MappingProxyType({"error": 0.0, "waiting": 1.0})
"""By the group of a row. Who is archived has one of their own, and needs nobody."""

_CALM = 2.0
"""Who is well, off, or on the way back by themselves: nobody has to do anything, so these do not change places."""


def sort_key(row: MentoradoRow, sort: SortOrder) -> SortKey:
    """Where *row* stands when the list is sorted by *sort*."""
    number, word = _LEADING[sort](row)
    name = row.mentorado.name
    return (number, word, row.search_text.partition("\n")[0], name, row.mentorado.id)


def _needs_you(row: MentoradoRow) -> tuple[float, str]:
    if row.stop is not None and row.mentorado.archived_at is None:
        return _URGENCY["error"], ""
    return _URGENCY.get(row.group, _CALM), ""


def _problem(row: MentoradoRow) -> tuple[float, str]:
    """As what needs somebody first, and those with the same problem beside each other."""
    number, _ = _needs_you(row)
    if number == _CALM:
        return number, ""
    status = row.known
    return number, f"{status.state} {status.reason}"


def _cohort(row: MentoradoRow) -> tuple[float, str]:
    """By the numbers in it, not by its digits; those without one come last."""
    cohort = fold_accents(row.mentorado.cohort.strip())
    return float(not cohort), re.sub(r"\d+", lambda digits: digits[0].zfill(9), cohort)


_LEADING: Final[Mapping[SortOrder, Callable[[MentoradoRow], tuple[float, str]]]] = MappingProxyType(
    {
        SortOrder.NEEDS_YOU: _needs_you,
        SortOrder.NAME: lambda _row: (0.0, ""),
        SortOrder.PROBLEM: _problem,
        SortOrder.NEWEST: lambda row: (-row.mentorado.created_at.timestamp(), ""),
        SortOrder.COHORT: _cohort,
    }
)
