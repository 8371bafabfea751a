"""What the tables are made of: the type of a moment, texts of JSON, and the names of constraints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Dialect, MetaData, String
from sqlalchemy.types import TypeDecorator

from app.storage.rows import moment


class UtcTime(TypeDecorator[datetime]):
    """A moment, as ISO 8601 text of fixed width in UTC, which sorts as time does. Refuses a time without a zone.

    What is read is always a moment that any part of the program can reckon with: what is none is the earliest one.
    """

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else utc_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return moment(value)


def utc_text(when: datetime) -> str:
    """*when* as `UtcTime` stores it."""
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone")
    in_utc = when if when.tzinfo is UTC else when.astimezone(UTC)
    return in_utc.isoformat("T", "microseconds")


def json_text(values: Mapping[str, str]) -> str:
    """*values* as they are stored in a column of text."""
    return json.dumps(dict(values), ensure_ascii=False, sort_keys=True)


# Names for all constraints, so that a migration can speak of them.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
