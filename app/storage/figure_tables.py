"""The figures of all links by the hour, and what is known of each link's messages and phone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from app.storage.columns import UtcTime, metadata

figure = Table(
    "figure",
    metadata,
    Column("hour", UtcTime, primary_key=True),
    Column("name", String, primary_key=True),
    Column("provider", String, primary_key=True),
    Column("detail", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Of each link: up to when its messages are counted, and when something proved that its phone is in use.
link_activity = Table(
    "link_activity",
    metadata,
    Column("link_id", String(32), ForeignKey("link.id"), primary_key=True),
    Column("received_at", UtcTime),
    Column("phone_seen_at", UtcTime),
)
