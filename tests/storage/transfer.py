"""How histories are taken out and brought in, and rows of a dump."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.mentorado import Mentorado
from app.domain.repositories import HistoryDump
from app.storage.database import Database
from app.storage.history.repository import SqlHistoryDump

MESSAGE: dict[str, Any] = {
    "kind": "message",
    "conversation_id": "c" * 32,
    "link_id": "e" * 32,
    "provider": "whatsapp_web",
    "provider_id": "X1",
    "from_me": False,
    "sender_id": None,
    "sender_name": "",
    "type": "text",
    "text": "oi",
    "media": None,
    "refers_to": None,
    "sent_at": "2026-01-01T00:00:00+00:00",
    "received_at": "2026-01-01T00:00:00+00:00",
    "stored_at": "2026-01-01T00:00:00+00:00",
    "delivery": None,
    "edited_text": None,
    "edited_at": None,
    "revoked_at": None,
}
CONTACT: dict[str, Any] = {
    "kind": "contact",
    "id": "a" * 32,
    "many": False,
    "name": "Bia",
    "named_at": None,
    "created_at": "2026-01-01T00:00:00+00:00",
    "last_at": None,
    "addresses": [["phone", "+5521987650001"]],
}
TALK: dict[str, Any] = {
    "kind": "conversation",
    "id": "c" * 32,
    "contact_id": "a" * 32,
    "created_at": "2026-01-01T00:00:00+00:00",
}
FORMER = {"kind": "former_contact", "id": "f" * 32, "now": "a" * 32, "created_at": "2026-01-01T00:00:00+00:00"}
SUPPRESSION = {"kind": "suppression", "hash": "0" * 64, "erased_at": "2026-01-01T00:00:00+00:00"}

NOTE: dict[str, Any] = {
    "kind": "note",
    "id": "d" * 32,
    "text": "Ligar à tarde",
    "author": "Carla",
    "written_at": "2026-01-01T00:00:00+00:00",
    "edited_by": "",
    "edited_at": None,
}

Rows = list[Mapping[str, object]]


async def dumped(database: Database, who: Mentorado) -> Rows:
    transfer: HistoryDump = SqlHistoryDump(database)
    everything = [row async for batch in transfer.dump(who.id) for row in batch]
    through_a_file: Rows = [json.loads(json.dumps(row)) for row in everything]
    return through_a_file


async def brought_in(
    database: Database, who: Mentorado, items: Sequence[Mapping[str, object]], size: int = 1000
) -> int:
    transfer: HistoryDump = SqlHistoryDump(database)
    check = transfer.checker()
    for batch in batches_of(items, size):
        check(batch)
    return await transfer.merge(who.id, batches_of(items, size))


def batches_of(items: Sequence[Mapping[str, object]], size: int = 1000) -> list[Sequence[Mapping[str, object]]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
