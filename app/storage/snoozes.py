"""Stores which links are snoozed, in one row of the settings: there are few, and they go by themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from app.domain.mentorado import LinkId
from app.domain.notifications import Snooze
from app.storage.columns import utc_text
from app.storage.database import Database
from app.storage.tables import setting

KEY: Final = "snoozes"


class SqlSnoozes:
    """Implements `SnoozeRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Mapping[LinkId, Snooze]:
        return await self._database.read(_load)

    async def save(self, snoozes: Mapping[LinkId, Snooze], at: datetime) -> None:
        await self._database.run(lambda connection: _save(connection, snoozes, at))


def _load(connection: Connection) -> dict[LinkId, Snooze]:
    written = connection.execute(setting.select().where(setting.c.key == KEY)).one_or_none()
    if written is None:
        return {}
    try:
        return {LinkId(str(link_id)): _snooze(until) for link_id, until in json.loads(written.value).items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # damaged: whoever was left alone is told of again


def _snooze(until: object) -> Snooze:
    if until is None:
        return Snooze(None)
    moment = datetime.fromisoformat(str(until))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return Snooze(moment.astimezone(UTC))


def _save(connection: Connection, snoozes: Mapping[LinkId, Snooze], at: datetime) -> None:
    known = {link_id: None if each.until is None else utc_text(each.until) for link_id, each in snoozes.items()}
    values = {"value": json.dumps(known), "changed_at": at}
    if connection.execute(setting.update().where(setting.c.key == KEY).values(**values)).rowcount == 0:
        connection.execute(setting.insert().values(key=KEY, **values))
