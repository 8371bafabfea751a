"""Today's shape of the database. Rows stay in this package; the rest sees domain values."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, Dialect, ForeignKey, Index, Integer, MetaData, String, Table, text
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """A moment, as ISO 8601 text of fixed width in UTC, which sorts as time does. Refuses a time without a zone."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


# Names for all constraints, so that a migration can speak of them.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

mentorado = Table(
    "mentorado",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String, nullable=False),
    Column("phone", String(16), nullable=False),
    Column("phone_key", String(16), nullable=False),  # as numbers are compared: app.domain.phone.comparison_key
    Column("cohort", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("archived_at", UtcTime),
)
# The migrations say `postgresql_where` too; here it would load that dialect at every start of the program (0.1 s).
Index(
    "uq_mentorado_active_phone",
    mentorado.c.phone_key,
    unique=True,
    sqlite_where=text("archived_at IS NULL"),
)

link = Table(
    "link",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("provider", String, nullable=False),
    Column("active", Boolean, nullable=False),  # the link in use; a provider switch prepares the next one beside it
    Column("wanted", Boolean, nullable=False),
    Column("account", String(16)),
    Column("accepted_account", String(16)),
)
Index("ix_link_mentorado_id", link.c.mentorado_id)
Index(
    "uq_link_active",
    link.c.mentorado_id,
    unique=True,
    sqlite_where=text("active"),
)

# Append-only: the migration that creates it adds triggers that refuse UPDATE and DELETE.
transition = Table(
    "transition",
    metadata,
    Column("id", Integer, primary_key=True),  # the order of events; `at` is what the clock said and may step back
    Column("link_id", String(32), ForeignKey("link.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("trigger", String, nullable=False),
    Column("before_state", String, nullable=False),
    Column("before_reason", String, nullable=False),
    Column("before_since", UtcTime, nullable=False),
    Column("after_state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("capability", String, nullable=False),
    Column("until", UtcTime),
    Column("account", String(16)),
    Column("detail", String, nullable=False),
)
Index("ix_transition_link_id", transition.c.link_id)
