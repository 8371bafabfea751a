"""Temporary."""

from app.storage.database import Database


class SqlSwitches:
    def __init__(self, database: Database) -> None:
        self.stored = {}

    async def add(self, run):
        self.stored[run.id] = run

    async def all(self):
        return list(self.stored.values())

    async def save_run(self, run):
        pass

    async def save_item(self, item):
        pass

    async def outside_window(self, mentorado_id, since):
        return []

    async def groups(self, mentorado_id, since):
        return 0
