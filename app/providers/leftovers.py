"""What sessions and the webhook server keep of what people wrote, besides what waits for the history.

Erasures look through it. A host empties its spool as soon as all of it is stored, so an open folder holds only what
waits, and is not looked at; what a killed host left, and what was quarantined as unreadable, is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import ProblemCode
from app.domain.mentorado import MentoradoId
from app.platform.files import os_errors_as, write_atomic
from app.providers.webhooks.server_process import FOLDER
from app.providers.whatsapp_web.protocol import SPOOL
from app.providers.whatsapp_web.regular_files import map_os_errors
from app.providers.whatsapp_web.session_repository import SessionDirectory, SessionRepository


class SessionLeftovers:
    """Implements `app.domain.erasure.Leftovers` over the session folders."""

    def __init__(self, root: Path) -> None:
        self._files = SessionRepository(root, chosen=False)

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        return await asyncio.to_thread(_wipe, self._files.folder(mentorado_id), traces)

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return ()

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        """There are none of these."""


def _wipe(folder: SessionDirectory, traces: Sequence[bytes]) -> int:
    if not folder.path.is_dir():
        return 0
    with map_os_errors(folder.path):
        changed = sum(_removed(file) for file in _set_aside(folder.path) if _holds(file.read_bytes(), traces))
        owner = folder.owner()
        if owner is None or not owner.lives():  # else its host is at work, and empties it
            # A host that begins meanwhile loses nothing: what it has to hand over stays in the file.
            changed += sum(_emptied(file, _confirmed(folder.path)) for file in _segments(folder.path / SPOOL))
    return changed


def _set_aside(folder: Path) -> Iterator[Path]:
    """Records and pieces that nobody could read, and what a session received that was given up. Never sessions."""
    for ending in ("*.bytes", "*.spool"):
        yield from (folder / "quarantine").glob(ending)


def _segments(place: Path) -> list[Path]:
    return sorted(place.glob("*.spool"))


def _holds(content: bytes, traces: Sequence[bytes]) -> bool:
    return any(trace in content for trace in traces)


def _removed(file: Path) -> int:
    for each in (file, file.with_name(f"{file.name}.json")):
        each.unlink(missing_ok=True)
    return 1


def _confirmed(folder: Path) -> int:
    """Up to here, everything is in the history."""
    try:
        return int((folder / SPOOL / "confirmed").read_text())
    except (OSError, ValueError):
        return 0


def _emptied(file: Path, confirmed: int) -> int:
    """Write *file* anew without what is stored elsewhere; what waits stays as it is, damage as well."""
    from app.providers.whatsapp_web.host.spool import CorruptRange, iter_records, pack_record

    data = file.read_bytes()
    waiting = b"".join(
        data[found.begin : found.end] if isinstance(found, CorruptRange) else pack_record(found)
        for found, _ in iter_records(data)
        if isinstance(found, CorruptRange) or found.number > confirmed
    )
    if waiting == data:
        return 0
    write_atomic(file, waiting)
    return 1


class WebhookLeftovers:
    """Implements `app.domain.erasure.Leftovers` over a folder of *data_dir*. What waits for the history is not looked
    at: it is not stored once it comes, and leaves no trace then."""

    def __init__(self, data_dir: Path) -> None:
        self._place = data_dir / FOLDER / "quarantine"

    async def wipe(self, mentorado_id: MentoradoId, traces: Sequence[bytes]) -> int:
        return await asyncio.to_thread(self._wipe, traces)

    async def copies(self, mentorado_id: MentoradoId) -> Sequence[OldCopy]:
        return await asyncio.to_thread(lambda: list(self._damaged()))

    async def remove(self, copies: Sequence[OldCopy]) -> None:
        await asyncio.to_thread(self._remove, copies)

    def _wipe(self, traces: Sequence[bytes]) -> int:
        changed = 0
        with os_errors_as(ProblemCode.WEBHOOK_SPOOL_UNUSABLE, self._place):
            for file in self._place.glob("delivery-*.bytes"):
                content = file.read_bytes()
                if any(trace in content for trace in traces):
                    for each in (file, file.with_suffix(".json")):
                        each.unlink(missing_ok=True)
                    changed += 1
        return changed

    def _damaged(self) -> Iterator[OldCopy]:
        for file in sorted(self._place.glob("*-spool.db*")):
            at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            yield OldCopy(kind=CopyKind.DELIVERIES, path=file, at=at)

    def _remove(self, copies: Sequence[OldCopy]) -> None:
        with os_errors_as(ProblemCode.WEBHOOK_SPOOL_UNUSABLE, self._place):
            for each in copies:
                if each.kind is CopyKind.DELIVERIES:
                    each.path.unlink(missing_ok=True)
