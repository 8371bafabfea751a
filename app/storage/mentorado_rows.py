"""Reads mentorados: quickly for the first list of the window, and from rows for the repository.

The first is read by `sqlite3` alone, a second before the database is loaded and opened. It changes nothing, trusts only
a file of today's shape in which all can be read, and waits for nobody: otherwise the list comes with the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from app.domain.mentorado import Link, Mentorado, ProviderKind
from app.domain.names import fold_accents, shown_name
from app.domain.phone import PhoneNumber
from app.storage.migrations import OURS
from app.storage.rows import WRONG, moment, plain, readable

MOST: Final = 2_000
"""How many are read before the first picture: more would hold it up."""

_LINKS: Final = "SELECT * FROM link WHERE active"
_PEOPLE: Final = f"SELECT * FROM mentorado LIMIT {MOST + 1}"  # noqa: S608 - a number of ours


def read_mentorados(file: Path) -> Sequence[Mentorado]:
    """Read the mentorados from the database *file*; none where that fails or would wait. Never raises."""
    try:
        if not file.is_file():  # SQLite would wait for a pipe
            return ()
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as opened:
            if opened.execute("SELECT version_num FROM alembic_version").fetchone() != (OURS.head,):
                return ()
            people = _rows(opened.execute(_PEOPLE))
            if len(people) > MOST:
                return ()
            links = {each.mentorado_id: each for each in map(link_of, _rows(opened.execute(_LINKS)))}
            return sorted((mentorado_of(row, links[row.id]) for row in people), key=_by_name)
    except (sqlite3.Error, OSError, *WRONG):
        return ()


def mentorados_from(people: Iterable[Any], links: Iterable[Any]) -> list[Mentorado]:
    """The mentorados that rows of *people* and of their *links* in use are, in the order of their names."""
    of = {each.mentorado_id: each for each in readable("link", links, link_of)}
    return sorted(readable("mentorado", people, lambda row: mentorado_of(row, of[row.id])), key=_by_name)


def mentorado_of(row: Any, link: Link) -> Mentorado:
    return Mentorado(
        id=row.id,
        name=shown_name(plain(row.name)),  # earlier versions took any
        phone=PhoneNumber(plain(row.phone)),
        cohort=shown_name(plain(row.cohort)),
        created_at=row.created_at,
        archived_at=row.archived_at,
        link=link,
    )


def link_of(row: Any) -> Link:
    return Link(
        id=row.id,
        mentorado_id=row.mentorado_id,
        provider=ProviderKind(row.provider),
        in_use=bool(row.active),
        enabled=bool(row.wanted),
        account=_number(row.account),
        accepted_account=_number(row.accepted_account),
    )


def _rows(found: sqlite3.Cursor) -> list[Any]:
    """Rows whose columns are attributes, with moments as the database returns them."""
    columns = [name for name, *_rest in found.description]
    rows = (dict(zip(columns, values, strict=True)) for values in found)
    return [
        SimpleNamespace(**{name: moment(row[name]) if name.endswith("_at") else row[name] for name in row})
        for row in rows
    ]


def _number(value: object) -> PhoneNumber | None:
    return None if value is None else PhoneNumber(plain(value))


def _by_name(mentorado: Mentorado) -> tuple[str, str, str]:
    """As a Portuguese index does: "Álvaro" between "Aline" and "Ana", whatever the case."""
    name = mentorado.name
    return fold_accents(name), name, mentorado.id
