"""The commands for a database that is missing: list its copies, put one in place, or begin anew."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from app.bootstrap import Services
from app.platform.terminal import json_line
from app.platform.terminal import printed as print  # noqa: A004 - what others wrote is made visible
from app.text.status import texts

DONE, FAILED = 0, 1


async def run_database_command(core: Services, arguments: Namespace) -> int:
    """Do what *arguments* ask and return the exit code. Raises `Problem`. The database is not open yet."""
    match arguments.database_command:
        case "list":
            return await list_copies(core, as_json=arguments.json)
        case "use":
            await core.use_copy(arguments.path)
        case _:
            if not arguments.yes:
                print(texts("cli.database_not_confirmed"))
                return FAILED
            await core.begin_anew()
    await core.open()
    async with core.supervisor:
        await core.audit_service.flush()
    people = sum(1 for _ in core.mentorados.all())
    if arguments.json:
        print(json_line({"database": str(core.settings.database), "mentorados": people}))
    else:
        print(texts.plural("cli.database_ready", people, path=core.settings.database))
    return DONE


async def list_copies(core: Services, *, as_json: bool) -> int:
    """Show the copies beside the database, the newest last."""
    copies = [(path, _taken_at(path)) for path in await core.database.copies()]
    if as_json:
        print(json_line({"copies": [{"path": str(path), "at": at.isoformat()} for path, at in copies]}))
        return DONE
    for path, at in copies:
        print(f"{at:%Y-%m-%d %H:%M} UTC\t{path}")
    if not copies:
        print(texts("cli.no_copies", folder=core.settings.data_dir))
    return DONE


def _taken_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
