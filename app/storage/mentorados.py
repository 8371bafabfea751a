"""The mentorados and their links, on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import Link, LinkId, Mentorado
from app.domain.phone import PhoneNumber, comparison_key, former_keys
from app.storage.database import Database
from app.storage.mentorado_rows import link_of, mentorado_of, mentorados_from
from app.storage.rows import readable
from app.storage.tables import link
from app.storage.tables import mentorado as table


class SqlMentoradoRepository:
    """Implements `MentoradoRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Mentorado]:
        return await self._database.read(_all)

    async def add(self, mentorado: Mentorado) -> None:
        await self._database.run(_add, mentorado)

    async def save_mentorado(self, mentorado: Mentorado) -> None:
        """Raises `Problem(PHONE_TAKEN)` as `add` does: an edit or a return from the archive can collide too."""
        await self._database.run(_save_mentorado, mentorado)

    async def save_link(self, link: Link) -> None:
        await self._database.run(_save_link, link)

    async def save(self, mentorado: Mentorado) -> None:
        await self._database.run(_save, mentorado)

    async def links_beside(self) -> Sequence[Link]:
        return await self._database.read(_links_beside)

    async def add_link(self, link: Link) -> None:
        await self._database.run(_add_link, link)

    async def put_in_use(self, link: Link) -> None:
        await self._database.run(_put_in_use, link)

    async def by_phone(self, phone: PhoneNumber) -> Mentorado | None:
        return await self._database.read(_by_phone, phone)


def _all(connection: Connection) -> list[Mentorado]:
    links = connection.execute(link.select().where(link.c.active)).all()
    return mentorados_from(connection.execute(table.select()), links)


def _links_beside(connection: Connection) -> list[Link]:
    return list(readable("link", connection.execute(link.select().where(~link.c.active)), link_of))


def _add(connection: Connection, mentorado: Mentorado) -> None:
    _refuse_taken_phone(connection, mentorado)
    connection.execute(table.insert().values(**_mentorado_row(mentorado)))
    _add_link(connection, mentorado.link)


def _add_link(connection: Connection, added: Link) -> None:
    connection.execute(link.insert().values(active=added.in_use, **_link_row(added)))


def _put_in_use(connection: Connection, chosen: Link) -> None:
    theirs = link.c.mentorado_id == chosen.mentorado_id
    connection.execute(link.update().where(theirs, link.c.id != chosen.id).values(active=False))
    _save_link(connection, chosen)
    connection.execute(link.update().where(link.c.id == chosen.id).values(active=True))


def _save(connection: Connection, mentorado: Mentorado) -> None:
    _save_mentorado(connection, mentorado)
    _save_link(connection, mentorado.link)


def _save_mentorado(connection: Connection, changed: Mentorado) -> None:
    _refuse_taken_phone(connection, changed)
    update = table.update().where(table.c.id == changed.id).values(**_mentorado_row(changed))
    if connection.execute(update).rowcount == 0:
        raise Problem(ProblemCode.MENTORADO_UNKNOWN, name=changed.name)


def _save_link(connection: Connection, changed: Link) -> None:
    update = link.update().where(link.c.id == changed.id).values(**_link_row(changed))
    if connection.execute(update).rowcount == 0:
        raise Problem(ProblemCode.MENTORADO_UNKNOWN, name=changed.mentorado_id)


def _by_phone(connection: Connection, phone: PhoneNumber) -> Mentorado | None:
    keys = (comparison_key(phone), *former_keys(phone))
    holds_it = table.c.phone_key.in_(keys) & table.c.archived_at.is_(None)
    row = connection.execute(table.select().where(holds_it)).first()
    if row is None:
        return None
    active = connection.execute(link.select().where(link.c.active & (link.c.mentorado_id == row.id))).first()
    # A damaged database may lack the link; the number is taken all the same.
    return mentorado_of(row, Link(id=LinkId(""), mentorado_id=row.id) if active is None else link_of(active))


def _refuse_taken_phone(connection: Connection, mentorado: Mentorado) -> None:
    # The unique index has the last word; it just cannot say whose number it is.
    holder = None if mentorado.archived else _by_phone(connection, mentorado.phone)
    if holder is not None and holder.id != mentorado.id:
        raise Problem(ProblemCode.PHONE_TAKEN, name=holder.name)


def _mentorado_row(mentorado: Mentorado) -> dict[str, Any]:
    return {
        "id": mentorado.id,
        "name": mentorado.name,
        "phone": mentorado.phone,
        "phone_key": comparison_key(mentorado.phone),
        "cohort": mentorado.cohort,
        "created_at": mentorado.created_at,
        "archived_at": mentorado.archived_at,
    }


def _link_row(link: Link) -> dict[str, Any]:
    return {
        "id": link.id,
        "mentorado_id": link.mentorado_id,
        "provider": link.provider.value,
        "wanted": link.enabled,
        "account": link.account,
        "accepted_account": link.accepted_account,
    }
