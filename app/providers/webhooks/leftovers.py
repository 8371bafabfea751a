"""What the receiver of webhooks set aside: deliveries that nobody understood, and spools that were damaged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.domain.erasure import CopyKind, OldCopy
from app.domain.errors import ProblemCode
from app.domain.mentorado import MentoradoId
from app.platform.files import os_errors_as
from app.providers.webhooks.server_process import FOLDER


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
