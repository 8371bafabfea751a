"""What lies beside the database of somebody who was erased: spools of dead hosts, and what nobody could read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.domain.erasure import CopyKind, OldCopy, traces_of
from app.domain.errors import Problem, ProblemCode
from app.domain.mentorado import MentoradoId
from app.domain.messages import Address, AddressKind
from app.providers.leftovers import SessionLeftovers, WebhookLeftovers
from app.providers.whatsapp_web.host.spool import SessionSpool, SpoolRecord, iter_records
from app.providers.whatsapp_web.session_repository import SessionDirectory
from tests.clock import DAWN

WHO = MentoradoId("a" * 32)
TRACES = traces_of([Address(AddressKind.PHONE, "+5521987650001")])
WORDS = b"\x0a\x0d5521987650001 Jabuticaba"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mentorado's session folder, in which a host was killed after the app had stored two of three records."""
    place = tmp_path / WHO
    place.mkdir()
    spool = SessionSpool(place, "session-1", note=lambda _note: None)
    for _ in range(3):
        spool.append(17, WORDS)
    spool.sync()
    spool.read(10)
    spool.confirm(2)
    return place


def wipe(root: Path) -> int:
    return asyncio.run(SessionLeftovers(root).wipe(WHO, TRACES))


def held(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_what_a_dead_host_left_is_emptied_of_what_is_stored_and_keeps_what_waits(folder: Path) -> None:
    assert held(folder).count(b"Jabuticaba") == 3
    (segment,) = (folder / "spool").glob("*.spool")
    with segment.open("ab") as file:
        file.write(b"half a record")
    assert wipe(folder.parent) == 1
    found = [each for each, _ in iter_records(segment.read_bytes())]
    assert [each.number for each in found if isinstance(each, SpoolRecord)] == [3]
    assert segment.read_bytes().endswith(b"half a record")
    assert wipe(folder.parent) == 0
    left = SessionSpool(folder, "session-2", note=lambda _note: None)
    left.sync()
    assert [record.number for record in left.read(10)] == [3]


def test_without_a_mark_everything_waits(folder: Path) -> None:
    (folder / "spool" / "confirmed").write_text("?")
    assert wipe(folder.parent) == 0


def test_what_a_living_host_has_open_is_left_to_it(folder: Path) -> None:
    lock = SessionDirectory(folder).lock()
    assert wipe(folder.parent) == 0
    lock.release()
    assert wipe(folder.parent) == 1


def test_what_was_set_aside_goes_with_its_note_where_it_names_them_and_sessions_never(folder: Path) -> None:
    place = folder / "quarantine"
    place.mkdir()
    for name in ("spool-record-1.bytes", "0-session-9.spool", "session-9.db"):
        (place / name).write_bytes(WORDS)
        (place / f"{name}.json").write_text("{}")
    (place / "spool-record-2.bytes").write_bytes(b"of somebody else: 5531987650002")
    assert wipe(folder.parent) == 3
    assert {file.name for file in place.iterdir()} == {"session-9.db", "session-9.db.json", "spool-record-2.bytes"}
    assert asyncio.run(SessionLeftovers(folder.parent).copies(WHO)) == ()
    asyncio.run(SessionLeftovers(folder.parent).remove([]))


def test_nobody_needs_a_folder(tmp_path: Path) -> None:
    assert wipe(tmp_path) == 0
    webhooks = WebhookLeftovers(tmp_path)
    assert asyncio.run(webhooks.wipe(WHO, TRACES)) == 0
    assert asyncio.run(webhooks.copies(WHO)) == []


def test_deliveries_that_nobody_understood_go_and_damaged_spools_are_named(tmp_path: Path) -> None:
    place = tmp_path / "webhooks" / "quarantine"
    place.mkdir(parents=True)
    for number, content in enumerate((WORDS, b"{}")):
        (place / f"delivery-{number}.bytes").write_bytes(content)
        (place / f"delivery-{number}.json").write_text("{}")
    damaged = place / "20260101T000000-spool.db"
    damaged.write_bytes(WORDS)
    webhooks = WebhookLeftovers(tmp_path)
    assert asyncio.run(webhooks.wipe(WHO, TRACES)) == 1
    assert sorted(file.name for file in place.glob("delivery*")) == ["delivery-1.bytes", "delivery-1.json"]
    (copy,) = asyncio.run(webhooks.copies(WHO))
    assert (copy.kind, copy.path) == (CopyKind.DELIVERIES, damaged)
    asyncio.run(webhooks.remove([copy, OldCopy(kind=CopyKind.BACKUP, path=place / "delivery-1.bytes", at=DAWN)]))
    assert not damaged.exists()
    assert (place / "delivery-1.bytes").exists()
    damaged.mkdir()
    with pytest.raises(Problem) as caught:
        asyncio.run(webhooks.remove([copy]))
    assert caught.value.code is ProblemCode.WEBHOOK_SPOOL_UNUSABLE
