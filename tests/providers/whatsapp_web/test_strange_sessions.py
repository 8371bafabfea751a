"""What lies among the sessions that Conecta did not put there: mentioned, and nothing of its own is accused."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.diagnosis import Diagnosis, DiagnosisCode, LinksInUse
from app.domain.mentorado import MentoradoId
from app.providers.whatsapp_web.host.spool import SpoolRecord, pack_record
from app.providers.whatsapp_web.self_check import check_sessions

ANA = MentoradoId("a" * 32)
CURRENT, CANDIDATE = "session-20260101T000000-0a.db", "session-20260102T000000-0b.db"
RECORD = pack_record(SpoolRecord(1, 0.0, 1, b"oi"))
SEGMENT = f"{1:020d}-session-20260101T000000-0a.spool"
STRANGE = (DiagnosisCode.SESSION_STRAY, DiagnosisCode.SPOOL_STRANGE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All that Conecta itself leaves there, also a host that was killed."""
    folder = tmp_path / ANA
    for inside in ("spool", "snapshots", "quarantine"):
        (folder / inside).mkdir(parents=True)
    (folder / "current").write_text(f"{CURRENT}\n")
    (folder / "candidate").write_text(f"{CANDIDATE}\n")
    for name in (CURRENT, f"{CURRENT}-wal", f"{CURRENT}-shm", f"{CANDIDATE}-journal", "owner.lock", ".restored.part"):
        (folder / name).touch()
    (folder / f".{CURRENT}.0a0b0c0d.part").touch()
    (folder / "quarantine" / "session-20250101T000000-0c.db").touch()
    for name in ("confirmed", "reserve", ".confirmed.0a.part"):
        (folder / "spool" / name).touch()
    (folder / "spool" / SEGMENT).write_bytes(RECORD + RECORD[:-3])
    (tmp_path / "about-this-folder.txt").touch()
    (tmp_path / "lost+found").mkdir()
    return folder


def strange(folder: Path) -> list[Diagnosis]:
    found = check_sessions(folder.parent, LinksInUse(names={ANA: "Ana"}))
    return [each for each in found if each.code in STRANGE]


def test_nothing_that_conecta_leaves_there_is_strange(folder: Path) -> None:
    assert strange(folder) == []


@pytest.mark.parametrize("name", [f"{CURRENT}.bak", f"{CURRENT}~", "session-1.db", f"Copy of {CURRENT}"])
def test_a_copy_beside_a_session_is_mentioned(folder: Path, name: str) -> None:
    (folder / name).touch()
    (found,) = strange(folder)
    assert (found.code, found.evidence["names"]) == (DiagnosisCode.SESSION_STRAY, name)


def test_a_copy_of_a_whole_folder_is_mentioned(folder: Path) -> None:
    copy = folder.parent / f"{ANA} (copy)"
    copy.mkdir()
    (copy / CURRENT).touch()
    (found,) = strange(folder)
    assert (found.code, found.evidence["names"]) == (DiagnosisCode.SESSION_STRAY, copy.name)


def test_what_is_no_message_among_the_messages_is_mentioned(folder: Path) -> None:
    (folder / "spool" / "notes.txt").touch()
    (folder / "spool" / SEGMENT).write_bytes(RECORD[:-3] + b"garbage" + RECORD)
    (found,) = strange(folder)
    assert (found.code, found.evidence["name"]) == (DiagnosisCode.SPOOL_STRANGE, "Ana")
    assert found.evidence["names"] == f"{SEGMENT}, notes.txt"


def test_a_folder_that_cannot_be_read_is_said_of_the_session_only(folder: Path) -> None:
    (folder / "current").write_text("../elsewhere\n")
    assert strange(folder) == []
