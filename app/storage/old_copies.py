"""The copies of the database that were made before its shape changed: they hold everything that there was then."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.domain.erasure import CopyKind, OldCopy
from app.domain.mentorado import MentoradoId

STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_ENDING: Final = re.compile(r"\.[0-9A-Za-z_]+\.(\d{8}T\d{12}Z)")


class DatabaseCopies:
    """Implements `app.domain.erasure.Leftovers` for the database at *path*. They are of all mentorados."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        return 0

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return await asyncio.to_thread(lambda: sorted(self._found(), key=lambda each: each.path.name))

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        from app.storage.faults import file_problems

        for each in copies:
            if each.kind is CopyKind.DATABASE:
                with file_problems(each.path):
                    await asyncio.to_thread(each.path.unlink, missing_ok=True)

    def _found(self) -> Iterator[OldCopy]:
        for path in self._path.parent.glob(f"{self._path.stem}.*{self._path.suffix}"):
            middle = path.name.removeprefix(self._path.stem).removesuffix(self._path.suffix)
            if (stamp := _ENDING.fullmatch(middle)) is not None:
                with suppress(ValueError):  # no day that there is
                    at = datetime.strptime(stamp[1], STAMP).replace(tzinfo=UTC)
                    yield OldCopy(kind=CopyKind.DATABASE, path=path, at=at)
