"""The tables of what staff keep about a mentorado. `app.storage.tables` has all of them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from app.storage.columns import UtcTime, metadata

mentorado_note = Table(
    "mentorado_note",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), nullable=False),
    Column("text", String, nullable=False),
    Column("author", String, nullable=False),
    Column("written_at", UtcTime, nullable=False),
    Column("edited_by", String, nullable=False),
    Column("edited_at", UtcTime),
    Column("revision", Integer, nullable=False),  # grows with each change
)
Index("ix_mentorado_note_mentorado_id", mentorado_note.c.mentorado_id)

# The operator who is on a mentorado that needs somebody.
handling = Table(
    "handling",
    metadata,
    Column("mentorado_id", String(32), ForeignKey("mentorado.id"), primary_key=True),
    Column("operator", String, nullable=False),
    Column("since", UtcTime, nullable=False),
)
