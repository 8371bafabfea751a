"""What the tables are made of: the type of a moment, and the names of constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Dialect, MetaData, String
from sqlalchemy.types import TypeDecorator

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9998, 12, 31, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """A moment, as ISO 8601 text of fixed width in UTC, which sorts as time does. Refuses a time without a zone.

    What is read is always a moment that any part of the program can reckon with: what is none is the earliest one.
    """

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else utc_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (ValueError, TypeError):
            return EARLIEST
        return moment if moment.tzinfo is UTC and EARLIEST <= moment <= LATEST else _reckonable(moment)


def _reckonable(moment: datetime) -> datetime:
    try:
        return min(max(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC), EARLIEST), LATEST)
    except OverflowError:
        return EARLIEST


def utc_text(moment: datetime) -> str:
    """*moment* as `UtcTime` stores it."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")


# Names for all constraints, so that a migration can speak of them.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
