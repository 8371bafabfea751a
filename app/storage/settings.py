"""Stores the operator settings, attempts at registering numbers, snoozes, and the bulk work that is not over."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from app.domain.bulk_work import BulkKind, BulkWork, BulkWorkId
from app.domain.mentorado import LinkId, MentoradoId
from app.domain.notifications import Snooze
from app.domain.settings import SETTINGS, OperatorSettings
from app.storage.columns import utc_text
from app.storage.database import Database
from app.storage.tables import link, registration_try, setting

log = logging.getLogger(__name__)


class SqlSettings:
    """Implements `SettingsRepository`. Rows of other versions of the program are left alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> OperatorSettings:
        return _settings(await self._database.read(_rows))

    async def save(self, settings: OperatorSettings, at: datetime) -> None:
        await self._database.run(_save, settings, at)


def _save(connection: Connection, settings: OperatorSettings, at: datetime) -> None:
    """Store the changed settings only, so that `changed_at` is right."""
    before = _rows(connection)
    for key, value in _written(settings).items():
        if key not in before:
            connection.execute(setting.insert().values(key=key, value=value, changed_at=at))
        elif before[key] != value:
            connection.execute(setting.update().where(setting.c.key == key).values(value=value, changed_at=at))


def _rows(connection: Connection) -> dict[str, str]:
    return {
        row.key: row.value
        for row in connection.execute(setting.select().with_only_columns(setting.c.key, setting.c.value))
    }


def _written(settings: OperatorSettings) -> dict[str, str]:
    rows = {key: value for each in SETTINGS for key, value in each.rows(settings).items()}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in rows.items()}


def _settings(rows: Mapping[str, str]) -> OperatorSettings:
    """What makes no sense counts as not decided: the defaults remove nothing and write nothing."""
    known = {}
    for key, written in rows.items():
        try:
            known[key] = json.loads(written)
        except ValueError:
            log.warning("The setting %s is damaged; its default is used", key)
    return OperatorSettings(**{each.name: each.read(known) for each in SETTINGS})


class SqlRegistrationAttempts:
    """Implements `RegistrationAttempts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, link_id: LinkId, at: datetime) -> None:
        await self._database.run(_add, link_id, at)

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[datetime]:
        return await self._database.read(_since, link_id, moment)


def _add(connection: Connection, link_id: LinkId, at: datetime) -> None:
    connection.execute(registration_try.insert().values(link_id=link_id, at=at))


def _since(connection: Connection, link_id: LinkId, moment: datetime) -> list[datetime]:
    # All of the mentorado's: the provider counts by number, and a switch back makes another link.
    own = link.select().with_only_columns(link.c.mentorado_id).where(link.c.id == link_id).scalar_subquery()
    links = link.select().with_only_columns(link.c.id).where(link.c.mentorado_id == own)
    tries = registration_try.select().with_only_columns(registration_try.c.at)
    theirs = tries.where(registration_try.c.link_id.in_(links), registration_try.c.at > moment)
    return [row.at for row in connection.execute(theirs.order_by(registration_try.c.at))]


_SNOOZES: Final = "snoozes"


class SqlSnoozes:
    """Implements `SnoozeRepository`: one row of the settings, as there are few, and they go by themselves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Mapping[LinkId, Snooze]:
        return await self._database.read(_load_snoozes)

    async def save(self, snoozes: Mapping[LinkId, Snooze], at: datetime) -> None:
        await self._database.run(_save_snoozes, snoozes, at)


def _load_snoozes(connection: Connection) -> dict[LinkId, Snooze]:
    written = connection.execute(setting.select().where(setting.c.key == _SNOOZES)).one_or_none()
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


def _save_snoozes(connection: Connection, snoozes: Mapping[LinkId, Snooze], at: datetime) -> None:
    known = {link_id: None if each.until is None else utc_text(each.until) for link_id, each in snoozes.items()}
    _put(connection, _SNOOZES, known, at)


_BULK_WORK: Final = "bulk_work"


class SqlBulkWork:
    """Implements `BulkWorkRepository`: one row of the settings, as there is hardly ever any."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[BulkWork]:
        return await self._database.read(_load_bulk_work)

    async def save(self, works: Sequence[BulkWork], at: datetime) -> None:
        written = [
            {"id": each.id, "kind": each.kind, "count": each.count, "done": each.done}
            | {"left": list(each.left), "typed": each.typed}
            for each in works
        ]
        await self._database.run(_put, _BULK_WORK, written, at)


def _load_bulk_work(connection: Connection) -> list[BulkWork]:
    written = connection.execute(setting.select().where(setting.c.key == _BULK_WORK)).one_or_none()
    if written is None:
        return []
    try:
        return [_bulk_work(each) for each in json.loads(written.value)]
    except (ValueError, TypeError, KeyError):
        return []  # damaged: who is done can be seen in the list


def _bulk_work(written: Mapping[str, object]) -> BulkWork:
    left = written["left"]
    if not isinstance(left, list):
        raise TypeError
    return BulkWork(
        id=BulkWorkId(str(written["id"])),
        kind=BulkKind(str(written["kind"])),
        count=int(str(written["count"])),
        done=int(str(written["done"])),
        left=tuple(MentoradoId(str(each)) for each in left),
        typed=str(written["typed"]),
    )


def _put(connection: Connection, key: str, value: object, at: datetime) -> None:
    values = {"value": json.dumps(value, ensure_ascii=False), "changed_at": at}
    if connection.execute(setting.update().where(setting.c.key == key).values(**values)).rowcount == 0:
        connection.execute(setting.insert().values(key=key, **values))
