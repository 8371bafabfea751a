from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.audit import FIRST_HASH, Actor, AuditEntry, AuditOutcome, Deed, chained, holds
from app.domain.mentorado import new_mentorado_id

DEED = Deed(
    at=datetime(2026, 1, 1, tzinfo=UTC),
    actor=Actor(user="ana", operator="Ana P."),
    action="reauthenticate",
    mentorado_id=new_mentorado_id(),
    subject="João",
    before={"state": "blocked"},
    after={"state": "connecting"},
)


def test_an_entry_is_what_its_hash_says_and_hangs_on_the_one_before() -> None:
    first = chained(1, DEED, FIRST_HASH)
    second = chained(2, DEED, first.hash)
    assert holds(first)
    assert holds(second)
    assert first.hash != second.hash


ENTRY = chained(7, DEED, "a" * 64)


CHANGES: list[dict[str, Any]] = [
    {"at": DEED.at + timedelta(microseconds=1)},
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
        *(replace(ENTRY, deed=replace(DEED, **change)) for change in CHANGES),
    ],
)
def test_no_part_of_an_entry_can_be_altered_unseen(altered: AuditEntry) -> None:
    assert not holds(altered)
