"""Runs Alembic. Imported only when a database is new or older than the program."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.storage.migrations import Migrations


def upgrade(connection: Connection, migrations: Migrations) -> None:
    """Bring the database to the head of *migrations*, inside the transaction that *connection* is in."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations.folder).replace("%", "%%"))
    command.upgrade(config, migrations.head)
