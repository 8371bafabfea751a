from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.link_status import QrCode
from app.domain.mentorado import Link, Mentorado, is_id, new_link_id, new_mentorado_id
from app.domain.phone import PhoneNumber
from app.domain.provider import QrIssued

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_expected_account_is_the_mentorados_until_a_person_accepts_another() -> None:
    mentorado_id, phone = new_mentorado_id(), PhoneNumber("+5511987654321")
    link = Link(id=new_link_id(), mentorado_id=mentorado_id)
    ana = Mentorado(id=mentorado_id, name="Ana", phone=phone, created_at=NOW, link=link)
    assert ana.expected_account == ana.phone
    other = PhoneNumber("+5521912345678")
    assert replace(ana, link=replace(link, accepted_account=other)).expected_account == other
    accepted = replace(ana, link=replace(link, accepted_account=other))
    beside = Link(id=new_link_id(), mentorado_id=mentorado_id, in_use=False, accepted_account=phone)
    assert accepted.through(beside).expected_account == other, "whatever the provider"
    assert not ana.archived
    assert replace(ana, archived_at=NOW).archived


@pytest.mark.parametrize("text", ["", "..", "../etc", "a" * 31, "A" * 32, "g" * 32, "a" * 32 + "\n", "a" * 32 + "/x"])
def test_only_ids_of_our_own_shape_may_become_paths(text: str) -> None:
    assert not is_id(text)


def test_new_ids_have_our_shape() -> None:
    assert is_id(new_mentorado_id())
    assert is_id(new_link_id())


def test_the_text_of_a_code_is_in_no_representation() -> None:
    shown = repr(QrCode(text="secret", number=1, total=6, issued_at=NOW, expires_at=NOW))
    assert "secret" not in shown
    assert "secret" not in repr(QrIssued("secret", 1, 6, 60.0))


def test_a_pairing_ends_with_the_last_of_its_codes() -> None:
    first = QrCode(text="secret", number=1, total=6, issued_at=NOW, expires_at=NOW + timedelta(seconds=60))
    assert first.pairing_ends_at - NOW == timedelta(seconds=160)
