"""New databases for tests: what Alembic executes to make the first one is executed again to make the others."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, event

from app.storage.migrations import OURS, Migrations
from app.storage.migrations import upgrade as module

by_alembic = module.upgrade
_executed: list[tuple[str, Any]] = []


def upgrade(connection: Connection, migrations: Migrations) -> None:
    """Does to the database what `app.storage.migrations.upgrade` does; a new one of today costs a tenth of the time."""
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if migrations is not OURS or tables:
        by_alembic(connection, migrations)
    elif _executed:
        for statement, parameters in _executed:
            connection.exec_driver_sql(statement, parameters)
    else:
        executed: list[tuple[str, Any]] = []

        def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_other: object) -> None:
            if not statement.startswith(("SELECT", "PRAGMA")):
                executed.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        by_alembic(connection, migrations)
        event.remove(connection, "before_cursor_execute", note)
        _executed[:] = executed


@pytest.fixture(scope="session", autouse=True)
def migrated_quickly() -> None:
    module.upgrade = upgrade
