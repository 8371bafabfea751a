"""When numbers were registered, so that a limit of days outlives the program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.mentorado import LinkId
from app.storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection


class SqlRegistrationTries:
    """Implements `app.domain.ports.RegistrationTries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, link_id: LinkId, at: datetime) -> None:
        await self._database.run(lambda connection: _add(connection, link_id, at))

    async def since(self, link_id: LinkId, moment: datetime) -> Sequence[datetime]:
        return await self._database.read(lambda connection: _since(connection, link_id, moment))


def _add(connection: Connection, link_id: LinkId, at: datetime) -> None:
    from app.storage.tables import registration_try

    connection.execute(registration_try.insert().values(link_id=link_id, at=at))


def _since(connection: Connection, link_id: LinkId, moment: datetime) -> list[datetime]:
    from app.storage.tables import registration_try

    tries = registration_try.select().with_only_columns(registration_try.c.at)
    theirs = tries.where(registration_try.c.link_id == link_id, registration_try.c.at > moment)
    return [row.at for row in connection.execute(theirs.order_by(registration_try.c.at))]
