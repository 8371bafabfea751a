from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.audit import (
    FIRST_HASH,
    Actor,
    AuditEntry,
    AuditOutcome,
    AuditRecord,
    ChainBreak,
    Sealing,
    Verification,
    chain_entry,
    is_intact,
    seal,
    seal_holds,
    without_begun,
)
from app.domain.mentorado import new_mentorado_id

RECORD = AuditRecord(
    at=datetime(2026, 1, 1, tzinfo=UTC),
    actor=Actor(user="ana", operator="Ana P."),
    action="reauthenticate",
    mentorado_id=new_mentorado_id(),
    subject="João",
    before={"state": "blocked"},
    after={"state": "connecting"},
)


def test_an_entry_is_what_its_hash_says_and_hangs_on_the_one_before() -> None:
    first = chain_entry(1, RECORD, FIRST_HASH)
    second = chain_entry(2, RECORD, first.hash)
    assert is_intact(first)
    assert is_intact(second)
    assert first.hash != second.hash


ENTRY = chain_entry(7, RECORD, "a" * 64)


CHANGES: list[dict[str, Any]] = [
    {"at": RECORD.at + timedelta(microseconds=1)},
    {"actor": Actor(user="bia", operator="Ana P.")},
    {"actor": Actor(user="ana")},
    {"action": "archive"},
    {"mentorado_id": None},
    {"subject": "Joao"},
    {"before": {}},
    {"after": {"state": "off"}},
    {"outcome": AuditOutcome.FAILED},
    {"reason": "because"},
]


@pytest.mark.parametrize(
    "altered",
    [
        replace(ENTRY, number=8),
        replace(ENTRY, previous_hash="b" * 64),
        replace(ENTRY, hash="c" * 64),
        *(replace(ENTRY, record=replace(RECORD, **change)) for change in CHANGES),
    ],
)
def test_no_part_of_an_entry_can_be_altered_unseen(altered: AuditEntry) -> None:
    assert not is_intact(altered)


def test_the_beginning_of_an_act_goes_when_its_outcome_has_an_entry() -> None:
    outcomes = (AuditOutcome.BEGUN, AuditOutcome.BEGUN, AuditOutcome.FAILED, AuditOutcome.BEGUN, AuditOutcome.DONE)
    other = replace(RECORD, action="archive")
    entries = [chain_entry(number, replace(RECORD, outcome=one), "a" * 64) for number, one in enumerate(outcomes, 1)]
    entries.append(chain_entry(6, replace(other, outcome=AuditOutcome.BEGUN), "a" * 64))
    left = without_begun(reversed(entries))
    assert [entry.number for entry in left] == [6, 5, 3, 1], "the program ended in the midst of the first and the last"


def test_a_chain_holds_whose_missing_end_would_be_noticed() -> None:
    assert Verification(broken=None).holds
    assert not Verification(broken=None, number=3).holds
    assert Verification(broken=None, number=3, noted_from=1, noted_to=3).holds
    assert not Verification(broken=ChainBreak(number=2, found="hash"), number=3, noted_to=3).holds


def test_a_seal_holds_for_its_entry_and_key_alone() -> None:
    key, other = b"k" * 32, b"o" * 32
    made = seal(key, 7, ENTRY.hash)
    assert seal_holds(key, 7, ENTRY.hash, made) is True
    assert seal_holds(key, 8, ENTRY.hash, made) is False
    assert seal_holds(key, 7, "b" * 64, made) is False
    assert seal_holds(other, 7, ENTRY.hash, made) is None
    assert seal_holds(None, 7, ENTRY.hash, made) is None
    for damaged in (None, 7, "", made[:-1], made.upper()):
        assert seal_holds(key, 7, ENTRY.hash, damaged) is False


@pytest.mark.parametrize(
    ("found", "sealing"),
    [
        (Verification(broken=None, number=9, sealed_from=2, sealed_to=9), Sealing.SEALED),
        (Verification(broken=None, number=9, sealed_from=2, sealed_to=8, foreign_seals=True), Sealing.PARTLY),
        (Verification(broken=None, number=9, foreign_seals=True), Sealing.KEY_MISSING),
        (Verification(broken=None, number=9), Sealing.NOT_SEALED),
    ],
)
def test_the_seals_vouch_as_far_as_the_last_with_the_key_that_is_here(found: Verification, sealing: Sealing) -> None:
    assert found.sealing is sealing
